// A GatewayRouter over scripted providers: a teacher's chain of two, a specialist, one task.
#pragma once

#include <mutex>

#include "gateway/routing/gateway_router.h"
#include "tests/gateway/routing/chain_fixture.h"
#include "tests/support/memory_store.h"

namespace understudy::testing {

class RouterTest : public ChainTest {
 protected:
  RouterTest() {
    config.task = "invoices";
    config.share = 1;
  }
  ~RouterTest() override { router.reset(); }

  std::shared_ptr<Chain> chain_of(const std::string& name, const std::vector<std::string>& of,
                                  const ScriptedProvider::Choose& choose) {
    chain = new_chain();
    chain->name = name;
    for (const std::string& provider : of) add(provider, choose);
    return chain;
  }
  // Rented: "a" and "b" behind gpt-5; owned: "s" behind invoices-v7.
  void make(const ScriptedProvider::Choose& teacher, const ScriptedProvider::Choose& specialist) {
    task.name = "invoices";
    task.teacher = chain_of("gpt-5", {"a", "b"}, teacher);
    const std::shared_ptr<Chain> owned = chain_of("invoices-v7", {"s"}, specialist);
    owned->targets[0].is_owned = true;
    task.specialist = owned;
    next.models = {{"gpt-5", task.teacher}, {"invoices-v7", task.specialist}};
    next.matches = {{"invoices", "invoices", {"gpt-5"}}};
    begin();
  }
  void make(const Script& teacher, const Script& specialist) {
    make([teacher](const WireRequest&, int) { return teacher; },
         [specialist](const WireRequest&, int) { return specialist; });
  }
  void begin() {
    next.tasks.clear();
    next.tasks.emplace("invoices", task);
    auto snapshot = std::make_shared<const RoutingSnapshot>(next);
    routes.configure({config});
    if (router) {
      router->use(std::move(snapshot));
      return;
    }
    const auto amend = [this](const std::string& id, std::vector<ExchangeAttempt> attempts) {
      const std::lock_guard lock(amended_mutex);
      amended.emplace_back(id, std::move(attempts));
    };
    router = std::make_unique<GatewayRouter>(
        GatewayRouterTools{deadlines, background, routes, budgets, amend, {}, [] { return int64_t{1'000}; }, 3},
        std::move(snapshot));
  }

  static WireRequest request_for(const std::string& model, const std::string& text, bool stream = true) {
    ChatRequest request;
    request.model = model;
    request.messages.push_back(Message::of(Role::kUser, text));
    request.stream = stream;
    return WireRequest::of(openai_chat(), std::move(request));
  }
  Heard ask_router(const WireRequest& request) {
    record = Exchange();
    record.id = "exchange";
    return run(asking_router(request, record));
  }
  Heard ask_router() { return ask_router(request_for("gpt-5", "total 19.90")); }
  Awaitable<Heard> asking_router(const WireRequest& request, Exchange& into) {
    const Call call{&pool, stop.get_token()};
    router->prepare(request, caller, into);
    Attempt attempt = co_await router->start(request, caller, into, call);
    Heard heard = co_await listen(std::move(attempt), 100'000);
    co_return heard;
  }

  MemoryStore store;
  RouteTable routes{store};
  Budgets budgets{{}};
  Route config;
  RoutedTask task;
  RoutingSnapshot next;
  Caller caller{"", {}, "invoices"};
  std::mutex amended_mutex;
  std::vector<std::pair<std::string, std::vector<ExchangeAttempt>>> amended;
  std::unique_ptr<GatewayRouter> router;
};

}  // namespace understudy::testing
