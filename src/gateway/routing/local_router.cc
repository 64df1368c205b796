#include "gateway/routing/local_router.h"

#include <fmt/format.h>

#include "gateway/wire/wire_request.h"

namespace understudy {

void LocalRouter::add(Provider& provider) {
  for (ProviderModel& model : provider.models()) {
    if (find(model.name) != nullptr) {
      throw Error(ErrorCode::kInvalidInput, fmt::format("two models are called {}", model.name));
    }
    entries_.push_back({std::move(model), &provider});
  }
  providers_.push_back(&provider);
}

Provider* LocalRouter::find(std::string_view model) const {
  for (const Entry& entry : entries_) {
    if (entry.model.name == model) return entry.provider;
  }
  return nullptr;
}

CapturePolicy LocalRouter::prepare(const WireRequest& request, const Caller&, Exchange& record) {
  record.fingerprint = request.head().fingerprint;
  return {};
}

Awaitable<Attempt> LocalRouter::start(const WireRequest& request, const Caller&, Exchange& record, const Call& call) {
  const std::string& model = request.head().model;
  Provider* provider = find(model);
  if (provider == nullptr) {
    co_return Attempt(ProviderFailure{.kind = ProviderFailure::Kind::kRefused, .error = model_not_found(model)});
  }
  if (asks_for_embeddings(request) && !provider->has_embeddings()) {
    co_return Attempt(ProviderFailure{.kind = ProviderFailure::Kind::kRefused, .error = no_embeddings(model)});
  }
  record.provider = record.provider_model = model;
  Attempt attempt = co_await provider->start(request, model, call);
  co_return attempt;
}

Awaitable<std::optional<TokenCount>> LocalRouter::count_tokens(const WireRequest& request, const Caller&,
                                                               const Call& call) {
  const std::string& model = request.head().model;
  Provider* provider = find(model);
  if (provider == nullptr) {
    co_return TokenCount(ProviderFailure{.kind = ProviderFailure::Kind::kRefused, .error = model_not_found(model)});
  }
  std::optional<TokenCount> count = co_await provider->count_tokens(request, model, call);
  co_return count;
}

std::vector<ProviderModel> LocalRouter::models(const Caller&) const {
  std::vector<ProviderModel> models;
  for (const Entry& entry : entries_) models.push_back(entry.model);
  return models;
}

ProviderLoad LocalRouter::load() const {
  ProviderLoad sum;
  for (const Provider* provider : providers_) {
    const ProviderLoad load = provider->load();
    sum.waiting += load.waiting;
    sum.active += load.active;
  }
  return sum;
}

const TokenService* LocalRouter::tokens(std::string_view model) const {
  const bool is_only = model.empty() && entries_.size() == 1;
  const Provider* provider = is_only ? entries_.front().provider : find(model);
  return provider == nullptr ? nullptr : provider->tokens();
}

}  // namespace understudy
