// The golden models that stand beside the project, where they do: tests that use them skip when they are absent.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"

namespace understudy::test {

inline std::filesystem::path golden_folder() {
  return std::filesystem::path(UNDERSTUDY_SOURCE_DIR) / ".." / "shared" / "golden";
}

inline std::vector<std::string> golden_models() {
  return {"llama", "llama3-rope", "mistral-window", "qwen2", "qwen3"};
}

inline Json golden_figures(const std::string& model) {
  const std::filesystem::path path = golden_folder() / model / "golden.json";
  return parse_json(read_file(path), path.string());
}

#define SKIP_WITHOUT_GOLDEN(model)                                                               \
  if (!std::filesystem::exists(::understudy::test::golden_folder() / (model) / "golden.json")) { \
    GTEST_SKIP() << "the golden model " << (model) << " does not stand beside the project";      \
  }

}  // namespace understudy::test
