// The shared reference tokenizers and models, where this machine has them, and small helpers over their cases.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "engine/text/tokenizer.h"

namespace understudy {

inline std::filesystem::path golden_folder() {
  return std::filesystem::path(UNDERSTUDY_SOURCE_DIR) / "../shared/golden";
}

struct TokenizerCase {
  std::string text;
  std::vector<TokenId> ids;
  std::vector<TokenId> ids_special;
  std::string decoded;
};

inline std::vector<TokenizerCase> golden_cases(const std::string& name) {
  const std::filesystem::path file = golden_folder() / "tokenizers" / name / "cases.json";
  std::vector<TokenizerCase> cases;
  for (const Json& row : parse_json(read_file(file), file.string())) {
    cases.push_back({row["text"].get<std::string>(), row["ids"].get<std::vector<TokenId>>(),
                     row["ids_special"].get<std::vector<TokenId>>(), row["decoded"].get<std::string>()});
  }
  return cases;
}

}  // namespace understudy
