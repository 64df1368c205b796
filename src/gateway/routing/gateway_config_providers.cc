// `providers`: who can answer, by vendor or with an engine in this process.
#include <fmt/format.h>

#include "gateway/providers/vendor.h"
#include "gateway/routing/gateway_config_parts.h"

namespace understudy::gateway_yml {

namespace {

void read_vendor(const ConfigNode& node, ProviderConfig& provider) {
  provider.vendor = node.as_text();
  if (find_vendor(provider.vendor) != nullptr) return;
  std::vector<std::string> names;
  for (const Vendor& vendor : vendors()) names.emplace_back(vendor.name);
  throw node.error(fmt::format("there is no vendor \"{}\"", provider.vendor),
                   fmt::format("one of {}", fmt::join(names, ", ")));
}

void read_terms(const ConfigNode& node, ProviderConfig& provider) {
  const std::string word = node.as_text();
  if (word != "may_train" && word != "no_training") throw node.error("expected may_train or no_training");
  provider.terms = word == "may_train" ? Terms::kMayTrain : Terms::kNoTraining;
}

const Fields<EngineConfig>& engine_fields() {
  static const Fields<EngineConfig> fields =
      Fields<EngineConfig>()
          .special("model", "a GGUF file or a Hugging Face folder",
                   [](const ConfigNode& node, EngineConfig& engine) { engine.model = node.as_text(); })
          .special("adapters", "", [](const ConfigNode& node, EngineConfig&) {
            throw node.error("several specialists on one base come with a later version");
          });
  return fields;
}

const Fields<ProviderConfig>& provider_fields() {
  static const Fields<ProviderConfig> fields =
      Fields<ProviderConfig>()
          .special("vendor", "a row of the vendor table", read_vendor)
          .field("base_url", &ProviderConfig::base_url, "as the vendor's own client takes it")
          .field("keys", &ProviderConfig::keys, "env:NAME or file:PATH, one or several")
          .field("api_version", &ProviderConfig::api_version, "Azure's api-version")
          .special("terms", "may_train or no_training", read_terms)
          .field("allow_private_address", &ProviderConfig::allow_private_address,
                 "whether it may be in a private network or on this machine")
          .special(
              "engine", "a specialist inside this process",
              [](const ConfigNode& node, ProviderConfig& provider) { provider.engine = engine_fields().read(node); })
          .group("timeouts", &ProviderConfig::timeouts, timeout_fields(), "")
          .group("breaker", &ProviderConfig::breaker, breaker_fields(), "")
          .group("health", &ProviderConfig::health, health_fields(), "");
  return fields;
}

void check_provider(const ConfigNode& node, const ProviderConfig& provider) {
  if (provider.engine) {
    if (!provider.vendor.empty()) throw node.error("expected either vendor or engine");
    if (provider.engine->model.empty()) throw node["engine"].error("model is missing");
    return;
  }
  if (provider.vendor.empty()) throw node.error("vendor is missing", "or `engine: {model: FILE}`");
  const Vendor& vendor = *find_vendor(provider.vendor);
  if (provider.base_url.empty() && vendor.base_url.empty()) {
    throw node.error(fmt::format("base_url is missing: {} has no address of its own", provider.vendor));
  }
  const ConfigNode url = node["base_url"];
  const bool is_http = provider.base_url.empty() || provider.base_url.rfind("http://", 0) == 0 ||
                       provider.base_url.rfind("https://", 0) == 0;
  if (!is_http) throw url.error("expected http:// or https://");
  if (provider.base_url.find('@') != std::string::npos) {
    throw url.error("a user or password inside an address is refused", "write keys: [env:NAME]");
  }
  if (vendor.needs_key && provider.keys.empty()) {
    throw node.error(fmt::format("keys is missing: {} asks for one", provider.vendor), "keys: [env:NAME]");
  }
}

}  // namespace

std::vector<ProviderConfig> read_providers(const ConfigNode& node, const DefaultsConfig& defaults) {
  std::vector<ProviderConfig> providers =
      read_rows(node, provider_fields(),
                ProviderConfig{.timeouts = defaults.timeouts, .breaker = defaults.breaker, .health = defaults.health});
  check_rows(node, providers, check_provider);
  return providers;
}

}  // namespace understudy::gateway_yml
