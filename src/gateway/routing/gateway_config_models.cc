// `models`: the names that applications ask for, and the chain of targets behind each.
#include <fmt/format.h>

#include "gateway/routing/gateway_config_parts.h"

namespace understudy::gateway_yml {

namespace {

ChainEntry read_target(const ConfigNode& node, const std::vector<ProviderConfig>& providers) {
  const std::string text = node.as_text();
  const size_t slash = text.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == text.size()) {
    throw node.error(fmt::format("expected provider/model, got \"{}\"", text));
  }
  ChainEntry entry{text.substr(0, slash), text.substr(slash + 1), 1};
  expect_name(node, entry.provider, providers, "provider");
  return entry;
}

ChainEntry read_entry(const ConfigNode& node, const std::vector<ProviderConfig>& providers) {
  if (!node.is_map()) return read_target(node, providers);
  ChainEntry entry;
  const auto fields = Fields<ChainEntry>()
                          .special("model", "provider/model",
                                   [&providers](const ConfigNode& n, ChainEntry& read) {
                                     const double weight = read.weight;
                                     read = read_target(n, providers);
                                     read.weight = weight;
                                   })
                          .field("weight", &ChainEntry::weight, "against the others", above(0.0));
  fields.read_into(node, entry);
  if (entry.provider.empty()) throw node.error("model is missing");
  return entry;
}

std::vector<ChainEntry> read_chain(const ConfigNode& node, const std::vector<ProviderConfig>& providers) {
  if (!node.is_list() || node.items().empty()) throw node.error("expected a list of provider/model");
  std::vector<ChainEntry> chain;
  for (const ConfigNode& item : node.items()) chain.push_back(read_entry(item, providers));
  return chain;
}

ChainPick read_pick(const ConfigNode& node) {
  const std::string word = node.as_text();
  if (word == "in_order") return ChainPick::kInOrder;
  if (word == "weighted") return ChainPick::kWeighted;
  if (word == "least_latency") return ChainPick::kLeastLatency;
  throw node.error(fmt::format("expected in_order, weighted or least_latency, got \"{}\"", word));
}

}  // namespace

std::vector<ModelChain> read_models(const ConfigNode& node, const std::vector<ProviderConfig>& providers,
                                    const DefaultsConfig& defaults) {
  const auto fields =
      Fields<ModelChain>()
          .special("chain", "who can answer, in order",
                   [&providers](const ConfigNode& n, ModelChain& model) { model.chain = read_chain(n, providers); })
          .special("pick", "in_order, weighted or least_latency",
                   [](const ConfigNode& n, ModelChain& model) { model.pick = read_pick(n); })
          .field("hedge_after", &ModelChain::hedge_after, "ask the next one too when the first token is this late")
          .group("retries", &ModelChain::retries, retry_fields(), "")
          .group("hold", &ModelChain::hold, hold_fields(), "");
  std::vector<ModelChain> models;
  if (node.is_null()) return models;
  for (const auto& [name, member] : node.members()) {
    ModelChain model{.name = name, .retries = defaults.retries, .hold = defaults.hold};
    if (member.is_list()) {
      model.chain = read_chain(member, providers);
    } else {
      fields.read_into(member, model);
      if (model.chain.empty()) throw member.error("chain is missing");
    }
    models.push_back(std::move(model));
  }
  return models;
}

}  // namespace understudy::gateway_yml
