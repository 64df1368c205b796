// A specialist's answer held until gate B has judged it, and given out afterwards. And the request that asks for it:
// without the static prompt where the specialist was trained without it, and with log-probabilities where the gate
// needs them, which a client that did not ask for them never sees.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chat/conversation.h"
#include "gateway/providers/provider.h"
#include "gateway/wire/wire_request.h"

namespace understudy {

struct HeldAnswer {
  std::vector<AnswerPiece> pieces;
  std::optional<ProtocolName> protocol;
  TraceHeaders trace_headers;
  ChatAnswer answer;                      // collected
  std::optional<FailureEvent> broke_off;  // it is not whole

  bool is_whole() const { return !broke_off; }
};

// Reads the stream to its end.
Awaitable<HeldAnswer> hold_answer(std::unique_ptr<AnswerStream> stream);

// The same request without its system and developer messages; nothing where it cannot be read.
std::unique_ptr<WireRequest> without_static_prompt(const WireRequest& request);

// The same request, asking for log-probabilities too; nothing where it does already, or where it cannot be said.
std::unique_ptr<WireRequest> with_logprobs(const WireRequest& request);
// Takes them out again, and with them the provider's own bytes, which hold them.
void strip_logprobs(HeldAnswer& held);

// The pieces as a stream.
std::unique_ptr<AnswerStream> release(HeldAnswer held);

// The answer as a body of the request's protocol, for the exchange; its text where the protocol cannot say it.
std::string answer_body(const WireRequest& request, const ChatAnswer& answer);

// What the user's messages say; what grounding looks in.
std::string input_text(const ChatRequest& request);

}  // namespace understudy
