// understudy serve: one model behind OpenAI's API. Builds the object graph on its stack, top to bottom: model, engine,
// provider, router, endpoints, HTTP server; it dies in reverse.
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <future>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/worker_pool.h"
#include "cli/answer_ids.h"
#include "cli/commands.h"
#include "cli/model_flags.h"
#include "engine/inference/engine.h"
#include "gateway/api/api.h"
#include "gateway/providers/local_engine.h"
#include "gateway/routing/local_router.h"
#include "net/http_server.h"

namespace understudy::cli {

namespace {

namespace fs = std::filesystem;

// Answers under way get this long to end after a signal; a second signal ends the process at once.
constexpr std::chrono::seconds kDrain{30};
// Threads that read bodies, render and tokenise prompts.
constexpr int kWorkers = 2;

struct Flags {
  ModelFlags model{.compute = ""};
  std::string name;
  std::string listen = "127.0.0.1:8080";
  uint64_t body_bytes = HttpReaderLimits().body_bytes;
  EngineOptions engine;
};

// "my-model" of ./my-model/ and of my-model.gguf. A folder's name is kept whole: "llama-3.2" has no extension.
std::string name_of(const std::string& model) {
  fs::path path = fs::absolute(model).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  return fs::is_directory(path) ? path.filename().string() : path.stem().string();
}

int64_t seconds_of(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::optional<ChatTemplate> chat_template_of(const Tokenizer& tokenizer, const std::string& name) {
  if (tokenizer.chat_template()) return ChatTemplate::of(tokenizer);
  log_warning(fmt::format("{} has no chat template: it answers /v1/completions only", name));
  return std::nullopt;
}

LocalModel local_model_of(const Flags& flags, const LoadedModel& loaded, const Tokenizer& tokenizer) {
  LocalModel model;
  model.name = flags.name.empty() ? name_of(flags.model.model) : flags.name;
  model.created = seconds_of(std::chrono::file_clock::to_sys(fs::last_write_time(flags.model.model)));
  model.adapter = loaded.adapter;
  model.chat_template = chat_template_of(tokenizer, model.name);
  return model;
}

void wait_for(const std::stop_token& interrupt) {
  std::promise<void> told;
  const std::stop_callback tell(interrupt, [&told] { told.set_value(); });
  told.get_future().wait();
}

HttpServerOptions server_options_of(const Flags& flags) {
  HttpServerOptions options;
  options.listen = parse_listen_address(flags.listen, "--listen");
  options.reader.body_bytes = flags.body_bytes;
  if (!options.listen.is_loopback()) {
    log_warning(fmt::format("{} can be reached from other machines, and asks nobody for a key", flags.listen));
  }
  return options;
}

int serve(Flags flags) {
  const std::stop_token interrupt = interrupt_token();  // before any thread starts
  const HttpServerOptions options = server_options_of(flags);
  if (flags.model.compute.empty()) flags.model.compute = fastest_compute() == Compute::kBF16 ? "bf16" : "f32";
  const LoadedModel loaded = load_model(flags.model);
  const auto tokenizer = Tokenizer::load(flags.model.model);
  Engine engine(loaded.model, tokenizer, flags.engine);
  LocalEngine provider(engine, tokenizer, local_model_of(flags, loaded, *tokenizer));
  LocalRouter router;
  router.add(provider);
  AnswerIds ids;
  Metrics metrics;
  WorkerPool workers(kWorkers);
  Api api({.router = router,
           .workers = workers,
           .metrics = metrics,
           .now = [] { return seconds_of(std::chrono::system_clock::now()); },
           .random_id = [&ids] { return ids.next(); }});
  HttpServer server(
      options, [&api](const HttpRequest& http) { return api.answer(http); }, Api::write_error);
  server.start();
  fmt::print("listening on http://{}\n", server.address().text());
  std::fflush(stdout);
  wait_for(interrupt);
  log_notice("ending: answers under way are finished first; Ctrl-C again ends at once");
  server.stop(kDrain);
  return interrupt_signal() == SIGTERM ? 0 : exit_status(ErrorCode::kCancelled);
}

void add_flags(CLI::App& app, Flags& flags) {
  app.add_option("model", flags.model.model, "Hugging Face folder or GGUF file")->required();
  app.add_option("--adapter", flags.model.adapter, "PEFT folder or GGUF adapter");
  app.add_option("--name", flags.name, "what requests call the model; default: the file's or folder's name");
  app.add_option("--listen", flags.listen, "HOST:PORT; port 0 takes a free one")->capture_default_str();
  app.add_option("--compute", flags.model.compute, "type of the matrix products, f32 or bf16; default: the faster one");
  app.add_option("--max_parallel", flags.engine.max_parallel, "most answers made at once; more wait")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  app.add_option("--context", flags.engine.context,
                 "most tokens of prompt and answer; 0: the model's own, at most 8192")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--max_body", flags.body_bytes, "largest request body, as 500kB or 16MiB")
      ->transform(CLI::AsSizeValue(true))
      ->default_str("16MiB");
}

}  // namespace

Command serve_command() {
  return {"serve", "Answer OpenAI's API with a model",
          "  understudy serve final_model.gguf\n"
          "  understudy serve ./base-model --adapter ./out --name invoices --listen 127.0.0.1:0\n"
          "  curl http://127.0.0.1:8080/v1/chat/completions -d '{\"model\": \"final_model\", \"messages\": "
          "[{\"role\": \"user\", \"content\": \"Hi\"}]}'\n"
          "Prints \"listening on http://HOST:PORT\" when it is ready. SIGTERM ends it in good order with exit status "
          "0, Ctrl-C "
          "with 130.",
          [](CLI::App& app) {
            auto flags = std::make_shared<Flags>();
            add_flags(app, *flags);
            return [flags] { return serve(*flags); };
          }};
}

}  // namespace understudy::cli
