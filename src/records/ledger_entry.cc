#include "records/ledger_entry.h"

#include "base/json.h"
#include "base/timestamp.h"
#include "records/json_lines.h"
#include "records/json_members.h"

namespace understudy {

namespace {

std::optional<std::string> kind_from(std::string_view word) {
  for (const std::string_view known : {"training", "review", "relabelling", "other"}) {
    if (word == known) return std::string(word);
  }
  return std::nullopt;
}

}  // namespace

Json to_json(const LedgerEntry& entry) {
  Json json = Json::object();
  json["id"] = entry.id;
  json["at"] = format_utc(entry.at_ms);
  json["task"] = entry.task.empty() ? Json() : Json(entry.task);
  json["kind"] = entry.kind;
  json["amount_usd"] = entry.amount.nine_decimals();
  json["note"] = entry.note;
  return json;
}

LedgerEntry ledger_entry_from(const Json& value) {
  const JsonMembers members(value, "entry");
  LedgerEntry entry;
  entry.id = members.text("id");
  entry.at_ms = members.instant("at");
  entry.task = members.text("task");
  entry.kind = members.word("kind", std::string("other"), kind_from);
  const std::optional<Money> amount = members.optional_money("amount_usd");
  if (!amount) throw field_error("entry", "amount_usd", "a decimal text such as \"12.50\"", Json());
  entry.amount = *amount;
  entry.note = members.text("note");
  return entry;
}

}  // namespace understudy
