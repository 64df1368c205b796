#include "gateway/routing/gateway_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/config_fields.h"
#include "base/timestamp.h"
#include "gateway/providers/vendor.h"
#include "privacy/redaction.h"

namespace understudy {

namespace {

constexpr std::chrono::milliseconds kOneDay = std::chrono::hours(24);

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

Check<int> at_least_one() {
  return at_least(1);
}

Check<std::chrono::nanoseconds> positive() {
  return [](const ConfigNode& node, const std::chrono::nanoseconds& got) {
    if (got <= std::chrono::nanoseconds(0)) throw node.error("expected more than 0");
  };
}

// ---- capture

void read_sync(const ConfigNode& node, CaptureConfig& capture) {
  const std::string word = node.as_text();
  if (word == "never") {
    capture.sync = SyncMode::kNever;
  } else if (word == "every_answer") {
    capture.sync = SyncMode::kEveryAnswer;
  } else {
    std::chrono::nanoseconds interval{};
    read_value(node, interval);
    positive()(node, interval);
    capture.sync = SyncMode::kInterval;
    capture.sync_interval =
        std::max(std::chrono::milliseconds(1), std::chrono::duration_cast<std::chrono::milliseconds>(interval));
  }
}

void read_redact(const ConfigNode& node, KeepConfig& keep) {
  read_value(node, keep.redact);
  for (const ConfigNode& item : node.is_list() ? node.items() : std::vector<ConfigNode>{node}) {
    if (private_kind_from(item.as_text())) continue;
    throw item.error(fmt::format("expected secret, email, phone, iban or card, got \"{}\"", item.as_text()));
  }
}

Fields<KeepConfig> keep_fields() {
  return Fields<KeepConfig>()
      .field("sample", &KeepConfig::sample, "share of exchanges whose texts are kept")
      .field("retain", &KeepConfig::retain, "how long texts are kept", positive())
      .special("redact", "what is replaced: secret, email, phone, iban, card", read_redact);
}

const Fields<CaptureConfig>& capture_fields() {
  static const Fields<CaptureConfig> fields =
      Fields<CaptureConfig>()
          .special("folder", "where the segments lie",
                   [](const ConfigNode& node, CaptureConfig& capture) { capture.folder = node.as_text(); })
          .special("sync", "never, an interval such as 50ms, or every_answer", read_sync)
          .special("on_failure", "refuse or serve, where the log cannot be written",
                   [](const ConfigNode& node, CaptureConfig& capture) {
                     const std::string word = node.as_text();
                     if (word != "refuse" && word != "serve") throw node.error("expected refuse or serve");
                     capture.refuse_on_failure = word == "refuse";
                   })
          .special("sample", "share of exchanges whose texts are kept",
                   [](const ConfigNode& node, CaptureConfig& capture) { read_value(node, capture.keep.sample); })
          .special("retain", "how long texts are kept",
                   [](const ConfigNode& node, CaptureConfig& capture) { read_value(node, capture.keep.retain); })
          .special("redact", "what is replaced: secret, email, phone, iban, card",
                   [](const ConfigNode& node, CaptureConfig& capture) { read_redact(node, capture.keep); });
  return fields;
}

// ---- defaults

const Fields<TimeoutConfig>& timeout_fields() {
  static const Fields<TimeoutConfig> fields =
      Fields<TimeoutConfig>()
          .field("connect", &TimeoutConfig::connect, "to connect", positive())
          .field("first_token", &TimeoutConfig::first_token, "from the request to the first content", positive())
          .field("between_tokens", &TimeoutConfig::between_tokens, "from one event to the next", positive())
          .field("total", &TimeoutConfig::total, "of one attempt", positive());
  return fields;
}

const Fields<RetryConfig>& retry_fields() {
  static const Fields<RetryConfig> fields =
      Fields<RetryConfig>()
          .field("attempts", &RetryConfig::attempts, "over all targets of one request", at_least_one())
          .field("budget", &RetryConfig::budget, "how long targets that failed are asked again");
  return fields;
}

const Fields<BreakerConfig>& breaker_fields() {
  static const Fields<BreakerConfig> fields =
      Fields<BreakerConfig>()
          .field("failures", &BreakerConfig::failures, "so many", at_least_one())
          .field("within", &BreakerConfig::within, "in this time open it", positive())
          .field("open", &BreakerConfig::open, "for so long at first", positive())
          .field("open_at_most", &BreakerConfig::open_at_most, "and so long at most", positive());
  return fields;
}

const Fields<HealthConfig>& health_fields() {
  static const Fields<HealthConfig> fields = Fields<HealthConfig>().special(
      "every", "between two checks, or never", [](const ConfigNode& node, HealthConfig& health) {
        if (node.as_text() == "never") {
          health.every = std::chrono::nanoseconds(0);
          return;
        }
        read_value(node, health.every);
        positive()(node, health.every);
      });
  return fields;
}

const Fields<HoldConfig>& hold_fields() {
  static const Fields<HoldConfig> fields =
      Fields<HoldConfig>()
          .field("events", &HoldConfig::events, "most that are held before the first content", at_least_one())
          .field("bytes", &HoldConfig::bytes, "most bytes of them");
  return fields;
}

const Fields<DefaultsConfig>& defaults_fields() {
  static const Fields<DefaultsConfig> fields = Fields<DefaultsConfig>()
                                                   .group("timeouts", &DefaultsConfig::timeouts, timeout_fields(), "")
                                                   .group("retries", &DefaultsConfig::retries, retry_fields(), "")
                                                   .group("breaker", &DefaultsConfig::breaker, breaker_fields(), "")
                                                   .group("health", &DefaultsConfig::health, health_fields(), "")
                                                   .group("hold", &DefaultsConfig::hold, hold_fields(), "");
  return fields;
}

// ---- providers

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

// ---- models

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

// ---- tasks

[[noreturn]] void refuse_later(const ConfigNode& node, std::string_view what) {
  throw node.error(fmt::format("{} comes with a later version", what),
                   "leave it out; min_value_token_probability is a limit by hand");
}

const Fields<MatchConfig>& match_fields() {
  static const Fields<MatchConfig> fields =
      Fields<MatchConfig>()
          .field("header", &MatchConfig::header, "value of X-Understudy-Task")
          .field("models", &MatchConfig::models, "names that applications ask for");
  return fields;
}

void read_before(const ConfigNode& node, TaskConfig& task) {
  static const Fields<TaskConfig> fields =
      Fields<TaskConfig>()
          .field("images", &TaskConfig::images, "whether the specialist may be given images")
          .special("languages", "", [](const ConfigNode& n, TaskConfig&) { refuse_later(n, "choosing by language"); });
  fields.read_into(node, task);
}

const Fields<GateConfig>& gate_fields() {
  static const Fields<GateConfig> fields =
      Fields<GateConfig>()
          .special("schema", "JSON Schema that the answer must fit",
                   [](const ConfigNode& node, GateConfig& gate) { gate.schema = node.as_text(); })
          .field("grounded", &GateConfig::grounded, "fields whose values must stand in the request")
          .field("min_value_token_probability", &GateConfig::min_value_token_probability,
                 "limit on the least probable token of a value, by hand: not certified",
                 [](const ConfigNode& node, const std::optional<double>& got) {
                   if (*got < 0 || *got > 1) throw node.error("expected 0 to 1");
                 });
  return fields;
}

void read_answer_mode(const ConfigNode& node, TaskConfig& task) {
  const std::string word = node.as_text();
  if (word != "buffer" && word != "stream") throw node.error("expected buffer or stream");
  task.buffer = word == "buffer";
}

const Fields<TaskConfig>& task_fields() {
  static const Fields<KeepConfig> keep = keep_fields();
  static const Fields<TaskConfig> fields =
      Fields<TaskConfig>()
          .group("match", &TaskConfig::match, match_fields(), "")
          .field("teacher", &TaskConfig::teacher, "a name under models")
          .field("specialist", &TaskConfig::specialist, "a name under models")
          .special("card", "the specialist's card.json",
                   [](const ConfigNode& node, TaskConfig& task) { task.card = node.as_text(); })
          .special("pruned_prompt", "fingerprint of the static prompt that the specialist was trained without",
                   [](const ConfigNode& node, TaskConfig& task) {
                     task.pruned_prompt = node.as_text();
                     const bool is_hash = task.pruned_prompt.size() == 64 &&
                                          task.pruned_prompt.find_first_not_of("0123456789abcdef") == std::string::npos;
                     if (!is_hash) {
                       throw node.error("expected 64 hexadecimal digits",
                                        "`understudy exchanges export --pruned` prints it");
                     }
                   })
          .field("share", &TaskConfig::share, "of what the gates let pass, to the specialist")
          .group("capture", &TaskConfig::keep, keep, "")
          .field("shadow", &TaskConfig::shadow, "the specialist answers beside the teacher, only recorded")
          .field("sentinel", &TaskConfig::sentinel, "share pinned to the teacher for good")
          .special("promise", "",
                   [](const ConfigNode& node, TaskConfig&) { refuse_later(node, "a statistical promise"); })
          .special("before", "gate A", read_before)
          .special("after", "gate B",
                   [](const ConfigNode& node, TaskConfig& task) { task.after = gate_fields().read(node); })
          .special("answer", "buffer or stream", read_answer_mode);
  return fields;
}

void check_task(const ConfigNode& node, const TaskConfig& task, const GatewayConfig& config) {
  if (task.teacher.empty()) throw node.error("teacher is missing");
  expect_name(node["teacher"], task.teacher, config.models, "model");
  if (!task.specialist.empty()) expect_name(node["specialist"], task.specialist, config.models, "model");
  if (task.specialist.empty() && (task.share.value > 0 || task.shadow)) {
    throw node.error("specialist is missing: a share or a shadow needs one");
  }
  if (task.specialist.empty() && !task.pruned_prompt.empty()) {
    throw node["pruned_prompt"].error("there is no specialist that would be given less");
  }
  if (task.share.value + task.sentinel.value > 1) throw node["share"].error("together with sentinel more than 100%");
  for (const std::string& model : task.match.models)
    expect_name(node["match"]["models"], model, config.models, "model");
}

// ---- keys

void read_tags(const ConfigNode& node, KeyConfig& key) {
  for (const auto& [name, value] : node.members()) key.tags[name] = value.as_text();
}

void read_rate(const ConfigNode& node, KeyConfig& key) {
  static const Fields<KeyLimits> fields = Fields<KeyLimits>()
                                              .field("requests", &KeyLimits::requests, "such as 600/min")
                                              .field("tokens", &KeyLimits::tokens, "such as 2M/min");
  fields.read_into(node, key.limits);
}

const Fields<KeyConfig>& key_fields() {
  static const Fields<KeyConfig> fields =
      Fields<KeyConfig>()
          .field("sha256", &KeyConfig::sha256, "of the key's text")
          .field("models", &KeyConfig::models, "what it may use; all where absent")
          .special("budget", "such as 50 USD/day",
                   [](const ConfigNode& node, KeyConfig& key) { read_value(node, key.limits.budget); })
          .special("rate", "requests and tokens", read_rate)
          .special("tags", "put on every exchange", read_tags)
          .special("expires", "its last day, UTC", [](const ConfigNode& node, KeyConfig& key) {
            const std::optional<int64_t> day = parse_utc(node.as_text());
            if (!day || node.as_text().size() != 10) throw node.error("expected a day such as 2027-12-31");
            key.expires_ms = *day + kOneDay.count();
          });
  return fields;
}

// ---- the file

const Fields<TlsFiles>& tls_fields() {
  static const Fields<TlsFiles> fields =
      Fields<TlsFiles>()
          .special("certificate", "PEM", [](const ConfigNode& n, TlsFiles& tls) { tls.certificate = n.as_text(); })
          .special("private_key", "PEM", [](const ConfigNode& n, TlsFiles& tls) { tls.private_key = n.as_text(); });
  return fields;
}

const Fields<AdminConfig>& admin_fields() {
  static const Fields<AdminConfig> fields = Fields<AdminConfig>()
                                                .field("listen", &AdminConfig::listen, "HOST:PORT")
                                                .field("key", &AdminConfig::key, "env:NAME or file:PATH");
  return fields;
}

const Fields<LimitsConfig>& limits_fields() {
  static const Fields<LimitsConfig> fields =
      Fields<LimitsConfig>()
          .field("request_body", &LimitsConfig::request_body, "largest body")
          .field("nesting", &LimitsConfig::nesting, "deepest JSON", between(1, 1000))
          .field("header", &LimitsConfig::header, "largest request line and headers together")
          .field("idle", &LimitsConfig::idle, "between two requests of a connection", positive())
          .field("connections", &LimitsConfig::connections, "at once", at_least_one())
          .field("drain", &LimitsConfig::drain, "for answers under way, when it ends");
  return fields;
}

const Fields<TelemetryConfig>& telemetry_fields() {
  static const Fields<TelemetryConfig> fields =
      Fields<TelemetryConfig>()
          .field("traces", &TelemetryConfig::traces, "OTLP/HTTP endpoint")
          .field("access_log", &TelemetryConfig::access_log, "stderr or a file")
          .field("prompt_text", &TelemetryConfig::prompt_text, "whether texts may stand in log and traces");
  return fields;
}

// What refers to other parts is read after them, whatever the file's order.
struct Raw {
  GatewayConfig config;
  DefaultsConfig defaults;
  std::map<std::string, ConfigNode> parts;
};

const Fields<Raw>& file_fields() {
  static const auto config_field = [](auto member) {
    return [member](const ConfigNode& node, Raw& raw) { read_value(node, raw.config.*member); };
  };
  static const auto later = [](const char* key) {
    return [key](const ConfigNode& node, Raw& raw) { raw.parts.insert_or_assign(key, node); };
  };
  static const Fields<Raw> fields =
      Fields<Raw>()
          .special("listen", "what applications call", config_field(&GatewayConfig::listen))
          .special("tls", "certificate and private_key",
                   [](const ConfigNode& node, Raw& raw) { raw.config.tls = tls_fields().read(node); })
          .special("admin", "listener and key of its own",
                   [](const ConfigNode& node, Raw& raw) { raw.config.admin = admin_fields().read(node); })
          .special("store", "sqlite:PATH or postgresql://user@host/database", config_field(&GatewayConfig::store))
          .special("store_password", "env:NAME or file:PATH", config_field(&GatewayConfig::store_password))
          .special("prices", "price book", [](const ConfigNode& node, Raw& raw) { raw.config.prices = node.as_text(); })
          .special("capture", "what is kept",
                   [](const ConfigNode& node, Raw& raw) { capture_fields().read_into(node, raw.config.capture); })
          .special("defaults", "of providers and chains",
                   [](const ConfigNode& node, Raw& raw) { defaults_fields().read_into(node, raw.defaults); })
          .special("providers", "who can answer", later("providers"))
          .special("models", "the names that applications ask for", later("models"))
          .special("tasks", "kinds of work", later("tasks"))
          .special("keys", "virtual keys", later("keys"))
          .special("limits", "of requests",
                   [](const ConfigNode& node, Raw& raw) { limits_fields().read_into(node, raw.config.limits); })
          .special("telemetry", "traces and access log",
                   [](const ConfigNode& node, Raw& raw) { telemetry_fields().read_into(node, raw.config.telemetry); });
  return fields;
}

void make_relative_to(const std::filesystem::path& folder, std::filesystem::path& path) {
  if (!path.empty() && path.is_relative()) path = folder / path;
}

void resolve_paths(GatewayConfig& config) {
  const std::filesystem::path folder = config.file.parent_path();
  make_relative_to(folder, config.capture.folder);
  make_relative_to(folder, config.prices);
  if (config.tls) {
    make_relative_to(folder, config.tls->certificate);
    make_relative_to(folder, config.tls->private_key);
  }
  for (ProviderConfig& provider : config.providers) {
    if (provider.engine) make_relative_to(folder, provider.engine->model);
  }
  for (TaskConfig& task : config.tasks) {
    make_relative_to(folder, task.card);
    if (task.after) make_relative_to(folder, task.after->schema);
  }
  constexpr std::string_view kSqlite = "sqlite:";
  if (config.store.rfind(kSqlite, 0) == 0) {
    std::filesystem::path path = config.store.substr(kSqlite.size());
    make_relative_to(folder, path);
    config.store = std::string(kSqlite) + path.string();
  }
  const bool is_log_file = !config.telemetry.access_log.empty() && config.telemetry.access_log != "stderr";
  if (is_log_file) {
    std::filesystem::path path = config.telemetry.access_log;
    make_relative_to(folder, path);
    config.telemetry.access_log = path.string();
  }
}

ConfigNode part_of(const Raw& raw, const char* key) {
  const auto found = raw.parts.find(key);
  return found == raw.parts.end() ? ConfigNode::empty_map(raw.config.file.string()) : found->second;
}

template <class Rows, class CheckRow>
void check_rows(const ConfigNode& node, const Rows& rows, const CheckRow& check) {
  for (const auto& row : rows) check(node[row.name], row);
}

void read_parts(Raw& raw) {
  GatewayConfig& config = raw.config;
  const DefaultsConfig& defaults = raw.defaults;
  const ConfigNode providers = part_of(raw, "providers");
  config.providers =
      read_rows(providers, provider_fields(),
                ProviderConfig{.timeouts = defaults.timeouts, .breaker = defaults.breaker, .health = defaults.health});
  check_rows(providers, config.providers, check_provider);
  config.models = read_models(part_of(raw, "models"), config.providers, defaults);
  const ConfigNode tasks = part_of(raw, "tasks");
  config.tasks = read_rows(tasks, task_fields(), TaskConfig{.keep = config.capture.keep});
  for (TaskConfig& task : config.tasks) {
    if (task.match.header.empty() && task.match.models.empty()) task.match.header = task.name;
  }
  check_rows(tasks, config.tasks,
             [&config](const ConfigNode& node, const TaskConfig& task) { check_task(node, task, config); });
  const ConfigNode keys = part_of(raw, "keys");
  config.keys = read_rows(keys, key_fields(), KeyConfig{});
  check_rows(keys, config.keys, [&config](const ConfigNode& node, const KeyConfig& key) {
    if (key.sha256.empty()) throw node.error("sha256 is missing", "`understudy keys create` prints the row");
    for (const std::string& model : key.models) expect_name(node["models"], model, config.models, "model");
  });
}

template <class Rows>
auto find_row(const Rows& rows, std::string_view name) -> decltype(rows.data()) {
  const auto found = std::find_if(rows.begin(), rows.end(), [name](const auto& row) { return row.name == name; });
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace

GatewayConfig GatewayConfig::read_file(const std::filesystem::path& path,
                                       const std::vector<std::pair<std::string, std::string>>& overrides) {
  ConfigNode node = ConfigNode::read_file(path);
  for (const auto& [key, value] : overrides) node.set(key, value, "--" + key);
  Raw raw;
  raw.config.file = path;
  file_fields().read_into(node, raw);
  read_parts(raw);
  resolve_paths(raw.config);
  return std::move(raw.config);
}

std::vector<std::string> GatewayConfig::changes_that_need_restart(const GatewayConfig& started_with) const {
  const GatewayConfig& old = started_with;
  const auto tls_files = [](const GatewayConfig& config) {
    return config.tls ? std::pair(config.tls->certificate, config.tls->private_key)
                      : std::pair<std::filesystem::path, std::filesystem::path>();
  };
  const auto admin_listen = [](const GatewayConfig& config) { return config.admin ? config.admin->listen : ""; };
  const std::pair<const char*, bool> keys[] = {
      {"listen", listen == old.listen},
      {"tls", tls_files(*this) == tls_files(old)},
      {"admin.listen", admin_listen(*this) == admin_listen(old)},
      {"store", store == old.store},
      {"capture.folder", capture.folder == old.capture.folder},
      {"capture.sync", capture.sync == old.capture.sync && capture.sync_interval == old.capture.sync_interval},
      {"capture.on_failure", capture.refuse_on_failure == old.capture.refuse_on_failure},
      {"limits.request_body", limits.request_body.bytes == old.limits.request_body.bytes},
      {"limits.nesting", limits.nesting == old.limits.nesting},
      {"limits.header", limits.header.bytes == old.limits.header.bytes},
      {"limits.idle", limits.idle == old.limits.idle},
      {"limits.connections", limits.connections == old.limits.connections},
      {"telemetry.traces", telemetry.traces == old.telemetry.traces},
      {"telemetry.access_log", telemetry.access_log == old.telemetry.access_log},
  };
  std::vector<std::string> changed;
  for (const auto& [key, is_same] : keys) {
    if (!is_same) changed.emplace_back(key);
  }
  return changed;
}

const ProviderConfig* GatewayConfig::provider(std::string_view name) const {
  return find_row(providers, name);
}
const ModelChain* GatewayConfig::model(std::string_view name) const {
  return find_row(models, name);
}
const TaskConfig* GatewayConfig::task(std::string_view name) const {
  return find_row(tasks, name);
}
const KeyConfig* GatewayConfig::key(std::string_view name) const {
  return find_row(keys, name);
}

}  // namespace understudy
