// EvalReport: the measurement of a specialist on a test split, as a plain value with a JSON form (report.json, the
// truth from which page, table and JUnit are made). It holds figures and evidence, no rules: evaluation/ computes,
// gates decide.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json_fwd.h"
#include "records/gate.h"

namespace understudy {

// A share of n with its 95% interval; all empty where n is 0.
struct Rate {
  std::optional<double> value;
  std::optional<double> low;
  std::optional<double> high;
  int64_t n = 0;
};

// Precision, recall and their harmonic mean; empty where nothing could be counted (0/0). The interval is of F1.
struct Scores {
  std::optional<double> precision;
  std::optional<double> recall;
  std::optional<double> f1;
  std::optional<double> f1_low;
  std::optional<double> f1_high;
};

struct FieldFigures {
  std::string path;  // "total", "items[].price"
  std::string kind;
  Scores scores;
  Scores raw;  // with strings compared as they are
  int64_t tp = 0;
  int64_t fp = 0;
  int64_t fn = 0;
  int64_t substitutions = 0;
  int64_t omissions = 0;
  int64_t inventions = 0;
  int64_t hallucinated = 0;
  std::optional<double> anls;  // of text fields: mean over the leaves that stand in gold
};

struct LabelFigures {
  std::string label;
  Scores scores;
  int64_t support = 0;
};

enum class Outcome { kMatch, kSubstitution, kOmission, kInvention, kBothAbsent };
std::string_view to_string(Outcome outcome);  // "match", ..., "both_absent"

// In Unicode characters of the input: [first, after).
struct CharSpan {
  uint32_t first = 0;
  uint32_t after = 0;
  bool operator==(const CharSpan&) const = default;
};

struct LeafResult {
  std::string path;   // "total", "items[2].price"
  std::string field;  // "total", "items[].price"
  std::string gold;   // JSON text of the value; "null" where the key is missing
  std::string answer;
  Outcome outcome = Outcome::kBothAbsent;
  std::optional<bool> grounded;  // of the answer's value; empty where it is absent or not judged
  std::optional<CharSpan> span;
  std::optional<bool> gold_grounded;
  std::optional<CharSpan> gold_span;
};

enum class AnswerState { kValid, kRecovered, kInvalid, kMissing };
std::string_view to_string(AnswerState state);

struct RecordResult {
  std::string id;
  std::string answer;  // as the model wrote it
  bool right = false;
  AnswerState state = AnswerState::kValid;
  bool cut_off = false;
  std::string schema_fault;  // empty where the schema accepts the answer
  std::string failure;       // why there is no answer, where the model could not give one
  std::vector<LeafResult> leaves;
  std::string input;  // for the page; not in the JSON form
  std::string gold;   // likewise
};

// What stands beside the specialist in the tables: its own row, the teacher's, a rule-based baseline's.
struct Column {
  std::string name;  // "specialist", "teacher", "previous", "baseline"
  Rate right;        // exact record match; of classification: accuracy
  Rate invalid;
  std::optional<Rate> hallucinated_records;
  std::optional<double> macro_f1;
  std::optional<Scores> micro;
  std::vector<FieldFigures> fields;
};

enum class Parity { kAsGood, kWorse, kNotEnoughData };
std::string_view to_string(Parity parity);  // "as good", "worse", "not enough data"

// The specialist against another's answers on the same records. Differences are specialist less other.
struct Comparison {
  std::string other;  // "teacher", "previous"
  double delta = 0;
  double low90 = 0, high90 = 0, low95 = 0, high95 = 0;  // paired bootstrap over groups
  std::optional<double> standard_error;                 // closed form, over groups; empty for one group
  double score_low = 0;                                 // lower end by Tango's score limit, one-sided at `confidence`
  double lower_end = 0;                                 // the smaller of the two lower ends at `confidence`
  int64_t teacher_only_right = 0;                       // b: the other right and the specialist wrong
  int64_t specialist_only_right = 0;                    // c
  double mcnemar_p = 1;
  Rate agreement;  // both give the same answer, right or wrong
  double margin = 0.02;
  double confidence = 0.95;
  Parity verdict = Parity::kNotEnoughData;
  std::optional<int64_t> more_needed;  // records, where the verdict is "not enough data"
  std::vector<std::string> lost;       // ids that the other has right and the specialist wrong
};

struct Calibration {
  int64_t n = 0;  // rows with a confidence
  double brier = 0;
  double ece = 0;
  double ece_if_calibrated = 0;  // what perfectly calibrated confidences of this shape show
  struct Bin {
    int64_t n = 0;
    double confidence = 0;
    double accuracy = 0;
  };
  std::vector<Bin> bins;  // reliability table, equal masses
  struct Kept {
    double share = 0;      // of traffic kept, the surest first
    double threshold = 0;  // the lowest confidence kept
    double accuracy = 0;
  };
  std::vector<Kept> kept;  // risk and coverage
};

struct SliceFigures {
  std::string column;
  std::string value;
  Rate right;
  std::optional<Rate> hallucinated_records;
};

struct Latency {
  std::optional<double> p50_ms;
  std::optional<double> p95_ms;
};

struct EvalReport {
  std::string task;
  std::string kind;                                            // "extraction", "classification"
  std::vector<std::pair<std::string, std::string>> made_from;  // what was measured: names and hashes, in order
  int64_t n = 0;
  int64_t n_groups = 0;
  int draws = 0;
  uint64_t seed = 0;

  // Extraction. Of classification only `right` (accuracy), `invalid` and `cut_off`.
  Rate right;
  Rate raw_right;
  Rate invalid, recovered, schema_invalid, cut_off;
  Rate hallucinated_records, gold_hallucinated_records;
  Rate hallucinated_values, gold_hallucinated_values;
  Rate omission, invention;
  Rate wrong_but_grounded;  // of the substitutions
  Scores micro, macro, raw_micro;
  std::vector<FieldFigures> fields;
  double correction_cost_per_100 = 0;

  Rate macro_f1;  // classification; the interval draws groups
  std::vector<LabelFigures> labels;
  std::vector<std::string> labels_without_support;
  std::map<std::string, std::map<std::string, int64_t>> confusion;  // gold, answer ("(invalid)" where it is no label)
  std::optional<Calibration> calibration;

  std::vector<SliceFigures> slices;
  std::vector<Comparison> comparisons;
  std::vector<Column> columns;  // teacher, previous, baseline
  Latency latency;
  std::optional<double> tokens_per_second;
  std::optional<double> cost_per_1000;  // US dollars
  std::vector<Verdict> verdicts;
  std::vector<RecordResult> records;

  bool is_classification() const { return kind == "classification"; }
};

Json to_json(const Rate& rate);  // {value, low, high, n}
Json to_json(const EvalReport& report);

}  // namespace understudy
