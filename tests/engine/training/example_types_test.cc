// Which tokens are targets, as text: conversations and rows of every type against the exact spans.
#include "engine/training/example_types.h"

#include <gmock/gmock.h>

#include "tests/engine/training/training_fixture.h"
#include "tests/support/file_faults.h"
#include "tests/support/fuzz_count.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kChatMl =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + "
    "'\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

class ExampleTypes : public ::testing::Test {
 protected:
  void SetUp() override {
    write_tiny_tokenizer(folder_.path());
    use({"<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"}, kChatMl, true);
  }

  void use(const std::vector<std::string>& specials, const std::string& chat_template, bool adds_bos) {
    write_tiny_tokenizer(folder_.path());
    extend_tokenizer(folder_.path(), specials, chat_template, adds_bos);
    context_ = context_of(folder_.path());
    context_.chat_template = choose_template("", "", "test", *context_.tokenizer);
  }

  DatasetConfig entry(const std::string& yaml) const {
    DatasetConfig entry;
    ConfigNode node = ConfigNode::parse(yaml, "entry");
    node.set("path", "rows.jsonl", "the test");
    read_value(node, entry);
    return entry;
  }

  ExampleSet examples(const DatasetConfig& entry, const std::string& row) {
    ExampleSet set;
    counts_ = {};
    make_example_type(entry, context_)->add(parse_json(row, "row"), "rows.jsonl:1", {}, set, counts_);
    return set;
  }

  std::string marked(const ExampleSet& set, int64_t i = 0) const { return marked_targets(*context_.tokenizer, set, i); }
  std::string marked(const std::string& yaml, const std::string& row) { return marked(examples(entry(yaml), row)); }
  Error refused(const std::string& yaml, const std::string& row) {
    return error_of([&] { (void)examples(entry(yaml), row); });
  }

  TemporaryFolder folder_;
  ExampleContext context_;
  ExampleCounts counts_;
};

TEST_F(ExampleTypes, AlpacaTrainsTheAnswerAndItsEos) {
  EXPECT_EQ(
      marked("type: alpaca", R"({"instruction": "Add.", "input": "1 2", "output": "3"})"),
      "<s>Below is an instruction that describes a task, paired with an input that provides further context. Write a "
      "response that appropriately completes the request.\n\n### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### "
      "Response:\n⟦3</s>⟧");
  EXPECT_EQ(marked("type: alpaca", R"({"instruction": "Hi", "input": "", "output": "Yo"})"),
            "<s>Below is an instruction that describes a task. Write a response that appropriately completes the "
            "request.\n\n### Instruction:\nHi\n\n### Response:\n⟦Yo</s>⟧");
}

TEST_F(ExampleTypes, AlpacaChat) {
  EXPECT_EQ(
      marked("type: alpaca:chat", R"({"instruction": "Hi", "output": "Yo"})"),
      "<s>SYSTEM: Below is an instruction that describes a task. Write a response that appropriately completes the "
      "request.\nUSER: Hi\nASSISTANT:⟦Yo</s>⟧");
}

TEST_F(ExampleTypes, AUserDefinedFormat) {
  const std::string type =
      "type: {field_instruction: q, field_output: a, format: 'Q: {instruction} ({input}) A: ', "
      "no_input_format: 'Q: {instruction} A: ', system_prompt: 'Be brief. '}";
  EXPECT_EQ(marked(type, R"({"q": "why {input}", "a": "so"})"), "<s>Be brief. Q: why {input} A: ⟦so</s>⟧");
  EXPECT_EQ(marked(type, R"({"q": "w", "input": "x", "system": "S! ", "a": "so"})"), "<s>S! Q: w (x) A: ⟦so</s>⟧");
}

TEST_F(ExampleTypes, SpecialTokensInARowsOwnTextAreText) {
  const ExampleSet set = examples(entry("type: alpaca"), R"({"instruction": "say </s>", "output": "no </s> yet"})");
  int eos = 0;
  for (const int32_t id : set.ids(0)) eos += id == context_.eos ? 1 : 0;
  EXPECT_EQ(eos, 1);
  EXPECT_EQ(set.ids(0).back(), context_.eos);
}

TEST_F(ExampleTypes, TrainOnInputsMakesAllButTheFirstTokenTargets) {
  context_.train_on_inputs = true;
  const ExampleSet set = examples(entry("type: alpaca:chat"), R"({"instruction": "Hi", "output": "Yo"})");
  EXPECT_EQ(set.targets(0), set.length(0) - 1);
}

TEST_F(ExampleTypes, CompletionIsCutIntoPiecesWithOneBosAndOneEos) {
  context_.sequence_len = 6;
  const ExampleSet set = examples(entry("type: completion"), R"({"text": "abcdefghij"})");
  ASSERT_EQ(set.size(), 2);
  EXPECT_EQ(marked(set, 0), "<s>⟦abcde⟧");
  EXPECT_EQ(marked(set, 1), "f⟦ghij</s>⟧");
  EXPECT_EQ(marked("{type: completion, field: body}", R"({"body": "ab"})"), "<s>⟦ab</s>⟧");
}

TEST_F(ExampleTypes, InputOutputTakesSegmentsAsTheyStand) {
  EXPECT_EQ(
      marked(
          "type: input_output",
          R"({"segments": [{"label": false, "text": "<s>Q"}, {"label": true, "text": "A</s>"}, {"label": false, "text": "!"}]})"),
      "<s>Q⟦A</s>⟧!");
}

TEST_F(ExampleTypes, TokenisedRowsKeepTheirLabelsAndLeaveOutWhatTheMaskHides) {
  const ExampleSet set = examples(
      entry("type:"),
      R"({"input_ids": [5, 6, 7, 1, 1], "labels": [-100, -100, 7, 1, -100], "attention_mask": [1, 1, 1, 1, 0]})");
  EXPECT_THAT(set.ids(0), ElementsAre(5, 6, 7, 1));
  EXPECT_THAT(set.trained(0),
              ElementsAre(0, 0, 1, 1));  // an EOS that is also the padding stays a target: masks go by position
  EXPECT_EQ(set.targets(0), 2);
}

TEST_F(ExampleTypes, FaultyRowsNameLineAndField) {
  EXPECT_THAT(refused("type:", R"({"input_ids": [5, 900]})").message(),
              HasSubstr("rows.jsonl:1: input_ids[1]: 900 is outside"));
  EXPECT_THAT(refused("type:", R"({"input_ids": [5, 6], "labels": [6, -100]})").message(),
              HasSubstr("labels[0]: expected -100"));
  EXPECT_THAT(refused("type:", R"({"input_ids": [5, 6], "labels": [5]})").message(), HasSubstr("labels 1"));
  EXPECT_THAT(refused("type:", R"({"input_ids": "5 6"})").message(),
              HasSubstr("input_ids: expected a list of whole numbers"));
  EXPECT_THAT(refused("type: alpaca", R"({"instruction": "a"})").message(),
              HasSubstr("rows.jsonl:1: output is missing"));
  EXPECT_THAT(refused("type: alpaca", R"({"instruction": "a", "output": 3})").message(),
              HasSubstr("output: expected a text, got number"));
  EXPECT_THAT(refused("type: completion", R"({"body": "a"})").message(), HasSubstr("text is missing"));
  EXPECT_THAT(refused("type: input_output", R"({"segments": [{"text": "a"}]})").message(),
              HasSubstr("segments[0]: label"));
  EXPECT_THAT(refused("type: chat_template", R"({"rows": 1})").message(),
              HasSubstr("neither messages nor input and output"));
  EXPECT_THAT(refused("type: chat_template", R"({"messages": [{"content": "a"}]})").message(),
              HasSubstr("messages[0].role"));
  EXPECT_THAT(refused("type: chat_template", R"({"messages": [{"role": "user"}]})").message(),
              HasSubstr("messages[0].content: is missing"));
  EXPECT_THAT(refused("type:", R"({"a": 1})").message(), HasSubstr("rows.jsonl:1: no known columns"));
}

TEST_F(ExampleTypes, UnknownTypesAreRefusedWithTheNearest) {
  EXPECT_THAT(error_of([&] { (void)make_example_type(entry("type: chat_templat"), context_); }).hint(),
              HasSubstr("chat_template"));
  EXPECT_THAT(error_of([&] { (void)make_example_type(entry("type: sharegpt"), context_); }).hint(),
              HasSubstr("field_messages"));
}

// --- conversations

struct GoldenChat {
  const char* name;
  const char* yaml;  // beside type: chat_template
  const char* row;
  const char* marked;
};

constexpr const char* kTwoTurns =
    R"({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U1"}, {"role": "assistant", "content": "A1"},
        {"role": "user", "content": "U2"}, {"role": "assistant", "content": "A2"}]})";

class ChatMlTargets : public ExampleTypes, public ::testing::WithParamInterface<GoldenChat> {};

TEST_P(ChatMlTargets, AreTheseSpans) {
  EXPECT_EQ(marked("{type: chat_template, " + std::string(GetParam().yaml) + "}", GetParam().row), GetParam().marked);
}

INSTANTIATE_TEST_SUITE_P(
    Chat, ChatMlTargets,
    ::testing::Values(
        GoldenChat{"InputAndOutput", "", R"({"input": "in", "output": "{\"a\": [[1]]}"})",
                   "<s><|im_start|>user\nin<|im_end|>\n<|im_start|>assistant\n⟦{\"a\": [[1]]}<|im_end|>⟧\n"},
        GoldenChat{"EveryAssistantTurn", "", kTwoTurns,
                   "<s><|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU1<|im_end|>\n<|im_start|>assistant\n⟦A1<|im_"
                   "end|>⟧\n"
                   "<|im_start|>user\nU2<|im_end|>\n<|im_start|>assistant\n⟦A2<|im_end|>⟧\n"},
        GoldenChat{"RolesToTrain", "roles_to_train: [user]", kTwoTurns,
                   "<s><|im_start|>system\nS<|im_end|>\n<|im_start|>user\n⟦U1<|im_end|>⟧\n<|im_start|>assistant\nA1<|"
                   "im_end|>\n"
                   "<|im_start|>user\n⟦U2<|im_end|>⟧\n<|im_start|>assistant\nA2<|im_end|>\n"},
        GoldenChat{"EndsOfAllTurns", "train_on_eos: all", kTwoTurns,
                   "<s><|im_start|>system\nS⟦<|im_end|>⟧\n<|im_start|>user\nU1⟦<|im_end|>⟧\n<|im_start|>assistant\n⟦A1<"
                   "|im_end|>⟧\n"
                   "<|im_start|>user\nU2⟦<|im_end|>⟧\n<|im_start|>assistant\n⟦A2<|im_end|>⟧\n"},
        GoldenChat{"EndOfTheLastTurn", "train_on_eos: last", kTwoTurns,
                   "<s><|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU1<|im_end|>\n<|im_start|>assistant\n⟦A1⟧<|"
                   "im_end|>\n"
                   "<|im_start|>user\nU2<|im_end|>\n<|im_start|>assistant\n⟦A2<|im_end|>⟧\n"},
        GoldenChat{"NoEnds", "train_on_eos: none", R"({"input": "a", "output": "b"})",
                   "<s><|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n⟦b⟧<|im_end|>\n"},
        GoldenChat{"EotApartFromEos", "train_on_eos: turn, train_on_eot: none", R"({"input": "a", "output": "b"})",
                   "<s><|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n⟦b⟧<|im_end|>\n"},
        GoldenChat{
            "ASwitchPerMessage", "message_field_training: train",
            R"({"messages": [{"role": "user", "content": "U"}, {"role": "assistant", "content": "A", "train": false},
                      {"role": "user", "content": "V"}, {"role": "assistant", "content": "B", "train": true}]})",
            "<s><|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n<|im_start|>user\nV<|im_end|>\n"
            "<|im_start|>assistant\n⟦B<|im_end|>⟧\n"},
        GoldenChat{"OtherNames",
                   "field_messages: conversations, message_property_mappings: {role: from, content: value}",
                   R"({"conversations": [{"from": "human", "value": "U"}, {"from": "gpt", "value": "A"}]})",
                   "<s><|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n⟦A<|im_end|>⟧\n"},
        GoldenChat{
            "MessagesAsJsonText", "",
            R"({"messages": "[{\"role\": \"user\", \"content\": \"U\"}, {\"role\": \"assistant\", \"content\": \"A\"}]"})",
            "<s><|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n⟦A<|im_end|>⟧\n"},
        GoldenChat{
            "PartsOfText", "",
            R"({"messages": [{"role": "user", "content": [{"type": "text", "text": "U"}, {"type": "text", "text": "V"}]},
                      {"role": "assistant", "content": "A"}]})",
            "<s><|im_start|>user\nUV<|im_end|>\n<|im_start|>assistant\n⟦A<|im_end|>⟧\n"},
        GoldenChat{
            "NoSystem", "drop_system_message: true",
            R"({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}, {"role": "assistant", "content": "A"}]})",
            "<s><|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n⟦A<|im_end|>⟧\n"},
        GoldenChat{"AnEmptyAnswerIsItsEnd", "", R"({"input": "a", "output": ""})",
                   "<s><|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n⟦<|im_end|>⟧\n"},
        GoldenChat{"SpecialTokensInContentAreText", "", R"({"input": "a<|im_end|>b", "output": "<|im_end|>"})",
                   "<s><|im_start|>user\na<|im_end|>b<|im_end|>\n<|im_start|>assistant\n⟦<|im_end|><|im_end|>⟧\n"}),
    [](const auto& info) { return info.param.name; });

TEST_F(ExampleTypes, SpecialTokensInContentDoNotEndATurn) {
  const ExampleSet set = examples(entry("type: chat_template"), R"({"input": "a", "output": "x<|im_end|>y"})");
  const TokenId end = *context_.tokenizer->id_of("<|im_end|>");
  int ends = 0;
  for (const int32_t id : set.ids(0)) ends += id == end ? 1 : 0;
  EXPECT_EQ(ends, 2);  // the user's turn and the answer's
}

TEST_F(ExampleTypes, BlanksThatTheTemplatePutsBeforeAnAnswerAreLearnt) {
  use({"<|im_end|>"},
      "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] "
      "+ ' [/INST]' }}"
      "{% else %}{{ ' ' + message['content'] + ' ' + eos_token }}{% endif %}{% endfor %}",
      false);
  EXPECT_EQ(marked("type: chat_template", R"({"input": "a", "output": "b"})"), "<s>[INST] a [/INST]⟦ b </s>⟧");
}

TEST_F(ExampleTypes, ATurnEndThatNeverStopsIsCounted) {
  use({"<|done|>"},
      "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\n' }}{% endfor %}"
      "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}",
      true);
  EXPECT_EQ(marked("type: chat_template", R"({"input": "a", "output": "b"})"), "<s>user: a\nassistant: ⟦b⟧\n");
  EXPECT_EQ(counts_.trained_turns, 1);
  EXPECT_EQ(counts_.turns_with_stop, 0);
}

TEST_F(ExampleTypes, TheCheckFindsTwoBos) {
  use({"<|im_end|>"},
      "{{ bos_token }}{{ bos_token }}{% for message in messages %}{{ message['content'] + eos_token }}{% endfor %}",
      false);
  const auto type = make_example_type(entry("type: chat_template"), context_);
  const Error error =
      error_of([&] { type->verify(parse_json(R"({"input": "a", "output": "b"})", "row"), "rows.jsonl:1"); });
  EXPECT_THAT(error.message(), HasSubstr("rows.jsonl:1: the rendered conversation begins with two BOS"));
}

TEST_F(ExampleTypes, ATemplateThatWritesBosAndATokenizerThatAddsItGiveOne) {
  use({"<|im_end|>"}, std::string("{{ bos_token }}") + kChatMl, true);
  const ExampleSet set = examples(entry("type: chat_template"), R"({"input": "a", "output": "b"})");
  EXPECT_EQ(set.ids(0)[0], kBosToken);
  EXPECT_NE(set.ids(0)[1], kBosToken);
}

TEST_F(ExampleTypes, TheCheckFindsAServingPromptThatTrainingNeverSees) {
  use({"<|im_start|>", "<|im_end|>"},
      "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' "
      "}}{% endfor %}"
      "{% if add_generation_prompt %}{{ '<|im_start|>bot: think first' }}{% endif %}",
      true);
  const auto type = make_example_type(entry("type: chat_template"), context_);
  const Error error =
      error_of([&] { type->verify(parse_json(R"({"input": "a", "output": "b"})", "row"), "rows.jsonl:7"); });
  EXPECT_THAT(error.message(), HasSubstr("rows.jsonl:7: serving's prompt differs from what is trained at token"));
}

// Damaged rows are examples or refused as wrong input; nothing else.
TEST_F(ExampleTypes, DamagedRowsAreExamplesOrWrongInput) {
  const std::vector<std::string> rows = {
      kTwoTurns,
      R"({"input": "in", "output": "out"})",
      R"({"instruction": "Add.", "input": "1 2", "output": "3"})",
      R"({"segments": [{"label": false, "text": "Q"}, {"label": true, "text": "A"}]})",
      R"({"input_ids": [5, 6, 7], "labels": [-100, 6, 7], "attention_mask": [1, 1, 1]})",
      R"({"text": "some text"})"};
  const auto type = make_example_type(entry("type:"), context_);
  Random random(11);
  const int count = fuzz_count(600);
  for (int i = 0; i < count; ++i) {
    const std::string row = mutated(random.pick(rows), random);
    ExampleSet set;
    try {
      const Json json = parse_json(row, "row");
      if (json.is_object()) type->add(json, "rows.jsonl:1", {}, set, counts_);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidInput) << row << "\n" << error.message();
    }
  }
}

}  // namespace
}  // namespace understudy::testing
