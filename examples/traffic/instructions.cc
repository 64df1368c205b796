#include "traffic/instructions.h"

#include <fmt/format.h>

#include <string_view>

#include "base/random.h"
#include "generate/invoices.h"
#include "generate/tasks.h"

namespace understudy::examples {

namespace {

constexpr std::string_view kRules =
    R"(You read invoices and receipts for the accounts department. The user sends the text of one document, as a scanner
or an e-mail gateway gave it. Answer with one JSON object and nothing else: no explanation, no Markdown, no code fence.

The object has exactly these members, in this order, and all values are texts:

- vendor: the name of the company that issued the document, spelt as it stands there, with its legal form. Never the
  customer, never a brand or a slogan, never an address.
- document_id: the number of the invoice or the receipt, as it stands there, with letters, dashes and slashes. Not the
  customer's number, not the order's, not the tax registration's.
- issued_on: the day on which the document was issued, as YYYY-MM-DD. Not the day of delivery, not the day by which it
  has to be paid. Days and months are in the order of the document's country: 03/04/2019 is the 3rd of April in Spain
  and the 4th of March in the United States. Months may be written out in any language.
- iso_currency: the currency as three letters of ISO 4217. A sign alone ($, kr) is resolved by the country.
- vat_amount: the amount of value added tax, sales tax or goods and services tax, as a plain number with a point and two
  decimals, without a mark of thousands and without a currency.
- amount_due: the total that is to be paid or was paid, tax included, written in the same way. Not what was handed
  over in cash, not the change, not a subtotal.

A value that the document does not hold is left out with its member. Never guess, never compute, never fill in what
usually stands there. Scans have mistakes: a letter for a figure, a figure for a letter, a space too many. Correct
them only where the document itself shows what is meant.

Worked examples follow. They are of the same kind as the documents that you will get, but never the same documents.
)";
// About 4 bytes of this text are a token of the usual vocabularies; the rest of the 2,000 is examples.
constexpr size_t kBytes = 8'000;
constexpr uint64_t kSeed = 77;  // of no other data set

}  // namespace

std::string invoice_instructions() {
  std::string text(kRules);
  for (uint64_t i = 0; text.size() < kBytes; ++i) {
    const Row row = demo_example(kSeed, DemoSplit::kTrain, i);
    text += fmt::format("\nDocument:\n{}\nAnswer:\n{}\n", row.input, row.output);
  }
  return text;
}

}  // namespace understudy::examples
