// understudy exchanges: what a gateway captured, one JSON object a line, or as rows to train on. Reads the store and
// the segments not yet taken over, with the gateway up or down.
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/traffic.h"
#include "cli/training_row.h"
#include "gateway/capture/exchange_source.h"

namespace understudy::cli {

namespace {

struct Flags {
  std::string config;
  std::string task;
  std::string key;
  std::string model;
  std::string since;
  std::string format = "json";
  int64_t limit = 0;
  bool json = false;
  bool pruned = false;
};

void write_line(const Json& value) {
  const std::string line = dump_json(value) + "\n";
  if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size()) throw io_error("write", "standard output");
}

void tell_left_out(int64_t n_rows, const std::map<LeftOut, int64_t>& left_out) {
  int64_t n_left_out = 0;
  std::string reasons;
  for (const auto& [reason, count] : left_out) {
    n_left_out += count;
    reasons += fmt::format("{}{} {}", reasons.empty() ? ": " : ", ", count, to_string(reason));
  }
  std::fprintf(stderr, "exported %lld exchanges, left out %lld%s\n", static_cast<long long>(n_rows),
               static_cast<long long>(n_left_out), reasons.c_str());
}

// Which static prompts the rows are without: what the task's `pruned_prompt` is to say.
void tell_pruned(const std::map<std::string, int64_t>& fingerprints) {
  for (const auto& [fingerprint, count] : fingerprints) {
    std::fprintf(stderr, "pruned_prompt: %s   # the static prompt that %lld rows are without\n", fingerprint.c_str(),
                 static_cast<long long>(count));
  }
  if (fingerprints.size() > 1) {
    std::fprintf(stderr, "the rows come from several static prompts: a specialist can do without one of them only\n");
  }
}

// With openai-chat --limit counts rows, not what was looked at.
void write_training_rows(const ExchangeSource& source, ExchangeFilter filter, bool pruned) {
  const int64_t limit = std::exchange(filter.limit, 0);
  std::map<std::string, int64_t> fingerprints;
  int64_t n_rows = 0;
  std::map<LeftOut, int64_t> left_out;
  source.each_exchange(filter, [&](const Exchange& exchange) {
    const TrainingRow row = training_row(exchange, pruned);
    if (row.left_out) {
      ++left_out[*row.left_out];
      return true;
    }
    write_line(row.row);
    if (pruned) ++fingerprints[exchange.fingerprint];
    return ++n_rows != limit;
  });
  tell_left_out(n_rows, left_out);
  tell_pruned(fingerprints);
}

int run_exchanges(const Flags& flags) {
  const bool writes_rows = flags.format == "openai-chat" && !flags.json;
  if (flags.pruned && !writes_rows) {
    throw Error(ErrorCode::kUsage, "--pruned: only rows to train on can do without the static prompt",
                "add --format openai-chat");
  }
  const TrafficConfig config = read_traffic_config(flags.config);
  const std::unique_ptr<Store> store = open_store(config.store);
  const ExchangeSource source(config.capture_folder, *store);
  ExchangeFilter filter;
  filter.task = flags.task;
  filter.key = flags.key;
  filter.model = flags.model;
  filter.limit = flags.limit;
  if (!flags.since.empty()) filter.since_ms = since_ms(flags.since, "--since");
  if (writes_rows) {
    write_training_rows(source, filter, flags.pruned);
  } else {
    source.each_exchange(filter, [](const Exchange& exchange) {
      write_line(to_json(exchange));
      return true;
    });
  }
  if (std::fflush(stdout) != 0) throw io_error("write", "standard output");
  return 0;
}

void add_flags(CLI::App& app, Flags& flags) {
  app.add_option("--config", flags.config, "gateway.yml, whose store and capture folder are read")->required();
  app.add_option("--task", flags.task, "of this task only");
  app.add_option("--key", flags.key, "of this virtual key only, by its name");
  app.add_option("--model", flags.model, "of those that asked for this model only");
  app.add_option("--since", flags.since, "from this day on (UTC), or so long ago (7d)");
  app.add_option("--limit", flags.limit, "at most so many; 0: all")->check(CLI::NonNegativeNumber);
}

}  // namespace

Command exchanges_command() {
  return {.name = "exchanges",
          .summary = "What a gateway captured: requests, answers, attempts, usage and cost, one JSON object a line",
          .examples =
              "  understudy exchanges list --config gateway.yml --since 1d\n"
              "  understudy exchanges export --config gateway.yml --task invoices --format openai-chat > train.jsonl",
          .configure = [](CLI::App& app) -> std::function<int()> {
            auto flags = std::make_shared<Flags>();
            app.require_subcommand(1);
            const struct {
              const char* name;
              const char* help;
            } verbs[] = {{"list", "shows the exchanges, the oldest first; what is under way is partial"},
                         {"export", "writes them for others; openai-chat: rows to train on, with their provenance"}};
            for (const auto& verb : verbs) {
              CLI::App* sub = app.add_subcommand(verb.name, verb.help);
              add_flags(*sub, *flags);
              sub->add_option("--format", flags->format,
                              "json, or openai-chat: complete answers whose provider's terms are may_train")
                  ->check(CLI::IsMember({"json", "openai-chat"}))
                  ->capture_default_str();
              sub->add_flag("--json", flags->json, "the same as --format json");
              if (verb.name == std::string_view("export")) {
                sub->add_flag(
                    "--pruned", flags->pruned,
                    "openai-chat: without system messages; prints the fingerprint for the task's pruned_prompt");
              }
            }
            return [flags] { return run_exchanges(*flags); };
          }};
}

}  // namespace understudy::cli
