#include "gateway/routing/router.h"

#include <gtest/gtest.h>

#include "tests/support/run_awaitable.h"
#include "tests/support/stand_in_provider.h"

namespace understudy {
namespace {

using testing::StandInProvider;

TEST(Router, FindsProvidersByTheirModelsNames) {
  StandInProvider a("a");
  StandInProvider b("b");
  Router router;
  router.add(a);
  EXPECT_EQ(router.find_or_only(""), &a);
  router.add(b);
  EXPECT_EQ(router.find("b"), &b);
  EXPECT_EQ(router.find("c"), nullptr);
  EXPECT_EQ(router.find_or_only(""), nullptr) << "with two it has to be said";
  EXPECT_EQ(router.models().size(), 2U);
  EXPECT_EQ(router.load().waiting, 6);
  StandInProvider again("a");
  EXPECT_THROW(router.add(again), Error);
}

TEST(Router, SaysThatThereIsNoSuchModel) {
  const Router router;
  ChatRequest request;
  request.model = "gpt-9";
  const Attempt attempt = testing::run(router.start(request, {}));
  ASSERT_FALSE(attempt.started());
  EXPECT_EQ(attempt.failure().kind, ProviderFailure::Kind::kRefused);
  EXPECT_EQ(attempt.failure().error.reason(), "model_not_found");
}

}  // namespace
}  // namespace understudy
