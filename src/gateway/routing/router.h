// The room's page. gateway/routing is who shall answer: which providers in which order, whether a specialist or the
// teacher, what is tried again and what is never. It sends no bytes itself. `serve` has a LocalRouter (one provider
// under its names), the gateway a GatewayRouter (tasks, routes, chains, budgets); the endpoints know only this
// interface.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/providers/provider.h"
#include "records/exchange.h"

namespace understudy {

// Who asks, as gateway/api found out before anything was read.
struct Caller {
  std::string key;                          // the virtual key's name; empty where there are none
  std::map<std::string, std::string> tags;  // of the key and of the request's headers
  std::string task;                         // header X-Understudy-Task
};

// What of an exchange may be kept; of its task, else of the config's general block.
struct CapturePolicy {
  bool keep_bodies = true;          // false: the sample left it out; figures are kept all the same
  std::vector<std::string> redact;  // kinds of privacy/redaction.h: "secret", "email", ...
};

class Router {  // thread-safe
 public:
  virtual ~Router() = default;

  // Before anything is sent: finds the task and what may be kept of it. `record` gets task and fingerprint.
  virtual CapturePolicy prepare(const WireRequest& request, const Caller& caller, Exchange& record) = 0;
  // Starts the answer. `record` gets task, route and every attempt, also those that lost; while the stream is read, its
  // attempt's usage, cost and times, and at the stream's end the exchange's own. `request` and `record` outlive the
  // stream. A failure is what the client is to be told. Never throws for what a provider does.
  virtual Awaitable<Attempt> start(const WireRequest& request, const Caller& caller, Exchange& record,
                                   const Call& call) = 0;
  // The tokens of a Messages request, counted by the first of its model's targets that answers
  // (Provider::count_tokens); nothing where that one has no such endpoint, or where none may be asked now (open
  // breakers, Retry-After). A failure is what the client is to be told.
  // No exchange comes of it.
  virtual Awaitable<std::optional<TokenCount>> count_tokens(const WireRequest& request, const Caller& caller,
                                                            const Call& call) = 0;
  // What this caller may use, for GET /v1/models.
  virtual std::vector<ProviderModel> models(const Caller& caller) const = 0;
  virtual ProviderLoad load() const = 0;  // of all providers together
  // The words of a model that is at hand here; nullptr where none is. An empty name is the only model.
  virtual const TokenService* tokens(std::string_view model) const = 0;
};

Error model_not_found(std::string_view model);
Error no_embeddings(std::string_view model);
bool asks_for_embeddings(const WireRequest& request);

}  // namespace understudy
