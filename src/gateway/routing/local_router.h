// The router of `serve`: providers under the names of their models, and nothing to choose. Built once, at start;
// thread-safe after that.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/routing/router.h"

namespace understudy {

class LocalRouter : public Router {  // thread-safe once every provider is added
 public:
  void add(Provider& provider);  // under each of its models' names; it outlives the router. Throws kInvalidInput for a
                                 // name given twice.

  // The one that answers for this model; nullptr for an unknown name.
  Provider* find(std::string_view model) const;

  CapturePolicy prepare(const WireRequest& request, const Caller& caller, Exchange& record) override;
  Awaitable<Attempt> start(const WireRequest& request, const Caller& caller, Exchange& record,
                           const Call& call) override;
  Awaitable<std::optional<TokenCount>> count_tokens(const WireRequest& request, const Caller& caller,
                                                    const Call& call) override;
  std::vector<ProviderModel> models(const Caller& caller) const override;
  ProviderLoad load() const override;
  const TokenService* tokens(std::string_view model) const override;

 private:
  struct Entry {
    ProviderModel model;
    Provider* provider = nullptr;
  };
  std::vector<Entry> entries_;
  std::vector<Provider*> providers_;
};

}  // namespace understudy
