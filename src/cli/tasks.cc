// understudy tasks: the kinds of work in the captured traffic, with what they cost and who answers them.
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "base/environment.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/traffic.h"
#include "display/table.h"
#include "economics/task_summary.h"

namespace understudy::cli {

namespace {

struct Flags {
  std::string config;
  std::string since;
  bool json = false;
};

std::string share_text(int64_t part, const TaskSummary& row) {
  const int64_t answered = row.by_teacher + row.by_specialist + row.escalated;
  return answered == 0 ? "-" : fmt::format("{:.0f}%", 100 * static_cast<double>(part) / static_cast<double>(answered));
}

std::string milliseconds_text(const std::optional<double>& value) {
  return value ? fmt::format("{:.0f}", *value) : "-";
}

std::string table_text(const std::vector<TaskSummary>& rows) {
  Table table({{"task", Align::kLeft},
               {"requests", Align::kRight},
               {"spent", Align::kRight},
               {"unknown", Align::kRight},
               {"specialist", Align::kRight},
               {"escalated", Align::kRight},
               {"p50 ms teacher", Align::kRight},
               {"specialist", Align::kRight},
               {"static prompt", Align::kRight}});
  for (const TaskSummary& row : rows) {
    table.add_row({row.task.empty() ? "(none)" : row.task, format_whole(row.spend.requests), row.spend.cost.display(),
                   format_whole(row.spend.unknown), share_text(row.by_specialist, row), share_text(row.escalated, row),
                   milliseconds_text(row.teacher.total_p50_ms), milliseconds_text(row.specialist.total_p50_ms),
                   row.static_tokens ? format_whole(*row.static_tokens) : "-"});
  }
  return table.to_text({.width = terminal_width(1), .color = wants_color(1)});
}

int run_tasks(const Flags& flags) {
  const TrafficConfig config = read_traffic_config(flags.config);
  const std::unique_ptr<Store> store = open_store(config.store);
  TaskSummaries summaries(config.parties, config.tasks);
  ExchangeFilter filter;
  if (!flags.since.empty()) filter.since_ms = since_ms(flags.since, "--since");
  each_exchange(config, *store, filter,
                [&](const Exchange& exchange, const PromptShape& shape) { summaries.add(exchange, shape); });
  Json json = Json::array();
  for (const TaskSummary& row : summaries.rows()) json.push_back(to_json(row));
  const std::string text = flags.json ? dump_json_pretty(json) : table_text(summaries.rows());
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw io_error("write", "standard output");
  return 0;
}

}  // namespace

Command tasks_command() {
  return {
      .name = "tasks",
      .summary = "The kinds of work in a gateway's traffic: requests, tokens, spend, who answers, how fast",
      .examples =
          "  understudy tasks --config gateway.yml\n"
          "  understudy tasks --config gateway.yml --since 7d --json",
      .configure = [](CLI::App& app) -> std::function<int()> {
        auto flags = std::make_shared<Flags>();
        app.add_option("--config", flags->config, "gateway.yml, whose store and capture folder are read")->required();
        app.add_option("--since", flags->since, "from this day on (UTC), or so long ago (7d)");
        app.add_flag("--json", flags->json, "print one JSON list, the most expensive task first");
        return [flags] { return run_tasks(*flags); };
      }};
}

}  // namespace understudy::cli
