#include "gateway/routing/build_snapshot.h"

#include "base/files.h"
#include "base/json.h"
#include "evaluation/field_tree.h"
#include "evaluation/schema.h"
#include "gateway/providers/vendor.h"

namespace understudy {

namespace {

constexpr std::string_view kEngineVendor = "understudy";  // whose tokens cost nothing by themselves

BreakerLimits limits_of(const BreakerConfig& breaker) {
  return {breaker.failures, breaker.within, breaker.open, breaker.open_at_most};
}

ChainTarget target_of(const ChainEntry& entry, const ProviderConfig& provider, const SnapshotParts& parts) {
  ChainTarget target;
  target.provider = parts.providers.at(provider.name);
  target.health = parts.board.target(provider.name, entry.model, limits_of(provider.breaker));
  target.name = provider.name;
  target.vendor = provider.engine ? std::string(kEngineVendor) : provider.vendor;
  target.model = entry.model;
  target.weight = entry.weight;
  target.terms = provider.terms;
  target.is_owned = provider.engine.has_value() || find_vendor(provider.vendor)->is_owned;
  target.timeouts = {provider.timeouts.first_token, provider.timeouts.between_tokens, provider.timeouts.total};
  return target;
}

Chain::Pick pick_of(ChainPick pick) {
  switch (pick) {
    case ChainPick::kInOrder:
      return Chain::Pick::kInOrder;
    case ChainPick::kWeighted:
      return Chain::Pick::kWeighted;
    case ChainPick::kLeastLatency:
      return Chain::Pick::kLeastLatency;
  }
  return Chain::Pick::kInOrder;
}

std::shared_ptr<const Chain> chain_of(const ModelChain& model, const GatewayConfig& config, const SnapshotParts& parts,
                                      const std::shared_ptr<const PriceBook>& prices) {
  auto chain = std::make_shared<Chain>();
  chain->name = model.name;
  for (const ChainEntry& entry : model.chain) {
    chain->targets.push_back(target_of(entry, *config.provider(entry.provider), parts));
  }
  chain->pick = pick_of(model.pick);
  chain->retries = {model.retries.attempts, model.retries.budget};
  chain->hold = {model.hold.events, model.hold.bytes.bytes};
  chain->hedge_after = model.hedge_after;
  chain->price = [prices](std::string_view vendor, std::string_view name, int64_t at_ms, const Usage& usage) {
    return prices->price(vendor, name, at_ms, usage);
  };
  return chain;
}

AnswerGate gate_of(const GateConfig& config) {
  AnswerGate gate;
  gate.grounded = config.grounded;
  if (!config.schema.empty()) {
    gate.schema = std::make_shared<const evaluation::AnswerSchema>(evaluation::AnswerSchema::read_file(config.schema));
    const Json schema = parse_json(read_file(config.schema), config.schema.string());
    gate.fields = std::make_shared<const evaluation::FieldNode>(
        evaluation::field_tree_from_schema(schema, config.schema.string()));
  }
  if (config.min_value_token_probability) gate.scorer = least_value_token();
  return gate;
}

// card.json: "prompt_tokens": {"p99_5": N}, "tool_schema".
SpecialistCard card_of(const std::filesystem::path& path) {
  SpecialistCard card;
  if (path.empty()) return card;
  const Json json = parse_json(read_file(path), path.string());
  const Json prompt = json.value("prompt_tokens", Json::object());
  if (prompt.is_object() && prompt.contains("p99_5") && prompt["p99_5"].is_number()) {
    card.longest_prompt = prompt["p99_5"].get<int64_t>();
  }
  card.has_tools = json.contains("tool_schema") && !json["tool_schema"].is_null();
  return card;
}

RoutedTask task_of(const TaskConfig& config, const RoutingSnapshot& snapshot) {
  RoutedTask task;
  task.name = config.name;
  task.teacher = snapshot.models.at(config.teacher);
  if (!config.specialist.empty()) task.specialist = snapshot.models.at(config.specialist);
  task.images = config.images;
  task.pruned_prompt = config.pruned_prompt;
  task.card = card_of(config.card);
  if (config.after && config.buffer) task.gate = gate_of(*config.after);
  task.capture = {config.keep.sample.value, config.keep.redact};
  return task;
}

}  // namespace

std::shared_ptr<const RoutingSnapshot> build_snapshot(const GatewayConfig& config, const SnapshotParts& parts) {
  auto snapshot = std::make_shared<RoutingSnapshot>();
  snapshot->prices = std::make_shared<const PriceBook>(config.prices.empty() ? PriceBook::shipped()
                                                                             : PriceBook::read_file(config.prices));
  for (const ModelChain& model : config.models) {
    snapshot->models[model.name] = chain_of(model, config, parts, snapshot->prices);
  }
  for (const TaskConfig& task : config.tasks) {
    snapshot->tasks[task.name] = task_of(task, *snapshot);
    snapshot->matches.push_back({task.name, task.match.header, task.match.models});
  }
  for (const KeyConfig& key : config.keys) snapshot->keys[key.name] = {key.models};
  snapshot->capture = {config.capture.keep.sample.value, config.capture.keep.redact};
  snapshot->created = parts.created;
  return snapshot;
}

std::vector<Route> first_routes(const GatewayConfig& config) {
  std::vector<Route> routes;
  for (const TaskConfig& task : config.tasks) {
    Route route;
    route.task = task.name;
    route.share = task.share.value;
    route.shadow = task.shadow;
    route.sentinel = task.sentinel.value;
    if (task.after) route.min_value_token_probability = task.after->min_value_token_probability;
    route.who = "config";
    routes.push_back(std::move(route));
  }
  return routes;
}

Budgets::Limits key_limits(const GatewayConfig& config) {
  Budgets::Limits limits;
  for (const KeyConfig& key : config.keys) limits[key.name] = key.limits;
  return limits;
}

}  // namespace understudy
