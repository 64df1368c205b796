#include "gateway/providers/collect.h"

namespace understudy {

Awaitable<ChatAnswer> collect(AnswerStream& stream) {
  ChatAnswer answer;
  while (true) {
    const std::optional<AnswerPiece> piece = co_await stream.next();
    if (!piece) break;
    for (const ChatEvent& event : piece->events) {
      if (const auto* failure = std::get_if<FailureEvent>(&event)) throw Error(failure->code, failure->message);
      collect(event, answer);
    }
  }
  co_return answer;
}

}  // namespace understudy
