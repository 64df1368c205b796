// What the gateway finds in a stranger's request, and the edits of its bytes: what was taken is JSON by the other
// reader's word too, and an edit changes the model and nothing else.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "gateway/wire/request_head.h"

namespace {

using understudy::Json;
using understudy::ProtocolName;

void check(ProtocolName protocol, std::string_view body) {
  constexpr int kDepth = 64;
  understudy::RequestHead head;
  try {
    head = understudy::read_request_head(protocol, body, kDepth);
  } catch (const understudy::Error&) {
    return;
  }
  std::optional<Json> value = understudy::try_parse_json(body, {.depth = kDepth});
  CHECK(value.has_value(), "two readers do not agree on what JSON is");
  if (protocol != ProtocolName::kGemini && value->contains("model")) (*value)["model"] = "other";
  const std::string edited = understudy::edit_request(protocol, body, "other", false);
  CHECK(understudy::try_parse_json(edited, {.depth = kDepth}) == value, "an edit changed more than the model");
  const std::string asked = understudy::edit_request(protocol, body, "other", true);
  CHECK(understudy::read_request_head(protocol, asked, kDepth + 1).stream == head.stream, "an edit spoilt the request");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const ProtocolName protocol :
       {ProtocolName::kOpenAiChat, ProtocolName::kOpenAiCompletions, ProtocolName::kOpenAiResponses,
        ProtocolName::kOpenAiEmbeddings, ProtocolName::kAnthropic, ProtocolName::kGemini}) {
    check(protocol, input);
  }
  (void)understudy::without_usage(input);
  return 0;
}
