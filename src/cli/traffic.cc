#include "cli/traffic.h"

#include <fmt/format.h>

#include <chrono>

#include "base/config_node.h"
#include "base/timestamp.h"
#include "base/units.h"
#include "base/utf8.h"
#include "gateway/capture/exchange_source.h"
#include "gateway/routing/gateway_config.h"
#include "gateway/wire/request_head.h"

namespace understudy::cli {

namespace {

constexpr int kDepth = 200;            // of a captured body; the gateway has let it in
constexpr size_t kExampleBytes = 200;  // of what is shown of a request

std::string text_of(const ChainEntry& entry) {
  return entry.provider + "/" + entry.model;
}

void add_task(const TaskConfig& task, const GatewayConfig& gateway, TrafficConfig& config) {
  config.tasks.push_back(task.name);
  if (const ModelChain* specialist = gateway.model(task.specialist)) {
    for (const ChainEntry& entry : specialist->chain) config.parties.specialists.insert(text_of(entry));
  }
  const ModelChain* teacher = gateway.model(task.teacher);
  if (teacher == nullptr || teacher->chain.empty()) return;
  const ChainEntry& first = teacher->chain.front();
  config.teachers[task.name] = {config.parties.vendor_of(first.provider), first.model};
}

std::string beginning_of(const std::string& text) {
  std::string beginning = text.substr(0, kExampleBytes);
  if (beginning.size() < text.size()) beginning.resize(beginning.size() - incomplete_utf8_tail(beginning));
  return beginning;
}

PromptShape shape_of(const Exchange& exchange) {
  if (exchange.request.empty()) return {};
  try {
    const RequestHead head = read_request_head(exchange.protocol, exchange.request, kDepth);
    return {.static_bytes = std::ssize(head.system),
            .body_bytes = std::ssize(exchange.request),
            .example = beginning_of(head.last_user)};
  } catch (const Error&) {
    return {};  // an embedding's body, or one that redaction has changed
  }
}

}  // namespace

TrafficConfig read_traffic_config(const std::filesystem::path& path) {
  const GatewayConfig gateway = GatewayConfig::read_file(path);
  TrafficConfig config;
  config.store.url = gateway.store;
  if (gateway.store_password.is_set()) config.store.password = gateway.store_password.read().reveal();
  config.capture_folder = gateway.capture.folder;
  config.prices = gateway.prices.empty() ? PriceBook::shipped() : PriceBook::read_file(gateway.prices);
  for (const ProviderConfig& provider : gateway.providers) {
    config.parties.vendors[provider.name] = provider.engine ? "understudy" : provider.vendor;
  }
  for (const TaskConfig& task : gateway.tasks) add_task(task, gateway, config);
  return config;
}

int64_t since_ms(const std::string& text, const char* flag) {
  if (const auto instant = parse_utc(text)) return *instant;
  try {
    ConfigNode node = ConfigNode::empty_map("the command line");
    node.set("since", text, flag);
    std::chrono::nanoseconds before{};
    read_value(node["since"], before);
    return now_ms() - std::chrono::duration_cast<std::chrono::milliseconds>(before).count();
  } catch (const Error&) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: expected a day such as 2026-11-25 or a time such as 7d, got \"{}\"", flag, text));
  }
}

void each_exchange(const TrafficConfig& config, const Store& store, const ExchangeFilter& filter,
                   const std::function<void(const Exchange&, const PromptShape&)>& each) {
  ExchangeSource(config.capture_folder, store).each_exchange(filter, [&](const Exchange& exchange) {
    each(exchange, shape_of(exchange));
    return true;
  });
}

}  // namespace understudy::cli
