// gateway.yml as typed values: what may happen, and what a route starts with. Names are resolved against each other
// here (a chain's providers, a task's models), so that below no string key is looked up in vain; files that it names
// are read by who uses them; secrets are named, not read: `exchanges`, `tasks` and `cost` read this without any.
// Immutable after reading.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/config_node.h"
#include "base/money.h"
#include "base/units.h"
#include "economics/budget.h"
#include "gateway/capture/recorder.h"
#include "privacy/secret.h"
#include "records/exchange.h"

namespace understudy {

struct TlsFiles {
  std::filesystem::path certificate;
  std::filesystem::path private_key;
};

struct AdminConfig {
  std::string listen = "127.0.0.1:8081";
  SecretSource key;
};

// What of an exchange may be kept, of the general block or of a task.
struct KeepConfig {
  Share sample{1};
  std::chrono::nanoseconds retain = std::chrono::hours(24 * 90);
  std::vector<std::string> redact = {"secret", "card"};  // kinds of privacy/redaction.h
};

struct CaptureConfig {
  std::filesystem::path folder = "capture";
  SyncMode sync = SyncMode::kInterval;
  std::chrono::milliseconds sync_interval{50};
  bool refuse_on_failure = true;
  KeepConfig keep;
};

struct TimeoutConfig {
  std::chrono::nanoseconds connect = std::chrono::seconds(2);
  std::chrono::nanoseconds first_token = std::chrono::seconds(30);
  std::chrono::nanoseconds between_tokens = std::chrono::seconds(15);
  std::chrono::nanoseconds total = std::chrono::seconds(300);
};

struct RetryConfig {
  int attempts = 3;
  std::chrono::nanoseconds budget = std::chrono::seconds(10);
};

struct BreakerConfig {
  int failures = 5;
  std::chrono::nanoseconds within = std::chrono::seconds(30);
  std::chrono::nanoseconds open = std::chrono::seconds(2);
  std::chrono::nanoseconds open_at_most = std::chrono::seconds(15);
};

struct HealthConfig {
  std::chrono::nanoseconds every = std::chrono::seconds(10);  // 0: never
};

struct HoldConfig {
  int events = 64;
  ByteSize bytes{256 * 1024};
};

struct DefaultsConfig {
  TimeoutConfig timeouts;
  RetryConfig retries;
  BreakerConfig breaker;
  HealthConfig health;
  HoldConfig hold;
};

// A specialist inside this process.
struct EngineConfig {
  std::filesystem::path model;
};

struct ProviderConfig {
  std::string name;
  std::string vendor;    // a row of gateway/providers/vendor.h; empty for an engine
  std::string base_url;  // empty: the vendor's
  std::vector<SecretSource> keys;
  std::string api_version;  // Azure's
  Terms terms = Terms::kNoTraining;
  bool allow_private_address = false;
  std::optional<EngineConfig> engine;
  TimeoutConfig timeouts;
  BreakerConfig breaker;
  HealthConfig health;
};

struct ChainEntry {
  std::string provider;
  std::string model;  // the provider's own name
  double weight = 1;
};

enum class ChainPick { kInOrder, kWeighted, kLeastLatency };

struct ModelChain {
  std::string name;
  std::vector<ChainEntry> chain;
  ChainPick pick = ChainPick::kInOrder;
  std::optional<std::chrono::nanoseconds> hedge_after;
  RetryConfig retries;
  HoldConfig hold;
};

struct MatchConfig {
  std::string header;  // where neither is given: the task's name
  std::vector<std::string> models;
};

struct GateConfig {              // of `after`
  std::filesystem::path schema;  // empty: none
  std::vector<std::string> grounded;
  std::optional<double> min_value_token_probability;
};

struct TaskConfig {
  std::string name;
  MatchConfig match;
  std::string teacher;         // a name under `models`
  std::string specialist;      // likewise; empty: none yet
  std::filesystem::path card;  // the specialist's card.json, for gate A's lengths; empty: none
  std::string pruned_prompt;   // fingerprint of the static prompt that the specialist was trained without; empty: none
  Share share{0};
  bool shadow = false;
  Share sentinel{0};
  bool images = false;  // before.images
  std::optional<GateConfig> after;
  bool buffer = true;  // `answer`
  KeepConfig keep;
};

struct KeyConfig {
  std::string name;
  std::string sha256;
  std::vector<std::string> models;  // empty: all
  KeyLimits limits;
  std::map<std::string, std::string> tags;
  std::optional<int64_t> expires_ms;  // the first instant after its last day
};

struct LimitsConfig {
  ByteSize request_body{20'000'000};
  int nesting = 200;
  ByteSize header{32'000};
  std::chrono::nanoseconds idle = std::chrono::seconds(60);
  int connections = 10'000;
  std::chrono::nanoseconds drain = std::chrono::seconds(30);
};

struct TelemetryConfig {
  std::string traces;      // an OTLP endpoint; empty: none
  std::string access_log;  // "stderr" or a file's path; empty: none
  bool prompt_text = false;
};

struct GatewayConfig {
  std::filesystem::path file;
  std::string listen = "127.0.0.1:8080";
  std::optional<TlsFiles> tls;
  std::optional<AdminConfig> admin;
  std::string store = "sqlite:understudy.db";
  SecretSource store_password;
  std::filesystem::path prices;  // empty: the shipped book
  CaptureConfig capture;
  std::vector<ProviderConfig> providers;
  std::vector<ModelChain> models;
  std::vector<TaskConfig> tasks;
  std::vector<KeyConfig> keys;
  LimitsConfig limits;
  TelemetryConfig telemetry;

  // Relative paths are relative to the file. `overrides`: flags ("admin.listen", "127.0.0.1:0"). Throws kInvalidInput
  // with file, line and key.
  static GatewayConfig read_file(const std::filesystem::path& path,
                                 const std::vector<std::pair<std::string, std::string>>& overrides = {});

  // Keys in which this file, read again, differs from the one that the process started with, and which a running
  // process cannot change: listeners, store, log, limits of connections. "limits.idle", ...
  std::vector<std::string> changes_that_need_restart(const GatewayConfig& started_with) const;

  const ProviderConfig* provider(std::string_view name) const;
  const ModelChain* model(std::string_view name) const;
  const TaskConfig* task(std::string_view name) const;
  const KeyConfig* key(std::string_view name) const;
};

}  // namespace understudy
