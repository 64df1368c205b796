#include "gateway/providers/collect.h"

#include <gtest/gtest.h>

#include "base/worker_pool.h"
#include "gateway/wire/wire_request.h"
#include "tests/support/run_awaitable.h"
#include "tests/support/stand_in_provider.h"

namespace understudy {
namespace {

ChatAnswer collected(const std::string& prompt) {
  WorkerPool workers(1);
  testing::StandInProvider provider;
  ChatRequest request;
  request.messages = {Message::of(Role::kUser, prompt)};
  const WireRequest wire = WireRequest::of(openai_chat(), request);
  Attempt attempt = testing::run(provider.start(wire, "stand-in", {&workers, {}}));
  const std::unique_ptr<AnswerStream> stream = attempt.take_stream();
  return testing::run(collect(*stream));
}

TEST(Collect, ReadsTheStreamToItsEnd) {
  const ChatAnswer answer = collected("hi");
  EXPECT_EQ(answer.choices.at(0).text, "Grüße, Welt!");
  EXPECT_EQ(answer.usage.completion_tokens(), 4);
}

TEST(Collect, ThrowsWhatAFailureSays) {
  EXPECT_THROW((void)collected("break"), Error);
}

}  // namespace
}  // namespace understudy
