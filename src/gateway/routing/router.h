// The room's page. gateway/routing is who shall answer. It knows providers by the names that applications ask for, and
// sends no bytes itself. Built once, at start; thread-safe after that.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/providers/provider.h"

namespace understudy {

class Router {  // thread-safe once every provider is added
 public:
  void add(Provider& provider);  // under each of its models' names; it outlives the router. Throws kInvalidInput for a
                                 // name given twice.

  // The one that answers for this model; nullptr for an unknown name.
  Provider* find(std::string_view model) const;
  // The same, for endpoints whose `model` may be left out where there is only one.
  Provider* find_or_only(std::string_view model) const;

  // Starts the answer; for an unknown model a failure with OpenAI's model_not_found.
  Awaitable<Attempt> start(const ChatRequest& request, const Call& call) const;

  std::vector<ProviderModel> models() const;
  ProviderLoad load() const;  // of all providers together

 private:
  struct Entry {
    ProviderModel model;
    Provider* provider = nullptr;
  };
  std::vector<Entry> entries_;
  std::vector<Provider*> providers_;
};

Error model_not_found(std::string_view model);

}  // namespace understudy
