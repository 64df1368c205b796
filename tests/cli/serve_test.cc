// `understudy serve` as a program: what it prints, answers and leaves behind. The client of OpenAI's in tests/js goes
// further.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/json.h"
#include "tests/support/raw_client.h"
#include "tests/support/run_command.h"
#include "tests/support/serving.h"
#include "tests/support/tiny_model.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using testing::RawClient;
using testing::Serving;
using testing::TemporaryFolder;

// `understudy serve` with these arguments, and its first line.
struct Served : Serving {
  explicit Served(std::vector<std::string> arguments) : Serving(with_command(std::move(arguments))) {}
  static std::vector<std::string> with_command(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "serve");
    return arguments;
  }
  uint16_t port() const { return static_cast<uint16_t>(std::stoi(first_line.substr(first_line.rfind(':') + 1))); }

  const std::string first_line = line().value_or("");
};

std::string completion(uint16_t port, const Json& more) {
  Json body = {{"model", "tiny"}, {"prompt", "Total:"}, {"temperature", 0}, {"max_tokens", 8}};
  for (const auto& [key, value] : more.items()) body[key] = value;
  const std::string text = dump_json(body);
  RawClient client(port);
  client.send("POST /v1/completions HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(text.size()) +
              "\r\n\r\n" + text);
  return client.read_response();
}

TEST(Serve, GivesGeneratesTokensAndEndsInGoodOrder) {
  const TemporaryFolder folder;
  const std::string model = testing::write_byte_model(folder).string();
  Served served({model, "--listen", "127.0.0.1:0", "--compute", "f32"});
  ASSERT_THAT(served.first_line, ::testing::MatchesRegex("listening on http://127\\.0\\.0\\.1:[0-9]+"));
  const std::string response = completion(served.port(), Json::object());
  ASSERT_THAT(response, HasSubstr("200 OK"));
  const Json answer = parse_json(response.substr(response.find("\r\n\r\n") + 4), "answer");
  const auto generated =
      testing::run_understudy({"generate", model, "--prompt", "Total:", "--max-tokens", "8", "--json"});
  EXPECT_EQ(answer["choices"][0]["text"], parse_json(generated.output, "generate")["text"]) << generated.errors;
  EXPECT_THAT(completion(served.port(), {{"model", "other"}}), HasSubstr("404 Not Found"));

  const auto second =
      testing::run_understudy({"serve", model, "--listen", "127.0.0.1:" + std::to_string(served.port())});
  EXPECT_EQ(second.status, 3);
  EXPECT_THAT(second.errors, HasSubstr("127.0.0.1:" + std::to_string(served.port()) + ": the port is in use"));
  EXPECT_EQ(served.end(SIGTERM), 0) << "a service manager that asks for the end gets status 0";
}

TEST(Serve, EndsWith130OnCtrlC) {
  const TemporaryFolder folder;
  Served served({testing::write_byte_model(folder).string(), "--listen", "127.0.0.1:0", "--name", "mine"});
  EXPECT_THAT(completion(served.port(), {{"model", "mine"}}), HasSubstr("200 OK"));
  EXPECT_EQ(served.end(SIGINT), 130);
}

TEST(Serve, RefusesAWrongAddressAndAMissingModel) {
  const auto address = testing::run_understudy({"serve", "nowhere", "--listen", "8080"});
  EXPECT_EQ(address.status, 2);
  EXPECT_THAT(address.errors, HasSubstr("--listen: expected HOST:PORT, got \"8080\""));
  EXPECT_EQ(testing::run_understudy({"serve", "nowhere", "--listen", "127.0.0.1:0"}).status, 2);
}

}  // namespace
}  // namespace understudy
