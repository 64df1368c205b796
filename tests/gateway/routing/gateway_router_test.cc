#include "gateway/routing/gateway_router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "base/json.h"
#include "tests/gateway/routing/router_fixture.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Purpose = ExchangeAttempt::Purpose;

const std::string kGood = R"({"total": 19.90})";
const std::string kBad = R"({"total": 20.90})";

Script saying(const std::string& text) {
  return Script::answering({text});
}

// An answer whose tokens have that probability each.
Script surely(const std::string& text, double probability) {
  Script script;
  TextEvent event{0, text, {}};
  event.logprobs.push_back({{text, std::log(probability)}, {}});
  script.then(HeadEvent{}).then(event).then(FinishEvent{});
  Usage usage;
  usage.input = 10;
  usage.output = 1;
  script.then(UsageEvent{usage});
  return script;
}

AnswerGate grounded_total() {
  AnswerGate gate;
  const Json schema = parse_json(R"({"type": "object", "properties": {"total": {"type": "number"}}})", "schema");
  gate.schema = std::make_shared<const evaluation::AnswerSchema>(schema, "schema");
  gate.fields = std::make_shared<const evaluation::FieldNode>(evaluation::field_tree_from_schema(schema, "schema"));
  gate.grounded = {"total"};
  gate.scorer = least_value_token();
  return gate;
}

WireRequest instructed(const std::string& instructions) {
  ChatRequest request;
  request.model = "gpt-5";
  request.messages = {Message::of(Role::kSystem, instructions), Message::of(Role::kUser, "total 19.90")};
  return WireRequest::of(openai_chat(), std::move(request));
}

TEST_F(RouterTest, ASpecialistThatWasTrainedWithoutThePromptIsNotGivenIt) {
  std::vector<std::string> teacher_saw;
  std::vector<std::string> specialist_saw;
  make(
      [&](const WireRequest& request, int) {
        teacher_saw.push_back(request.head().system);
        return Script::answering({"rented"});
      },
      [&](const WireRequest& request, int) {
        specialist_saw.push_back(request.head().system);
        return Script::answering({"own"});
      });
  task.pruned_prompt = instructed("Read the invoice.").head().fingerprint;
  begin();
  EXPECT_EQ(ask_router(instructed("Read the invoice.")).text, "own");
  EXPECT_EQ(ask_router(instructed("Read the invoice, in French.")).text, "rented");
  EXPECT_EQ(record.route.reason, "prompt changed");
  EXPECT_EQ(specialist_saw, std::vector<std::string>{""});
  EXPECT_EQ(teacher_saw, std::vector<std::string>{"Read the invoice, in French."});
}

TEST_F(RouterTest, AModelIsKnownAndTheKeysOwnElse404And403) {
  next.keys["billing"] = {{"invoices-v7"}};
  make(saying("teacher"), saying("specialist"));
  caller.task.clear();
  const Heard unknown = ask_router(request_for("gpt-6", "hello"));
  EXPECT_EQ(unknown.failure->status, 404);
  EXPECT_EQ(unknown.failure->error.reason(), "model_not_found");
  caller.key = "billing";
  const Heard forbidden = ask_router(request_for("gpt-5", "hello"));
  EXPECT_EQ(forbidden.failure->status, 403);
  EXPECT_EQ(forbidden.failure->kind, Kind::kRefused);
  EXPECT_TRUE(ask_router(request_for("invoices-v7", "hello")).looks_whole());
  EXPECT_EQ(router->models(caller).size(), 1U);
  caller.key.clear();
  EXPECT_EQ(router->models(caller).size(), 2U);
}

TEST_F(RouterTest, TokensAreCountedByTheFirstTargetThatAnswersAndEstimatedWhereItCannot) {
  next.keys["billing"] = {{"invoices-v7"}};
  make(saying("teacher"), saying("specialist"));
  const WireRequest request = request_for("gpt-5", "hello");
  const auto count = [&](const WireRequest& of) { return run(router->count_tokens(of, caller, {&pool, {}})); };
  const auto planted = [](Kind kind, int status) {
    return TokenCount(ProviderFailure{kind, Error(ErrorCode::kNetwork, "planted"), std::nullopt, status});
  };
  ScriptedProvider& first = *providers[0];
  ScriptedProvider& second = *providers[1];
  second.set_count(CountedTokens{"second"});
  EXPECT_EQ(count(request), std::nullopt) << "the first has no such endpoint";
  EXPECT_EQ(second.counted(), 0);
  first.set_count(planted(Kind::kUnavailable, 0));
  EXPECT_EQ(std::get<CountedTokens>(*count(request)).body, "second");
  first.set_count(planted(Kind::kRefused, 400));
  EXPECT_EQ(std::get<ProviderFailure>(*count(request)).status, 400) << "the request's own fault";
  EXPECT_EQ(second.counted(), 1);
  second.set_count(planted(Kind::kOverloaded, 529));
  first.set_count(planted(Kind::kBroken, 500));
  EXPECT_EQ(std::get<ProviderFailure>(*count(request)).status, 529) << "the last one's";
  EXPECT_EQ(std::get<ProviderFailure>(*count(request_for("gpt-6", "hello"))).status, 404);
  caller.key = "billing";
  EXPECT_EQ(std::get<ProviderFailure>(*count(request)).status, 403);
}

TEST_F(RouterTest, TokensAreNotCountedByATargetWhoseBreakerIsNotClosed) {
  make(saying("teacher"), saying("specialist"));
  const WireRequest request = request_for("gpt-5", "hello");
  const auto count = [&] { return run(router->count_tokens(request, caller, {&pool, {}})); };
  providers[0]->set_count(CountedTokens{"first"});
  providers[1]->set_count(CountedTokens{"second"});
  const auto trip = [&](size_t target) {
    const ProviderFailure failure{Kind::kUnavailable, Error(ErrorCode::kUnavailable, "planted"), std::nullopt};
    for (int i = 0; i < breaker.failures; ++i) {
      task.teacher->targets[target].health->failed(std::chrono::steady_clock::now(), failure);
    }
  };
  trip(0);
  EXPECT_EQ(std::get<CountedTokens>(*count()).body, "second");
  EXPECT_EQ(providers[0]->counted(), 0);
  trip(1);
  EXPECT_EQ(count(), std::nullopt) << "to be estimated";
  task.teacher->targets[0].health->checked(std::chrono::steady_clock::now(), true);
  EXPECT_EQ(count(), std::nullopt) << "half open: its one request is an answer's";
  EXPECT_EQ(providers[0]->counted() + providers[1]->counted(), 1);
  task.teacher->targets[0].health->answered(std::chrono::steady_clock::now(), std::chrono::milliseconds(1));
  EXPECT_EQ(std::get<CountedTokens>(*count()).body, "first");
  const ProviderFailure limited{Kind::kRateLimited, Error(ErrorCode::kOverloaded, "planted"), std::chrono::seconds(9)};
  task.teacher->targets[0].health->failed(std::chrono::steady_clock::now(), limited);
  EXPECT_EQ(count(), std::nullopt) << "it asked to be left alone";
}

TEST_F(RouterTest, WhatIsNoTaskGoesToItsModelsChain) {
  make(saying("teacher"), saying("specialist"));
  caller.task.clear();
  EXPECT_EQ(ask_router(request_for("gpt-5", "hello")).text, "teacher");
  EXPECT_THAT(record.task, StartsWith("found-"));
  EXPECT_EQ(record.route.decision, "chain");
  EXPECT_EQ(record.route.task, "");
}

// One answer that is no stream, as a vendor of vectors gives it.
Script vectors() {
  Script script;
  script.then(HeadEvent{{"", "vectors", 0}}).then(UsageEvent{{.input = 40}});
  return script;
}

WireRequest embeddings_request(const std::string& model) {
  return WireRequest(openai_embeddings(), {.body = R"({"input":["a","b"],"model":")" + model + "\"}"});
}

TEST_F(RouterTest, EmbeddingsGoToTheTargetsThatHaveThemAndToNoSpecialist) {
  make(vectors(), vectors());
  const WireRequest request = embeddings_request("gpt-5");
  const Heard nobody = ask_router(request);
  ASSERT_TRUE(nobody.failure);
  EXPECT_EQ(nobody.failure->status, 400);
  EXPECT_EQ(nobody.failure->error.field(), "model");
  EXPECT_TRUE(record.attempts.empty());
  providers[1]->set_embeddings(true);
  providers[2]->set_embeddings(true);
  EXPECT_FALSE(ask_router(request).failure);
  EXPECT_THAT(asked(), ElementsAre("b")) << "the first of the chain has none and is passed over";
  EXPECT_EQ(record.task, "invoices");
  EXPECT_EQ(record.route, (RouteChoice{"", "chain", "embeddings", 0})) << "its task's share is 100%";
  EXPECT_EQ(record.usage, (Usage{.input = 40}));
  EXPECT_EQ(record.cost, Money::nano_dollars(40));
  EXPECT_FALSE(record.estimated);
}

TEST_F(RouterTest, EmbeddingsFailOverAmongThoseThatHaveThem) {
  make([](const WireRequest&, int nth) { return nth == 0 ? Script::failing(Kind::kOverloaded, 503) : vectors(); },
       [](const WireRequest&, int) { return vectors(); });
  providers[1]->set_embeddings(true);
  task.teacher = chain_of("gpt-5", {"c", "d"}, [](const WireRequest&, int) { return vectors(); });
  providers[4]->set_embeddings(true);
  const std::shared_ptr<Chain> mixed = std::make_shared<Chain>(*next.models.at("gpt-5"));
  mixed->targets.insert(mixed->targets.end(), task.teacher->targets.begin(), task.teacher->targets.end());
  next.models["embed"] = mixed;
  begin();
  EXPECT_FALSE(ask_router(embeddings_request("embed")).failure);
  EXPECT_THAT(asked(), ElementsAre("b", "d"));
  EXPECT_EQ(record.provider, "d");
}

TEST_F(RouterTest, EmbeddingsAreReservedByTheirPromptAndSettledByTheirUsage) {
  KeyLimits limits;
  limits.tokens = RateLimit{100, std::chrono::minutes(1)};
  budgets.set_limits({{"billing", limits}});
  make(vectors(), vectors());
  providers[0]->set_embeddings(true);
  caller.key = "billing";
  EXPECT_FALSE(ask_router(embeddings_request("gpt-5")).failure) << "no answer's tokens are reserved";
  EXPECT_FALSE(ask_router(embeddings_request("gpt-5")).failure);
  const Heard refused = ask_router(embeddings_request("gpt-5"));
  ASSERT_TRUE(refused.failure) << "twice 40 of 100 are gone";
  EXPECT_EQ(refused.failure->error.reason(), "rate_limit_exceeded");
}

TEST_F(RouterTest, TheRouteSaysWhoAnswersAndChangesAtRunTime) {
  make(saying("teacher"), saying("specialist"));
  EXPECT_EQ(ask_router().text, "specialist");
  EXPECT_EQ(record.route, (RouteChoice{"invoices", "specialist", "share 100%", 0}));
  EXPECT_EQ(record.provider, "s");
  EXPECT_EQ(record.cost, Money::nano_dollars(101));
  routes.set("invoices", [](Route& route) { route.pinned = "teacher"; }, {"anna", "", 1});
  EXPECT_EQ(ask_router().text, "teacher");
  EXPECT_EQ(record.route, (RouteChoice{"invoices", "teacher", "pinned", 1}));
}

TEST_F(RouterTest, AnAnswerThatPassesGateBGoesOutAsItCame) {
  task.gate = grounded_total();
  make(saying("teacher"), saying(kGood));
  const Heard heard = ask_router();
  EXPECT_TRUE(heard.looks_whole());
  EXPECT_EQ(heard.text, kGood);
  EXPECT_EQ(heard.pieces.size(), 4U);
  EXPECT_EQ(record.route.decision, "specialist");
  EXPECT_THAT(record.attempts[0].gate, IsEmpty());
  EXPECT_EQ(record.attempts[0].answer, "");
  EXPECT_FALSE(record.partial);
}

TEST_F(RouterTest, WhatGateBHoldsBackEscalatesWithBothAttempts) {
  task.gate = grounded_total();
  make(saying("teacher"), saying(kBad));
  const Heard heard = ask_router();
  EXPECT_TRUE(heard.looks_whole());
  EXPECT_EQ(heard.text, "teacher");
  EXPECT_EQ(record.route.decision, "escalated");
  EXPECT_EQ(record.route.reason, "grounded: total");
  ASSERT_EQ(record.attempts.size(), 2U);
  EXPECT_EQ(record.attempts[0].provider, "s");
  EXPECT_THAT(record.attempts[0].gate, ElementsAre("grounded: total"));
  EXPECT_THAT(record.attempts[0].answer, HasSubstr("20.90"));
  EXPECT_EQ(record.attempts[1].purpose, Purpose::kEscalation);
  EXPECT_EQ(record.provider, "a");
  EXPECT_EQ(record.cost, Money::nano_dollars(202));
}

TEST_F(RouterTest, AnAnswerThatBrokeOffEscalatesAndNothingOfItLeaves) {
  task.gate = grounded_total();
  Script cut = saying(kGood);
  cut.steps.resize(2);
  cut.end = Script::End::kCut;
  make(saying("teacher"), cut);
  EXPECT_EQ(ask_router().text, "teacher");
  EXPECT_EQ(record.route.reason, "specialist: broke off");
  EXPECT_FALSE(record.partial);
}

TEST_F(RouterTest, TheLeastValueTokenIsAskedForAndNeverShown) {
  task.gate = grounded_total();
  config.min_value_token_probability = 0.5;
  bool asked_for = false;
  make([](const WireRequest&, int) { return saying("teacher"); },
       [&](const WireRequest& request, int nth) {
         asked_for = request.value().logprobs;
         return surely(kGood, nth == 0 ? 0.9 : 0.3);
       });
  const Heard sure = ask_router();
  EXPECT_TRUE(asked_for);
  EXPECT_EQ(sure.text, kGood);
  for (const AnswerPiece& piece : sure.pieces) {
    EXPECT_FALSE(piece.original);
    const auto* text = std::get_if<TextEvent>(&piece.events.front());
    EXPECT_TRUE(text == nullptr || text->logprobs.empty());
  }
  EXPECT_EQ(ask_router().text, "teacher");
  EXPECT_EQ(record.route.reason, "value token: 0.3 below 0.5 (not certified)");
}

TEST_F(RouterTest, ASpecialistThatFailsEscalates) {
  for (const bool gated : {false, true}) {
    if (gated) task.gate = grounded_total();
    make(saying("teacher"), Script::failing(Kind::kRefused, 400));
    EXPECT_EQ(ask_router().text, "teacher");
    EXPECT_EQ(record.route.decision, "escalated");
    EXPECT_EQ(record.route.reason, "specialist: refused");
  }
}

TEST_F(RouterTest, WithTheTeacherDeadTheSpecialistIsTheLastResort) {
  config.share = 0;
  make(Script::failing(Kind::kUnavailable), saying("specialist"));
  EXPECT_EQ(ask_router().text, "specialist");
  EXPECT_EQ(record.route.decision, "specialist");
  EXPECT_EQ(record.route.reason, "last resort: the teacher is unavailable (share 0%)");
  EXPECT_EQ(record.status, 0);
  EXPECT_EQ(record.error, "");
}

TEST_F(RouterTest, WithTheTeacherDeadWhatGateBHeldBackServes) {
  task.gate = grounded_total();
  make(Script::failing(Kind::kUnavailable), saying(kBad));
  const Heard heard = ask_router();
  EXPECT_TRUE(heard.looks_whole());
  EXPECT_EQ(heard.text, kBad);
  EXPECT_EQ(record.route.reason, "last resort: the teacher is unavailable (grounded: total)");
  EXPECT_EQ(record.provider, "s");
  EXPECT_FALSE(record.partial);
  EXPECT_EQ(record.error, "");
}

TEST_F(RouterTest, WhatNobodyMayAnswerIsNotGivenToAnother) {
  config.share = 0;
  make(Script::failing(Kind::kRefused, 422), saying("specialist"));
  EXPECT_EQ(ask_router().failure->status, 422);
  EXPECT_EQ(record.attempts.size(), 1U);
}

TEST_F(RouterTest, AShadowIsRecordedBesideAndChangesNothing) {
  task.gate = grounded_total();
  config.shadow = true;
  make(saying("teacher"), saying(kBad));
  EXPECT_EQ(ask_router().text, "teacher");
  EXPECT_EQ(record.route, (RouteChoice{"invoices", "teacher", "shadow", 0}));
  EXPECT_EQ(record.attempts.size(), 1U);
  const auto is_amended = [this] {
    const std::lock_guard lock(amended_mutex);
    return !amended.empty();
  };
  while (!is_amended()) std::this_thread::sleep_for(milliseconds(1));
  ASSERT_EQ(amended.size(), 1U);
  EXPECT_EQ(amended[0].first, "exchange");
  ASSERT_EQ(amended[0].second.size(), 1U);
  const ExchangeAttempt& shadow = amended[0].second[0];
  EXPECT_EQ(shadow.purpose, Purpose::kShadow);
  EXPECT_EQ(shadow.provider, "s");
  EXPECT_THAT(shadow.answer, HasSubstr("20.90"));
  EXPECT_THAT(shadow.gate, ElementsAre("grounded: total"));
}

TEST_F(RouterTest, AReloadIsSeenByTheNextRequestAndKeepsRoutes) {
  make(saying("teacher"), saying("specialist"));
  routes.set("invoices", [](Route& route) { route.share = 0; }, {"anna", "", 1});
  make(saying("another teacher"), saying("specialist"));
  EXPECT_EQ(ask_router().text, "another teacher");
  EXPECT_EQ(record.route.version, 1);
}

TEST_F(RouterTest, CaptureFollowsTheTask) {
  task.capture = {0, {"secret"}};
  next.capture = {1, {"email"}};
  make(saying("teacher"), saying("specialist"));
  Exchange exchange;
  const CapturePolicy of_task = router->prepare(request_for("gpt-5", "x"), caller, exchange);
  EXPECT_FALSE(of_task.keep_bodies);
  EXPECT_THAT(of_task.redact, ElementsAre("secret"));
  EXPECT_EQ(exchange.task, "invoices");
  caller.task.clear();
  const CapturePolicy general = router->prepare(request_for("gpt-5", "x"), caller, exchange);
  EXPECT_TRUE(general.keep_bodies);
  EXPECT_THAT(general.redact, ElementsAre("email"));
}

TEST_F(RouterTest, ABudgetThatIsUsedUpIs429AndNothingIsSent) {
  KeyLimits limits;
  limits.requests = RateLimit{1, std::chrono::minutes(1)};
  budgets.set_limits({{"billing", limits}});
  make(saying("teacher"), saying("specialist"));
  caller.key = "billing";
  EXPECT_TRUE(ask_router().looks_whole());
  const Heard refused = ask_router();
  EXPECT_EQ(refused.failure->status, 429);
  EXPECT_EQ(refused.failure->error.reason(), "rate_limit_exceeded");
  EXPECT_TRUE(refused.failure->retry_after);
  EXPECT_TRUE(record.attempts.empty());
}

}  // namespace
}  // namespace understudy::testing
