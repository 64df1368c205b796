// What the gateway books against what a provider bills: a whole `understudy gateway` in front of stand-ins that keep an
// invoice of their own, under a mix of cached, reasoning, streamed, aborted, retried, hedged and failed calls.
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <thread>

#include "base/random.h"
#include "economics/ledger.h"
#include "gateway/capture/exchange_source.h"
#include "records/store.h"
#include "tests/support/raw_client.h"
#include "tests/support/serving.h"
#include "tests/support/stand_in_upstream.h"
#include "tests/support/temporary_folder.h"

namespace understudy::testing {
namespace {

using std::chrono::milliseconds;

constexpr int kCalls = 200;
constexpr int64_t kPromptTokens = 900;
constexpr int64_t kCachedTokens = 400;
// Nano-dollars a token: 2.00, 0.20 and 8.00 dollars a million.
constexpr int64_t kInput = 2'000, kCached = 200, kOutput = 8'000;

const char* const kKinds[] = {"plain", "reasoning", "stream", "stream", "abort", "retry", "hedge", "refuse", "broken"};

std::string prompt_of(const std::string& kind) {
  std::string text = "kind=" + kind;
  for (int64_t i = 0; i < kPromptTokens; ++i) text += " invoice";
  return text;
}

// What a provider does with a call; the kind stands in its prompt. The first of two is the slow one.
UpstreamScript script_of(const HttpRequest& request, int nth, bool is_slow) {
  const auto is = [&request](const char* kind) {
    return request.body.find(std::string("kind=") + kind) != std::string::npos;
  };
  UpstreamScript script;
  script.prompt = {.input = kPromptTokens - kCachedTokens, .cached_input = kCachedTokens};
  script.words.assign(60, " amount");
  if (is("reasoning")) script.prompt.reasoning = 50;
  if (is("abort")) script.between_events = milliseconds(2);
  if (is("hedge") && is_slow) script.between_events = milliseconds(300);  // reads the prompt at once, then thinks
  if (is("retry") && nth % 2 == 0) script.status = 503;
  if (is("refuse")) script.status = 400;
  if (is("broken")) script.status = 500;
  return script;
}

int64_t nano_dollars(const Usage& usage) {
  return usage.input * kInput + usage.cached_input * kCached + (usage.output + usage.reasoning) * kOutput;
}

class InvoiceTest : public ::testing::Test {
 protected:
  InvoiceTest() {
    folder_.write("prices.yml",
                  "- {vendor: openai, model: fast, from: 2025-01-01, input: 2.00, cached_input: 0.20, output: 8.00}\n");
    folder_.write("gateway.yml", fmt::format(R"(
listen: 127.0.0.1:0
store: sqlite:{0}/store.db
capture: {{folder: {0}/capture}}
prices: {0}/prices.yml
providers:
  first: {{vendor: openai, base_url: "{1}/v1", keys: [env:STAND_IN_KEY], allow_private_address: true}}
  second: {{vendor: openai, base_url: "{2}/v1", keys: [env:STAND_IN_KEY], allow_private_address: true}}
models:
  plain: {{chain: [first/fast], retries: {{attempts: 4, budget: 5s}}}}
  raced: {{chain: [first/fast, second/fast], hedge_after: 30ms}}
defaults: {{breaker: {{failures: 1000000}}}}
)",
                                             folder_.path().string(), first_.url(), second_.url()));
    ::setenv("STAND_IN_KEY", "none", 1);
    gateway_ = std::make_unique<Serving>(std::vector<std::string>{"gateway", (folder_ / "gateway.yml").string()});
    port_ = gateway_->port_after("listening on");
  }

  // One call, as an application makes it; the one that is aborted hangs up after a third of its answer.
  void call(const std::string& kind) {
    const bool streams = kind == "stream" || kind == "abort" || kind == "hedge";
    Json body = {{"model", kind == "hedge" ? "raced" : "plain"}, {"stream", streams}, {"max_tokens", 200}};
    body["messages"] = Json::array({{{"role", "user"}, {"content", prompt_of(kind)}}});
    const std::string text = body.dump();
    RawClient client(port_);
    ASSERT_TRUE(
        client.send(fmt::format("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                                "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                                text.size(), text)));
    if (kind != "abort") {
      client.read_all();
      return;
    }
    for (int i = 0; i < 20; ++i) client.read_until("amount");
  }

  TemporaryFolder folder_;
  StandInUpstream first_{[](const HttpRequest& request, int nth) { return script_of(request, nth, true); }};
  StandInUpstream second_{[](const HttpRequest& request, int nth) { return script_of(request, nth, false); }};
  std::unique_ptr<Serving> gateway_;
  uint16_t port_ = 0;
};

TEST_F(InvoiceTest, WhatIsBookedAgreesWithTheProvidersInvoices) {
  ASSERT_NE(port_, 0);
  for (const char* kind : kKinds) call(kind);  // what an answer costs is known before the first one is cut off
  Random random(20'261'125, 1);
  std::vector<std::thread> applications;
  for (int i = 0; i < 4; ++i) {
    applications.emplace_back([this, seed = random.next()] {
      Random mine(seed, 2);
      for (int n = 0; n < kCalls / 4; ++n) call(kKinds[mine.below(std::size(kKinds))]);
    });
  }
  for (std::thread& application : applications) application.join();
  ASSERT_EQ(gateway_->end(SIGTERM), 0);

  Ledger ledger({});
  Money by_exchange;
  int64_t n_exchanges = 0;
  int64_t n_attempts = 0;
  const std::unique_ptr<Store> store = open_store({.url = "sqlite:" + (folder_ / "store.db").string()});
  const ExchangeSource source(folder_ / "capture", *store);  // the store may be behind
  source.each_exchange({}, [&](const Exchange& exchange) {
    ledger.add(exchange);
    by_exchange += exchange.cost.value_or(Money());
    n_attempts += static_cast<int64_t>(exchange.attempts.size());
    ++n_exchanges;
    return true;
  });
  EXPECT_EQ(n_exchanges, kCalls + static_cast<int64_t>(std::size(kKinds)));
  EXPECT_EQ(n_attempts, first_.asked() + second_.asked()) << "an attempt was not booked";
  EXPECT_EQ(ledger.total().cost, by_exchange) << "to the last nano-dollar";
  EXPECT_GT(ledger.total().estimated, 0) << "calls that were cut off are estimated";
  const int64_t invoiced = nano_dollars(first_.invoice().usage) + nano_dollars(second_.invoice().usage);
  const auto booked = static_cast<double>(ledger.total().cost.nano());
  EXPECT_NEAR(booked / static_cast<double>(invoiced), 1.0, 0.005) << booked << " of " << invoiced;
}

}  // namespace
}  // namespace understudy::testing
