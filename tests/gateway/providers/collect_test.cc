#include "gateway/providers/collect.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

TEST(Collect, PutsEventsTogetherByChoice) {
  ChatAnswer answer;
  for (const ChatEvent& event : std::vector<ChatEvent>{
           TextEvent{1, "b", {{{"b", -1}, {}}}}, TextEvent{0, "a", {}}, TextEvent{1, "c", {{{"c", -2}, {}}}},
           FinishEvent{1, FinishReason::kLength}, FinishEvent{0, FinishReason::kStop}, UsageEvent{{1, 2, 0}}}) {
    add_event(answer, event);
  }
  ASSERT_EQ(answer.choices.size(), 2U);
  EXPECT_EQ(answer.choices[0].text, "a");
  EXPECT_EQ(answer.choices[1].text, "bc");
  EXPECT_EQ(answer.choices[1].logprobs.size(), 2U);
  EXPECT_EQ(answer.choices[1].reason, FinishReason::kLength);
  EXPECT_EQ(answer.usage.completion_tokens, 2);
  EXPECT_THROW(add_event(answer, FailureEvent{ErrorCode::kOverloaded, "x"}), Error);
}

}  // namespace
}  // namespace understudy
