// The answer that is not streamed is the collected stream.
#pragma once

#include <optional>

#include "base/awaitable.h"
#include "chat/conversation.h"
#include "gateway/providers/provider.h"

namespace understudy {

// Adds one event to an answer; a FailureEvent is thrown as an Error.
void add_event(ChatAnswer& answer, const ChatEvent& event);

// Reads the stream to its end. Throws what a FailureEvent says.
Awaitable<ChatAnswer> collect(AnswerStream& stream);

}  // namespace understudy
