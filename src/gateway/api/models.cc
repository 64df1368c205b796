#include "gateway/api/handlers.h"
#include "gateway/wire/openai_error.h"

namespace understudy {

namespace {

std::vector<openai::ModelEntry> entries_of(const Router& router) {
  std::vector<openai::ModelEntry> entries;
  for (const ProviderModel& model : router.models({})) entries.push_back({model.name, model.created, "understudy"});
  return entries;
}

}  // namespace

Awaitable<HttpResponse> list_models(Api& api, const HttpRequest&, const std::string&) {
  co_return HttpResponse::of(200, "application/json", openai::write_models(entries_of(api.router())));
}

Awaitable<HttpResponse> show_model(Api& api, const HttpRequest&, const std::string& name) {
  for (const openai::ModelEntry& entry : entries_of(api.router())) {
    if (entry.id == name) co_return HttpResponse::of(200, "application/json", openai::write_model(entry));
  }
  throw model_not_found(name);
}

}  // namespace understudy
