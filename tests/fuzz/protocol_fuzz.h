// What every protocol of gateway/wire is fuzzed with: requests, answers and streams by strangers are read or refused.
// What was read is written and read again as the same value, once it has gone that way and lost what the protocol has
// no form for.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/error.h"
#include "gateway/wire/protocol.h"

namespace understudy::fuzzing {

inline void check_request(const Protocol& protocol, std::string_view body) {
  ChatRequest request;
  try {
    request = protocol.read_request(protocol.write_request(protocol.read_request(body)));
  } catch (const Error&) {
    return;
  }
  CHECK(protocol.read_request(protocol.write_request(request)) == request, "the request changed on its way");
}

// The CHECK stands outside the try that forgives a refusal: what it throws is an Error too.
inline void check_answer(const Protocol& protocol, std::string_view body) {
  ChatAnswer answer;
  try {
    answer = protocol.read_answer(protocol.write_answer(protocol.read_answer(body)));
  } catch (const Error&) {
    return;
  }
  CHECK(protocol.read_answer(protocol.write_answer(answer)) == answer, "the answer changed on its way");
}

// Each line is one event.
inline void check_stream(const Protocol& protocol, std::string_view lines) {
  const auto reader = protocol.event_reader();
  ChatAnswer answer;
  try {
    while (!lines.empty()) {
      const size_t end = std::min(lines.find('\n'), lines.size());
      for (const ChatEvent& event : reader->read({"", std::string(lines.substr(0, end))})) collect(event, answer);
      lines.remove_prefix(std::min(lines.size(), end + 1));
    }
  } catch (const Error&) {
    return;
  }
}

inline void check_protocol(const Protocol& protocol, std::string_view input) {
  check_request(protocol, input);
  check_answer(protocol, input);
  check_stream(protocol, input);
}

}  // namespace understudy::fuzzing
