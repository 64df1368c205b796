// What can stand on a paper and be asked for. A field has a label on paper in every tongue, and names under which it is
// asked for: one set for pre-training, another for the demo, no name in both (tests/examples hold this).
// Tables; immutable.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "generate/tongues.h"

namespace understudy::examples {

enum class Field {
  kSeller,
  kAddress,
  kNumber,
  kDate,
  kTotal,
  kCurrency,
  kTax,
  kSubtotal,
  kDue,
  kCustomer,
  kCustomerAddress,
  kOrder,
  kCustomerNumber,
  kPhone,
  kFax,
  kTaxNumber,
  kRegistration,
  kCash,
  kChange,
  kRounding,
  kTime,
  kCashier,
  kAccount,
  kEmail,
};
inline constexpr int kFields = 24;

// How a field's value is normalised when an answer is not to copy it as written.
enum class FieldKind { kText, kDate, kAmount, kCurrency };
FieldKind kind_of(Field field);

// Labels as printed, "a|b|c".
std::string_view labels(Field field, Tongue tongue);
// Titles of a paper: "Invoice", "Rechnung", ...
std::string_view invoice_titles(Tongue tongue);
std::string_view receipt_titles(Tongue tongue);
std::string_view thanks(Tongue tongue);

// Names that pre-training asks by; never empty.
std::string_view pretraining_names(Field field);

// The demo's fields and the one name that each has there.
struct DemoField {
  Field field;
  std::string_view name;
};
inline constexpr std::array<DemoField, 6> kDemoFields = {{{Field::kSeller, "vendor"},
                                                          {Field::kNumber, "document_id"},
                                                          {Field::kDate, "issued_on"},
                                                          {Field::kCurrency, "iso_currency"},
                                                          {Field::kTax, "vat_amount"},
                                                          {Field::kTotal, "amount_due"}}};

}  // namespace understudy::examples
