// OpenAI's error object and list of models: {"error": {"message", "type", "param", "code"}}. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace understudy::openai {

// Message and hint in one sentence; Error::field as "param", Error::reason as "code", each null where there is none.
std::string write_error(const Error& error);

struct ModelEntry {
  std::string id;
  int64_t created = 0;  // seconds since 1970, UTC
  std::string owned_by;
  bool operator==(const ModelEntry&) const = default;
};
std::string write_model(const ModelEntry& model);
std::string write_models(const std::vector<ModelEntry>& models);

}  // namespace understudy::openai
