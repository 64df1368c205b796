#include "gateway/api/exchange_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

#include "tests/gateway/capture/capture_fixture.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace understudy::testing;

constexpr const char* kCard = "4111 1111 1111 1111";

class ExchangeKeeperTest : public ::testing::Test {
 protected:
  ExchangeKeeperTest() {
    tools_.recorder = recorder_.get();
    tools_.finished = [this](const Exchange& exchange, const std::optional<TraceParent>&) {
      told_.push_back(exchange);
    };
  }
  Awaitable<bool> keep(ExchangeKeeper& keeper, std::string request, CapturePolicy policy, std::vector<ChatEvent> events,
                       std::optional<std::string> answer) {
    co_await keeper.begin(request, policy, pool_);
    keeper.note(events);
    if (answer) co_await keeper.end(*answer, pool_);
    co_return true;
  }
  // Ends the recorder, which writes what is waiting.
  Exchange kept(const std::string& id) {
    recorder_.reset();
    return exchanges_in(folder_ / "log").at(id);
  }

  const TemporaryFolder folder_;
  Metrics metrics_;
  std::unique_ptr<Recorder> recorder_ =
      std::make_unique<Recorder>(RecorderOptions{.folder = folder_ / "log", .sync = SyncMode::kNever}, metrics_);
  WorkerPool pool_{1};
  KeeperTools tools_;
  std::vector<Exchange> told_;
};

TEST_F(ExchangeKeeperTest, AValueHasOnePlaceholderInRequestAndAnswer) {
  Exchange record = begun_exchange("a");
  ExchangeKeeper keeper(tools_, record, std::nullopt);
  run(keep(keeper, std::string(R"({"text":"card )") + kCard + R"("})", {true, {"card"}}, {},
           std::string(R"({"text":"you said )") + kCard + R"("})"));
  const Exchange exchange = kept("a");
  EXPECT_EQ(exchange.request, R"({"text":"card [card-1]"})");
  EXPECT_EQ(exchange.answer, R"({"text":"you said [card-1]"})");
  EXPECT_FALSE(exchange.partial);
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].answer, exchange.answer) << "access log and spans see no more than the store";
}

TEST_F(ExchangeKeeperTest, AClientThatLeavesLeavesAPartialExchange) {
  Exchange record = begun_exchange("b");
  {
    ExchangeKeeper keeper(tools_, record, std::nullopt);
    keeper.write_answers_with([](const ChatAnswer& answer) { return answer.choices.at(0).text; });
    run(keep(keeper, "{}", {true, {"card"}},
             {HeadEvent{{"id", "m", 1}}, TextEvent{0, std::string("half ") + kCard, {}}}, std::nullopt));
  }
  const Exchange exchange = kept("b");
  EXPECT_TRUE(exchange.partial);
  EXPECT_EQ(exchange.answer, "half [card-1]");
  EXPECT_THAT(exchange.error, HasSubstr("the client left"));
  EXPECT_EQ(told_.size(), 1U);
}

TEST_F(ExchangeKeeperTest, WhatIsNotSampledIsCountedWithoutItsBodies) {
  Exchange record = begun_exchange("c");
  record.request.clear();
  record.usage.input = 12;
  ExchangeKeeper keeper(tools_, record, std::nullopt);
  run(keep(keeper, R"({"secret":"thing"})", {false, {}}, {TextEvent{0, "thing", {}}}, R"({"text":"thing"})"));
  const Exchange exchange = kept("c");
  EXPECT_FALSE(exchange.sampled);
  EXPECT_EQ(exchange.request, "");
  EXPECT_EQ(exchange.answer, "");
  EXPECT_EQ(exchange.usage.input, 12);
  for (const auto& file : std::filesystem::directory_iterator(folder_ / "log")) {
    if (!file.is_regular_file()) continue;
    EXPECT_THAT(bytes_of_file(file.path()), Not(HasSubstr("thing"))) << file.path();
  }
}

TEST_F(ExchangeKeeperTest, ABrokenStreamIsPartialWithItsReason) {
  Exchange record = begun_exchange("d");
  ExchangeKeeper keeper(tools_, record, std::nullopt);
  run(keep(keeper, "{}", {true, {}}, {TextEvent{0, "half", {}}, FailureEvent{ErrorCode::kNetwork, "the line was cut"}},
           "half"));
  const Exchange exchange = kept("d");
  EXPECT_TRUE(exchange.partial);
  EXPECT_EQ(exchange.error, "broken: the line was cut");
}

TEST_F(ExchangeKeeperTest, WithoutALogNothingIsSentUnlessTheConfigSaysServe) {
  FaultyDisk disk;
  Recorder recorder({.folder = folder_ / "full", .sync = SyncMode::kNever}, metrics_, disk);
  disk.room = 0;
  tools_.recorder = &recorder;
  Exchange record = begun_exchange("e");
  {
    ExchangeKeeper keeper(tools_, record, std::nullopt);
    EXPECT_THROW(run(keep(keeper, "{}", {true, {}}, {}, "{}")), Error);
  }
  EXPECT_TRUE(told_.empty()) << "there was no exchange";
  tools_.refuse_on_failure = false;
  ExchangeKeeper keeper(tools_, record, std::nullopt);
  EXPECT_TRUE(run(keep(keeper, "{}", {true, {}}, {}, "{}")));
  EXPECT_EQ(told_.size(), 1U);
}

}  // namespace
}  // namespace understudy
