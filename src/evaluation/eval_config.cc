#include "evaluation/eval_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/nearest.h"

namespace understudy::evaluation {

namespace {

const std::vector<std::string> kKinds = {"extraction", "classification"};
const std::vector<std::string> kFieldKinds = {"text", "exact", "amount", "number", "date", "enum", "boolean"};

// A figure of a gate: 0, 300, 0.5%.
double read_figure(const ConfigNode& node) {
  const std::string text = node.as_text();
  if (text.empty() || text.back() != '%') return node.as_number();
  Share share;
  read_value(node, share);
  return share.value;
}

template <class T>
auto figure_into(std::optional<double> T::*member) {
  return [member](const ConfigNode& node, T& value) { value.*member = read_figure(node); };
}

const Fields<Gate>& gate_fields() {
  static const Fields<Gate> fields =
      Fields<Gate>()
          .special("at_most", "the value is at most this", figure_into(&Gate::at_most))
          .special("at_least", "the value is at least this", figure_into(&Gate::at_least))
          .special("upper_bound", "the upper end of the 95% interval is at most this", figure_into(&Gate::upper_bound))
          .special("lower_bound", "the lower end of the 95% interval is at least this", figure_into(&Gate::lower_bound))
          .special("excess_over_gold_at_most", "the value less the right answers' own rate is at most this",
                   figure_into(&Gate::excess_over_gold_at_most))
          .field("not_worse_than", &Gate::not_worse_than, "teacher or previous: the verdict has to be \"as good\"",
                 one_of({"teacher", "previous"}))
          .special("margin", "how much worse still counts as as good",
                   [](const ConfigNode& node, Gate& gate) {
                     gate.margin = read_figure(node);
                     if (!(gate.margin > 0 && gate.margin < 1))
                       throw node.error("expected a share above 0% and below 100%");
                   })
          .special("confidence", "one-sided confidence of that verdict", [](const ConfigNode& node, Gate& gate) {
            gate.confidence = read_figure(node);
            if (!(gate.confidence > 0.5 && gate.confidence < 1))
              throw node.error("expected a share above 50% and below 100%");
          });
  return fields;
}

const Fields<PromptConfig>& prompt_fields() {
  static const Fields<PromptConfig> fields =
      Fields<PromptConfig>()
          .field("system", &PromptConfig::system, "the system message; none where empty")
          .field("user", &PromptConfig::user, "the user's message; {input} stands for the record's input");
  return fields;
}

const Fields<GenerateConfig>& generate_fields() {
  static const Fields<GenerateConfig> fields =
      Fields<GenerateConfig>()
          .field("max_tokens", &GenerateConfig::max_tokens, "the longest answer", Check<int64_t>(at_least<int64_t>(1)))
          .field("temperature", &GenerateConfig::temperature, "0 takes the likeliest token", between(0.0, 2.0))
          .field("constrained", &GenerateConfig::constrained, "only answers that the schema allows",
                 [](const ConfigNode& node, const bool& got) {
                   if (got) throw node.error("constrained decoding is not built in", "write constrained: false");
                 });
  return fields;
}

const Fields<CostConfig>& cost_fields() {
  static const Fields<CostConfig> fields =
      Fields<CostConfig>()
          .field("per_hour", &CostConfig::per_hour, "price of an hour of the machine, as 0.40 USD")
          .field("per_million", &CostConfig::per_million, "price of a million tokens, prompt and answer alike")
          .field("input_per_million", &CostConfig::input_per_million, "price of a million prompt tokens")
          .field("output_per_million", &CostConfig::output_per_million, "price of a million answer tokens");
  return fields;
}

const Fields<BootstrapConfig>& bootstrap_fields() {
  static const Fields<BootstrapConfig> fields =
      Fields<BootstrapConfig>()
          .field("draws", &BootstrapConfig::draws, "resamples behind each interval", between(100, 1'000'000))
          .field("seed", &BootstrapConfig::seed, "of the draws", Check<int64_t>(at_least<int64_t>(0)));
  return fields;
}

void read_orders(const ConfigNode& node, FieldConfig& field) {
  std::vector<std::string> words;
  read_value(node, words);
  for (const std::string& word : words) {
    const std::optional<DateOrder> order = date_order_from(word);
    if (!order) throw node.error(fmt::format("expected dmy, mdy or ymd, got \"{}\"", word));
    field.rule.date.orders.push_back(*order);
  }
}

void read_decimal(const ConfigNode& node, FieldConfig& field) {
  const std::string mark = node.as_text();
  if (mark != "." && mark != ",") throw node.error(fmt::format("expected \".\" or \",\", got \"{}\"", mark));
  field.rule.number.decimal = mark[0];
}

const Fields<FieldConfig>& field_fields() {
  static const Fields<FieldConfig> fields =
      Fields<FieldConfig>()
          .special("kind", "text, exact, amount, number, date, enum or boolean",
                   [](const ConfigNode& node, FieldConfig& field) {
                     one_of(kFieldKinds)(node, node.as_text());
                     field.kind = kind_from(node.as_text());
                   })
          .special("order", "of dates in figures: dmy, mdy, ymd, or a list of those allowed", read_orders)
          .special("pivot", "two-figure years from here on are of the last century",
                   [](const ConfigNode& node, FieldConfig& field) {
                     read_value(node, field.rule.date.pivot);
                     between(0, 100)(node, field.rule.date.pivot);
                   })
          .special("decimal", "the decimal mark of amounts and numbers; guessed where unset", read_decimal)
          .special("tolerance", "of numbers: the largest relative difference that still matches",
                   [](const ConfigNode& node, FieldConfig& field) {
                     field.rule.tolerance = read_figure(node);
                     if (!(field.rule.tolerance >= 0)) throw node.error("expected a number from 0");
                   })
          .special("extractive", "false: the value need not stand in the input",
                   [](const ConfigNode& node, FieldConfig& field) { field.rule.extractive = node.as_bool(); });
  return fields;
}

void read_fields(const ConfigNode& node, EvalConfig& config) {
  for (const auto& [path, member] : node.members()) {
    FieldConfig field;
    field.path = path;
    if (member.is_scalar()) {  // total: amount
      one_of(kFieldKinds)(member, member.as_text());
      field.kind = kind_from(member.as_text());
    } else {
      field_fields().read_into(member, field);
    }
    config.fields.push_back(std::move(field));
  }
}

void read_gates(const ConfigNode& node, EvalConfig& config) {
  for (const auto& [metric, member] : node.members()) {
    Gate gate;
    gate.metric = metric;
    gate_fields().read_into(member, gate);
    config.gates.push_back(std::move(gate));
  }
}

// A list whose items may be empty texts or null ("absent" has "").
void read_words(const ConfigNode& node, std::vector<std::string>& words) {
  words.clear();
  for (const ConfigNode& item : node.items()) words.push_back(item.is_null() ? "" : item.as_text());
}

template <std::filesystem::path EvalConfig::*Member>
void read_path(const ConfigNode& node, EvalConfig& config) {
  config.*Member = node.as_text();
}

const Fields<EvalConfig>& config_fields() {
  static const Fields<EvalConfig> fields =
      Fields<EvalConfig>()
          .field("task", &EvalConfig::task, "the task's name, for the reports")
          .field("kind", &EvalConfig::kind, "extraction (JSON) or classification (a label)", one_of(kKinds))
          .special("data", "JSONL with the inputs and the right answers", read_path<&EvalConfig::data>)
          .group("prompt", &EvalConfig::prompt, prompt_fields(), "how an input becomes messages")
          .special("schema", "JSON Schema (draft 7) of the answer", read_path<&EvalConfig::schema>)
          .special("fields", "per field: kind, order, pivot, decimal, tolerance, extractive", read_fields)
          .field("labels", &EvalConfig::labels, "classification: the labels allowed")
          .special("absent", "texts that mean that there is no value",
                   [](const ConfigNode& node, EvalConfig& config) { read_words(node, config.absent); })
          .field("group", &EvalConfig::group, "a column: records of one group are drawn together")
          .field("slices", &EvalConfig::slices, "columns to break the result down by; length is always there")
          .group("generate", &EvalConfig::generate, generate_fields(), "how the model answers")
          .group("cost", &EvalConfig::cost, cost_fields(), "what the model costs")
          .group("bootstrap", &EvalConfig::bootstrap, bootstrap_fields(), "draws behind the intervals")
          .special("gate", "per figure: at_most, at_least, upper_bound, lower_bound, not_worse_than, ...", read_gates);
  return fields;
}

// A gate's metric has to be a figure of the report; evaluation/gates.cc finds the same names.
void check_metric(const ConfigNode& node, const EvalConfig& config, const Gate& gate) {
  static const std::vector<std::string> common = {"invalid", "cut_off",           "p50_ms",
                                                  "p95_ms",  "tokens_per_second", "cost_per_1000"};
  static const std::vector<std::string> extraction = {
      "exact_record", "recovered", "schema_invalid", "hallucinated_records",   "hallucinated_values", "omission",
      "invention",    "micro.f1",  "macro.f1",       "correction_cost_per_100"};
  static const std::vector<std::string> classification = {"accuracy", "macro_f1", "brier", "ece"};
  std::vector<std::string> known = common;
  const std::vector<std::string>& own = config.is_classification() ? classification : extraction;
  known.insert(known.end(), own.begin(), own.end());
  const std::string prefix = config.is_classification() ? "labels." : "fields.";
  const bool is_known = std::find(known.begin(), known.end(), gate.metric) != known.end();
  if (!is_known && gate.metric.rfind(prefix, 0) != 0) {
    const std::string nearest = nearest_word(gate.metric, known);
    throw node.error(fmt::format("no figure of a {} is called \"{}\"", config.kind, gate.metric),
                     nearest.empty() ? fmt::format("figures: {}, {}<name>.f1", fmt::join(known, ", "), prefix)
                                     : fmt::format("did you mean {}?", nearest));
  }
  const std::string compared = config.is_classification() ? "accuracy" : "exact_record";
  if (!gate.not_worse_than.empty() && gate.metric != compared) {
    throw node.error(fmt::format("not_worse_than is judged on {} only", compared));
  }
  const bool has_gold = gate.metric == "hallucinated_records" || gate.metric == "hallucinated_values";
  if (gate.excess_over_gold_at_most && !has_gold) {
    throw node.error("excess_over_gold_at_most needs hallucinated_records or hallucinated_values");
  }
}

void check(const ConfigNode& node, const EvalConfig& config) {
  if (config.data.empty()) throw node["data"].error("expected the JSONL file with the test records, but it is missing");
  if (config.is_classification() && !config.schema.empty())
    throw node["schema"].error("a classification has labels, no schema");
  if (!config.is_classification() && !config.labels.empty())
    throw node["labels"].error("labels need kind: classification");
  for (const Gate& gate : config.gates) check_metric(node["gate"][gate.metric], config, gate);
}

std::filesystem::path resolved(const std::filesystem::path& path, const std::filesystem::path& folder) {
  return path.empty() || path.is_absolute() ? path : folder / path;
}

}  // namespace

EvalConfig EvalConfig::read(const std::filesystem::path& path,
                            const std::vector<std::pair<std::string, std::string>>& overrides) {
  ConfigNode node = ConfigNode::read_file(path);
  bool own_data = true;
  bool own_schema = true;
  for (const auto& [key, text] : overrides) {
    node.set(key, text, "--" + key);
    own_data = own_data && key != "data";
    own_schema = own_schema && key != "schema";
  }
  EvalConfig config = config_fields().read(node);
  config.file = path.string();
  check(node, config);
  const std::filesystem::path folder = path.parent_path();
  if (own_data) config.data = resolved(config.data, folder);
  if (own_schema) config.schema = resolved(config.schema, folder);
  return config;
}

std::vector<FieldHelp> eval_config_help() {
  std::vector<FieldHelp> help = config_fields().help();
  for (const FieldHelp& line : field_fields().help()) help.push_back({"fields.<path>." + line.key, line.help});
  for (const FieldHelp& line : gate_fields().help()) help.push_back({"gate.<figure>." + line.key, line.help});
  return help;
}

}  // namespace understudy::evaluation
