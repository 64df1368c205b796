// The config of an evaluation (eval.yml) as a struct, made from one table of fields. Plain value.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/config_fields.h"
#include "base/config_node.h"
#include "base/money.h"
#include "evaluation/field_kind.h"
#include "records/gate.h"

namespace understudy::evaluation {

struct PromptConfig {
  std::string system;            // empty: no system message
  std::string user = "{input}";  // {input} stands for the record's input
};

struct GenerateConfig {
  int64_t max_tokens = 256;
  double temperature = 0;
  bool constrained = false;
};

struct CostConfig {
  std::optional<Money> per_hour;
  std::optional<Money> per_million;        // prompt and answer tokens alike
  std::optional<Money> input_per_million;  // or apart
  std::optional<Money> output_per_million;
};

struct BootstrapConfig {
  int draws = 10'000;
  int64_t seed = 1;
};

// A field's own settings. What is unset is left to the schema.
struct FieldConfig {
  std::string path;
  std::optional<Kind> kind;
  FieldRule rule;  // all but the kind
};

struct EvalConfig {
  std::string file;  // of this config, as given
  std::string task = "task";
  std::string kind = "extraction";
  std::filesystem::path data;
  PromptConfig prompt;
  std::filesystem::path schema;  // empty: none
  std::vector<FieldConfig> fields;
  std::vector<std::string> labels;
  std::vector<std::string> absent = {"", "N/A", "none", "-", "unknown", "not found"};
  std::string group;
  std::vector<std::string> slices;
  GenerateConfig generate;
  CostConfig cost;
  BootstrapConfig bootstrap;
  std::vector<Gate> gates;

  bool is_classification() const { return kind == "classification"; }

  // Reads and checks. `overrides` are keys with dots and their YAML text, as the command line gave them; paths among
  // them are relative to the working folder, those in the file to the file's folder. Throws kInvalidInput with file,
  // line and key.
  static EvalConfig read(const std::filesystem::path& path,
                         const std::vector<std::pair<std::string, std::string>>& overrides);
};

// For --help and docs/configuration.md.
std::vector<FieldHelp> eval_config_help();

}  // namespace understudy::evaluation
