#include "gateway/api/handlers.h"
#include "gateway/wire/openai_error.h"

namespace understudy {

namespace {

std::vector<openai::ModelEntry> entries_of(Api& api, const HttpRequest& http) {
  std::vector<openai::ModelEntry> entries;
  for (const ProviderModel& model : api.router().models(api.identify(http)))
    entries.push_back({model.name, model.created, "understudy"});
  return entries;
}

}  // namespace

Awaitable<HttpResponse> list_models(Api& api, const HttpRequest& http, const std::string&) {
  co_return HttpResponse::of(200, "application/json", openai::write_models(entries_of(api, http)));
}

Awaitable<HttpResponse> show_model(Api& api, const HttpRequest& http, const std::string& name) {
  for (const openai::ModelEntry& entry : entries_of(api, http)) {
    if (entry.id == name) co_return HttpResponse::of(200, "application/json", openai::write_model(entry));
  }
  throw model_not_found(name);
}

}  // namespace understudy
