#include "records/eval_report.h"

#include "base/json.h"

namespace understudy {

namespace {

Json optional_number(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

Json optional_span(const std::optional<CharSpan>& span) {
  return span ? Json(Json::array({span->first, span->after})) : Json();
}

Json optional_flag(const std::optional<bool>& flag) {
  return flag ? Json(*flag) : Json();
}

Json scores_json(const Scores& scores) {
  Json json = Json::object();
  json["precision"] = optional_number(scores.precision);
  json["recall"] = optional_number(scores.recall);
  json["f1"] = optional_number(scores.f1);
  return json;
}

Json scores_with_interval(const Scores& scores) {
  Json json = scores_json(scores);
  json["f1_low"] = optional_number(scores.f1_low);
  json["f1_high"] = optional_number(scores.f1_high);
  return json;
}

Json field_json(const FieldFigures& field) {
  Json json = scores_with_interval(field.scores);
  json["tp"] = field.tp;
  json["fp"] = field.fp;
  json["fn"] = field.fn;
  json["substitutions"] = field.substitutions;
  json["omissions"] = field.omissions;
  json["inventions"] = field.inventions;
  json["hallucinated"] = field.hallucinated;
  json["kind"] = field.kind;
  json["raw"] = scores_json(field.raw);
  if (field.anls) json["anls"] = *field.anls;
  return json;
}

Json fields_json(const std::vector<FieldFigures>& fields) {
  Json json = Json::object();
  for (const FieldFigures& field : fields) json[field.path] = field_json(field);
  return json;
}

Json leaf_json(const LeafResult& leaf) {
  Json json = Json::object();
  json["path"] = leaf.path;
  json["gold"] = parse_json(leaf.gold, leaf.path);
  json["answer"] = parse_json(leaf.answer, leaf.path);
  json["outcome"] = to_string(leaf.outcome);
  json["grounded"] = optional_flag(leaf.grounded);
  json["span"] = optional_span(leaf.span);
  json["gold_grounded"] = optional_flag(leaf.gold_grounded);
  json["gold_span"] = optional_span(leaf.gold_span);
  return json;
}

Json record_json(const RecordResult& record) {
  Json json = Json::object();
  json["id"] = record.id;
  json["answer"] = record.answer;
  json["right"] = record.right;
  json["state"] = to_string(record.state);
  json["cut_off"] = record.cut_off;
  if (!record.schema_fault.empty()) json["schema_fault"] = record.schema_fault;
  if (!record.failure.empty()) json["failure"] = record.failure;
  json["leaves"] = Json::array();
  for (const LeafResult& leaf : record.leaves) json["leaves"].push_back(leaf_json(leaf));
  return json;
}

Json column_json(const Column& column, bool classification) {
  Json json = Json::object();
  json[classification ? "accuracy" : "exact_record"] = to_json(column.right);
  json["invalid"] = to_json(column.invalid);
  if (column.hallucinated_records) json["hallucinated_records"] = to_json(*column.hallucinated_records);
  if (column.macro_f1) json["macro_f1"] = *column.macro_f1;
  if (column.micro) json["micro"] = scores_json(*column.micro);
  if (!column.fields.empty()) json["fields"] = fields_json(column.fields);
  return json;
}

Json comparison_json(const Comparison& comparison) {
  Json json = Json::object();
  json["delta"] = comparison.delta;
  json["low90"] = comparison.low90;
  json["high90"] = comparison.high90;
  json["low95"] = comparison.low95;
  json["high95"] = comparison.high95;
  json["teacher_only_right"] = comparison.teacher_only_right;
  json["specialist_only_right"] = comparison.specialist_only_right;
  json["mcnemar_p"] = comparison.mcnemar_p;
  json["verdict"] = to_string(comparison.verdict);
  json["more_needed"] = comparison.more_needed ? Json(*comparison.more_needed) : Json();
  json["margin"] = comparison.margin;
  json["confidence"] = comparison.confidence;
  json["lower_end"] = comparison.lower_end;
  json["score_low"] = comparison.score_low;
  json["standard_error"] = optional_number(comparison.standard_error);
  json["agreement"] = to_json(comparison.agreement);
  json["lost"] = comparison.lost;
  return json;
}

Json calibration_json(const Calibration& calibration) {
  Json json = Json::object();
  json["n"] = calibration.n;
  json["ece_if_calibrated"] = calibration.ece_if_calibrated;
  json["ece_excess"] = calibration.ece - calibration.ece_if_calibrated;
  json["reliability"] = Json::array();
  for (const Calibration::Bin& bin : calibration.bins) {
    json["reliability"].push_back({{"n", bin.n}, {"confidence", bin.confidence}, {"accuracy", bin.accuracy}});
  }
  json["kept"] = Json::array();
  for (const Calibration::Kept& kept : calibration.kept) {
    json["kept"].push_back({{"share", kept.share}, {"threshold", kept.threshold}, {"accuracy", kept.accuracy}});
  }
  return json;
}

void put_extraction(const EvalReport& report, Json& json) {
  json["exact_record"] = to_json(report.right);
  json["invalid"] = to_json(report.invalid);
  json["recovered"] = to_json(report.recovered);
  json["schema_invalid"] = to_json(report.schema_invalid);
  json["cut_off"] = to_json(report.cut_off);
  json["hallucinated_records"] = to_json(report.hallucinated_records);
  json["gold_hallucinated_records"] = to_json(report.gold_hallucinated_records);
  json["hallucinated_values"] = to_json(report.hallucinated_values);
  json["gold_hallucinated_values"] = to_json(report.gold_hallucinated_values);
  json["omission"] = to_json(report.omission);
  json["invention"] = to_json(report.invention);
  json["wrong_but_grounded"] = to_json(report.wrong_but_grounded);
  json["micro"] = scores_with_interval(report.micro);
  json["macro"] = scores_with_interval(report.macro);
  json["fields"] = fields_json(report.fields);
  json["correction_cost_per_100"] = report.correction_cost_per_100;
  json["raw"] = {{"exact_record", to_json(report.raw_right)}, {"micro", scores_json(report.raw_micro)}};
}

void put_classification(const EvalReport& report, Json& json) {
  json["accuracy"] = to_json(report.right);
  json["macro_f1"] = to_json(report.macro_f1);
  json["invalid"] = to_json(report.invalid);
  json["cut_off"] = to_json(report.cut_off);
  json["labels"] = Json::object();
  for (const LabelFigures& label : report.labels) {
    json["labels"][label.label] = scores_json(label.scores);
    json["labels"][label.label]["support"] = label.support;
  }
  json["labels_without_support"] = report.labels_without_support;
  json["confusion"] = report.confusion;
  json["brier"] = report.calibration ? Json(report.calibration->brier) : Json();
  json["ece"] = report.calibration ? Json(report.calibration->ece) : Json();
  if (report.calibration) json["calibration"] = calibration_json(*report.calibration);
}

void put_slices(const EvalReport& report, Json& json) {
  json["slices"] = Json::object();
  for (const SliceFigures& slice : report.slices) {
    Json& entry = json["slices"][slice.column][slice.value];
    entry[report.is_classification() ? "accuracy" : "exact_record"] = to_json(slice.right);
    if (slice.hallucinated_records) entry["hallucinated_records"] = to_json(*slice.hallucinated_records);
  }
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kMatch:
      return "match";
    case Outcome::kSubstitution:
      return "substitution";
    case Outcome::kOmission:
      return "omission";
    case Outcome::kInvention:
      return "invention";
    case Outcome::kBothAbsent:
      return "both_absent";
  }
  return "";
}

std::string_view to_string(AnswerState state) {
  switch (state) {
    case AnswerState::kValid:
      return "valid";
    case AnswerState::kRecovered:
      return "recovered";
    case AnswerState::kInvalid:
      return "invalid";
    case AnswerState::kMissing:
      return "missing";
  }
  return "";
}

std::string_view to_string(Parity parity) {
  switch (parity) {
    case Parity::kAsGood:
      return "as good";
    case Parity::kWorse:
      return "worse";
    case Parity::kNotEnoughData:
      return "not enough data";
  }
  return "";
}

Json to_json(const Rate& rate) {
  Json json = Json::object();
  json["value"] = optional_number(rate.value);
  json["low"] = optional_number(rate.low);
  json["high"] = optional_number(rate.high);
  json["n"] = rate.n;
  return json;
}

Json to_json(const EvalReport& report) {
  Json json = Json::object();
  json["task"] = report.task;
  json["kind"] = report.kind;
  json["made_from"] = Json::object();
  for (const auto& [name, value] : report.made_from) json["made_from"][name] = value;
  json["n"] = report.n;
  json["groups"] = report.n_groups;
  json["bootstrap"] = {{"draws", report.draws}, {"seed", report.seed}};
  if (report.is_classification()) {
    put_classification(report, json);
  } else {
    put_extraction(report, json);
  }
  put_slices(report, json);
  json["comparison"] = Json::object();
  for (const Comparison& comparison : report.comparisons)
    json["comparison"][comparison.other] = comparison_json(comparison);
  for (const Column& column : report.columns) json[column.name] = column_json(column, report.is_classification());
  json["latency"] = {{"p50_ms", optional_number(report.latency.p50_ms)},
                     {"p95_ms", optional_number(report.latency.p95_ms)}};
  json["tokens_per_second"] = optional_number(report.tokens_per_second);
  json["cost_per_1000"] = optional_number(report.cost_per_1000);
  json["gates"] = Json::array();
  for (const Verdict& verdict : report.verdicts) json["gates"].push_back(to_json(verdict));
  json["records"] = Json::array();
  for (const RecordResult& record : report.records) json["records"].push_back(record_json(record));
  return json;
}

}  // namespace understudy
