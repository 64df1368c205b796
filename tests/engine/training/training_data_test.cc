#include "engine/training/training_data.h"

#include <gmock/gmock.h>

#include <set>

#include "tests/engine/training/training_fixture.h"
#include "tests/support/file_faults.h"

namespace understudy::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TrainingDataTest : public ::testing::Test {
 protected:
  TrainingData load(const std::string& rows, const std::string& more = "", DataOptions options = {}) const {
    const TrainConfig config = tiny_.config(rows, more);
    return load_training_data(config, Tokenizer::load(config.base_model), options);
  }
  Error refused(const std::string& rows, const std::string& more = "") const {
    return error_of([&] { (void)load(rows, more); });
  }
  std::string completions(int n) const {
    std::string text;
    for (int i = 0; i < n; ++i) text += "{\"text\": \"row " + std::to_string(i) + "\"}\n";
    return tiny_.folder().write("text.jsonl", text).string();
  }
  static std::string text_of(const TrainingData& data, int32_t i, const Tokenizer& tokenizer) {
    return tokenizer.decode(data.examples.ids(i));
  }
  TrainingFolder tiny_;
};

TEST_F(TrainingDataTest, ManyRowsKeepTheirOrderWhateverTheThreads) {
  const TrainingData data = load(completions(2000), "curriculum_sampling: true\n");
  ASSERT_EQ(data.train.size(), 2000u);
  const auto tokenizer = Tokenizer::load(tiny_.model());
  for (int i = 0; i < 2000; ++i) {
    EXPECT_EQ(text_of(data, data.train[static_cast<size_t>(i)], *tokenizer), "row " + std::to_string(i) + "</s>");
    EXPECT_EQ(data.examples.origin(i).line, i + 1);
  }
}

TEST_F(TrainingDataTest, TheFirstFaultOfTheFileIsReportedWhateverTheThreads) {
  std::string text;
  for (int i = 1; i <= 3000; ++i) text += i == 700 || i == 2900 ? "{\"text\": 1}\n" : "{\"text\": \"a\"}\n";
  const std::string rows = tiny_.folder().write("bad.jsonl", text).string();
  EXPECT_THAT(refused(rows, "").message(), AllOf(HasSubstr("bad.jsonl:700: text: expected a text, got number")));
}

TEST_F(TrainingDataTest, MalformedJsonNamesItsLine) {
  const std::string rows = tiny_.folder().write("bad.jsonl", "{\"text\": \"a\"}\n\n{\"text\": \n").string();
  const Error error = refused(rows);
  EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
  EXPECT_THAT(error.message(), HasSubstr("bad.jsonl:3"));
}

TEST_F(TrainingDataTest, TheValidationSplitIsTheTailOfTheShuffledRows) {
  const std::string rows = completions(100);
  const TrainingData data = load(rows, "val_set_size: 0.1\n");
  EXPECT_EQ(data.train.size(), 90u);
  EXPECT_EQ(data.validation.size(), 10u);
  std::set<int32_t> all(data.train.begin(), data.train.end());
  all.insert(data.validation.begin(), data.validation.end());
  EXPECT_EQ(all.size(), 100u);
  EXPECT_EQ(load(rows, "val_set_size: 25\n").validation.size(), 25u);
  EXPECT_EQ(load(rows, "val_set_size: 0.1\n").validation, data.validation);
  EXPECT_NE(load(rows, "val_set_size: 0.1\nseed: 7\n").validation, data.validation);
  EXPECT_THAT(load(rows, "val_set_size: 0.02\ncurriculum_sampling: true\n").validation, ElementsAre(98, 99));
  EXPECT_THAT(refused(rows, "val_set_size: 100\n").message(), HasSubstr("would leave none to train on"));
}

TEST_F(TrainingDataTest, TestDatasetsAreTheValidationSet) {
  const std::string rows = completions(10);
  const TrainingData data = load(rows, "test_datasets: [{path: " + rows + ", split: 'train[:3]'}]\n");
  EXPECT_EQ(data.train.size(), 10u);
  EXPECT_EQ(data.validation.size(), 3u);
  EXPECT_EQ(data.rows, 10);
}

TEST_F(TrainingDataTest, SplitsAreSlices) {
  const std::string rows = completions(10);
  const auto n = [&](const std::string& split) {
    return load(rows, "").train.size() == 10u
               ? load_training_data(
                     read_train_config(ConfigNode::parse("base_model: " + tiny_.model().string() +
                                                             "\nlearning_rate: 1e-4\nmicro_batch_size: 1\n"
                                                             "datasets: [{path: " +
                                                             rows + ", split: '" + split + "'}]\n",
                                                         "t.yml")),
                     Tokenizer::load(tiny_.model()), {})
                     .train.size()
               : 0;
  };
  EXPECT_EQ(n("train[:3]"), 3u);
  EXPECT_EQ(n("train[70%:]"), 3u);
  EXPECT_EQ(n("train[-2:]"), 2u);
  EXPECT_EQ(n("train[2:5]"), 3u);
  EXPECT_THAT(error_of([&] { (void)n("train[x:]"); }).message(), HasSubstr("cannot read \"train[x:]\""));
  EXPECT_THAT(error_of([&] { (void)n("train[5:5]"); }).message(), HasSubstr("holds no row"));
}

TEST_F(TrainingDataTest, FoldersListsAndMissingFiles) {
  tiny_.folder().write("data/b.jsonl", "{\"text\": \"b\"}\n");
  tiny_.folder().write("data/a.json", "[{\"text\": \"a\"}, {\"text\": \"c\"}]");
  tiny_.folder().write("data/notes.txt", "no data");
  const TrainingData data = load((tiny_.folder() / "data").string(), "curriculum_sampling: true\n");
  EXPECT_EQ(data.train.size(), 3u);
  EXPECT_EQ(data.where(0), (tiny_.folder() / "data/a.json").string() + ":1");
  EXPECT_THAT(refused("nowhere.jsonl").message(),
              AllOf(HasSubstr("datasets[0]"), HasSubstr("nowhere.jsonl: no such file")));
  EXPECT_THAT(refused(tiny_.folder().write("empty.jsonl", "\n\n").string()).message(), HasSubstr("no rows"));
}

TEST_F(TrainingDataTest, LongExamplesAreDroppedCutOrRefused) {
  const std::string rows = tiny_.rows({10, 300, 20});
  EXPECT_EQ(load(rows).train.size(), 2u);
  EXPECT_EQ(load(rows).dropped_long, 1);
  const TrainingData cut = load(rows, "excess_length_strategy: truncate\n");
  EXPECT_EQ(cut.train.size(), 3u);
  for (const int32_t i : cut.train) EXPECT_LE(cut.examples.length(i), 256);
  EXPECT_THAT(refused(rows, "excess_length_strategy: raise\n").message(),
              HasSubstr("rows.jsonl:2: 300 tokens, more than sequence_len 256"));
}

TEST_F(TrainingDataTest, ADataSetOfOnlyLongExamplesIsRefusedWithTheShortestLength) {
  const Error error = refused(tiny_.rows({300, 400, 290}));
  EXPECT_THAT(error.message(), HasSubstr("3 of 3 are longer than sequence_len 256 (the shortest has 290 tokens)"));
  EXPECT_THAT(error.hint(), HasSubstr("sequence_len: 290"));
}

TEST_F(TrainingDataTest, ExamplesWithoutATargetAreListed) {
  std::string text;
  for (int i = 0; i < 12; ++i)
    text += R"({"input_ids": [5, 6, 7], "labels": [5, -100, -100]})"
            "\n";
  const Error error = refused(tiny_.folder().write("none.jsonl", text + R"({"input_ids": [5, 6]})").string());
  EXPECT_THAT(error.message(), AllOf(HasSubstr("12 examples have no target token"), HasSubstr("none.jsonl:1: 3 tokens"),
                                     HasSubstr("none.jsonl:10:"), ::testing::Not(HasSubstr("none.jsonl:11:"))));
}

TEST_F(TrainingDataTest, EqualExamplesAreKeptOnceWhereAsked) {
  const std::string rows =
      tiny_.folder().write("twice.jsonl", "{\"text\": \"a\"}\n{\"text\": \"b\"}\n{\"text\": \"a\"}\n").string();
  EXPECT_EQ(load(rows).train.size(), 3u);
  const TrainingData data = load(rows, "dataset_exact_deduplication: true\n");
  EXPECT_EQ(data.train.size(), 2u);
  EXPECT_EQ(data.dropped_equal, 1);
}

TEST_F(TrainingDataTest, AChangedByteOfTheFileChangesTheHashAndThereIsNoCacheToMiss) {
  const std::string rows = completions(3);
  const std::string before = load(rows).sha256;
  tiny_.folder().write("text.jsonl", "{\"text\": \"row 0\"}\n{\"text\": \"row 1\"}\n{\"text\": \"row 3\"}\n");
  const TrainingData data = load(rows, "curriculum_sampling: true\n");
  EXPECT_NE(data.sha256, before);
  EXPECT_EQ(text_of(data, 2, *Tokenizer::load(tiny_.model())), "row 3</s>");
}

TEST_F(TrainingDataTest, LengthsOfPromptsAndAnswers) {
  std::vector<int> lengths;
  for (int i = 1; i <= 100; ++i) lengths.push_back(2 * i);
  const TrainingData data = load(tiny_.rows(lengths));
  EXPECT_EQ(data.prompt_tokens.p50, 50);
  EXPECT_EQ(data.prompt_tokens.p95, 95);
  EXPECT_EQ(data.answer_tokens.p99_5, 100);
}

TEST_F(TrainingDataTest, TurnsWithoutAStopTokenAreRefusedUnlessAllowed) {
  extend_tokenizer(
      tiny_.model(), {"<|done|>"},
      "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '<|done|>' }}{% endfor %}"
      "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}");
  const std::string rows = tiny_.folder()
                               .write("chat.jsonl", R"({"input": "a", "output": "b"})"
                                                    "\n")
                               .string();
  const Error error = refused(rows);
  EXPECT_THAT(error.message(), HasSubstr("1 of 1 trained turns do not end in a token that stops generation"));
  EXPECT_THAT(error.hint(), HasSubstr("eot_tokens"));
  EXPECT_EQ(load(rows, "", {.allow_no_stop = true}).notices.size(), 1u);
  const TrainingData data = load(rows, "eot_tokens: ['<|done|>']\n");
  EXPECT_EQ(data.examples.targets(0), 2);  // the answer and its end
  EXPECT_THAT(data.turn_ends, ::testing::Contains(*Tokenizer::load(tiny_.model())->id_of("<|done|>")));
}

TEST_F(TrainingDataTest, TokensOutsideTheVocabularyAreRefused) {
  const std::string rows = completions(2);
  EXPECT_THAT(refused(rows, "eot_tokens: ['<|nope|>']\n").message(),
              HasSubstr("eot_tokens: \"<|nope|>\" is not in the vocabulary"));
  EXPECT_THAT(refused(rows, "special_tokens: {eos_token: '<|nope|>'}\n").message(),
              HasSubstr("special_tokens.eos_token"));
}

TEST_F(TrainingDataTest, AMissingTemplateIsNamedWithTheOnesThatThereAre) {
  extend_tokenizer(tiny_.model(), {"<|x|>"}, "");
  const std::string rows = tiny_.folder()
                               .write("chat.jsonl", R"({"input": "a", "output": "b"})"
                                                    "\n")
                               .string();
  EXPECT_THAT(refused(rows).message(), HasSubstr("the tokenizer has no chat template"));
  EXPECT_THAT(refused(rows, "chat_template: nonsense\n").message(), HasSubstr("unknown template \"nonsense\""));
}

}  // namespace
}  // namespace understudy::testing
