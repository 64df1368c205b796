#include "evaluation/measure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "base/json.h"
#include "evaluation/gates.h"
#include "tests/evaluation/eval_rows.h"
#include "tests/support/fuzz_count.h"

namespace understudy::evaluation {
namespace {

using testing_rows::answers_of;
using testing_rows::config_of;
using testing_rows::examples_of;
using testing_rows::labels_config;

const EvalConfig& receipts() {
  static const EvalConfig config = config_of({{"shop", Kind::kText}, {"date", Kind::kDate}, {"total", Kind::kAmount}});
  return config;
}

const std::vector<Example>& four() {
  static const std::vector<Example> examples = examples_of({
      {"ACME LTD 25/12/2018 TOTAL 9.00 CASH 10.00", R"({"shop": "Acme Ltd", "date": "25/12/2018", "total": "9.00"})"},
      {"BOLT 01/02/2018 TOTAL 5.00", R"({"shop": "Bolt", "date": "01/02/2018", "total": "5.00"})"},
      {"CORN TOTAL 7.00", R"({"shop": "Corn", "date": null, "total": "7.00"})"},
      {"DUNE 03/03/2018 TOTAL 8.00", R"({"shop": "Dunes & Sons", "date": "03/03/2018", "total": "8.00"})"},
  });
  return examples;
}

// Right; a wrong total that does not stand in the input and a date left out; a date made up out of nothing; no JSON.
const Answers& four_answers() {
  static const Answers answers = answers_of({
      R"({"shop": "ACME LTD.", "date": "2018-12-25", "total": "RM 9"})",
      R"({"shop": "Bolt", "date": "", "total": "6.00"})",
      R"({"shop": "Corn", "date": "04/04/2018", "total": "7.00"})",
      "I cannot read this",
  });
  return answers;
}

TEST(Measure, ExtractionByHand) {
  const EvalReport report = measure(receipts(), four(), four_answers(), {});
  EXPECT_EQ(report.n, 4);
  EXPECT_DOUBLE_EQ(*report.right.value, 0.25);
  EXPECT_DOUBLE_EQ(*report.raw_right.value, 0);  // the first one is written otherwise
  EXPECT_DOUBLE_EQ(*report.invalid.value, 0.25);
  EXPECT_DOUBLE_EQ(*report.recovered.value, 0);
  // Matches: 3 + 1 + 2 + 0. Wrong: the second's total. Left out: its date, and all three of the fourth. Made up: the
  // third's date.
  EXPECT_DOUBLE_EQ(*report.micro.precision, 6.0 / 8);
  EXPECT_DOUBLE_EQ(*report.micro.recall, 6.0 / 11);
  EXPECT_DOUBLE_EQ(*report.micro.f1, 12.0 / 19);
  EXPECT_DOUBLE_EQ(report.correction_cost_per_100, 100 * 6.0 / 4);
  EXPECT_DOUBLE_EQ(*report.omission.value, 4.0 / 11);
  EXPECT_EQ(report.omission.n, 11);
  EXPECT_DOUBLE_EQ(*report.invention.value, 1);
  EXPECT_EQ(report.invention.n, 1);
  // The second's total 6.00 is not in its input, and the third's date neither; the gold of the fourth has "& Sons".
  EXPECT_DOUBLE_EQ(*report.hallucinated_records.value, 0.5);
  EXPECT_EQ(report.hallucinated_values.n, 8);
  EXPECT_DOUBLE_EQ(*report.hallucinated_values.value, 2.0 / 8);
  EXPECT_DOUBLE_EQ(*report.gold_hallucinated_records.value, 0.25);
  EXPECT_EQ(report.gold_hallucinated_values.n, 11);
  EXPECT_DOUBLE_EQ(*report.wrong_but_grounded.value, 0);
}

TEST(Measure, FieldsInTheConfigsOrder) {
  const EvalReport report = measure(receipts(), four(), four_answers(), {});
  ASSERT_EQ(report.fields.size(), 3u);
  const FieldFigures& date = report.fields[1];
  EXPECT_EQ(date.path, "date");
  EXPECT_EQ(date.tp, 1);
  EXPECT_EQ(date.fp, 1);
  EXPECT_EQ(date.fn, 2);
  EXPECT_EQ(date.substitutions, 0);
  EXPECT_EQ(date.omissions, 2);
  EXPECT_EQ(date.inventions, 1);
  EXPECT_DOUBLE_EQ(*date.scores.f1, 0.4);
  EXPECT_EQ(report.fields[2].substitutions, 1);
  EXPECT_DOUBLE_EQ(*report.fields[0].anls, 0.75);  // three at 1, the unreadable one at 0
  EXPECT_DOUBLE_EQ(*report.macro.f1, (2 * 3.0 / 7 + 0.4 + 2 * 2.0 / 7) / 3);
}

TEST(Measure, EvidenceOfEachLeaf) {
  const EvalReport report = measure(receipts(), four(), four_answers(), {});
  const LeafResult& total = report.records[1].leaves[2];
  EXPECT_EQ(total.path, "total");
  EXPECT_EQ(total.outcome, Outcome::kSubstitution);
  EXPECT_EQ(total.grounded, false);
  EXPECT_EQ(total.gold_span, (CharSpan{22, 26}));
  EXPECT_EQ(report.records[0].leaves[2].span, (CharSpan{26, 30}));
  EXPECT_EQ(report.records[3].state, AnswerState::kInvalid);
}

TEST(Measure, PerfectAnswersAreOneEverywhere) {
  std::vector<std::string> texts;
  for (const Example& example : four()) texts.push_back(example.output);
  const EvalReport report = measure(receipts(), four(), answers_of(texts), {});
  for (const Rate& rate : {report.right, report.raw_right}) EXPECT_DOUBLE_EQ(*rate.value, 1);
  for (const Scores& scores : {report.micro, report.macro, report.raw_micro}) {
    EXPECT_DOUBLE_EQ(*scores.precision, 1);
    EXPECT_DOUBLE_EQ(*scores.recall, 1);
    EXPECT_DOUBLE_EQ(*scores.f1, 1);
  }
  for (const FieldFigures& field : report.fields) EXPECT_DOUBLE_EQ(*field.scores.f1, 1) << field.path;
  EXPECT_DOUBLE_EQ(*report.omission.value + *report.invention.value + *report.invalid.value, 0);
  EXPECT_DOUBLE_EQ(*report.hallucinated_records.value, *report.gold_hallucinated_records.value);
}

TEST(Measure, RecoveredAnswersCanBeRightAndStayInvalid) {
  const EvalReport report = measure(receipts(), examples_of({{"A 1.00", R"({"shop": "A", "total": "1.00"})"}}),
                                    answers_of({"```json\n{\"shop\": \"A\", \"total\": \"1.00\"}\n```"}), {});
  EXPECT_DOUBLE_EQ(*report.right.value, 1);
  EXPECT_DOUBLE_EQ(*report.invalid.value, 1);
  EXPECT_DOUBLE_EQ(*report.recovered.value, 1);
}

TEST(Measure, MissingRowsAreInvalid) {
  const EvalReport report = measure(receipts(), four(), {}, {});
  EXPECT_DOUBLE_EQ(*report.invalid.value, 1);
  EXPECT_DOUBLE_EQ(*report.right.value, 0);
  EXPECT_EQ(report.records[0].state, AnswerState::kMissing);
}

TEST(Measure, AnUnreadableAnswerToAnEmptyRecordIsNotRight) {
  const EvalReport report =
      measure(receipts(), examples_of({{"nothing", R"({"shop": null})"}}), answers_of({"none"}), {});
  EXPECT_DOUBLE_EQ(*report.right.value, 0);
}

TEST(Measure, TakesFieldsOutOfHallucination) {
  EvalConfig config = config_of({{"shop", Kind::kText}, {"unit", Kind::kChoice}});
  config.fields[0].rule.extractive = false;
  const EvalReport report = measure(config, examples_of({{"x", R"({"shop": "A", "unit": "kg"})"}}),
                                    answers_of({R"({"shop": "B", "unit": "g"})"}), {});
  EXPECT_EQ(report.hallucinated_values.n, 0);
  EXPECT_FALSE(report.hallucinated_values.value);
  EXPECT_DOUBLE_EQ(*report.hallucinated_records.value, 0);
}

TEST(Measure, ComparesWithTheTeacherAndShowsABaseline) {
  std::vector<std::string> texts;
  for (const Example& example : four()) texts.push_back(example.output);
  const EvalReport report =
      measure(receipts(), four(), four_answers(), {{"teacher", answers_of(texts)}, {"baseline", {}}});
  ASSERT_EQ(report.comparisons.size(), 1u);
  EXPECT_DOUBLE_EQ(report.comparisons[0].delta, -0.75);
  EXPECT_EQ(report.comparisons[0].lost, (std::vector<std::string>{"r2", "r3", "r4"}));
  EXPECT_DOUBLE_EQ(*report.comparisons[0].agreement.value, 0.25);
  ASSERT_EQ(report.columns.size(), 2u);
  EXPECT_EQ(report.columns[1].name, "baseline");
  EXPECT_DOUBLE_EQ(*report.columns[0].right.value, 1);
  EXPECT_DOUBLE_EQ(*report.columns[1].invalid.value, 1);
  const Json json = to_json(report);
  EXPECT_EQ(json["comparison"]["teacher"]["verdict"], "worse");
  EXPECT_TRUE(json["comparison"]["teacher"]["more_needed"].is_null());
  EXPECT_EQ(json["baseline"]["fields"]["total"]["f1"], 0.0);
}

TEST(Measure, ReportHasTheContractsNames) {
  const Json json = to_json(measure(receipts(), four(), four_answers(), {}));
  for (const char* name :
       {"exact_record", "invalid", "recovered", "schema_invalid", "cut_off", "hallucinated_records",
        "gold_hallucinated_records", "hallucinated_values", "gold_hallucinated_values", "omission", "invention"}) {
    ASSERT_TRUE(json.contains(name)) << name;
    for (const char* part : {"value", "low", "high", "n"})
      EXPECT_TRUE(json[name].contains(part)) << name << "." << part;
  }
  for (const char* name : {"n", "micro", "macro", "fields", "correction_cost_per_100", "comparison", "latency",
                           "tokens_per_second", "cost_per_1000", "records"}) {
    EXPECT_TRUE(json.contains(name)) << name;
  }
  for (const char* part : {"precision", "recall", "f1", "tp", "fp", "fn", "substitutions", "omissions", "inventions"}) {
    EXPECT_TRUE(json["fields"]["total"].contains(part)) << part;
  }
  const Json& leaf = json["records"][1]["leaves"][2];
  EXPECT_EQ(leaf["path"], "total");
  EXPECT_EQ(leaf["gold"], "5.00");
  EXPECT_EQ(leaf["answer"], "6.00");
  EXPECT_EQ(leaf["outcome"], "substitution");
  EXPECT_EQ(leaf["grounded"], false);
  EXPECT_TRUE(leaf["span"].is_null());
  EXPECT_EQ(json["records"][0]["leaves"][2]["span"], Json::array({26, 30}));
}

TEST(Measure, LabelsByHand) {
  const auto examples = examples_of({{"a", "pos"}, {"b", "pos"}, {"c", "neg"}, {"d", "neg"}, {"e", "neutral"}});
  const EvalReport report = measure(labels_config({"neg", "neutral", "pos", "odd"}), examples,
                                    answers_of({" POS\n", "neg", "neg", "great", "neutral"}), {});
  EXPECT_DOUBLE_EQ(*report.right.value, 0.6);
  EXPECT_DOUBLE_EQ(*report.invalid.value, 0.2);
  // pos: 1 of 2 found, precision 1; neg: 1 right, 1 wrong, 1 missed; neutral: perfect. "odd" has no support.
  EXPECT_DOUBLE_EQ(*report.labels[2].scores.f1, 2.0 / 3);
  EXPECT_DOUBLE_EQ(*report.labels[0].scores.f1, 0.5);
  EXPECT_DOUBLE_EQ(*report.macro_f1.value, (2.0 / 3 + 0.5 + 1) / 3);
  EXPECT_EQ(report.labels_without_support, std::vector<std::string>{"odd"});
  EXPECT_EQ(report.confusion.at("neg").at("(invalid)"), 1);
  EXPECT_EQ(report.confusion.at("pos").at("neg"), 1);
  const Json json = to_json(report);
  EXPECT_TRUE(json["brier"].is_null());
  EXPECT_TRUE(json["ece"].is_null());
  EXPECT_EQ(json["labels"]["pos"]["support"], 2);
}

TEST(Measure, ConfidencesGiveBrierAndEce) {
  const auto examples = examples_of({{"a", "pos"}, {"b", "neg"}});
  Answers answers = answers_of({"pos", "pos"});
  answers.at("r1").confidence = 0.9;
  answers.at("r2").confidence = 0.6;
  const Json json = to_json(measure(labels_config({"neg", "pos"}), examples, answers, {}));
  EXPECT_NEAR(json["brier"].get<double>(), 0.185, 1e-12);
  EXPECT_NEAR(json["ece"].get<double>(), 0.35, 1e-12);
}

TEST(Measure, RefusesGoldThatIsNoLabelOrNoJson) {
  EXPECT_THROW(measure(labels_config({"a", "b"}), examples_of({{"x", "c"}}), {}, {}), Error);
  EXPECT_THROW(measure(receipts(), examples_of({{"x", "{broken"}}), {}, {}), Error);
}

TEST(Measure, SlicesByColumnAndLength) {
  EvalConfig config = receipts();
  config.slices = {"length", "language", "nowhere"};
  std::vector<Example> examples = four();
  examples[0].columns["language"] = "en";
  const EvalReport report = measure(config, examples, four_answers(), {});
  ASSERT_EQ(report.slices.size(), 4u);  // two lengths (two of the four are equally long), "(none)" and "en"
  EXPECT_EQ(report.slices[3].value, "en");
  EXPECT_DOUBLE_EQ(*report.slices[3].right.value, 1);
  EXPECT_EQ(report.slices[2].right.n, 3);
}

TEST(Measure, LatencyTokensAndCost) {
  EvalConfig config = receipts();
  config.cost.per_hour = Money::parse("3.60 USD");
  Answers answers = four_answers();
  for (int i = 1; i <= 4; ++i) {
    answers.at("r" + std::to_string(i)).latency_ms = 100 * i;
    answers.at("r" + std::to_string(i)).answer_tokens = 10;
  }
  EvalReport report = measure(config, four(), answers, {});
  EXPECT_DOUBLE_EQ(*report.latency.p50_ms, 250);
  EXPECT_DOUBLE_EQ(*report.tokens_per_second, 40);       // one second in all
  EXPECT_DOUBLE_EQ(*report.cost_per_1000, 0.001 * 250);  // 0.1 cent a second, a quarter of a second each
  report = measure(config, four(), answers, {}, 2.0);    // the run's own time counts where it is known
  EXPECT_DOUBLE_EQ(*report.cost_per_1000, 0.5);
  config.cost = {};
  config.cost.output_per_million = Money::parse("10 USD");
  EXPECT_DOUBLE_EQ(*measure(config, four(), answers, {}).cost_per_1000, 0.1);
  EXPECT_FALSE(measure(receipts(), four(), four_answers(), {}).latency.p50_ms);
}

TEST(Measure, GroupsWidenTheIntervals) {
  std::vector<std::pair<std::string, std::string>> rows;
  std::vector<std::string> texts;
  for (int i = 0; i < 200; ++i) {
    rows.emplace_back("A", R"({"shop": "A"})");
    texts.push_back(i % 20 < 10 ? R"({"shop": "A"})" : R"({"shop": "B"})");
  }
  std::vector<Example> examples = examples_of(rows);
  EvalConfig config = config_of({{"shop", Kind::kText}});
  const EvalReport alone = measure(config, examples, answers_of(texts), {});
  for (size_t i = 0; i < examples.size(); ++i) examples[i].columns["group"] = std::to_string(i / 10);
  config.group = "group";
  const EvalReport grouped = measure(config, examples, answers_of(texts), {});
  EXPECT_EQ(grouped.n, 200);
  EXPECT_EQ(grouped.n_groups, 20);
  EXPECT_GT(*grouped.micro.f1_high - *grouped.micro.f1_low, 2 * (*alone.micro.f1_high - *alone.micro.f1_low));
}

TEST(Measure, AnyAnswerCanBeMeasured) {
  const std::string valid =
      R"({"shop": "Acme", "items": [{"n": "tea", "p": 1.5}, {"n": "cake", "p": [2]}], "date": "1/2/2018"})";
  const auto examples = examples_of({{"Acme tea 1.5 cake 2 1/2/2018", valid}});
  EvalConfig config = config_of({{"shop", Kind::kText}, {"date", Kind::kDate}, {"items[].p", Kind::kAmount}});
  config.bootstrap.draws = 100;
  Random random(5);
  for (int i = 0; i < testing::fuzz_count(300); ++i) {
    const std::string text = testing::mutated(valid, random);
    const EvalReport report = measure(config, examples, answers_of({text.empty() ? "x" : text}), {});
    EXPECT_EQ(report.n, 1) << text;
    EXPECT_NO_THROW(to_json(report)) << text;
  }
}

// The people's own labels: 1.8% of receipts hold a company or address that the rules do not find.
TEST(Measure, RealReceiptsAreGroundedByTheRules) {
  const std::filesystem::path file = UNDERSTUDY_SOURCE_DIR "/../shared/data/receipts/train.jsonl";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no receipts here";
  const std::vector<Example> examples = read_examples(file);
  Answers answers;
  for (const Example& example : examples) answers[example.id] = {.id = example.id, .text = example.output};
  EvalConfig config =
      config_of({{"company", Kind::kText}, {"date", Kind::kDate}, {"address", Kind::kText}, {"total", Kind::kAmount}});
  const EvalReport report = measure(config, examples, answers, {});
  EXPECT_DOUBLE_EQ(*report.right.value, 1);
  EXPECT_NEAR(*report.gold_hallucinated_records.value, 0.018, 0.01);
  EXPECT_DOUBLE_EQ(*report.hallucinated_records.value, *report.gold_hallucinated_records.value);
}

}  // namespace
}  // namespace understudy::evaluation
