#include "gateway/routing/held_answer.h"

#include <utility>

namespace understudy {

namespace {

class ReleasedStream : public AnswerStream {
 public:
  explicit ReleasedStream(HeldAnswer held) : held_(std::move(held)) {}
  Awaitable<std::optional<AnswerPiece>> next() override {
    if (at_ == held_.pieces.size()) co_return std::nullopt;
    co_return std::move(held_.pieces[at_++]);
  }
  std::optional<ProtocolName> protocol() const override { return held_.protocol; }
  TraceHeaders trace_headers() const override { return held_.trace_headers; }

 private:
  HeldAnswer held_;
  size_t at_ = 0;
};

}  // namespace

Awaitable<HeldAnswer> hold_answer(std::unique_ptr<AnswerStream> stream) {
  HeldAnswer held;
  held.protocol = stream->protocol();
  held.trace_headers = stream->trace_headers();
  while (true) {
    std::optional<AnswerPiece> piece = co_await stream->next();
    if (!piece) break;
    for (const ChatEvent& event : piece->events) {
      if (const auto* failure = std::get_if<FailureEvent>(&event)) held.broke_off = *failure;
      collect(event, held.answer);
    }
    held.pieces.push_back(std::move(*piece));
  }
  co_return held;
}

std::unique_ptr<WireRequest> without_static_prompt(const WireRequest& request) {
  try {
    ChatRequest value = request.value();
    std::erase_if(value.messages, [](const Message& message) {
      return message.role == Role::kSystem || message.role == Role::kDeveloper;
    });
    return std::make_unique<WireRequest>(WireRequest::of(request.protocol(), std::move(value)));
  } catch (const Error&) {
    return nullptr;  // the provider will say what is wrong with it
  }
}

std::unique_ptr<WireRequest> with_logprobs(const WireRequest& request) {
  try {
    ChatRequest value = request.value();
    if (value.logprobs) return nullptr;
    value.logprobs = true;
    const ProtocolName name = request.protocol().name();
    const bool can_say_it = name == ProtocolName::kOpenAiChat || name == ProtocolName::kOpenAiCompletions;
    const Protocol& protocol = can_say_it ? request.protocol() : openai_chat();
    return std::make_unique<WireRequest>(WireRequest::of(protocol, std::move(value)));
  } catch (const Error&) {
    return nullptr;  // the provider will say what is wrong with it
  }
}

void strip_logprobs(HeldAnswer& held) {
  for (AnswerPiece& piece : held.pieces) {
    piece.original.reset();
    for (ChatEvent& event : piece.events) {
      if (auto* text = std::get_if<TextEvent>(&event)) text->logprobs.clear();
    }
  }
  for (ChatChoice& choice : held.answer.choices) choice.logprobs.clear();
  held.protocol.reset();
}

std::unique_ptr<AnswerStream> release(HeldAnswer held) {
  return std::make_unique<ReleasedStream>(std::move(held));
}

std::string answer_body(const WireRequest& request, const ChatAnswer& answer) {
  try {
    return request.protocol().write_answer(answer);
  } catch (const Error&) {
    return answer.choices.empty() ? std::string() : answer.choices.front().text;
  }
}

std::string input_text(const ChatRequest& request) {
  std::string text = request.prompt.value_or("");
  for (const Message& message : request.messages) {
    if (message.role != Role::kUser) continue;
    if (!text.empty()) text += '\n';
    text += message.text();
  }
  return text;
}

}  // namespace understudy
