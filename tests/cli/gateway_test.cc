// `understudy gateway` as a program, in front of another Understudy: what applications see, what is kept, what the
// commands on the captured traffic then say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "tests/support/raw_client.h"
#include "tests/support/run_command.h"
#include "tests/support/serving.h"
#include "tests/support/tiny_model.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawClient;
using testing::Serving;
using testing::TemporaryFolder;

std::string ask(uint16_t port, const std::string& method, const std::string& path, const std::string& body = "",
                const std::string& headers = "") {
  RawClient client(port);
  client.send(method + " " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + headers +
              "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  return client.read_all();
}

std::string question(const std::string& model, bool stream = false) {
  return dump_json({{"model", model},
                    {"messages", Json::array({{{"role", "system"}, {"content", "You read invoices."}},
                                              {{"role", "user"}, {"content", "my card is 4111 1111 1111 1111"}}})},
                    {"max_tokens", 6},
                    {"temperature", 0},
                    {"stream", stream}});
}

class GatewayCommandTest : public ::testing::Test {
 protected:
  void start_upstream() {
    const std::string model = testing::write_byte_model(folder_).string();
    folder_.write("tiny/tokenizer_config.json",
                  R"({"bos_token": "<s>", "eos_token": "</s>", "tokenizer_class": "PreTrainedTokenizerFast",)"
                  R"( "chat_template": "{% for message in messages %}[{{ message['content'] }}]{% endfor %}"})");
    upstream_ = std::make_unique<Serving>(
        std::vector<std::string>{"serve", model, "--name", "small", "--listen", "127.0.0.1:0"});
    upstream_port_ = upstream_->port_after("listening on ");
    ASSERT_NE(upstream_port_, 0);
  }
  // `more`: further top-level keys.
  void write_config(const std::string& more = "") {
    folder_.write("gateway.yml",
                  "listen: 127.0.0.1:0\nadmin: {listen: 127.0.0.1:0}\n"
                  "providers:\n"
                  "  own: {vendor: understudy, base_url: \"http://127.0.0.1:" +
                      std::to_string(upstream_port_) +
                      "/v1\", allow_private_address: true, terms: may_train}\n"
                      "  gone: {vendor: understudy, base_url: \"http://127.0.0.1:1/v1\", allow_private_address: true}\n"
                      "models:\n  gpt-5: [gone/any, own/small]\n  dead: [gone/any]\n" +
                      more);
  }
  void start_gateway() {
    gateway_ = std::make_unique<Serving>(std::vector<std::string>{"gateway", config()});
    admin_port_ = gateway_->port_after("admin on ");
    port_ = gateway_->port_after("listening on ");
    ASSERT_NE(port_, 0);
  }
  std::string config() const { return (folder_ / "gateway.yml").string(); }
  Json exchanges() const {
    Json list = Json::array();
    const auto result = testing::run_understudy({"exchanges", "list", "--config", config(), "--format", "json"});
    EXPECT_EQ(result.status, 0) << result.errors;
    for (size_t at = 0; at < result.output.size();) {
      const size_t end = result.output.find('\n', at);
      list.push_back(parse_json(result.output.substr(at, end - at), "line"));
      at = end + 1;
    }
    return list;
  }

  const TemporaryFolder folder_;
  std::unique_ptr<Serving> upstream_;
  std::unique_ptr<Serving> gateway_;
  uint16_t upstream_port_ = 0;
  uint16_t port_ = 0;
  uint16_t admin_port_ = 0;
};

TEST_F(GatewayCommandTest, AnswersEveryProtocolThroughWhoIsThereAndKeepsIt) {
  start_upstream();
  write_config();
  start_gateway();
  const std::string whole = ask(port_, "POST", "/v1/chat/completions", question("gpt-5"));
  EXPECT_THAT(whole, HasSubstr("200 OK"));
  EXPECT_THAT(whole, HasSubstr("X-Understudy-Provider: own")) << "the first of the chain is gone";
  const std::string stream = ask(port_, "POST", "/v1/chat/completions", question("gpt-5", true));
  EXPECT_THAT(stream, HasSubstr("data: [DONE]"));
  EXPECT_THAT(stream, Not(HasSubstr("\"usage\""))) << "the client did not ask for it";
  const std::string messages = ask(
      port_, "POST", "/v1/messages",
      R"({"model":"gpt-5","max_tokens":6,"temperature":0,"stream":true,"messages":[{"role":"user","content":"hi"}]})");
  EXPECT_THAT(messages, HasSubstr("event: message_start"));
  EXPECT_THAT(messages, HasSubstr("event: message_stop"));
  EXPECT_THAT(
      ask(port_, "POST", "/v1beta/models/gpt-5:generateContent",
          R"({"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"maxOutputTokens":6,"temperature":0}})"),
      HasSubstr("\"candidates\""));
  EXPECT_THAT(ask(port_, "POST", "/v1/chat/completions", question("gpt-9")), HasSubstr("model_not_found"));
  EXPECT_THAT(ask(port_, "POST", "/v1/chat/completions", question("dead")), HasSubstr("503 "));
  EXPECT_THAT(ask(port_, "GET", "/v1/models"), HasSubstr("\"gpt-5\""));
  EXPECT_THAT(ask(port_, "GET", "/metrics"), HasSubstr("404 ")) << "the admin listener has it";
  const std::string metrics = ask(admin_port_, "GET", "/metrics");
  EXPECT_THAT(metrics, HasSubstr("understudy_exchanges_total"));
  EXPECT_THAT(metrics, HasSubstr("understudy_target_breaker{model=\"any\",provider=\"gone\"}"));
  EXPECT_THAT(ask(admin_port_, "GET", "/readyz"), HasSubstr("ready"));

  EXPECT_EQ(gateway_->end(SIGKILL), 128 + SIGKILL) << "what was answered is kept all the same";
  const Json kept = exchanges();
  ASSERT_EQ(kept.size(), 6U);
  EXPECT_EQ(kept[0]["status"], 200);
  EXPECT_EQ(kept[0]["provider"], "own");
  ASSERT_EQ(kept[0]["attempts"].size(), 2U);
  EXPECT_EQ(kept[0]["attempts"][0]["provider"], "gone");
  EXPECT_EQ(kept[0]["usage"]["output"], 6);
  EXPECT_THAT(dump_json(kept[0]["request"]), HasSubstr("[card-1]"));
  EXPECT_THAT(dump_json(kept), Not(HasSubstr("4111")));
  EXPECT_EQ(kept[1]["usage"], kept[0]["usage"]) << "a stream counts the same";
  EXPECT_EQ(kept[4]["status"], 404);
  EXPECT_EQ(kept[5]["status"], 503);

  const auto rows = testing::run_understudy({"exchanges", "export", "--config", config(), "--format", "openai-chat"});
  EXPECT_EQ(rows.status, 0) << rows.errors;
  EXPECT_EQ(rows.output, "") << "six tokens are no whole answer: nothing to learn from";
  EXPECT_THAT(rows.errors, HasSubstr("left out"));
  const auto tasks = testing::run_understudy({"tasks", "--config", config(), "--json"});
  EXPECT_EQ(tasks.status, 0) << tasks.errors;
  EXPECT_THAT(tasks.output, HasSubstr("found-"));
}

// It starts itself again at once, with another setting of OpenMP's: ps, pkill and top are to know it all the same.
TEST_F(GatewayCommandTest, IsCalledByItsName) {
  start_upstream();
  write_config();
  start_gateway();
  std::ifstream comm("/proc/" + std::to_string(gateway_->process()) + "/comm");
  std::string name;
  std::getline(comm, name);
  EXPECT_EQ(name, "understudy");
}

TEST_F(GatewayCommandTest, AsksForKeysAndChecksWhatTheyMayDo) {
  start_upstream();
  write_config();
  const auto made = testing::run_understudy({"keys", "create", "app", "--config", config()});
  ASSERT_EQ(made.status, 0) << made.errors;
  const std::string key = made.output.substr(0, made.output.find('\n'));
  const size_t at = made.output.find("sha256: ") + 8;
  write_config("keys:\n  app: {sha256: " + made.output.substr(at, 64) + ", models: [gpt-5]}\n");
  start_gateway();
  EXPECT_THAT(ask(port_, "POST", "/v1/chat/completions", question("gpt-5")), HasSubstr("401 "));
  const std::string bearer = "Authorization: Bearer " + key + "\r\n";
  EXPECT_THAT(ask(port_, "POST", "/v1/chat/completions", question("gpt-5"), bearer), HasSubstr("200 OK"));
  EXPECT_THAT(ask(port_, "POST", "/v1/chat/completions", question("dead"), bearer), HasSubstr("403 "));
  EXPECT_THAT(
      ask(port_, "POST", "/v1/messages",
          R"({"model":"gpt-5","max_tokens":2,"messages":[{"role":"user","content":"hi"}]})", "x-api-key: wrong\r\n"),
      HasSubstr("\"authentication_error\""))
      << "in the endpoint's own protocol";
  EXPECT_THAT(ask(port_, "GET", "/v1/models", "", bearer), Not(HasSubstr("dead")));
  EXPECT_EQ(gateway_->end(SIGTERM), 0);
  EXPECT_THAT(testing::bytes_of_file(folder_ / "understudy.db"), Not(HasSubstr(key)));
  EXPECT_EQ(exchanges()[0]["key"], "app");
}

TEST_F(GatewayCommandTest, ReadsItsConfigAgainAndKeepsTheOldOneWhereTheNewIsWrong) {
  start_upstream();
  write_config();
  start_gateway();
  EXPECT_THAT(ask(port_, "POST", "/v1/chat/completions", question("new")), HasSubstr("404 "));
  write_config("");
  std::string text = testing::bytes_of_file(folder_ / "gateway.yml");
  folder_.write("gateway.yml", text + "  new: [own/small]\n");
  EXPECT_THAT(ask(admin_port_, "POST", "/admin/reload"), HasSubstr("reloaded"));
  EXPECT_THAT(ask(port_, "POST", "/v1/chat/completions", question("new")), HasSubstr("200 OK"));
  folder_.write("gateway.yml", text + "  newer: [nobody/small]\n");
  const std::string refused = ask(admin_port_, "POST", "/admin/reload");
  EXPECT_THAT(refused, HasSubstr("400 "));
  EXPECT_THAT(refused, HasSubstr("there is no provider"));
  EXPECT_THAT(ask(port_, "POST", "/v1/chat/completions", question("new")), HasSubstr("200 OK"));
  folder_.write("gateway.yml", text + "  newest: [own/small]\nlimits: {idle: 7s, drain: 5s}\n");
  gateway_->signal(SIGHUP);
  std::string answer;
  for (int i = 0; i < 100 && answer.find("200 OK") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    answer = ask(port_, "POST", "/v1/chat/completions", question("newest"));
  }
  EXPECT_THAT(answer, HasSubstr("200 OK"));
}

TEST_F(GatewayCommandTest, RoutesChangeAtRunTimeAndGoBack) {
  start_upstream();
  write_config("tasks:\n  work: {match: {header: work}, teacher: dead, specialist: gpt-5, share: 0%}\n");
  start_gateway();
  const std::string header = "X-Understudy-Task: work\r\n";
  const auto decided = [&] {
    ask(port_, "POST", "/v1/chat/completions", question("gpt-5"), header);
    const Json kept = exchanges();
    return kept[kept.size() - 1]["route"]["decision"].get<std::string>();
  };
  const std::string set =
      ask(admin_port_, "PUT", "/admin/routes/work", R"({"share": 1, "who": "test", "why": "all of it"})");
  EXPECT_THAT(set, HasSubstr("\"version\":1"));
  EXPECT_EQ(decided(), "specialist");
  const auto back = testing::run_understudy({"routes", "rollback", "work", "--config", config(), "--json"});
  EXPECT_EQ(back.status, 0) << back.errors;
  EXPECT_EQ(parse_json(back.output, "routes")[0]["share"], 0.0);
  EXPECT_THAT(ask(admin_port_, "GET", "/admin/routes/work"), HasSubstr("\"version\":2"));
  EXPECT_THAT(ask(admin_port_, "PUT", "/admin/routes/work", R"({"share": 2, "who": "x"})"), HasSubstr("400 "));
  EXPECT_THAT(ask(admin_port_, "GET", "/admin/routes/none"), HasSubstr("404 "));
}

TEST_F(GatewayCommandTest, KnowsTheTasksOfStaticPromptsAfterItWasKilled) {
  start_upstream();
  write_config("tasks:\n  work: {match: {header: work}, teacher: gpt-5}\n");
  start_gateway();
  const auto task_of_last = [&] {
    const Json kept = exchanges();
    return kept[kept.size() - 1]["task"].get<std::string>();
  };
  ask(port_, "POST", "/v1/chat/completions", question("gpt-5"));
  EXPECT_THAT(task_of_last(), HasSubstr("found-"));
  ask(port_, "POST", "/v1/chat/completions", question("gpt-5"), "X-Understudy-Task: work\r\n");
  const auto kept = folder_ / "capture/fingerprints.json";
  for (int i = 0; i < 200 && !std::filesystem::exists(kept); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  gateway_->end(SIGKILL);
  start_gateway();
  EXPECT_THAT(ask(port_, "POST", "/v1/chat/completions", question("gpt-5")), HasSubstr("200 OK"));
  EXPECT_EQ(task_of_last(), "work");
}

TEST_F(GatewayCommandTest, ChecksAConfigOnly) {
  write_config();
  EXPECT_EQ(testing::run_understudy({"gateway", config(), "--check"}).status, 0);
  folder_.write("gateway.yml", "listen: 127.0.0.1:0\nmodles: {}\n");
  const auto wrong = testing::run_understudy({"gateway", config(), "--check"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.errors, HasSubstr("gateway.yml:2: modles: unknown key"));
}

}  // namespace
}  // namespace understudy
