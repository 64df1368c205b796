#include "gateway/routing/local_router.h"

#include <gtest/gtest.h>

#include "gateway/wire/wire_request.h"
#include "tests/support/run_awaitable.h"
#include "tests/support/stand_in_provider.h"

namespace understudy {
namespace {

using testing::StandInProvider;

TEST(LocalRouter, FindsProvidersByTheirModelsNames) {
  StandInProvider a("a");
  StandInProvider b("b");
  LocalRouter router;
  router.add(a);
  EXPECT_EQ(router.tokens(""), a.tokens());
  router.add(b);
  EXPECT_EQ(router.find("b"), &b);
  EXPECT_EQ(router.find("c"), nullptr);
  EXPECT_EQ(router.tokens(""), nullptr) << "with two it has to be said";
  EXPECT_EQ(router.models({}).size(), 2U);
  EXPECT_EQ(router.load().waiting, 6);
  StandInProvider again("a");
  EXPECT_THROW(router.add(again), Error);
}

TEST(LocalRouter, SaysThatThereIsNoSuchModel) {
  LocalRouter router;
  Exchange record;
  ChatRequest request;
  request.model = "gpt-9";
  request.messages = {Message::of(Role::kUser, "hi")};
  const WireRequest wire = WireRequest::of(openai_chat(), request);
  const Attempt attempt = testing::run(router.start(wire, {}, record, {}));
  ASSERT_FALSE(attempt.started());
  EXPECT_EQ(attempt.failure().kind, ProviderFailure::Kind::kRefused);
  EXPECT_EQ(attempt.failure().error.reason(), "model_not_found");
}

}  // namespace
}  // namespace understudy
