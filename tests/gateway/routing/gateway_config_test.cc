#include "gateway/routing/gateway_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace understudy {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kWhole = R"(listen: 127.0.0.1:8080
tls: {certificate: tls/cert.pem, private_key: tls/key.pem}
admin: {listen: 127.0.0.1:8081, key: env:ADMIN}
store: sqlite:understudy.db
prices: prices.yml
capture: {folder: log, sync: every_answer, on_failure: serve, sample: 50%, retain: 30d, redact: [secret, iban]}
defaults:
  timeouts: {connect: 1s, first_token: 7s}
  retries: {attempts: 4, budget: 5s}
  breaker: {failures: 9, within: 1m}
  health: {every: never}
  hold: {events: 3, bytes: 1KiB}
providers:
  openai: {vendor: openai, keys: [env:A, file:b.txt], terms: may_train}
  groq: {vendor: groq, keys: [env:G], timeouts: {first_token: 2s}}
  own: {vendor: understudy, base_url: "http://10.0.0.1:8080/v1", allow_private_address: true}
  local: {engine: {model: final_model.gguf}}
models:
  gpt-5: [openai/gpt-5]
  small:
    chain: [{model: groq/llama/8b, weight: 3}, openai/gpt-5-mini]
    pick: weighted
    hedge_after: 800ms
  invoices-v7: [local/invoices-v7, own/invoices-v7]
tasks:
  invoices:
    match: {header: invoices, models: [gpt-5]}
    teacher: gpt-5
    specialist: invoices-v7
    share: 80%
    capture: {redact: [secret]}
    sentinel: 2%
    before: {images: false}
    after: {grounded: [total], min_value_token_probability: 0.5}
keys:
  app:
    sha256: 7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069
    models: [gpt-5, small]
    budget: 50 USD/day
    rate: {requests: 600/min, tokens: 2M/min}
    tags: {team: billing}
    expires: 2027-12-31
limits: {request_body: 20MB, nesting: 200, header: 32KB, idle: 60s, connections: 10000, drain: 30s}
telemetry: {traces: "http://127.0.0.1:4318", access_log: stderr, prompt_text: false}
)";

class GatewayConfigTest : public ::testing::Test {
 protected:
  GatewayConfig read(const std::string& text) {
    folder_.write("gateway.yml", text);
    return GatewayConfig::read_file(folder_ / "gateway.yml");
  }
  std::string refusal(const std::string& text) {
    try {
      (void)read(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
      return error.message() + " (" + error.hint() + ")";
    }
    return "accepted";
  }
  // The whole config with one line in place of another.
  std::string refusal_with(const std::string& was, const std::string& is) {
    std::string text = kWhole;
    const size_t at = text.find(was);
    EXPECT_NE(at, std::string::npos) << was;
    return refusal(text.replace(at, was.size(), is));
  }
  testing::TemporaryFolder folder_;
};

TEST_F(GatewayConfigTest, ReadsEveryKey) {
  using namespace std::chrono_literals;
  const GatewayConfig config = read(kWhole);
  EXPECT_EQ(config.tls->certificate, folder_ / "tls/cert.pem");
  EXPECT_EQ(config.admin->listen, "127.0.0.1:8081");
  EXPECT_EQ(config.store, "sqlite:" + (folder_ / "understudy.db").string());
  EXPECT_EQ(config.capture.folder, folder_ / "log");
  EXPECT_EQ(config.capture.sync, SyncMode::kEveryAnswer);
  EXPECT_FALSE(config.capture.refuse_on_failure);
  EXPECT_EQ(config.capture.keep.sample.value, 0.5);
  ASSERT_EQ(config.providers.size(), 4U);
  EXPECT_EQ(config.provider("openai")->keys.size(), 2U);
  EXPECT_EQ(config.provider("openai")->terms, Terms::kMayTrain);
  EXPECT_EQ(config.provider("openai")->timeouts.first_token, 7s);
  EXPECT_EQ(config.provider("groq")->timeouts.first_token, 2s) << "its own";
  EXPECT_EQ(config.provider("groq")->timeouts.connect, 1s) << "of the defaults";
  EXPECT_EQ(config.provider("groq")->timeouts.total, 300s) << "of the program";
  EXPECT_EQ(config.provider("own")->breaker.failures, 9);
  EXPECT_EQ(config.provider("own")->health.every, 0s);
  EXPECT_EQ(config.provider("local")->engine->model, folder_ / "final_model.gguf");
  const ModelChain& small = *config.model("small");
  EXPECT_EQ(small.pick, ChainPick::kWeighted);
  EXPECT_EQ(small.chain[0].provider, "groq");
  EXPECT_EQ(small.chain[0].model, "llama/8b") << "split at the first slash";
  EXPECT_EQ(small.chain[0].weight, 3);
  EXPECT_EQ(small.chain[1].weight, 1);
  EXPECT_EQ(small.hedge_after, 800ms);
  EXPECT_EQ(small.retries.attempts, 4);
  EXPECT_EQ(small.hold.bytes.bytes, 1024U);
  const TaskConfig& task = *config.task("invoices");
  EXPECT_EQ(task.share.value, 0.8);
  EXPECT_EQ(task.keep.redact, std::vector<std::string>{"secret"});
  EXPECT_EQ(task.keep.sample.value, 0.5) << "of the general block";
  EXPECT_EQ(task.after->min_value_token_probability, 0.5);
  EXPECT_TRUE(task.buffer);
  const KeyConfig& key = *config.key("app");
  EXPECT_EQ(key.limits.budget->amount, Money::parse("50 USD"));
  EXPECT_EQ(key.limits.tokens->count, 2'000'000);
  EXPECT_EQ(key.tags.at("team"), "billing");
  EXPECT_EQ(key.expires_ms, 1'830'297'600'000) << "the first instant of 2028";
  EXPECT_EQ(config.limits.request_body.bytes, 20'000'000U);
  EXPECT_EQ(config.telemetry.traces, "http://127.0.0.1:4318");
}

TEST_F(GatewayConfigTest, AnEmptyFileIsAConfig) {
  const GatewayConfig config = read("");
  EXPECT_EQ(config.listen, "127.0.0.1:8080");
  EXPECT_EQ(config.capture.keep.redact, (std::vector<std::string>{"secret", "card"}));
}

TEST_F(GatewayConfigTest, ATaskWithoutAMatchIsKnownByItsName) {
  const GatewayConfig config = read(
      "providers:\n  openai: {vendor: openai, keys: [env:A]}\n"
      "models:\n  gpt-5: [openai/gpt-5]\n"
      "tasks:\n  invoices: {teacher: gpt-5}\n  mail: {teacher: gpt-5, match: {models: [gpt-5]}}\n");
  EXPECT_EQ(config.task("invoices")->match.header, "invoices");
  EXPECT_EQ(config.task("mail")->match.header, "");
}

TEST_F(GatewayConfigTest, APrunedPromptIsAFingerprintAndNeedsASpecialist) {
  const std::string models =
      "providers:\n  openai: {vendor: openai, keys: [env:A]}\nmodels:\n  m: [openai/m]\ntasks:\n";
  const std::string fingerprint(64, 'a');
  const auto refusal = [&](const std::string& task) {
    try {
      (void)read(models + task);
    } catch (const Error& error) {
      return error.message();
    }
    return std::string();
  };
  EXPECT_EQ(refusal("  t: {teacher: m, specialist: m, pruned_prompt: " + fingerprint + "}\n"), "");
  EXPECT_THAT(refusal("  t: {teacher: m, specialist: m, pruned_prompt: abc}\n"), HasSubstr("64 hexadecimal digits"));
  EXPECT_THAT(refusal("  t: {teacher: m, pruned_prompt: " + fingerprint + "}\n"), HasSubstr("no specialist"));
}

TEST_F(GatewayConfigTest, FlagsOverrule) {
  folder_.write("gateway.yml", kWhole);
  const GatewayConfig config =
      GatewayConfig::read_file(folder_ / "gateway.yml", {{"listen", "127.0.0.1:0"}, {"admin.listen", "127.0.0.1:1"}});
  EXPECT_EQ(config.listen, "127.0.0.1:0");
  EXPECT_EQ(config.admin->listen, "127.0.0.1:1");
}

TEST_F(GatewayConfigTest, RefusesWithLineAndKey) {
  EXPECT_THAT(refusal_with("admin: {listen", "admim: {listen"), HasSubstr("gateway.yml:3: admim: unknown key"));
  EXPECT_THAT(refusal_with("admin: {listen", "admim: {listen"), HasSubstr("admin"));
  EXPECT_THAT(refusal_with("vendor: groq", "vendor: grok"), HasSubstr("there is no vendor \"grok\""));
  EXPECT_THAT(refusal_with("openai/gpt-5]", "openia/gpt-5]"), HasSubstr("did you mean openai?"));
  EXPECT_THAT(refusal_with("openai/gpt-5]", "gpt-5]"), HasSubstr("expected provider/model"));
  EXPECT_THAT(refusal_with("teacher: gpt-5", "teacher: gpt-6"), HasSubstr("there is no model \"gpt-6\""));
  EXPECT_THAT(refusal_with("specialist: invoices-v7", "specialist: invoices"), HasSubstr("did you mean invoices-v7?"));
  EXPECT_THAT(refusal_with("    specialist: invoices-v7\n", ""), HasSubstr("specialist is missing"));
  EXPECT_THAT(refusal_with("share: 80%", "share: 99%"), HasSubstr("more than 100%"));
  EXPECT_THAT(refusal_with("models: [gpt-5, small]", "models: [gpt-5, smal]"), HasSubstr("did you mean small?"));
  EXPECT_THAT(refusal_with("expires: 2027-12-31", "expires: soon"), HasSubstr("expected a day"));
  EXPECT_THAT(refusal_with("redact: [secret, iban]", "redact: [secrets]"), HasSubstr("expected secret, email"));
  EXPECT_THAT(refusal_with("sync: every_answer", "sync: 0ms"), HasSubstr("more than 0"));
  EXPECT_THAT(refusal_with("on_failure: serve", "on_failure: ignore"), HasSubstr("refuse or serve"));
  EXPECT_THAT(refusal_with("pick: weighted", "pick: any"), HasSubstr("least_latency"));
  EXPECT_THAT(refusal_with("keys: [env:G], ", ""), HasSubstr("keys is missing: groq asks for one"));
  EXPECT_THAT(refusal_with("base_url: \"http://10.0.0.1:8080/v1\", ", ""), HasSubstr("base_url is missing"));
  EXPECT_THAT(refusal_with("http://10.0.0.1", "http://me:pass@10.0.0.1"), HasSubstr("is refused"));
  EXPECT_THAT(refusal_with("http://10.0.0.1", "ftp://10.0.0.1"), HasSubstr("expected http://"));
}

TEST_F(GatewayConfigTest, SaysWhichChangesWaitForTheNextStart) {
  const GatewayConfig started = read(kWhole);
  EXPECT_THAT(read(kWhole).changes_that_need_restart(started), IsEmpty());
  std::string text = kWhole;
  const auto change = [&text](const std::string& from, const std::string& to) {
    ASSERT_NE(text.find(from), std::string::npos) << from;
    text.replace(text.find(from), from.size(), to);
  };
  change("tls/cert.pem", "tls/other.pem");
  change("sync: every_answer", "sync: 20ms");
  change("terms: may_train", "terms: no_training");  // taken over at once
  EXPECT_THAT(read(text).changes_that_need_restart(started), ElementsAre("tls", "capture.sync"));
  EXPECT_THAT(read("").changes_that_need_restart(started), Contains("admin.listen"));
}

TEST_F(GatewayConfigTest, RefusesASecretWrittenOutWithoutRepeatingIt) {
  const std::string said = refusal_with("keys: [env:G]", "keys: [gsk_verysecret]");
  EXPECT_THAT(said, HasSubstr("gateway.yml:15"));
  EXPECT_THAT(said, Not(HasSubstr("verysecret")));
}

TEST_F(GatewayConfigTest, SaysWhatComesLater) {
  EXPECT_THAT(refusal_with("share: 80%", "promise: {error: 1%, confidence: 95%}"), HasSubstr("later version"));
  EXPECT_THAT(refusal_with("before: {images: false}", "before: {languages: [en]}"), HasSubstr("later version"));
}

}  // namespace
}  // namespace understudy
