// simdjson's parsers, one a thread, for sources of this room and for gateway/wire: several times faster than a reader
// that goes byte by byte. It has no numbers beyond 64 bits, limits depth at 1,024, and says little of what is wrong.
#pragma once

#include <simdjson.h>

#include <string_view>

namespace understudy {

// A text read by the thread's parser, or by one of its own where it is large: a parser keeps its buffers, some 14 bytes
// for each of the text, and no thread is to hold on to much. root() lives until the thread reads the next text or this
// object goes, whichever comes first.
class FastJson {
 public:
  explicit FastJson(std::string_view text) {
    error_ =
        parser(text.size()).parse(text.data(), text.size()).get(root_);  // copies the text: it needs space behind it
  }
  simdjson::error_code error() const { return error_; }
  simdjson::dom::element root() const { return root_; }

 private:
  static constexpr size_t kKeptBytes = size_t{256} << 10;
  simdjson::dom::parser& parser(size_t size) {
    thread_local simdjson::dom::parser of_thread;
    return size <= kKeptBytes ? of_thread : own_;
  }

  simdjson::dom::parser own_;  // makes nothing until it is used
  simdjson::dom::element root_;
  simdjson::error_code error_ = simdjson::SUCCESS;
};

}  // namespace understudy
