// Whatever providers do, a client gets a whole answer of one of them, or is told that it is none. Faults of all kinds
// at any event, seeded; how many: UNDERSTUDY_FAULT_COUNT (`make soak`: 20,000).
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "base/environment.h"
#include "base/random.h"
#include "tests/gateway/routing/router_fixture.h"

namespace understudy::testing {
namespace {

int fault_count() {
  const auto many = environment("UNDERSTUDY_FAULT_COUNT");
  return many ? std::stoi(*many) : 400;
}

constexpr int kWords = 12;
constexpr int kAtOnce = 48;

std::vector<std::string> words_of(const std::string& provider) {
  std::vector<std::string> words;
  for (int i = 0; i < kWords; ++i) words.push_back(provider + std::to_string(i) + " ");
  return words;
}

std::string whole_answer(const std::string& provider) {
  std::string whole;
  for (const std::string& word : words_of(provider)) whole += word;
  return whole;
}

Script::Step failure_step(ErrorCode code, const std::string& type) {
  Script::Step step;
  step.piece.events.push_back(FailureEvent{code, "planted", type});
  return step;
}

// One fault of the many, at a random event.
Script faulty(const std::string& provider, Random& random) {
  Script script = Script::answering(words_of(provider));
  const auto at = static_cast<size_t>(random.below(script.steps.size() + 1));
  switch (random.below(9)) {
    case 0: {
      const std::vector<Kind> kinds = {Kind::kKey,         Kind::kNoSuchModel, Kind::kRateLimited, Kind::kOverloaded,
                                       Kind::kUnavailable, Kind::kTimedOut,    Kind::kBroken};
      return Script::failing(random.pick(kinds), 500);
    }
    case 1:  // an error event inside a 200
      script.steps.resize(at);
      script.steps.push_back(failure_step(ErrorCode::kOverloaded, "overloaded_error"));
      break;
    case 2:  // garbage, as a reader of the protocol tells it
      script.steps.resize(at);
      script.steps.push_back(failure_step(ErrorCode::kInvalidInput, ""));
      break;
    case 3:  // a reset
      script.steps.resize(at);
      script.end = Script::End::kCut;
      break;
    case 4:  // a stall
      script.steps.resize(at);
      script.end = Script::End::kStall;
      break;
    case 5:  // an end in the middle that looks proper
      script.steps.resize(std::min<size_t>(at, kWords));
      break;
    case 6:  // something behind the error
      script.steps.insert(script.steps.begin() + static_cast<std::ptrdiff_t>(at),
                          failure_step(ErrorCode::kUnavailable, "rate_limit_exceeded"));
      break;
    case 7:  // stopped by the provider
      script.steps.resize(std::min<size_t>(at, kWords));
      script.then(FinishEvent{0, FinishReason::kCancelled, {}});
      break;
    default:
      script.before_start = milliseconds(400);  // longer than the first token may take
      break;
  }
  return script;
}

class Failover : public ChainTest {
 protected:
  // Asks until so many faults were planted; `at_once` requests at a time.
  void storm(uint64_t seed, int faults_wanted) {
    timeouts.first_token = milliseconds(150);
    timeouts.between_tokens = milliseconds(150);
    breaker.failures = 1'000'000;  // the breakers would keep the faults away
    chain->retries.attempts = 4;
    for (const std::string name : {"a", "b", "c"}) {
      add(name, [this, name, seed](const WireRequest&, int nth) {
        Random random(seed, static_cast<uint64_t>(name[0]) << 32 | static_cast<uint64_t>(nth));
        if (!random.chance(0.6)) return Script::answering(words_of(name));
        ++faults;
        return faulty(name, random);
      });
    }
    while (faults < faults_wanted) {
      std::vector<Exchange> records(kAtOnce);
      std::vector<std::future<Heard>> answers;
      for (Exchange& one : records) answers.push_back(start(one));
      for (size_t i = 0; i < answers.size(); ++i) judge(answers[i].get(), records[i], seed);
    }
  }
  std::future<Heard> start(Exchange& into) {
    const auto heard = std::make_shared<std::promise<Heard>>();
    const auto keep = [](Failover& self, Exchange& into, std::shared_ptr<std::promise<Heard>> out) -> Awaitable<void> {
      co_await resume_on(self.pool);
      Heard result = co_await self.asking(self.request, into, 100'000);
      out->set_value(std::move(result));
    };
    start_detached(keep(*this, into, heard), [](const std::exception_ptr& fault) { ASSERT_FALSE(fault); });
    return heard->get_future();
  }
  void judge(const Heard& heard, const Exchange& exchange, uint64_t seed) {
    ++requests;
    int heads = 0;
    for (const AnswerPiece& piece : heard.pieces) {
      for (const ChatEvent& event : piece.events) heads += static_cast<int>(std::holds_alternative<HeadEvent>(event));
    }
    EXPECT_LE(heads, 1) << "two answers in one stream; seed " << seed;
    bool is_of_one_provider = heard.text.empty();
    for (const std::string name : {"a", "b", "c"}) {
      const std::string whole = whole_answer(name);
      is_of_one_provider = is_of_one_provider || whole.compare(0, heard.text.size(), heard.text) == 0;
      const bool is_its_own = heard.looks_whole() && exchange.provider == name;
      EXPECT_TRUE(!is_its_own || heard.text == whole) << heard.text << "; seed " << seed;
    }
    EXPECT_TRUE(is_of_one_provider) << "corrupted: " << heard.text << "; seed " << seed;
    if (heard.looks_whole()) {
      ++answered;
      EXPECT_FALSE(exchange.partial) << "seed " << seed;
      EXPECT_EQ(exchange.error, "");
    } else {
      EXPECT_NE(exchange.error, "") << "seed " << seed;
    }
    EXPECT_TRUE(heard.failure || heard.broke_off || heard.looks_whole()) << "neither; seed " << seed;
    expect_every_attempt(exchange, heard.looks_whole(), seed);
  }
  static void expect_every_attempt(const Exchange& exchange, bool is_whole, uint64_t seed) {
    Money sum;
    size_t good = 0;
    for (const ExchangeAttempt& attempt : exchange.attempts) {
      good += static_cast<size_t>(attempt.error.empty());
      ASSERT_TRUE(attempt.cost) << "seed " << seed;
      sum += *attempt.cost;
    }
    EXPECT_EQ(good, is_whole ? 1U : 0U) << "seed " << seed;
    EXPECT_EQ(exchange.cost, sum) << "seed " << seed;
    attempts += static_cast<int>(exchange.attempts.size());
  }
  int asked_of_all() const {
    int sum = 0;
    for (const auto& provider : providers) sum += provider->asked();
    return sum;
  }

  const WireRequest request = chat_request("hello");
  std::atomic<int> faults{0};
  int requests = 0;
  int answered = 0;
  static inline std::atomic<int> attempts{0};
};

TEST_F(Failover, NoFaultCorruptsAStreamOrMakesHalfLookWhole) {
  attempts = 0;
  storm(20'261'125, fault_count());
  EXPECT_GT(answered, requests / 3) << "most of what may fail over does";
  EXPECT_EQ(attempts, asked_of_all()) << "an attempt is missing from its exchange";
  for (const auto& provider : providers) EXPECT_EQ(provider->open(), 0) << "a stream was left open";
}

TEST_F(Failover, NeitherDoItInRaces) {
  attempts = 0;
  chain->hedge_after = milliseconds(3);
  storm(7, fault_count());
  EXPECT_GT(answered, requests / 3);
  tasks.stop_and_wait();
  EXPECT_EQ(attempts, asked_of_all());
  for (const auto& provider : providers) EXPECT_EQ(provider->open(), 0) << "a stream was left open";
}

// Load on a task with a specialist while every rented provider dies at once, and comes back.
class Outage : public RouterTest {
 protected:
  // A worker asks again and again until the load is over.
  Awaitable<void> worker(int number, bool streams) {
    co_await resume_on(pool);
    const WireRequest request = request_for("gpt-5", "prompt of worker " + std::to_string(number), streams);
    while (!over) {
      const bool began_dead = dead;
      Exchange exchange;
      const Heard heard = co_await asking_router(request, exchange);
      ++answered;
      // Who had begun to read when the provider died is told so; nobody else notices.
      const bool was_cut = heard.broke_off && !began_dead && exchange.partial;
      if (was_cut) {
        ++cut;
      } else if (!heard.looks_whole()) {
        ++failed;
      }
      if (began_dead && dead && exchange.provider != "s") ++strange;
    }
  }

  std::atomic<bool> dead{false};
  std::atomic<bool> over{false};
  std::atomic<int> answered{0};
  std::atomic<int> failed{0};
  std::atomic<int> cut{0};
  std::atomic<int> strange{0};
};

TEST_F(Outage, ATaskWithASpecialistKeepsAnsweringWhenAllRentedProvidersDie) {
  config.share = 0.5;
  breaker.open = milliseconds(50);
  breaker.open_at_most = milliseconds(100);
  const auto rented = [this](const WireRequest& request, int nth) {
    if (dead && nth % 2 == 0) return Script::failing(Kind::kUnavailable);
    Script script = Script::answering({"ren", "ted"}, milliseconds(1), milliseconds(1));
    if (dead) {  // accepts, and dies before its first word
      script.steps.resize(1);
      script.end = Script::End::kCut;
    }
    if (!request.stream()) {
      Script whole;
      whole.steps.push_back({milliseconds(2), {}});
      whole.steps.back().piece.events = {TextEvent{0, "rented", {}}, FinishEvent{}};
      if (dead) whole = Script::failing(Kind::kBroken);
      return whole;
    }
    return script;
  };
  make(rented, [](const WireRequest&, int) { return Script::answering({"owned"}, milliseconds(1)); });
  TaskGroup workers;
  for (int i = 0; i < 32; ++i) workers.start(worker(i, i % 2 == 0));
  const auto let_run = [this](int requests) {
    const int until = answered + requests;
    while (answered < until) std::this_thread::sleep_for(milliseconds(1));
  };
  let_run(300);
  dead = true;
  let_run(600);
  dead = false;
  let_run(300);
  over = true;
  workers.stop_and_wait();
  EXPECT_EQ(failed, 0) << "of " << answered;
  EXPECT_EQ(strange, 0) << "a dead provider answered";
  Exchange last;
  EXPECT_TRUE(run(asking_router(request_for("gpt-5", "x"), last)).looks_whole());
}

}  // namespace
}  // namespace understudy::testing
