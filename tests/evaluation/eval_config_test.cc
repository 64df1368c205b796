#include "evaluation/eval_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/temporary_folder.h"

namespace understudy::evaluation {
namespace {

using ::testing::HasSubstr;

constexpr const char* kWhole = R"(task: receipts
kind: extraction
data: test.jsonl
prompt: {system: null, user: "Read: {input}"}
fields:
  company: {kind: text}
  date:    {kind: date, order: dmy}
  address: {kind: text, extractive: false}
  total:   {kind: amount, decimal: "."}
absent: ["", "N/A", none, -, unknown, "not found"]
group: group
slices: [length, language]
generate: {max_tokens: 256, temperature: 0, constrained: false}
cost: {per_hour: 0.40 USD}
gate:
  exact_record: {not_worse_than: teacher, margin: 3%, confidence: 90%}
  hallucinated_records: {excess_over_gold_at_most: 0.5%}
  invalid: {at_most: 0, upper_bound: 1%}
  p95_ms: {at_most: 300}
)";

EvalConfig read(const std::string& text, const std::vector<std::pair<std::string, std::string>>& overrides = {}) {
  const testing::TemporaryFolder folder;
  return EvalConfig::read(folder.write("eval.yml", text), overrides);
}

std::string fault(const std::string& text, const std::vector<std::pair<std::string, std::string>>& overrides = {}) {
  try {
    read(text, overrides);
  } catch (const Error& error) {
    return error.message() + " | " + error.hint();
  }
  return "none";
}

TEST(EvalConfig, ReadsTheWholeOfIt) {
  const EvalConfig config = read(kWhole);
  EXPECT_EQ(config.task, "receipts");
  EXPECT_TRUE(config.data.is_absolute());
  EXPECT_EQ(config.data.filename(), "test.jsonl");
  EXPECT_EQ(config.prompt.user, "Read: {input}");
  EXPECT_EQ(config.prompt.system, "");
  ASSERT_EQ(config.fields.size(), 4u);
  EXPECT_EQ(config.fields[1].kind, Kind::kDate);
  EXPECT_EQ(config.fields[1].rule.date.orders, std::vector{DateOrder::kDayMonthYear});
  EXPECT_EQ(config.fields[2].rule.extractive, false);
  EXPECT_EQ(config.fields[3].rule.number.decimal, '.');
  EXPECT_EQ(config.absent, (std::vector<std::string>{"", "N/A", "none", "-", "unknown", "not found"}));
  EXPECT_DOUBLE_EQ(config.cost.per_hour->dollars(), 0.4);
  ASSERT_EQ(config.gates.size(), 4u);
  EXPECT_DOUBLE_EQ(config.gates[0].margin, 0.03);
  EXPECT_DOUBLE_EQ(config.gates[0].confidence, 0.9);
  EXPECT_DOUBLE_EQ(*config.gates[1].excess_over_gold_at_most, 0.005);
  EXPECT_DOUBLE_EQ(*config.gates[2].upper_bound, 0.01);
  EXPECT_DOUBLE_EQ(*config.gates[3].at_most, 300);
}

TEST(EvalConfig, FlagsOverrideKeys) {
  const EvalConfig config =
      read(kWhole, {{"cost.per_hour", "2"}, {"data", "other.jsonl"}, {"gate.p95_ms.at_most", "50"}});
  EXPECT_DOUBLE_EQ(config.cost.per_hour->dollars(), 2);
  EXPECT_EQ(config.data, "other.jsonl");  // of the command line: relative to the working folder
  EXPECT_DOUBLE_EQ(*config.gates[3].at_most, 50);
}

TEST(EvalConfig, NamesLineAndNearestKey) {
  EXPECT_THAT(fault("task: a\ndata: d\nfeilds: {}\n"), AllOf(HasSubstr("eval.yml:3: feilds"), HasSubstr("fields")));
  EXPECT_THAT(fault("data: d\nfields:\n  total: {kind: amont}\n"), AllOf(HasSubstr("eval.yml:3"), HasSubstr("amount")));
  EXPECT_THAT(fault("data: d\ngate: {exact_recrd: {at_least: 90%}}\n"), HasSubstr("exact_record"));
  EXPECT_THAT(fault("data: d\ngate: {invalid: {at_mots: 0}}\n"), HasSubstr("at_most"));
  EXPECT_THAT(fault("data: d\ngate: {invalid: {not_worse_than: teacher}}\n"), HasSubstr("exact_record"));
  EXPECT_THAT(fault("data: d\nfields: {total: {decimal: x}}\n"), HasSubstr("decimal"));
  EXPECT_THAT(fault("data: d\nkind: sql\n"), HasSubstr("extraction"));
  EXPECT_THAT(fault("data: d\n", {{"genarate.max_tokens", "5"}}),
              AllOf(HasSubstr("--genarate"), HasSubstr("generate")));
  EXPECT_THAT(fault("task: a\n"), HasSubstr("data"));
  EXPECT_THAT(fault("data: d\ngenerate: {constrained: true}\n"), HasSubstr("not built in"));
  EXPECT_EQ(fault("data: d\n"), "none");
}

TEST(EvalConfig, HelpKnowsNestedKeys) {
  std::vector<std::string> keys;
  for (const FieldHelp& line : eval_config_help()) keys.push_back(line.key);
  EXPECT_THAT(keys, ::testing::IsSupersetOf({"data", "cost.per_hour", "fields.<path>.kind", "gate.<figure>.at_most"}));
}

}  // namespace
}  // namespace understudy::evaluation
