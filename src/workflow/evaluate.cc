#include "workflow/evaluate.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/version.h"
#include "display/progress.h"
#include "evaluation/gates.h"
#include "evaluation/junit.h"
#include "evaluation/measure.h"
#include "evaluation/report_html.h"

namespace understudy::workflow {

namespace {

using evaluation::Answers;
using evaluation::EvalConfig;
using evaluation::GivenAnswer;
using evaluation::OtherAnswers;

std::string with_input(const std::string& prompt, const std::string& input) {
  constexpr std::string_view kPlace = "{input}";
  std::string text;
  size_t from = 0;
  for (size_t at = prompt.find(kPlace); at != std::string::npos; at = prompt.find(kPlace, from)) {
    text += prompt.substr(from, at - from) + input;
    from = at + kPlace.size();
  }
  return text + prompt.substr(from);
}

GivenAnswer as_given(const std::string& id, evaluation::ModelAnswer answer) {
  GivenAnswer given;
  given.id = id;
  given.finish = std::move(answer.finish);
  if (answer.failure) {
    given.failure = std::move(*answer.failure);
    return given;
  }
  given.text = std::move(answer.text);
  given.prompt_tokens = answer.prompt_tokens;
  given.answer_tokens = answer.answer_tokens;
  given.latency_ms = answer.latency_ms;
  return given;
}

struct Run {
  Answers answers;
  double seconds = 0;
};

// Asks for every record, in order. Each answer goes to answers.jsonl at once, so that a run that is stopped has lost
// none.
Run ask(const EvalConfig& config, const std::vector<Example>& examples, const EvaluateFiles& files,
        EvaluateModel& model, std::stop_token stop) {
  std::optional<LineAppender> file;
  if (!files.out.empty()) file.emplace(files.out / "answers.jsonl", 0);
  ProgressLine progress("answers", static_cast<double>(examples.size()));
  Run run;
  const auto start = std::chrono::steady_clock::now();
  for (const Example& example : examples) {
    if (stop.stop_requested()) {
      throw Error(ErrorCode::kCancelled,
                  fmt::format("stopped after {} of {} answers", run.answers.size(), examples.size()));
    }
    GivenAnswer given = as_given(example.id, model.answerer.answer(request_for(config, example), stop));
    if (file) file->append(dump_json(to_json(given)));
    run.answers.emplace(example.id, std::move(given));
    progress.update(static_cast<double>(run.answers.size()), {});
  }
  run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  progress.finish({});
  if (file) file->sync();
  return run;
}

void write_answers(const std::vector<Example>& examples, const Answers& answers, const std::filesystem::path& path) {
  std::string lines;
  for (const Example& example : examples) {
    const auto given = answers.find(example.id);
    if (given != answers.end()) lines += dump_json(to_json(given->second)) + "\n";
  }
  write_file_atomically(path, lines);
}

void warn_of_ids(const std::vector<Example>& examples, const Answers& answers, const std::filesystem::path& path) {
  size_t n_found = 0;
  for (const Example& example : examples) n_found += answers.count(example.id);
  if (n_found < examples.size()) {
    log_warning(fmt::format("{}: {} of {} records have no answer; they count as invalid", path.string(),
                            examples.size() - n_found, examples.size()));
  }
}

std::vector<OtherAnswers> read_others(const std::vector<Example>& examples, const EvaluateFiles& files) {
  std::vector<OtherAnswers> others;
  const std::pair<const char*, const std::filesystem::path*> given[] = {
      {"teacher", &files.teacher}, {"previous", &files.previous}, {"baseline", &files.baseline}};
  for (const auto& [name, path] : given) {
    if (path->empty()) continue;
    others.push_back({name, evaluation::read_answers(*path)});
    warn_of_ids(examples, others.back().answers, *path);
  }
  return others;
}

void warn_of_columns(const EvalConfig& config, const std::vector<Example>& examples) {
  std::vector<std::string> columns = config.slices;
  if (!config.group.empty()) columns.push_back(config.group);
  for (const std::string& column : columns) {
    bool found = column == "length";
    for (const Example& example : examples) found = found || example.columns.count(column) > 0;
    if (!found) log_warning(fmt::format("{}: no row has a column \"{}\"", config.data.string(), column));
  }
}

std::vector<std::pair<std::string, std::string>> origin_of(const EvalConfig& config, const EvaluateFiles& files,
                                                           const EvaluateModel* model) {
  std::vector<std::pair<std::string, std::string>> origin = {{"understudy", kVersion}};
  const auto add_file = [&origin](const std::string& name, const std::filesystem::path& path) {
    if (!path.empty()) origin.emplace_back(name, path.filename().string() + " sha256 " + sha256_hex_of_file(path));
  };
  add_file("config", config.file);
  add_file("data", config.data);
  add_file("schema", config.schema);
  if (model != nullptr) origin.emplace_back("model", model->name);
  if (model != nullptr && !model->adapter.empty()) origin.emplace_back("adapter", model->adapter);
  add_file("answers", files.answers);
  add_file("teacher", files.teacher);
  add_file("previous", files.previous);
  add_file("baseline", files.baseline);
  return origin;
}

void write_reports(const EvalReport& report, const std::filesystem::path& folder) {
  write_file_atomically(folder / "report.json", dump_json_pretty(to_json(report)));
  write_file_atomically(folder / "report.html", evaluation::report_page(report));
  write_file_atomically(folder / "junit.xml", evaluation::junit_xml(report));
}

void make_folder(const std::filesystem::path& folder) {
  if (folder.empty()) return;
  std::error_code fault;
  std::filesystem::create_directories(folder, fault);
  if (fault) throw Error(ErrorCode::kIo, fmt::format("{}: create: {}", folder.string(), fault.message()));
}

}  // namespace

evaluation::EvalRequest request_for(const EvalConfig& config, const Example& example) {
  evaluation::EvalRequest request;
  request.max_tokens = config.generate.max_tokens;
  request.temperature = config.generate.temperature;
  request.messages = example.messages;
  if (!request.messages.empty()) return request;
  if (!config.prompt.system.empty()) request.messages.push_back(Message::of(Role::kSystem, config.prompt.system));
  request.messages.push_back(Message::of(Role::kUser, with_input(config.prompt.user, example.input)));
  return request;
}

EvalReport evaluate(const EvalConfig& config, const EvaluateFiles& files, EvaluateModel* model, std::stop_token stop) {
  CHECK(model != nullptr || !files.answers.empty(), "answers are given or asked for");
  const std::vector<Example> examples = read_examples(config.data, files.limit);
  if (examples.empty())
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: holds no records", config.data.string()));
  warn_of_columns(config, examples);
  const std::vector<OtherAnswers> others = read_others(examples, files);
  make_folder(files.out);
  Run run;
  if (model != nullptr) {
    run = ask(config, examples, files, *model, stop);
  } else {
    run.answers = evaluation::read_answers(files.answers);
    warn_of_ids(examples, run.answers, files.answers);
  }
  const std::optional<double> seconds = model != nullptr ? std::optional(run.seconds) : std::nullopt;
  EvalReport report = evaluation::measure(config, examples, run.answers, others, seconds);
  report.made_from = origin_of(config, files, model);
  report.verdicts = evaluation::judge(report, config.gates);
  if (files.out.empty()) return report;
  if (model == nullptr) write_answers(examples, run.answers, files.out / "answers.jsonl");
  write_reports(report, files.out);
  return report;
}

}  // namespace understudy::workflow
