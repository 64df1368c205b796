// The file as a whole: its small sections (listeners, limits, telemetry), paths, and what a reload cannot change. The
// other sections are in gateway_config_*.cc.
#include "gateway/routing/gateway_config.h"

#include <algorithm>
#include <map>

#include "gateway/routing/gateway_config_parts.h"

namespace understudy {

namespace {

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
          .field("idle", &LimitsConfig::idle, "between two requests of a connection", gateway_yml::positive())
          .field("connections", &LimitsConfig::connections, "at once", gateway_yml::at_least_one())
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
                   [](const ConfigNode& node, Raw& raw) {
                     gateway_yml::capture_fields().read_into(node, raw.config.capture);
                   })
          .special(
              "defaults", "of providers and chains",
              [](const ConfigNode& node, Raw& raw) { gateway_yml::defaults_fields().read_into(node, raw.defaults); })
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

void read_parts(Raw& raw) {
  GatewayConfig& config = raw.config;
  config.providers = gateway_yml::read_providers(part_of(raw, "providers"), raw.defaults);
  config.models = gateway_yml::read_models(part_of(raw, "models"), config.providers, raw.defaults);
  config.tasks = gateway_yml::read_tasks(part_of(raw, "tasks"), config.models, config.capture.keep);
  config.keys = gateway_yml::read_keys(part_of(raw, "keys"), config.models);
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
