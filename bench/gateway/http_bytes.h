// The little of HTTP/1.1 that generator and upstream need to find the ends of each other's messages: heads with a
// Content-Length or chunks. Lenient where a server must be strict (net/http_request_reader.h is): what lies between the
// two is what is measured, and that is net/'s own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace understudy::bench {

struct Head {
  size_t size = 0;  // with its empty line
  int64_t content_length = 0;
  bool is_chunked = false;
  bool closes = false;
  int status = 0;  // of a response
};

inline bool contains_ignoring_case(std::string_view text, std::string_view part) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (size_t at = 0; at + part.size() <= text.size(); ++at) {
    size_t i = 0;
    while (i < part.size() && lower(text[at + i]) == part[i]) ++i;
    if (i == part.size()) return true;
  }
  return false;
}

// The head at the beginning of `bytes`; nothing while it is not whole. `part` of a line is in small letters.
inline std::optional<Head> read_head(std::string_view bytes) {
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  Head head;
  head.size = end + 4;
  size_t begin = 0;
  while (begin < end) {
    const size_t line_end = std::min(bytes.find("\r\n", begin), end);
    const std::string_view line = bytes.substr(begin, line_end - begin);
    const size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    if (begin == 0 && line.substr(0, 5) == "HTTP/" && line.size() > 12) {
      head.status = std::atoi(std::string(line.substr(9, 3)).c_str());
    } else if (name.size() == 14 && contains_ignoring_case(name, "content-length")) {
      head.content_length = std::atoll(std::string(line.substr(colon + 1)).c_str());
    } else if (name.size() == 17 && contains_ignoring_case(name, "transfer-encoding")) {
      head.is_chunked = contains_ignoring_case(line, "chunked");
    } else if (name.size() == 10 && contains_ignoring_case(name, "connection")) {
      head.closes = contains_ignoring_case(line, "close");
    }
    begin = line_end + 2;
  }
  return head;
}

// The data of a chunked body, as it comes, without its frames.
class ChunkReader {
 public:
  // What of `bytes` is data. Bytes behind the end are left alone.
  std::string read(std::string_view bytes) {
    std::string data;
    for (size_t at = 0; at < bytes.size() && !ended_;) {
      if (left_ > 0) {
        const size_t n = std::min(left_, bytes.size() - at);
        data += bytes.substr(at, n);
        at += n;
        left_ -= n;
        continue;
      }
      const char c = bytes[at++];
      line_ += c;
      if (c != '\n') continue;
      take_line();
    }
    return data;
  }
  bool ended() const { return ended_; }

 private:
  // A frame's line is a size, the empty one behind data, or the empty one behind the last size.
  void take_line() {
    const bool is_empty = line_ == "\r\n";
    if (is_empty) {
      ended_ = is_last_;
    } else {
      left_ = std::strtoull(line_.c_str(), nullptr, 16);
      is_last_ = left_ == 0;
    }
    line_.clear();
  }

  std::string line_;
  size_t left_ = 0;
  bool is_last_ = false;
  bool ended_ = false;
};

}  // namespace understudy::bench
