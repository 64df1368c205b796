#include "gateway/providers/collect.h"

namespace understudy {

namespace {

ChatChoice& choice_of(ChatAnswer& answer, int index) {
  const auto at = static_cast<size_t>(index);
  if (answer.choices.size() <= at) answer.choices.resize(at + 1);
  return answer.choices[at];
}

}  // namespace

void add_event(ChatAnswer& answer, const ChatEvent& event) {
  if (const auto* text = std::get_if<TextEvent>(&event)) {
    ChatChoice& choice = choice_of(answer, text->choice);
    choice.text += text->text;
    choice.logprobs.insert(choice.logprobs.end(), text->logprobs.begin(), text->logprobs.end());
  } else if (const auto* finish = std::get_if<FinishEvent>(&event)) {
    choice_of(answer, finish->choice).reason = finish->reason;
  } else if (const auto* usage = std::get_if<UsageEvent>(&event)) {
    answer.usage = usage->usage;
  } else {
    const auto& failure = std::get<FailureEvent>(event);
    throw Error(failure.code, failure.message);
  }
}

Awaitable<ChatAnswer> collect(AnswerStream& stream) {
  ChatAnswer answer;
  while (true) {
    const std::optional<ChatEvent> event = co_await stream.next();
    if (!event) break;
    add_event(answer, *event);
  }
  co_return answer;
}

}  // namespace understudy
