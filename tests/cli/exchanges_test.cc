// Runs the built program on a store and a segment log that the test fills.
#include <gmock/gmock.h>

#include <optional>

#include "base/json.h"
#include "base/timestamp.h"
#include "records/store.h"
#include "tests/gateway/capture/capture_fixture.h"
#include "tests/support/run_command.h"
#include "tests/support/tiny_model.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ExchangesCommand : public ::testing::Test {
 protected:
  static Exchange chat(const std::string& id, int64_t at_ms, Terms terms) {
    Exchange exchange = ended_exchange(id, at_ms);
    exchange.answer = R"({"id":"c","object":"chat.completion","created":1,"model":"gpt-5","choices":[{"index":0,)"
                      R"("message":{"role":"assistant","content":"answer to )" +
                      id + R"("},"finish_reason":"stop"}]})";
    exchange.terms = terms;
    exchange.cost = Money::nano_dollars(45'000);
    return exchange;
  }
  CommandResult exchanges(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "exchanges");
    arguments.insert(arguments.end(), {"--config", config_});
    return run_understudy(std::move(arguments));
  }
  static std::vector<std::string> ids_of(const std::string& lines) {
    std::vector<std::string> ids;
    std::istringstream text(lines);
    for (std::string line; std::getline(text, line);) ids.push_back(parse_json(line, "line").at("id"));
    return ids;
  }

  TemporaryFolder folder_;
  // A key that is nowhere: reading needs none.
  std::string config_ = folder_
                            .write("gateway.yml",
                                   "store: sqlite:captured.db\ncapture: {folder: log}\n"
                                   "providers:\n  openai: {vendor: openai, keys: [env:NOBODY_SETS_THIS]}\n")
                            .string();
  std::unique_ptr<Store> store_ = open_store({.url = "sqlite:" + (folder_ / "captured.db").string()});
  Metrics metrics_;
  WorkerPool pool_{1};
};

TEST_F(ExchangesCommand, PrunedIsRefusedWhereItWouldChangeNothing) {
  const auto result = testing::run_understudy({"exchanges", "export", "--config", "gateway.yml", "--pruned"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.errors, ::testing::HasSubstr("--format openai-chat"));
}

TEST_F(ExchangesCommand, ListsStoreAndLogTogetherWithTheGatewayUp) {
  store_->add({chat("a", 1000, Terms::kMayTrain), chat("c", 3000, Terms::kMayTrain)}, {});
  Recorder log({.folder = folder_ / "log", .sync = SyncMode::kNever}, metrics_);
  run(log.end(chat("b", 2000, Terms::kMayTrain), pool_));
  run(log.begin(begun_exchange("d", 4000), pool_));
  const CommandResult result = exchanges({"list"});
  ASSERT_EQ(result.status, 0) << result.errors;
  EXPECT_THAT(ids_of(result.output), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(result.errors, IsEmpty());
  const Json first = parse_json(result.output.substr(0, result.output.find('\n')), "line");
  for (const char* member : {"id", "at", "task", "model", "provider", "attempts", "status", "usage", "cost_usd",
                             "partial", "estimated", "request", "answer"}) {
    EXPECT_TRUE(first.contains(member)) << member;
  }
  EXPECT_EQ(first.at("cost_usd"), "0.000045000");
  EXPECT_EQ(first.at("answer").at("choices").at(0).at("message").at("content"), "answer to a");
  EXPECT_THAT(ids_of(exchanges({"list", "--limit", "2", "--json"}).output), ElementsAre("a", "b"));
}

TEST_F(ExchangesCommand, FiltersByTaskAndTime) {
  Exchange other = chat("b", now_ms() - 1000, Terms::kMayTrain);
  other.task = "receipts";
  store_->add({chat("a", now_ms() - 86'400'000, Terms::kMayTrain), other}, {});
  EXPECT_THAT(ids_of(exchanges({"list", "--task", "invoices"}).output), ElementsAre("a"));
  EXPECT_THAT(ids_of(exchanges({"list", "--since", "1h"}).output), ElementsAre("b"));
  EXPECT_THAT(ids_of(exchanges({"list", "--model", "gpt-4"}).output), IsEmpty());
}

TEST_F(ExchangesCommand, ExportLeavesOutWhatMayNotBeTrainedOnAndSaysHowMany) {
  Exchange cut = chat("cut", 4000, Terms::kMayTrain);
  cut.partial = true;
  store_->add({chat("a", 1000, Terms::kMayTrain), chat("secret", 2000, Terms::kNoTraining),
               chat("secret too", 3000, Terms::kNoTraining), cut},
              {});
  const CommandResult result = exchanges({"export", "--format", "openai-chat"});
  ASSERT_EQ(result.status, 0) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("exported 1 exchanges, left out 3"));
  EXPECT_THAT(result.errors, HasSubstr("2 whose provider's terms are no_training"));
  EXPECT_THAT(result.errors, HasSubstr("1 without a complete answer"));
  EXPECT_THAT(result.output, Not(HasSubstr("secret")));
  const Json row = parse_json(result.output, "row");
  EXPECT_EQ(row.at("messages").at(1).at("content"), "answer to a");
  EXPECT_EQ(row.at("metadata").at("provider"), "openai");
}

TEST_F(ExchangesCommand, TrainTakesWhatItExports) {
  std::vector<Exchange> captured;
  for (int i = 0; i < 6; ++i) captured.push_back(chat("x-" + std::to_string(i), 1000 + i, Terms::kMayTrain));
  store_->add(captured, {});
  const CommandResult exported = exchanges({"export", "--format", "openai-chat"});
  ASSERT_EQ(exported.status, 0) << exported.errors;
  const std::string rows = folder_.write("rows.jsonl", exported.output).string();
  const std::string config =
      folder_
          .write("train.yml", "base_model: " + write_byte_model(folder_).string() +
                                  "\nchat_template: mistral_v1\ndatasets:\n  - path: " + rows +
                                  "\n    type: chat_template\nadapter: lora\nlora_r: 4\n"
                                  "micro_batch_size: 1\nlearning_rate: 1e-3\nsequence_len: 256\nmax_steps: 1\n"
                                  "output_dir: " +
                                  (folder_ / "out").string() + "\n")
          .string();
  const CommandResult trained = run_understudy({"train", config, "--json"});
  ASSERT_EQ(trained.status, 0) << trained.errors;
  EXPECT_EQ(parse_json(trained.output, "output").at("train_examples"), 6);
}

TEST_F(ExchangesCommand, AFormatThatIsNoneIsRefused) {
  EXPECT_EQ(exchanges({"export", "--format", "csv"}).status, 2);
  EXPECT_EQ(run_understudy({"exchanges", "list"}).status, 2);
}

}  // namespace
}  // namespace understudy::testing
