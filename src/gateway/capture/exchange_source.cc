// The log is read first, the store second: what the gateway moves from one into the other meanwhile is then in both,
// and the log's form is taken, never in none. A segment that vanishes while it is to be read was fed: reading begins
// again from the store's new position.
#include "gateway/capture/exchange_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "gateway/capture/assembler.h"
#include "gateway/capture/capture_folder.h"
#include "gateway/capture/log_reader.h"

namespace understudy {

namespace {

bool passes(const ExchangeFilter& filter, const Exchange& exchange) {
  return (filter.task.empty() || filter.task == exchange.task) && (filter.key.empty() || filter.key == exchange.key) &&
         (filter.model.empty() || filter.model == exchange.model) &&
         (!filter.since_ms || exchange.at_ms >= *filter.since_ms) &&
         (!filter.until_ms || exchange.at_ms < *filter.until_ms);
}

// What the log holds from a position on.
class LogTail {
 public:
  LogTail(const std::filesystem::path& folder, LogPosition from, const ExchangeFilter& filter) : filter_(filter) {
    LogReader reader(folder, from);
    Assembler assembler;
    std::vector<Exchange> done;
    while (const auto record = reader.next()) {
      try {
        assembler.add(*record, done);
      } catch (const Error& error) {
        log_warning(fmt::format("{}: offset {}: {}", segment_path(folder, record->at.segment).string(),
                                record->at.offset, error.message()));
      }
      for (Exchange& exchange : done) keep(std::move(exchange));
      done.clear();
    }
    assembler.run(reader.run(), done);
    for (Exchange& exchange : done) keep(std::move(exchange));
    for (Exchange& exchange : assembler.open()) keep(std::move(exchange));
    for (const SegmentDamage& damage : reader.take_damage()) {
      log_warning(fmt::format("{}: offset {}, {} bytes passed over: {}", damage.file, damage.offset, damage.bytes,
                              damage.reason));
    }
  }

  bool has(const std::string& id) const { return ids_.contains(id); }
  // Those that pass the filter, by their time.
  std::vector<const Exchange*> in_order() const {
    std::vector<const Exchange*> list;
    list.reserve(kept_.size());
    for (const auto& [id, exchange] : kept_) list.push_back(&exchange);
    std::sort(list.begin(), list.end(), [](const Exchange* a, const Exchange* b) {
      return std::pair(a->at_ms, std::string_view(a->id)) < std::pair(b->at_ms, std::string_view(b->id));
    });
    return list;
  }

 private:
  void keep(Exchange exchange) {
    ids_.insert(exchange.id);
    kept_.erase(exchange.id);
    if (!passes(filter_, exchange)) return;
    std::string id = exchange.id;
    kept_.emplace(std::move(id), std::move(exchange));
  }

  const ExchangeFilter& filter_;
  std::unordered_set<std::string> ids_;
  std::map<std::string, Exchange> kept_;
};

// Reads the tail such that no segment it needs is removed under it.
LogTail read_tail(const std::filesystem::path& folder, const Store& store, const ExchangeFilter& filter) {
  for (;;) {
    const LogPosition from = store.position();
    LogTail tail(folder, from, filter);
    if (store.position().segment == from.segment) return tail;
  }
}

}  // namespace

void ExchangeSource::each_exchange(const ExchangeFilter& filter,
                                   const std::function<bool(const Exchange&)>& each) const {
  const LogTail tail = read_tail(folder_, store_, filter);
  const std::vector<const Exchange*> in_log = tail.in_order();
  auto next_in_log = in_log.begin();
  int64_t left = filter.limit > 0 ? filter.limit : INT64_MAX;
  const auto give = [&](const Exchange& exchange) { return left-- > 0 && each(exchange) && left > 0; };

  ExchangeFilter all = filter;
  all.limit = 0;
  bool stopped = false;
  store_.each_exchange(all, [&](const Exchange& exchange) {
    if (tail.has(exchange.id)) return true;
    while (!stopped && next_in_log != in_log.end() && (*next_in_log)->at_ms < exchange.at_ms) {
      stopped = !give(**next_in_log++);
    }
    stopped = stopped || !give(exchange);
    return !stopped;
  });
  while (!stopped && next_in_log != in_log.end()) stopped = !give(**next_in_log++);
}

}  // namespace understudy
