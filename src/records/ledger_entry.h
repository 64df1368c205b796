// Money spent that no exchange accounts for: training hours, review, relabelling.
#pragma once

#include <cstdint>
#include <string>

#include "base/json_fwd.h"
#include "base/money.h"

namespace understudy {

struct LedgerEntry {
  std::string id;
  int64_t at_ms = 0;
  std::string task;  // empty: of no one task
  std::string kind;  // "training", "review", "relabelling", "other"
  Money amount;
  std::string note;
  bool operator==(const LedgerEntry&) const = default;
};

Json to_json(const LedgerEntry& entry);
LedgerEntry ledger_entry_from(const Json& value);  // throws kInvalidInput

}  // namespace understudy
