#include "gateway/routing/chain_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "tests/gateway/routing/chain_fixture.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Purpose = ExchangeAttempt::Purpose;

const std::vector<std::string> kWords = {"one ", "two ", "three"};

TEST_F(ChainTest, TheFirstTargetAnswersAndIsOnTheExchange) {
  add("a", Script::answering(kWords));
  add("b", Script::answering({"never"}));
  const Heard heard = ask();
  EXPECT_TRUE(heard.looks_whole());
  EXPECT_EQ(heard.text, "one two three");
  ASSERT_THAT(asked(), ElementsAre("a"));
  const ExchangeAttempt& attempt = record.attempts.front();
  EXPECT_EQ(attempt.model, "a-model");
  EXPECT_EQ(attempt.status, 200);
  EXPECT_EQ(attempt.error, "");
  EXPECT_EQ(attempt.usage.input, 100);
  EXPECT_EQ(attempt.cost, Money::nano_dollars(103));
  EXPECT_EQ(attempt.price_version, "test");
  EXPECT_TRUE(attempt.first_token_ms.has_value());
  EXPECT_EQ(record.provider, "a");
  EXPECT_EQ(record.provider_model, "a-model");
  EXPECT_EQ(record.cost, Money::nano_dollars(103));
  EXPECT_EQ(record.usage, attempt.usage);
  EXPECT_FALSE(record.partial);
  EXPECT_FALSE(record.estimated);
  EXPECT_EQ(providers[1]->asked(), 0);
}

TEST_F(ChainTest, WhatFailsOverAndWhatDoesNot) {
  struct Case {
    Kind kind;
    int status;
    bool fails_over;
  };
  const std::vector<Case> cases = {
      {Kind::kRefused, 400, false},   {Kind::kRefused, 413, false},    {Kind::kRefused, 422, false},
      {Kind::kKey, 401, true},        {Kind::kKey, 403, true},         {Kind::kNoSuchModel, 404, true},
      {Kind::kTimedOut, 408, true},   {Kind::kRateLimited, 429, true}, {Kind::kBroken, 500, true},
      {Kind::kOverloaded, 529, true}, {Kind::kUnavailable, 0, true},
  };
  for (const Case& one : cases) {
    providers.clear();
    chain = new_chain();
    add("a" + std::to_string(one.status), Script::failing(one.kind, one.status));
    add("b" + std::to_string(one.status), Script::answering(kWords));
    const Heard heard = ask();
    EXPECT_EQ(heard.looks_whole(), one.fails_over) << one.status;
    EXPECT_EQ(record.attempts.size(), one.fails_over ? 2U : 1U) << one.status;
    EXPECT_EQ(record.attempts[0].status, one.status);
    EXPECT_THAT(record.attempts[0].error, StartsWith(std::string(to_string(one.kind)) + ": "));
    EXPECT_EQ(record.attempts[0].cost, Money()) << "nothing was begun, nothing is billed";
  }
}

TEST_F(ChainTest, TheLastFailureIsTheAnswer) {
  add("a", Script::failing(Kind::kBroken, 500));
  add("b", Script::failing(Kind::kKey, 401));
  chain->retries.attempts = 2;
  const Heard heard = ask();
  ASSERT_TRUE(heard.failure);
  EXPECT_EQ(heard.failure->kind, Kind::kKey);
  EXPECT_EQ(heard.failure->status, 401);
  EXPECT_THAT(record.error, StartsWith("key: "));
}

TEST_F(ChainTest, AttemptsCountOverAllTargetsAndTargetsAreAskedAgain) {
  add("a", Script::failing(Kind::kBroken, 500));
  add("b", Script::failing(Kind::kBroken, 503));
  chain->retries.attempts = 5;
  ask();
  EXPECT_THAT(asked(), ElementsAre("a", "b", "a", "b", "a"));
}

TEST_F(ChainTest, ATargetWithoutTheModelOrWithABadKeyIsNotAskedAgain) {
  add("a", Script::failing(Kind::kKey, 401));
  add("b", Script::failing(Kind::kNoSuchModel, 404));
  add("c", Script::failing(Kind::kBroken, 500));
  chain->retries.attempts = 5;
  ask();
  EXPECT_THAT(asked(), ElementsAre("a", "b", "c", "c", "c"));
}

TEST_F(ChainTest, TargetsThatFailedAreNotAskedAgainBeyondTheBudget) {
  add("a", Script::failing(Kind::kBroken, 500));
  chain->retries.attempts = 1000;
  chain->retries.budget = milliseconds(150);
  breaker.failures = 100'000;
  chain->targets[0].health->set_limits(breaker);
  const auto begin = std::chrono::steady_clock::now();
  const Heard heard = ask();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(2));
  EXPECT_EQ(heard.failure->status, 500);
  EXPECT_GE(record.attempts.size(), 1U);
  EXPECT_LT(record.attempts.size(), 1000U);
}

TEST_F(ChainTest, RetryAfterSendsTheRequestElsewhereAndIsHonouredByTheNext) {
  add("a", Script::failing(Kind::kRateLimited, 429, seconds(30)));
  add("b", Script::answering(kWords));
  EXPECT_TRUE(ask().looks_whole());
  EXPECT_THAT(asked(), ElementsAre("a", "b"));
  EXPECT_TRUE(ask().looks_whole());
  EXPECT_THAT(asked(), ElementsAre("b"));
}

TEST_F(ChainTest, AloneItWaitsForRetryAfterWithinItsBudgetElseSaysWhen) {
  add("a", [](const WireRequest&, int nth) {
    return nth == 0 ? Script::failing(Kind::kRateLimited, 429, seconds(1)) : Script::answering(kWords);
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(ask().looks_whole());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, seconds(1));

  chain = new_chain();
  add("days", Script::failing(Kind::kRateLimited, 429, seconds(86'400 * 3)));
  EXPECT_EQ(ask().failure->status, 429);
  EXPECT_EQ(record.attempts.size(), 1U);
  const Heard second = ask();  // it is not even asked
  EXPECT_TRUE(record.attempts.empty());
  EXPECT_EQ(second.failure->status, 429);
  EXPECT_EQ(second.failure->retry_after, seconds(60));
}

TEST_F(ChainTest, NothingLeavesBeforeTheFirstContentAndAnErrorEventFailsOver) {
  Script refusing;
  refusing.then(HeadEvent{{"a", "a", 1}})
      .then(TextEvent{})
      .then(FailureEvent{ErrorCode::kOverloaded, "busy", "overloaded_error"});
  add("a", refusing);
  add("b", Script::answering(kWords));
  const Heard heard = ask();
  EXPECT_TRUE(heard.looks_whole());
  EXPECT_EQ(heard.text, "one two three");
  int heads = 0;
  for (const AnswerPiece& piece : heard.pieces) {
    heads += static_cast<int>(std::holds_alternative<HeadEvent>(piece.events.front()));
  }
  EXPECT_EQ(heads, 1);
  EXPECT_THAT(record.attempts[0].error, StartsWith("overloaded: "));
  EXPECT_TRUE(record.attempts[0].usage.estimated);  // a 200 had begun: its prompt is billed
  EXPECT_GT(record.attempts[0].usage.input, 0);
}

TEST_F(ChainTest, EveryKindOfContentCommits) {
  ReasoningEvent thought;
  thought.piece.text = "hm";
  ReasoningEvent signature;
  signature.piece.signature = "s";
  ToolCallEvent tool;
  tool.name = "f";
  Usage usage;
  usage.output = 1;
  const std::vector<ChatEvent> contents = {TextEvent{0, "x", {}}, thought,           signature,    tool,
                                           FinishEvent{},         UsageEvent{usage}, NativeEvent{}};
  for (size_t i = 0; i < contents.size(); ++i) {
    chain = new_chain();
    Script script;
    script.then(HeadEvent{}).then(contents[i]);
    script.end = Script::End::kCut;
    add("a" + std::to_string(i), script);
    add("b" + std::to_string(i), Script::answering(kWords));
    const Heard heard = ask();
    EXPECT_TRUE(heard.broke_off) << "content " << i;
    EXPECT_EQ(record.attempts.size(), 1U) << "content " << i;
    EXPECT_TRUE(record.partial);
  }
}

TEST_F(ChainTest, EmptyDeltasDoNotCommit) {
  ReasoningEvent empty;
  empty.begins = true;
  Script script;
  script.then(HeadEvent{}).then(TextEvent{}).then(empty);
  script.steps.push_back({});  // a ping
  script.end = Script::End::kCut;
  add("a", script);
  add("b", Script::answering(kWords));
  EXPECT_TRUE(ask().looks_whole());
}

TEST_F(ChainTest, AFullHoldCommits) {
  Script pings;
  for (int i = 0; i < 64; ++i) pings.steps.push_back({});
  pings.end = Script::End::kCut;
  add("a", pings);
  add("b", Script::answering(kWords));
  EXPECT_TRUE(ask().broke_off);
  EXPECT_EQ(record.attempts.size(), 1U);

  chain = new_chain();
  pings.steps.pop_back();
  add("c", pings);
  add("d", Script::answering(kWords));
  EXPECT_TRUE(ask().looks_whole());

  chain = new_chain();
  chain->hold.bytes = 1000;
  Script large;
  large.steps.push_back({});
  large.steps.back().piece.original = WireEvent{"", std::string(1000, 'x')};
  large.end = Script::End::kCut;
  add("e", large);
  add("f", Script::answering(kWords));
  EXPECT_TRUE(ask().broke_off);
}

TEST_F(ChainTest, AStallBeforeTheFirstTokenFailsOver) {
  timeouts.first_token = milliseconds(30);
  Script stalled;
  stalled.then(HeadEvent{});
  stalled.end = Script::End::kStall;
  add("a", stalled);
  add("b", Script::answering(kWords));
  EXPECT_TRUE(ask().looks_whole());
  EXPECT_EQ(record.attempts[0].error, "timed_out: first token: none after 30 ms");
  Script silent;
  silent.before_start = std::chrono::hours(1);
  chain = new_chain();
  add("c", silent);
  add("d", Script::answering(kWords));
  EXPECT_TRUE(ask().looks_whole());
  EXPECT_THAT(record.attempts[0].error, StartsWith("timed_out: first token"));
}

TEST_F(ChainTest, PingsDoNotPutTheFirstTokensTimeoutOff) {
  timeouts.first_token = milliseconds(40);
  chain->hold.events = 10'000;
  Script pinging;
  for (int i = 0; i < 2'000; ++i) pinging.steps.push_back({milliseconds(2), {}});
  add("a", pinging);
  add("b", Script::answering(kWords));
  EXPECT_TRUE(ask().looks_whole());
  EXPECT_THAT(record.attempts[0].error, StartsWith("timed_out: first token"));
}

TEST_F(ChainTest, AnAnswerThatIsNoStreamHasNoFirstTokenToWaitFor) {
  timeouts.first_token = milliseconds(10);
  timeouts.between_tokens = milliseconds(10);
  Script slow;
  slow.before_start = milliseconds(80);
  slow.steps.push_back({});
  slow.steps.back().piece.events = {TextEvent{0, "whole", {}}, FinishEvent{}};
  add("a", slow);
  EXPECT_EQ(ask(chat_request("hello", false)).text, "whole");

  timeouts.total = milliseconds(30);
  chain = new_chain();
  add("b", slow);
  chain->retries.attempts = 1;
  EXPECT_EQ(ask(chat_request("hello", false)).failure->kind, Kind::kTimedOut);
}

TEST_F(ChainTest, AfterTheCommitAStallEndsTheStreamWithAFailure) {
  timeouts.between_tokens = milliseconds(30);
  Script stalled;
  stalled.then(TextEvent{0, "half", {}});
  stalled.end = Script::End::kStall;
  add("a", stalled);
  add("b", Script::answering(kWords));
  const Heard heard = ask();
  EXPECT_EQ(heard.text, "half");
  ASSERT_TRUE(heard.broke_off);
  EXPECT_THAT(heard.broke_off->message, HasSubstr("next token"));
  EXPECT_THAT(record.attempts[0].error, StartsWith("timed_out: next token"));
  EXPECT_EQ(record.attempts.size(), 1U);
  EXPECT_TRUE(record.partial);
  EXPECT_TRUE(record.estimated);
  EXPECT_EQ(record.attempts[0].usage.output, 1);
}

TEST_F(ChainTest, TheTotalHoldsForAStreamThatNeverRests) {
  timeouts.total = milliseconds(60);
  Script endless;
  for (int i = 0; i < 500; ++i) endless.then(TextEvent{0, "x", {}}, milliseconds(1));
  add("a", endless);
  EXPECT_THAT(ask().broke_off->message, HasSubstr("total"));
}

TEST_F(ChainTest, AnEndWithoutAFinishIsAFailure) {
  Script shortened;
  shortened.then(TextEvent{0, "half", {}});
  add("a", shortened);
  const Heard heard = ask();
  EXPECT_TRUE(heard.broke_off);
  EXPECT_TRUE(record.partial);

  Script one_of_two;
  one_of_two.then(TextEvent{0, "x", {}}).then(TextEvent{1, "y", {}}).then(FinishEvent{0, {}, {}});
  chain = new_chain();
  add("b", one_of_two);
  EXPECT_TRUE(ask().broke_off);

  Script stopped;
  stopped.then(TextEvent{0, "half", {}}).then(FinishEvent{0, FinishReason::kCancelled, {}});
  chain = new_chain();
  add("c", stopped);
  const Heard cancelled = ask();
  EXPECT_TRUE(cancelled.broke_off);
  EXPECT_FALSE(cancelled.finished);

  chain = new_chain();
  add("d", Script());  // an empty stream
  add("e", Script::answering(kWords));
  EXPECT_TRUE(ask().looks_whole());
}

TEST_F(ChainTest, AClientThatHangsUpIsStillBilled) {
  add("a", Script::answering(std::vector<std::string>(100, "word ")));
  ask(chat_request("hello"), 10);
  ASSERT_EQ(record.attempts.size(), 1U);
  EXPECT_THAT(record.attempts[0].error, StartsWith("cancelled"));
  EXPECT_TRUE(record.partial);
  EXPECT_TRUE(record.attempts[0].usage.estimated);
  EXPECT_GT(record.attempts[0].usage.input, 0);
  EXPECT_GT(record.attempts[0].usage.output, 0);
  EXPECT_GT(record.cost, Money());
  EXPECT_EQ(providers[0]->open(), 0);
}

TEST_F(ChainTest, EstimatesLearnFromWhatTheProviderTold) {
  const std::vector<std::string> words(100, "abcdefgh");  // eight bytes a token
  add("a", Script::answering(words));
  EXPECT_TRUE(ask().looks_whole());
  ask(chat_request("hello"), 51);  // the head and 50 words
  EXPECT_EQ(record.attempts[0].usage.output, 50);
  EXPECT_EQ(record.attempts[0].usage.input, 100);
}

TEST_F(ChainTest, AnUnknownPriceMakesTheWholeUnknown) {
  add("unpriced", Script::answering(kWords));
  EXPECT_TRUE(ask().looks_whole());
  EXPECT_FALSE(record.attempts[0].cost);
  EXPECT_FALSE(record.cost);
}

TEST_F(ChainTest, ADeadTargetIsPassedByAndUsedAgainWhenItRecovers) {
  std::atomic<bool> is_dead{true};
  breaker.open = milliseconds(100);
  add("a", [&](const WireRequest&, int) {
    return is_dead ? Script::failing(Kind::kUnavailable) : Script::answering(kWords);
  });
  add("b", Script::answering(kWords));
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(ask().looks_whole());
  EXPECT_LE(providers[0]->asked(), 6);
  is_dead = false;
  std::this_thread::sleep_for(milliseconds(250));
  EXPECT_TRUE(ask().looks_whole());
  EXPECT_EQ(record.provider, "a");
}

TEST_F(ChainTest, WhenNobodyMayBeAskedTheAnswerIsTheLastFailuresStatus) {
  add("a", Script::failing(Kind::kBroken, 500));
  chain->retries.attempts = 5;
  EXPECT_EQ(ask().failure->status, 500);
  const Heard heard = ask();
  EXPECT_TRUE(record.attempts.empty());
  EXPECT_EQ(heard.failure->status, 500);
  EXPECT_GE(heard.failure->retry_after, seconds(1));
}

TEST_F(ChainTest, WeightsSayWhoIsAskedFirst) {
  add("a", Script::answering(kWords));
  add("b", Script::answering(kWords));
  chain->pick = Chain::Pick::kWeighted;
  chain->targets[1].weight = 3;
  int second = 0;
  for (int i = 0; i < 2'000; ++i) {
    ask();
    second += static_cast<int>(record.provider == "b");
  }
  EXPECT_NEAR(second, 1'500, 80);  // four standard deviations
}

TEST_F(ChainTest, LeastLatencyAsksTheQuickOneFirstOnceBothAreKnown) {
  add("slow", Script::answering(kWords, milliseconds(20)));
  add("quick", Script::answering(kWords, milliseconds(1)));
  chain->pick = Chain::Pick::kLeastLatency;
  std::set<std::string> first_two;
  for (int i = 0; i < 2; ++i) {
    ask();
    first_two.insert(record.provider);
  }
  EXPECT_EQ(first_two.size(), 2U);
  for (int i = 0; i < 10; ++i) {
    ask();
    EXPECT_EQ(record.provider, "quick");
  }
}

TEST_F(ChainTest, ATargetWhoseCheckFailedIsAskedLast) {
  add("a", Script::answering(kWords));
  add("b", Script::answering(kWords));
  board.checked("a", std::chrono::steady_clock::now(), false);
  ask();
  EXPECT_EQ(record.provider, "b");
  board.checked("a", std::chrono::steady_clock::now(), true);
  ask();
  EXPECT_EQ(record.provider, "a");
}

TEST_F(ChainTest, ALateFirstTokenIsHedgedAndTheLoserIsBilled) {
  add("slow", Script::answering(kWords, seconds(60)));
  add("quick", Script::answering({"quick"}));
  chain->hedge_after = milliseconds(20);
  const Heard heard = ask();
  EXPECT_TRUE(heard.looks_whole());
  EXPECT_EQ(heard.text, "quick");
  ASSERT_THAT(asked(), ElementsAre("slow", "quick"));
  EXPECT_EQ(record.attempts[0].purpose, Purpose::kHedge);
  EXPECT_THAT(record.attempts[0].error, StartsWith("cancelled"));
  EXPECT_TRUE(record.attempts[0].usage.estimated);
  EXPECT_GT(record.attempts[0].cost, Money());
  EXPECT_EQ(record.attempts[1].purpose, Purpose::kAnswer);
  EXPECT_EQ(record.provider, "quick");
  EXPECT_TRUE(record.estimated);
  tasks.stop_and_wait();
  EXPECT_EQ(providers[0]->open(), 0) << "the loser was not cancelled";
}

TEST_F(ChainTest, AQuickFirstTokenIsNotHedged) {
  add("a", Script::answering(kWords));
  add("b", Script::answering(kWords));
  chain->hedge_after = seconds(10);
  EXPECT_TRUE(ask().looks_whole());
  EXPECT_EQ(record.attempts.size(), 1U);
}

TEST_F(ChainTest, ARaceSurvivesTheFailureOfEither) {
  for (const bool first_fails : {true, false}) {
    const std::string name = first_fails ? "1" : "2";
    chain = new_chain();
    chain->hedge_after = milliseconds(5);
    Script failing = Script::failing(Kind::kBroken, 500);
    failing.before_start = milliseconds(20);
    add("a" + name, first_fails ? failing : Script::answering(kWords, milliseconds(40)));
    add("b" + name, first_fails ? Script::answering(kWords, milliseconds(40)) : failing);
    EXPECT_TRUE(ask().looks_whole());
    EXPECT_EQ(record.attempts.size(), 2U);
  }
  chain = new_chain();
  chain->hedge_after = milliseconds(5);
  Script failing = Script::failing(Kind::kBroken, 500);
  failing.before_start = milliseconds(10);
  add("a3", failing);
  add("b3", failing);
  add("c3", Script::answering(kWords));
  EXPECT_TRUE(ask().looks_whole());
  EXPECT_THAT(asked(), ElementsAre("a3", "b3", "c3"));
}

TEST_F(ChainTest, AClientThatLeavesEndsARaceAndAWait) {
  Script silent;
  silent.before_start = std::chrono::hours(1);
  add("a", silent);
  add("b", silent);
  chain->hedge_after = milliseconds(1);
  const Deadlines::Ticket leave = deadlines.at(std::chrono::steady_clock::now() + milliseconds(30),
                                               [this]() -> std::optional<Deadlines::Clock::time_point> {
                                                 stop.request_stop();
                                                 return std::nullopt;
                                               });
  EXPECT_EQ(ask().failure->kind, Kind::kCancelled);
}

}  // namespace
}  // namespace understudy::testing
