#include "cli/traffic.h"

#include <fmt/format.h>

#include <chrono>

#include "base/environment.h"
#include "base/files.h"
#include "base/timestamp.h"
#include "base/units.h"
#include "base/utf8.h"
#include "gateway/capture/exchange_source.h"
#include "gateway/wire/request_head.h"

namespace understudy::cli {

namespace {

constexpr int kDepth = 200;            // of a captured body; the gateway has let it in
constexpr size_t kExampleBytes = 200;  // of what is shown of a request

std::string text_or(const ConfigNode& node, const std::string& otherwise) {
  return node.is_null() ? otherwise : node.as_text();
}

std::filesystem::path beside(const std::filesystem::path& config, const std::string& path) {
  return config.parent_path() / path;  // an absolute path stays
}

// "env:NAME" or "file:PATH"; the only secret that reading needs.
std::string read_password(const ConfigNode& node, const std::filesystem::path& config) {
  if (node.is_null()) return {};
  const std::string text = node.as_text();
  if (text.starts_with("file:")) {
    std::string secret = read_file(beside(config, text.substr(5)));
    while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
    return secret;
  }
  if (!text.starts_with("env:"))
    throw node.error("expected env:NAME or file:PATH", "a secret is never written out here");
  const auto secret = environment(text.substr(4));
  if (!secret) throw node.error(fmt::format("the environment has no {}", text.substr(4)));
  return *secret;
}

StoreAddress read_store(const ConfigNode& node, const std::filesystem::path& path) {
  constexpr std::string_view kSqlite = "sqlite:";
  StoreAddress address;
  address.url = text_or(node["store"], "sqlite:understudy.db");
  if (address.url.starts_with(kSqlite)) {
    address.url = std::string(kSqlite) + beside(path, address.url.substr(kSqlite.size())).string();
  }
  address.password = read_password(node["store_password"], path);
  return address;
}

// "provider/model" of every target of a chain: a list, or a map with `chain`, of texts or of maps with `model`.
std::vector<std::string> targets_of(const ConfigNode& model) {
  std::vector<std::string> targets;
  const ConfigNode chain = model.is_map() ? model["chain"] : model;
  if (chain.is_scalar()) return {chain.as_text()};
  for (const ConfigNode& item : chain.items()) {
    targets.push_back(item.is_map() ? item["model"].as_text() : item.as_text());
  }
  return targets;
}

void read_task(const std::string& name, const ConfigNode& task, const ConfigNode& models, TrafficConfig& config) {
  config.tasks.push_back(name);
  if (!task["specialist"].is_null()) {
    for (const std::string& target : targets_of(models[task["specialist"].as_text()])) {
      config.parties.specialists.insert(target);
    }
  }
  if (task["teacher"].is_null()) return;
  const std::vector<std::string> targets = targets_of(models[task["teacher"].as_text()]);
  if (targets.empty()) return;
  const size_t slash = targets.front().find('/');
  if (slash == std::string::npos) return;
  config.teachers[name] = {config.parties.vendor_of(targets.front().substr(0, slash)),
                           targets.front().substr(slash + 1)};
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
  const ConfigNode node = ConfigNode::read_file(path);
  TrafficConfig config;
  config.store = read_store(node, path);
  config.capture_folder = beside(path, text_or(node["capture"]["folder"], "capture"));
  config.prices =
      node["prices"].is_null() ? PriceBook::shipped() : PriceBook::read_file(beside(path, node["prices"].as_text()));
  if (!node["providers"].is_null()) {
    for (const auto& [name, provider] : node["providers"].members()) {
      config.parties.vendors[name] = text_or(provider["vendor"], "understudy");  // `engine`: in the gateway's process
    }
  }
  if (!node["tasks"].is_null()) {
    for (const auto& [name, task] : node["tasks"].members()) read_task(name, task, node["models"], config);
  }
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
