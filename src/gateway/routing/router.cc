#include "gateway/routing/router.h"

#include <fmt/format.h>

namespace understudy {

Error model_not_found(std::string_view model) {
  return Error(ErrorCode::kNotFound, fmt::format("model: there is no model \"{}\"", model.substr(0, 100)),
               "GET /v1/models lists those that are served")
      .about("model", "model_not_found");
}

void Router::add(Provider& provider) {
  for (ProviderModel& model : provider.models()) {
    if (find(model.name) != nullptr) {
      throw Error(ErrorCode::kInvalidInput, fmt::format("two models are called {}", model.name));
    }
    entries_.push_back({std::move(model), &provider});
  }
  providers_.push_back(&provider);
}

Provider* Router::find(std::string_view model) const {
  for (const Entry& entry : entries_) {
    if (entry.model.name == model) return entry.provider;
  }
  return nullptr;
}

Provider* Router::find_or_only(std::string_view model) const {
  if (model.empty() && entries_.size() == 1) return entries_.front().provider;
  return find(model);
}

Awaitable<Attempt> Router::start(const ChatRequest& request, const Call& call) const {
  Provider* provider = find(request.model);
  if (provider == nullptr) {
    ProviderFailure unknown{ProviderFailure::Kind::kRefused, model_not_found(request.model), std::nullopt};
    co_return Attempt(std::move(unknown));
  }
  Attempt attempt = co_await provider->start(request, call);
  co_return attempt;
}

std::vector<ProviderModel> Router::models() const {
  std::vector<ProviderModel> models;
  for (const Entry& entry : entries_) models.push_back(entry.model);
  return models;
}

ProviderLoad Router::load() const {
  ProviderLoad sum;
  for (const Provider* provider : providers_) {
    const ProviderLoad load = provider->load();
    sum.waiting += load.waiting;
    sum.active += load.active;
  }
  return sum;
}

}  // namespace understudy
