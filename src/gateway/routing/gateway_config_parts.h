// The sections of gateway.yml, each read in a file of its own (gateway_config_capture.cc, ..._defaults, ..._providers,
// ..._models, ..._tasks, ..._keys); gateway_config.cc puts them together. What a section's names refer to is given in.
// All throw kInvalidInput with file, line and key; pure functions.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/config_fields.h"
#include "base/nearest.h"
#include "gateway/routing/gateway_config.h"

namespace understudy::gateway_yml {

// ---- the sections

const Fields<CaptureConfig>& capture_fields();
const Fields<DefaultsConfig>& defaults_fields();
std::vector<ProviderConfig> read_providers(const ConfigNode& node, const DefaultsConfig& defaults);
std::vector<ModelChain> read_models(const ConfigNode& node, const std::vector<ProviderConfig>& providers,
                                    const DefaultsConfig& defaults);
// `keep`: what a task that does not say keeps.
std::vector<TaskConfig> read_tasks(const ConfigNode& node, const std::vector<ModelChain>& models,
                                   const KeepConfig& keep);
std::vector<KeyConfig> read_keys(const ConfigNode& node, const std::vector<ModelChain>& models);

// ---- parts of several sections

Fields<KeepConfig> keep_fields();
const Fields<TimeoutConfig>& timeout_fields();
const Fields<RetryConfig>& retry_fields();
const Fields<BreakerConfig>& breaker_fields();
const Fields<HealthConfig>& health_fields();
const Fields<HoldConfig>& hold_fields();

inline Check<int> at_least_one() {
  return at_least(1);
}

inline Check<std::chrono::nanoseconds> positive() {
  return [](const ConfigNode& node, const std::chrono::nanoseconds& got) {
    if (got <= std::chrono::nanoseconds(0)) throw node.error("expected more than 0");
  };
}

// A name among those that are there, else an error with the nearest one.
template <class Rows>
void expect_name(const ConfigNode& node, const std::string& name, const Rows& rows, std::string_view what) {
  std::vector<std::string> names;
  for (const auto& row : rows) names.push_back(row.name);
  if (std::find(names.begin(), names.end(), name) != names.end()) return;
  const std::string near = nearest_word(name, names);
  throw node.error(fmt::format("there is no {} \"{}\"", what, name),
                   near.empty() ? "" : fmt::format("did you mean {}?", near));
}

// Fills a list of named rows from a map, with defaults in `row`.
template <class Row>
std::vector<Row> read_rows(const ConfigNode& node, const Fields<Row>& fields, const Row& row) {
  std::vector<Row> rows;
  if (node.is_null()) return rows;
  for (const auto& [name, member] : node.members()) {
    Row read = row;
    read.name = name;
    fields.read_into(member, read);
    rows.push_back(std::move(read));
  }
  return rows;
}

template <class Rows, class CheckRow>
void check_rows(const ConfigNode& node, const Rows& rows, const CheckRow& check) {
  for (const auto& row : rows) check(node[row.name], row);
}

}  // namespace understudy::gateway_yml
