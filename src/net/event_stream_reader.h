// Bytes of a text/event-stream in, events out (WHATWG HTML, 9.2): chunks may be cut anywhere, down to single bytes;
// lines end in LF, CR or CRLF; a BOM at the start is skipped; comments are. Used by one thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace understudy {

struct ServerSentEvent {
  std::string name;  // of the `event:` line; empty where there is none
  std::string data;  // `data:` lines joined by LF
  bool operator==(const ServerSentEvent&) const = default;
};

class EventStreamReader {
 public:
  explicit EventStreamReader(size_t most_event_bytes = size_t{16} << 20) : most_(most_event_bytes) {}
  // The events that these bytes complete. Throws kInvalidInput where one grows beyond the limit.
  std::vector<ServerSentEvent> read(std::string_view bytes);
  bool is_between_events() const;  // nothing begun: where a stream may properly end

 private:
  void take_line(std::vector<ServerSentEvent>& events);

  size_t most_;
  std::string line_;
  ServerSentEvent event_;
  bool has_data_ = false;
  bool after_cr_ = false;
  bool at_start_ = true;
  size_t bytes_ = 0;
};

}  // namespace understudy
