// understudy eval: reads eval.yml and flags, runs the step evaluate on given answers or a model, prints table or JSON.
// Exit status 1 where a gate does not hold.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/environment.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "evaluation/gates.h"
#include "evaluation/report_text.h"
#include "records/eval_report.h"
#include "workflow/answerer.h"
#include "workflow/evaluate.h"

namespace understudy::cli {

namespace {

struct Flags {
  std::string config;
  std::string model;
  std::string adapter;
  std::string data;
  workflow::EvaluateFiles files;
  bool json = false;
};

void check(const Flags& flags) {
  if (flags.model.empty() == flags.files.answers.empty()) {
    throw Error(ErrorCode::kUsage, "expected either --model or --answers",
                "--model runs a model, --answers scores answers that are there already");
  }
  if (!flags.adapter.empty() && flags.model.empty()) throw Error(ErrorCode::kUsage, "--adapter needs --model");
}

EvalReport run(const evaluation::EvalConfig& config, const Flags& flags) {
  if (flags.model.empty()) return workflow::evaluate(config, flags.files, nullptr, interrupt_token());
  const std::unique_ptr<evaluation::Answerer> answerer = workflow::make_answerer(flags.model, flags.adapter);
  workflow::EvaluateModel model{*answerer, flags.model, flags.adapter};
  return workflow::evaluate(config, flags.files, &model, interrupt_token());
}

int eval(const Flags& flags, const std::vector<std::string>& remaining) {
  check(flags);
  std::vector<std::pair<std::string, std::string>> overrides = key_value_flags(remaining);
  if (!flags.data.empty()) overrides.emplace_back("data", flags.data);
  const evaluation::EvalConfig config = evaluation::EvalConfig::read(flags.config, overrides);
  const EvalReport report = run(config, flags);
  const std::string text = flags.json ? dump_json_pretty(to_json(report))
                                      : evaluation::report_text(report, {terminal_width(1), wants_color(1)});
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (!flags.json && !flags.files.out.empty()) {
    std::fputs(fmt::format("\nReport: {}\n", (flags.files.out / "report.html").string()).c_str(), stdout);
  }
  return evaluation::all_hold(report.verdicts) ? 0 : 1;
}

std::string keys_help() {
  std::string text = "\nKeys of eval.yml, each also as a flag (--cost.per_hour=0.40):\n";
  for (const FieldHelp& line : evaluation::eval_config_help()) text += fmt::format("  {:32} {}\n", line.key, line.help);
  return text;
}

}  // namespace

Command eval_command() {
  Command command;
  command.name = "eval";
  command.summary = "Measures a model's or given answers against right ones: fields, made-up values, gates, a verdict";
  command.examples =
      "  understudy eval eval.yml --model final_model.gguf --out report\n"
      "  understudy eval eval.yml --answers answers.jsonl --teacher teacher.jsonl --out report\n"
      "  understudy eval eval.yml --model base --adapter out --limit 100 --generate.max_tokens=128\n" +
      keys_help();
  command.configure = [](CLI::App& app) -> std::function<int()> {
    auto flags = std::make_shared<Flags>();
    app.add_option("config", flags->config, "eval.yml")->required();
    app.add_option("--model", flags->model, "Hugging Face folder or GGUF file to run");
    app.add_option("--adapter", flags->adapter, "PEFT folder or GGUF adapter on top of it");
    app.add_option("--answers", flags->files.answers, "JSONL {\"id\", \"answer\"} to score instead of running a model");
    app.add_option("--teacher", flags->files.teacher, "the teacher's answers, to compare with");
    app.add_option("--previous", flags->files.previous, "an earlier specialist's answers, to compare with");
    app.add_option("--baseline", flags->files.baseline, "answers of rules or another model, shown beside");
    app.add_option("--data", flags->data, "test records instead of the config's");
    app.add_option("--limit", flags->files.limit, "only the first N records");
    app.add_option("--out", flags->files.out, "folder for report.json, report.html, junit.xml, answers.jsonl");
    app.add_flag("--json", flags->json, "print report.json instead of tables");
    app.allow_extras();
    return [flags, &app] { return eval(*flags, app.remaining()); };
  };
  return command;
}

}  // namespace understudy::cli
