// The gateway's router. A request's way: may this key use the model, is there money for it, which task is it, who
// answers it (decide.h), and then
//
//   teacher     the teacher's chain; where none of it answers, the specialist as the last resort
//   specialist  the specialist's chain; its answer is held until gate B (answer_gate.h) has passed it, else it
//               escalates to the teacher with both attempts on the exchange; and where the teacher cannot answer
//               either, the answer that was held back serves after all. Without a gate it goes out as it comes.
//   shadow      the teacher answers; the specialist answers beside it, is only recorded, and amends the exchange later
//
// Where a rule was broken because nobody else was left, RouteChoice::reason says "last resort".
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "economics/budget.h"
#include "gateway/routing/chain_runner.h"
#include "gateway/routing/route_table.h"
#include "gateway/routing/router.h"
#include "gateway/routing/snapshot.h"

namespace understudy {

// What a shadow's attempts add to an exchange that may have ended already. Called on a background thread.
using AmendExchange = std::function<void(const std::string& exchange_id, std::vector<ExchangeAttempt> attempts)>;
using BudgetWarnings = std::function<void(const std::vector<BudgetWarning>& warnings)>;

struct GatewayRouterTools {  // all of it outlives the router
  Deadlines& deadlines;
  Executor& background;  // threads that may take their time
  RouteTable& routes;
  Budgets& budgets;
  AmendExchange amend;           // or none
  BudgetWarnings budget_warned;  // or none
  std::function<int64_t()> now_ms;
  uint64_t seed = 0;
};

class GatewayRouter : public Router {  // thread-safe
 public:
  GatewayRouter(GatewayRouterTools tools, std::shared_ptr<const RoutingSnapshot> snapshot);
  ~GatewayRouter() override;  // waits for shadows and losers of races

  // From now on; requests under way keep the one they have. The route table is configured by whoever calls this.
  void use(std::shared_ptr<const RoutingSnapshot> snapshot) EXCLUDES(mutex_);
  std::shared_ptr<const RoutingSnapshot> snapshot() const EXCLUDES(mutex_);

  CapturePolicy prepare(const WireRequest& request, const Caller& caller, Exchange& record) override;
  Awaitable<Attempt> start(const WireRequest& request, const Caller& caller, Exchange& record,
                           const Call& call) override;
  Awaitable<std::optional<TokenCount>> count_tokens(const WireRequest& request, const Caller& caller,
                                                    const Call& call) override;
  std::vector<ProviderModel> models(const Caller& caller) const override;
  ProviderLoad load() const override;
  const TokenService* tokens(std::string_view model) const override;

  KnownFingerprints& fingerprints() { return fingerprints_; }
  UsageEstimator& estimator() { return estimator_; }

 private:
  class Request;

  const GatewayRouterTools tools_;
  UsageEstimator estimator_;
  KnownFingerprints fingerprints_;
  const Random random_;  // at() only
  std::atomic<uint64_t> drawn_{0};
  std::atomic<int> shadows_{0};  // that run now
  mutable Mutex mutex_;
  std::shared_ptr<const RoutingSnapshot> snapshot_ GUARDED_BY(mutex_);
  TaskGroup tasks_;
  ChainRunner runner_;
};

}  // namespace understudy
