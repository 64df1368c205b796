#include "net/event_stream_reader.h"

#include <utility>

#include "base/error.h"

namespace understudy {

namespace {
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
}

bool EventStreamReader::is_between_events() const {
  return line_.empty() && !has_data_ && event_.name.empty();
}

std::vector<ServerSentEvent> EventStreamReader::read(std::string_view bytes) {
  std::vector<ServerSentEvent> events;
  while (!bytes.empty()) {
    if (std::exchange(after_cr_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const size_t end = bytes.find_first_of("\r\n");
    const std::string_view part = bytes.substr(0, end);
    bytes_ += part.size();
    if (bytes_ > most_)
      throw Error(ErrorCode::kInvalidInput, "an event of a stream is longer than " + std::to_string(most_) + " bytes");
    line_ += part;
    if (end == std::string_view::npos) return events;
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    take_line(events);
  }
  return events;
}

void EventStreamReader::take_line(std::vector<ServerSentEvent>& events) {
  const std::string taken = std::exchange(line_, {});
  std::string_view line = taken;
  if (std::exchange(at_start_, false) && line.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    line.remove_prefix(kByteOrderMark.size());
  }
  if (line.empty()) {
    // An event without data is none, whatever its name.
    if (has_data_) events.push_back(std::move(event_));
    event_ = {};
    has_data_ = false;
    bytes_ = 0;
    return;
  }
  const size_t colon = line.find(':');
  if (colon == 0) {  // a comment
    if (!has_data_ && event_.name.empty()) bytes_ = 0;
    return;
  }
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (field == "event") event_.name = value;
  if (field != "data") return;
  if (has_data_) event_.data += '\n';
  event_.data += value;
  has_data_ = true;
}

}  // namespace understudy
