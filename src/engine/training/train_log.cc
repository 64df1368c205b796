#include "engine/training/train_log.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "display/svg_chart.h"

namespace understudy {

namespace {

constexpr const char* kLogFile = "train_log.jsonl";

StepReport step_from(const Json& line) {
  return {.step = line.at("step").get<int64_t>(),
          .loss = line.at("loss").get<double>(),
          .grad_norm = line.at("grad_norm").get<double>(),
          .learning_rate = line.at("learning_rate").get<double>(),
          .tokens = line.at("tokens").get<int64_t>(),
          .tokens_per_second = line.at("tokens_per_second").get<double>()};
}

EvaluationReport evaluation_from(const Json& line) {
  return {.step = line.at("step").get<int64_t>(),
          .loss = line.at("eval_loss").get<double>(),
          .targets = line.at("eval_targets").get<int64_t>(),
          .examples = line.at("eval_examples").get<int64_t>()};
}

// An exponential mean whose start is corrected, over about a fiftieth of the run.
std::vector<ChartPoint> smoothed(const std::vector<ChartPoint>& points) {
  const double keep = 1.0 - 1.0 / std::max(1.0, static_cast<double>(points.size()) / 50.0);
  std::vector<ChartPoint> line;
  double sum = 0;
  double weight = 0;
  for (const ChartPoint& point : points) {
    sum = keep * sum + (1 - keep) * point.y;
    weight = keep * weight + (1 - keep);
    line.push_back({point.x, sum / weight});
  }
  return line;
}

std::filesystem::path made(const std::filesystem::path& folder) {
  std::error_code fault;
  std::filesystem::create_directories(folder, fault);
  if (fault)
    throw Error(ErrorCode::kIo, fmt::format("{}: cannot make the folder: {}", folder.string(), fault.message()));
  return folder;
}

}  // namespace

TrainLog::TrainLog(const std::filesystem::path& output_dir, uint64_t keep_bytes)
    : file_(made(output_dir) / kLogFile, keep_bytes) {}

void TrainLog::append(const StepReport& report) {
  file_.append(dump_json({{"step", report.step},
                          {"loss", report.loss},
                          {"grad_norm", report.grad_norm},
                          {"learning_rate", report.learning_rate},
                          {"tokens", report.tokens},
                          {"tokens_per_second", report.tokens_per_second}}));
}

void TrainLog::append(const EvaluationReport& report) {
  file_.append(dump_json({{"step", report.step},
                          {"eval_loss", report.loss},
                          {"eval_targets", report.targets},
                          {"eval_examples", report.examples}}));
}

uint64_t TrainLog::sync() {
  file_.sync();
  return file_.size();
}

LoggedRun read_train_log(const std::filesystem::path& output_dir) {
  const std::filesystem::path path = output_dir / kLogFile;
  const std::string text = read_file(path);
  LoggedRun run;
  int line = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string where = fmt::format("{}:{}", path.string(), ++line);
    const Json json = parse_json(std::string_view(text).substr(begin, end - begin), where);
    try {
      if (json.contains("eval_loss")) {
        run.evaluations.push_back(evaluation_from(json));
      } else {
        run.steps.push_back(step_from(json));
      }
    } catch (const Json::exception& fault) {
      throw Error(ErrorCode::kInvalidInput, fmt::format("{}: {}", where, fault.what()));
    }
    begin = end + 1;
  }
  return run;
}

std::string loss_chart(const LoggedRun& run, const std::string& title) {
  ChartSeries raw{.name = "loss", .faint = true};
  for (const StepReport& step : run.steps) raw.points.push_back({static_cast<double>(step.step), step.loss});
  LineChart chart{.title = title, .x = {.title = "step"}, .y = {.title = "loss"}};
  chart.series.push_back({.name = "loss, smoothed", .points = smoothed(raw.points)});
  ChartSeries evaluated{.name = "evaluation"};
  for (const EvaluationReport& report : run.evaluations)
    evaluated.points.push_back({static_cast<double>(report.step), report.loss});
  if (!evaluated.points.empty()) chart.series.push_back(std::move(evaluated));
  chart.series.push_back(std::move(raw));
  chart.y_from_zero = true;
  return render_svg(chart);
}

}  // namespace understudy
