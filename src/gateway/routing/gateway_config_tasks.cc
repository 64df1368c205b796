// `tasks`: kinds of work, who answers them, and the gates before and after the specialist.
#include <fmt/format.h>

#include "gateway/routing/gateway_config_parts.h"

namespace understudy::gateway_yml {

namespace {

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

void check_task(const ConfigNode& node, const TaskConfig& task, const std::vector<ModelChain>& models) {
  if (task.teacher.empty()) throw node.error("teacher is missing");
  expect_name(node["teacher"], task.teacher, models, "model");
  if (!task.specialist.empty()) expect_name(node["specialist"], task.specialist, models, "model");
  if (task.specialist.empty() && (task.share.value > 0 || task.shadow)) {
    throw node.error("specialist is missing: a share or a shadow needs one");
  }
  if (task.specialist.empty() && !task.pruned_prompt.empty()) {
    throw node["pruned_prompt"].error("there is no specialist that would be given less");
  }
  if (task.share.value + task.sentinel.value > 1) throw node["share"].error("together with sentinel more than 100%");
  for (const std::string& model : task.match.models) expect_name(node["match"]["models"], model, models, "model");
}

}  // namespace

std::vector<TaskConfig> read_tasks(const ConfigNode& node, const std::vector<ModelChain>& models,
                                   const KeepConfig& keep) {
  std::vector<TaskConfig> tasks = read_rows(node, task_fields(), TaskConfig{.keep = keep});
  for (TaskConfig& task : tasks) {
    if (task.match.header.empty() && task.match.models.empty()) task.match.header = task.name;
  }
  check_rows(node, tasks, [&models](const ConfigNode& row, const TaskConfig& task) { check_task(row, task, models); });
  return tasks;
}

}  // namespace understudy::gateway_yml
