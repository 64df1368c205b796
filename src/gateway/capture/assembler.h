// Makes exchanges from the records of the log: begin, parts, end. An exchange whose process died, or that nobody ended
// for an hour, comes out partial, with what its parts hold; an `end` that comes later replaces it. Belongs to one
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/capture/log_reader.h"
#include "records/exchange.h"
#include "records/store.h"

namespace understudy {

class Assembler {
 public:
  // Takes the record in; what is complete by it is appended to `out`, the same id again where it ended again. Throws
  // kInvalidInput for a payload that means nothing; the record is then passed over.
  void add(const LogRecord& record, std::vector<Exchange>& out);
  // This run's process writes now: what others have left open is appended, partial.
  void run(uint32_t run, std::vector<Exchange>& out);
  // What has been open since before that instant is appended, partial, and forgotten.
  void close_before(int64_t at_ms, std::vector<Exchange>& out);

  // The open ones as they are so far, partial.
  std::vector<Exchange> open() const;
  // Where the oldest begin of an open one stands: a reader that starts there misses nothing.
  std::optional<LogPosition> oldest_open() const;

 private:
  struct Open {
    Exchange exchange;  // its answer grows by the parts
    LogPosition at;
    uint32_t run = 0;
  };
  void begin(const LogRecord& record);
  void part(const LogRecord& record);
  void forget(const std::string& id);
  template <class Condition>
  void close_where(Condition condition, std::vector<Exchange>& out);

  std::unordered_map<std::string, Open> open_;  // by id
  std::map<LogPosition, std::string> begins_;   // the ids of open_ by where they begin
};

}  // namespace understudy
