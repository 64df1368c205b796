#include "gateway/capture/assembler.h"

#include <utility>

namespace understudy {

void Assembler::add(const LogRecord& record, std::vector<Exchange>& out) {
  run(record.run, out);
  switch (record.kind) {
    case RecordKind::kBegin:
      return begin(record);
    case RecordKind::kPart:
      return part(record);
    case RecordKind::kEnd: {
      Exchange exchange = read_exchange_payload(record.payload);
      forget(exchange.id);
      out.push_back(std::move(exchange));
      return;
    }
    case RecordKind::kMark:
      return;
  }
}

void Assembler::begin(const LogRecord& record) {
  Exchange exchange = read_exchange_payload(record.payload);
  exchange.partial = true;
  forget(exchange.id);
  begins_[record.at] = exchange.id;
  std::string id = exchange.id;
  open_.insert_or_assign(std::move(id), Open{std::move(exchange), record.at, record.run});
}

void Assembler::part(const LogRecord& record) {
  const PartPayload part = read_part_payload(record.payload);
  const auto found = open_.find(part.id);
  if (found == open_.end()) return;  // it has ended already
  Exchange& exchange = found->second.exchange;
  exchange.answer += part.bytes;
  exchange.usage = part.usage;
  exchange.estimated = part.usage.estimated;
}

void Assembler::forget(const std::string& id) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  begins_.erase(found->second.at);
  open_.erase(found);
}

// In the order in which they began.
template <class Condition>
void Assembler::close_where(Condition condition, std::vector<Exchange>& out) {
  for (auto at = begins_.begin(); at != begins_.end();) {
    const auto found = open_.find(at->second);
    if (!condition(found->second)) {
      ++at;
      continue;
    }
    out.push_back(std::move(found->second.exchange));
    open_.erase(found);
    at = begins_.erase(at);
  }
}

void Assembler::run(uint32_t run, std::vector<Exchange>& out) {
  // One process writes at a time, so that all that is open is of the run before.
  if (begins_.empty() || run == 0 || open_.at(begins_.begin()->second).run == run) return;
  close_where([run](const Open& open) { return open.run != run; }, out);
}

void Assembler::close_before(int64_t at_ms, std::vector<Exchange>& out) {
  close_where([at_ms](const Open& open) { return open.exchange.at_ms < at_ms; }, out);
}

std::vector<Exchange> Assembler::open() const {
  std::vector<Exchange> exchanges;
  exchanges.reserve(open_.size());
  for (const auto& [at, id] : begins_) exchanges.push_back(open_.at(id).exchange);
  return exchanges;
}

std::optional<LogPosition> Assembler::oldest_open() const {
  return begins_.empty() ? std::nullopt : std::optional(begins_.begin()->first);
}

}  // namespace understudy
