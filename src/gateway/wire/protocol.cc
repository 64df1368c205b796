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
      return openai_embeddings();
  }
  throw Error(ErrorCode::kInternal, "a protocol that has no name");
}

}  // namespace understudy
