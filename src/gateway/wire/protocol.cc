#include "gateway/wire/protocol.h"

namespace understudy {

const Protocol& protocol_of(ProtocolName name) {
  switch (name) {
    case ProtocolName::kOpenAiChat:
      return openai_chat();
    case ProtocolName::kOpenAiCompletions:
      return openai_completions();
    case ProtocolName::kAnthropic:
      return anthropic_messages();
    case ProtocolName::kGemini:
      return gemini();
    case ProtocolName::kOpenAiResponses:
      return openai_responses();
    case ProtocolName::kOpenAiEmbeddings:
      break;
  }
  throw Error(ErrorCode::kInternal, std::string(to_string(name)) + " has no conversation");
}

}  // namespace understudy
