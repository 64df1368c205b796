#include "gateway/routing/route_table.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/memory_store.h"

namespace understudy {
namespace {

Route config_route(double share) {
  Route route;
  route.task = "invoices";
  route.share = share;
  route.sentinel = 0.02;
  return route;
}

const RouteAuthor kAnna{"anna", "it is good enough", 1'000};

void to_half(Route& route) {
  route.share = 0.5;
}

TEST(RouteTable, BeginsWithTheConfigAndKeepsChangesOverReloads) {
  testing::MemoryStore store;
  RouteTable table(store);
  table.configure({config_route(0.8)});
  EXPECT_EQ(table.route("invoices")->share, 0.8);
  EXPECT_EQ(table.route("invoices")->version, 0);

  const Route changed = table.set("invoices", to_half, kAnna);
  EXPECT_EQ(changed.version, 1);
  EXPECT_EQ(changed.who, "anna");
  EXPECT_EQ(changed.why, "it is good enough");
  EXPECT_EQ(changed.at_ms, 1'000);
  EXPECT_EQ(changed.sentinel, 0.02);
  EXPECT_EQ(*table.route("invoices"), changed);

  table.configure({config_route(0.9)});
  EXPECT_EQ(table.route("invoices")->share, 0.5) << "a reload reset the route";
  RouteTable restarted(store);
  restarted.configure({config_route(0.9)});
  EXPECT_EQ(restarted.route("invoices")->share, 0.5);
}

TEST(RouteTable, RollbackAndResetAreVersionsOfTheirOwn) {
  testing::MemoryStore store;
  RouteTable table(store);
  table.configure({config_route(0.8)});
  table.set("invoices", to_half, kAnna);
  table.set(
      "invoices", [](Route& route) { route.pinned = "teacher"; }, kAnna);

  const Route back = table.rollback("invoices", std::nullopt, {"ben", "too early", 2'000});
  EXPECT_EQ(back.version, 3);
  EXPECT_EQ(back.pinned, "");
  EXPECT_EQ(back.share, 0.5);
  EXPECT_EQ(back.who, "ben");
  EXPECT_EQ(table.rollback("invoices", 0, kAnna).share, 0.8);
  table.set("invoices", to_half, kAnna);
  const Route reset = table.reset("invoices", kAnna);
  EXPECT_EQ(reset.share, 0.8);
  EXPECT_EQ(reset.version, 6);
  EXPECT_EQ(table.history("invoices").size(), 7U);
}

TEST(RouteTable, SeesWhatAnotherProcessChanged) {
  testing::MemoryStore store;
  RouteTable gateway(store);
  RouteTable command(store);
  gateway.configure({config_route(0.8)});
  command.configure({config_route(0.8)});
  command.set("invoices", to_half, kAnna);
  EXPECT_EQ(gateway.route("invoices")->share, 0.8);
  gateway.refresh();
  EXPECT_EQ(gateway.route("invoices")->share, 0.5);
  // It changes what stands, not what it saw last.
  EXPECT_EQ(gateway
                .set(
                    "invoices", [](Route& route) { route.shadow = true; }, kAnna)
                .version,
            2);
}

template <class Function>
ErrorCode code_of(const Function& function) {
  try {
    function();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST(RouteTable, RefusesWhatIsNoRoute) {
  testing::MemoryStore store;
  RouteTable table(store);
  table.configure({config_route(0.8)});
  const auto set = [&](void (*change)(Route&)) { return code_of([&] { table.set("invoices", change, kAnna); }); };
  EXPECT_EQ(set([](Route& route) { route.share = 1.5; }), ErrorCode::kInvalidInput);
  EXPECT_EQ(set([](Route& route) { route.sentinel = -0.1; }), ErrorCode::kInvalidInput);
  EXPECT_EQ(set([](Route& route) { route.pinned = "nobody"; }), ErrorCode::kInvalidInput);
  EXPECT_EQ(set([](Route& route) { route.min_value_token_probability = 2; }), ErrorCode::kInvalidInput);
  EXPECT_EQ(code_of([&] { table.set("other", to_half, kAnna); }), ErrorCode::kNotFound);
  EXPECT_EQ(code_of([&] { table.rollback("invoices", std::nullopt, kAnna); }), ErrorCode::kNotFound);
  EXPECT_TRUE(store.route_history("invoices").empty());
}

}  // namespace
}  // namespace understudy
