#include "gateway/wire/openai_error.h"

#include "base/json.h"

namespace understudy::openai {

namespace {

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json model_json(const ModelEntry& model) {
  return {{"id", model.id}, {"object", "model"}, {"created", model.created}, {"owned_by", model.owned_by}};
}

}  // namespace

std::string write_error(const Error& error) {
  const std::string message = error.hint().empty() ? error.message() : error.message() + " (" + error.hint() + ")";
  return dump_json({{"error",
                     {{"message", message},
                      {"type", openai_error_type(error.code())},
                      {"param", text_or_null(error.field())},
                      {"code", text_or_null(error.reason())}}}});
}

std::string write_model(const ModelEntry& model) {
  return dump_json(model_json(model));
}

std::string write_models(const std::vector<ModelEntry>& models) {
  Json list = Json::array();
  for (const ModelEntry& model : models) list.push_back(model_json(model));
  return dump_json({{"object", "list"}, {"data", std::move(list)}});
}

}  // namespace understudy::openai
