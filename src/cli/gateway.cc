// understudy gateway: the endpoints of `serve` over a router of tasks, chains and budgets, with every exchange kept.
// Builds the object graph on its stack, top to bottom, and dies in reverse. Config reloads (SIGHUP, a changed file,
// POST /admin/reload) build a whole new snapshot and swap it in; what cannot be read is refused, and the old one stays.
#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <future>
#include <thread>

#include "base/deadlines.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/timestamp.h"
#include "base/worker_pool.h"
#include "cli/answer_ids.h"
#include "cli/commands.h"
#include "cli/model_flags.h"
#include "engine/inference/engine.h"
#include "gateway/api/admin.h"
#include "gateway/api/api.h"
#include "gateway/api/exchange_keeper.h"
#include "gateway/api/exchange_telemetry.h"
#include "gateway/api/keyring.h"
#include "gateway/api/target_metrics.h"
#include "gateway/capture/amender.h"
#include "gateway/capture/exchange_source.h"
#include "gateway/capture/feeder.h"
#include "gateway/providers/http_provider.h"
#include "gateway/providers/local_engine.h"
#include "gateway/routing/build_snapshot.h"
#include "gateway/routing/fingerprint_file.h"
#include "gateway/routing/gateway_router.h"
#include "net/http_server.h"
#include "net/otlp_exporter.h"
#include "privacy/redaction.h"

namespace understudy::cli {

namespace {

constexpr int kWorkers = 2;     // read bodies, render and tokenise prompts
constexpr int kIoThreads = 2;   // move bytes, in and out; at most
constexpr int kBackground = 4;  // shadows, health checks
constexpr std::chrono::seconds kLookAtConfigEvery{1};

struct Flags {
  std::string file;
  bool check = false;
  std::vector<std::pair<std::string, std::string>> overrides;
};

// ---- a specialist in this process

// Model, engine and provider, which live and die together.
class EngineProvider : public Provider {  // thread-safe
 public:
  EngineProvider(const ProviderConfig& config, int64_t created)
      : loaded_(load_model(
            {.model = config.engine->model.string(), .compute = fastest_compute() == Compute::kBF16 ? "bf16" : "f32"})),
        tokenizer_(Tokenizer::load(config.engine->model)),
        engine_(loaded_.model, tokenizer_, EngineOptions{}),
        provider_(engine_, tokenizer_, local_model(config, created)) {}

  Awaitable<Attempt> start(const WireRequest& request, const std::string& model, const Call& call) override {
    return provider_.start(request, model, call);
  }
  std::vector<ProviderModel> models() const override { return provider_.models(); }
  ProviderLoad load() const override { return provider_.load(); }
  const TokenService* tokens() const override { return provider_.tokens(); }

 private:
  LocalModel local_model(const ProviderConfig& config, int64_t created) const {
    LocalModel model;
    model.name = config.name;
    model.created = created;
    if (tokenizer_->chat_template()) model.chat_template = ChatTemplate::of(*tokenizer_);
    return model;
  }

  const LoadedModel loaded_;
  const std::shared_ptr<const Tokenizer> tokenizer_;
  Engine engine_;
  LocalEngine provider_;
};

std::shared_ptr<Provider> make_provider(const ProviderConfig& config, HttpClient& client, int64_t created) {
  if (config.engine) return std::make_shared<EngineProvider>(config, created);
  const auto ms = [](std::chrono::nanoseconds time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time);
  };
  HttpProviderOptions options;
  options.name = config.name;
  options.vendor = find_vendor(config.vendor);
  options.base_url = config.base_url;
  for (const SecretSource& key : config.keys) options.keys.push_back(key.read().reveal());
  options.allow_private_address = config.allow_private_address;
  const TimeoutConfig& timeouts = config.timeouts;
  options.timeouts = {ms(timeouts.connect), ms(timeouts.total), ms(timeouts.between_tokens), ms(timeouts.total)};
  return std::make_shared<HttpProvider>(std::move(options), client);
}

// ---- what a reload changes

// Providers are kept from config to config where their own rows stay the same: a reload loads no model twice.
class Providers {  // used by one thread at a time
 public:
  Providers(HttpClient& client, int64_t created) : client_(client), created_(created) {}

  std::map<std::string, std::shared_ptr<Provider>> of(const GatewayConfig& config) {
    std::map<std::string, std::shared_ptr<Provider>> providers;
    std::map<std::string, Engines::mapped_type> engines;
    for (const ProviderConfig& row : config.providers) {
      if (row.engine) {
        const auto known = engines_.find(row.engine->model.string());
        const bool is_known = known != engines_.end() && known->second.first == row.name;
        engines[row.engine->model.string()] =
            is_known ? known->second : std::pair(row.name, make_provider(row, client_, created_));
        providers[row.name] = engines[row.engine->model.string()].second;
      } else {
        providers[row.name] = make_provider(row, client_, created_);
      }
    }
    engines_ = std::move(engines);
    return providers;
  }

 private:
  using Engines = std::map<std::string, std::pair<std::string, std::shared_ptr<Provider>>>;
  HttpClient& client_;
  const int64_t created_;
  Engines engines_;  // by the model's path: name and provider
};

std::shared_ptr<const Keyring> keyring_of(const GatewayConfig& config) {
  std::vector<VirtualKey> keys;
  for (const KeyConfig& key : config.keys) keys.push_back({key.name, key.sha256, key.tags, key.expires_ms});
  return std::make_shared<const Keyring>(std::move(keys));
}

std::vector<HealthChecks::Watched> watched(const GatewayConfig& config,
                                           const std::map<std::string, std::shared_ptr<Provider>>& providers) {
  std::vector<HealthChecks::Watched> list;
  for (const ProviderConfig& row : config.providers) {
    if (!row.engine) list.push_back({row.name, providers.at(row.name), row.health.every});
  }
  return list;
}

RetentionRules retention_of(const GatewayConfig& config) {
  const auto ms = [](std::chrono::nanoseconds time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time);
  };
  RetentionRules rules;
  rules.others = ms(config.capture.keep.retain);
  for (const TaskConfig& task : config.tasks) rules.tasks[task.name] = ms(task.keep.retain);
  return rules;
}

template <class T>
class Swapped {  // thread-safe
 public:
  explicit Swapped(std::shared_ptr<const T> value) : value_(std::move(value)) {}
  std::shared_ptr<const T> get() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return value_;
  }
  void set(std::shared_ptr<const T> value) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    value_.swap(value);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const T> value_ GUARDED_BY(mutex_);
};

// ---- the access log

class AccessLog {  // thread-safe
 public:
  explicit AccessLog(const std::string& where) {
    if (where.empty()) return;
    file_ = where == "stderr" ? stderr : std::fopen(where.c_str(), "ae");
    if (file_ == nullptr) throw io_error("open the access log", where);
  }
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;
  ~AccessLog() {
    if (file_ != nullptr && file_ != stderr) std::fclose(file_);
  }
  bool is_on() const { return file_ != nullptr; }
  void add(const std::string& line) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    fmt::print(file_, "{}\n", line);
    std::fflush(file_);
  }

 private:
  Mutex mutex_;
  std::FILE* file_ = nullptr;
};

// ---- the whole

HttpServerOptions server_options(const GatewayConfig& config) {
  HttpServerOptions options;
  options.listen = parse_listen_address(config.listen, config.file.string() + ": listen");
  options.reader.body_bytes = config.limits.request_body.bytes;
  options.reader.header_bytes = config.limits.header.bytes;
  options.idle = std::chrono::duration_cast<std::chrono::milliseconds>(config.limits.idle);
  options.connections = static_cast<size_t>(config.limits.connections);
  if (config.tls) {
    options.tls = CertificateFiles{config.tls->certificate.string(), config.tls->private_key.string()};
  }
  if (!options.listen.is_loopback() && config.keys.empty()) {
    log_warning("there are no keys: only callers of this machine are served");
  }
  return options;
}

void redact_attempts(const GatewayConfig& config, const Exchange& exchange, std::vector<ExchangeAttempt>& attempts) {
  const TaskConfig* task = config.task(exchange.task);
  const KeepConfig& keep = task != nullptr ? task->keep : config.capture.keep;
  PrivateKindSet kinds;
  for (const std::string& word : keep.redact) {
    if (const auto kind = private_kind_from(word)) kinds.add(*kind);
  }
  Redactor redactor(kinds);
  for (ExchangeAttempt& attempt : attempts) {
    if (!exchange.sampled) attempt.answer.clear();
    if (!attempt.answer.empty()) attempt.answer = redactor.redact_body(attempt.answer);
  }
}

void restore_budgets(const GatewayConfig& config, const Store& store, Budgets& budgets) {
  if (config.keys.empty()) return;
  ExchangeFilter filter;
  filter.since_ms = budgets.restore_from_ms();
  ExchangeSource(config.capture.folder, store).each_exchange(filter, [&budgets](const Exchange& exchange) {
    budgets.restore(exchange);
    return true;
  });
}

// Asks for a reload on SIGHUP, and when the file's time changes; and calls every second what is to be looked at: what
// the command line changed, what was learned.
class ReloadWatch {
 public:
  ReloadWatch(std::filesystem::path file, std::function<void()> reload, std::function<void()> look)
      : file_(std::move(file)),
        reload_(std::move(reload)),
        look_(std::move(look)),
        seen_(time_of(file_)),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  static void note_signal(int) { has_signal_.store(true); }

 private:
  static std::filesystem::file_time_type time_of(const std::filesystem::path& file) {
    std::error_code ignored;
    return std::filesystem::last_write_time(file, ignored);
  }
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      const bool is_due = std::chrono::steady_clock::now() - looked_ >= kLookAtConfigEvery;
      const bool has_signal = has_signal_.exchange(false);
      if (!is_due && !has_signal) continue;
      looked_ = std::chrono::steady_clock::now();
      look_();
      const auto now = time_of(file_);
      if (now == seen_ && !has_signal) continue;
      seen_ = now;
      reload_();
    }
  }

  static inline std::atomic<bool> has_signal_{false};
  const std::filesystem::path file_;
  const std::function<void()> reload_;
  const std::function<void()> look_;
  std::filesystem::file_time_type seen_;
  std::chrono::steady_clock::time_point looked_ = std::chrono::steady_clock::now();
  std::jthread thread_;
};

void wait_for(const std::stop_token& interrupt) {
  std::promise<void> told;
  const std::stop_callback tell(interrupt, [&told] { told.set_value(); });
  told.get_future().wait();
}

// More than the process may use at once would only wake each other up. hardware_concurrency() counts all that there
// are.
int at_most_processors(int threads) {
  cpu_set_t allowed;
  const bool is_known = ::sched_getaffinity(0, sizeof allowed, &allowed) == 0;  // not beyond 1,024 processors
  return is_known ? std::min(threads, CPU_COUNT(&allowed)) : threads;
}

int64_t now_s() {
  return now_ms() / 1000;
}

int run_gateway(const Flags& flags) {
  const std::stop_token interrupt = interrupt_token();  // before any thread starts
  const GatewayConfig config = GatewayConfig::read_file(flags.file, flags.overrides);
  if (flags.check) {
    (void)keyring_of(config);
    fmt::print("{}: {} providers, {} models, {} tasks, {} keys\n", flags.file, config.providers.size(),
               config.models.size(), config.tasks.size(), config.keys.size());
    return 0;
  }
  struct sigaction hup {};
  hup.sa_handler = ReloadWatch::note_signal;
  ::sigaction(SIGHUP, &hup, nullptr);
  const HttpServerOptions options = server_options(config);
  AnswerIds ids;
  Metrics metrics;
  IoThreads io_threads(at_most_processors(kIoThreads));
  const std::unique_ptr<HttpClient> client = make_http_client(io_threads);
  std::optional<OtlpExporter> traces;
  if (!config.telemetry.traces.empty())
    traces.emplace(OtlpOptions{.endpoint = config.telemetry.traces}, *client, metrics);
  AccessLog access_log(config.telemetry.access_log);
  HealthBoard board;
  Providers providers(*client, now_s());
  WorkerPool workers(kWorkers);
  WorkerPool background(kBackground);
  Deadlines deadlines;
  const std::unique_ptr<Store> store = open_store(
      {.url = config.store, .password = config.store_password.is_set() ? config.store_password.read().reveal() : ""});
  RouteTable routes(*store);
  routes.configure(first_routes(config));
  Budgets budgets(key_limits(config));
  restore_budgets(config, *store, budgets);
  Recorder recorder(
      {.folder = config.capture.folder, .sync = config.capture.sync, .sync_interval = config.capture.sync_interval},
      metrics);
  Feeder feeder({.folder = config.capture.folder, .retention = retention_of(config)}, *store, metrics);
  Swapped<GatewayConfig> current(std::make_shared<const GatewayConfig>(config));
  Amender amender(recorder, *store, [&current](const Exchange& exchange, std::vector<ExchangeAttempt>& attempts) {
    redact_attempts(*current.get(), exchange, attempts);
  });
  const auto made = providers.of(config);
  GatewayRouter router(
      {.deadlines = deadlines,
       .background = background,
       .routes = routes,
       .budgets = budgets,
       .amend = [&amender](const std::string& id,
                           std::vector<ExchangeAttempt> attempts) { amender.add(id, std::move(attempts)); },
       .budget_warned =
           [](const std::vector<BudgetWarning>& warnings) {
             for (const BudgetWarning& warning : warnings) {
               log_warning(
                   fmt::format("key {}: {}% of {} is used", warning.key, warning.percent, to_string(warning.budget)));
             }
           },
       .now_ms = now_ms,
       .seed = static_cast<uint64_t>(now_ms())},
      build_snapshot(config, {made, board, now_s()}));
  FingerprintFile fingerprints(config.capture.folder / "fingerprints.json", router.fingerprints());
  HealthChecks health(deadlines, background, board);
  health.watch(watched(config, made));
  Swapped<Keyring> keyring(keyring_of(config));

  ExchangeMetrics exchange_metrics(metrics);
  TargetMetrics target_metrics(metrics);
  const Random span_random(static_cast<uint64_t>(now_ms()) ^ 0x5ba6ULL);
  std::atomic<uint64_t> span_count{0};
  KeeperTools keeper;
  keeper.recorder = &recorder;
  keeper.refuse_on_failure = config.capture.refuse_on_failure;
  keeper.finished = [&](const Exchange& exchange, const std::optional<TraceParent>& parent) {
    exchange_metrics.add(exchange);
    const bool texts = current.get()->telemetry.prompt_text;
    if (access_log.is_on()) access_log.add(access_line(exchange, texts));
    if (!traces) return;
    traces->add(spans_of(
        exchange, parent, [&] { return span_random.at(span_count.fetch_add(1)); }, texts));
  };
  Api api({.router = router,
           .workers = workers,
           .metrics = metrics,
           .now = now_s,
           .random_id = [&ids] { return ids.next(); },
           .keeper = &keeper,
           .keyring = [&keyring] { return keyring.get(); },
           .now_ms = now_ms,
           .nesting = config.limits.nesting,
           .endpoints = gateway_endpoints()});

  Mutex reloading;
  std::optional<HttpServer> server;
  const auto reload = [&] {
    MutexLock lock(reloading);
    auto fresh = std::make_shared<const GatewayConfig>(GatewayConfig::read_file(flags.file, flags.overrides));
    auto fresh_keys = keyring_of(*fresh);
    const auto fresh_providers = providers.of(*fresh);
    auto snapshot = build_snapshot(*fresh, {fresh_providers, board, now_s()});
    server->reload_tls();
    // Nothing below fails on what a config says.
    routes.configure(first_routes(*fresh));
    budgets.set_limits(key_limits(*fresh));
    feeder.set_retention(retention_of(*fresh));
    keyring.set(std::move(fresh_keys));
    router.use(std::move(snapshot));
    health.watch(watched(*fresh, fresh_providers));
    current.set(fresh);
    log_notice(fmt::format("{} read again", flags.file));
    for (const std::string& key : fresh->changes_that_need_restart(config)) {
      log_warning(fmt::format("{}: {} was changed; it takes effect at the next start", flags.file, key));
    }
  };
  server.emplace(
      options, [&api](const HttpRequest& http) { return api.answer(http); }, Api::write_error, io_threads);
  std::optional<AdminApi> admin;
  std::optional<HttpServer> admin_server;
  if (config.admin) {
    admin.emplace(AdminApi::Surroundings{.routes = routes,
                                         .recorder = recorder,
                                         .metrics = metrics,
                                         .workers = workers,
                                         .before_metrics =
                                             [&] {
                                               api.request_metrics().set_load(router.load());
                                               target_metrics.set(board, Deadlines::Clock::now());
                                             },
                                         .reload = reload,
                                         .now_ms = now_ms,
                                         .key = config.admin->key.is_set() ? config.admin->key.read() : Secret()});
    HttpServerOptions admin_options;
    admin_options.listen = parse_listen_address(config.admin->listen, flags.file + ": admin.listen");
    admin_options.threads = 1;
    admin_server.emplace(
        admin_options, [&admin](const HttpRequest& http) { return admin->answer(http); }, Api::write_error, io_threads);
    admin_server->start();
    fmt::print("admin on http://{}\n", admin_server->address().text());
  }
  server->start();
  fmt::print("listening on {}://{}\n", options.tls ? "https" : "http", server->address().text());
  std::fflush(stdout);
  {
    const auto reload_or_say_why = [&reload] {
      try {
        reload();
      } catch (const Error& error) {
        log_warning(fmt::format("{}; the config that was read before stays", error.message()));
      }
    };
    const auto look = [&routes, &fingerprints] {
      fingerprints.keep_changes(FingerprintFile::Clock::now());
      try {
        routes.refresh();
      } catch (const Error&) {
        return;  // the store is away: what was known stays, and the feeder tells of it
      }
    };
    const ReloadWatch watch(flags.file, reload_or_say_why, look);
    wait_for(interrupt);
  }
  log_notice("ending: answers under way are finished first; Ctrl-C again ends at once");
  health.watch({});
  server->stop(std::chrono::duration_cast<std::chrono::milliseconds>(current.get()->limits.drain));
  if (admin_server) admin_server->stop(std::chrono::milliseconds(1000));
  return interrupt_signal() == SIGTERM ? 0 : exit_status(ErrorCode::kCancelled);
}

}  // namespace

Command gateway_command() {
  return {
      "gateway", "Stand between applications and the rented models: capture, route, survive outages, count every cent",
      "  understudy gateway gateway.yml\n"
      "  understudy gateway gateway.yml --check\n"
      "  understudy gateway gateway.yml --listen 127.0.0.1:0 --admin.listen 127.0.0.1:0\n"
      "Every key of the config is a flag too. Prints \"listening on http://HOST:PORT\" when it is ready. SIGHUP or a "
      "changed file reads the config again; SIGTERM ends it in good order.",
      [](CLI::App& app) {
        auto flags = std::make_shared<Flags>();
        app.add_option("config", flags->file, "gateway.yml")->required();
        app.add_flag("--check", flags->check, "read the config and end: exit status 0, or 2 with line and reason");
        app.allow_extras();
        return [flags, &app] {
          flags->overrides = key_value_flags(app.remaining());
          return run_gateway(*flags);
        };
      }};
}

}  // namespace understudy::cli
