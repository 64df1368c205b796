// The answer that is not streamed is the collected stream.
#pragma once

#include "base/awaitable.h"
#include "chat/conversation.h"
#include "gateway/providers/provider.h"

namespace understudy {

// Reads the stream to its end. Throws what a FailureEvent says.
Awaitable<ChatAnswer> collect(AnswerStream& stream);

}  // namespace understudy
