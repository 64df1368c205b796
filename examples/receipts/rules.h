// The opponent that a model has to beat on the receipts: rules of the kind that one writes in an afternoon. They look
// for a company's name at the top, a date by its shape, the lines of an address between the name and the numbers, and a
// sum by its label. Pure functions, thread-safe.
#pragma once

#include <string>
#include <vector>

namespace understudy::examples {

struct ReceiptFields {
  std::string company;
  std::string date;
  std::string address;
  std::string total;
};

// Each field as it stands in the text; empty where the rules find none.
ReceiptFields read_receipt_by_rules(const std::string& text);

}  // namespace understudy::examples
