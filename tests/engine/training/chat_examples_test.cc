// What is trained of a conversation under each built-in template, as exact text; and that training and serving agree on
// the ids, for every built-in template with real tokenizers.
#include <gmock/gmock.h>

#include "engine/training/example_types.h"
#include "tests/engine/training/training_fixture.h"
#include "tests/support/golden.h"

namespace understudy::testing {
namespace {

constexpr const char* kSimple = R"({"input": "a", "output": "b"})";
constexpr const char* kTurns = R"({"messages": [
  {"role": "system", "content": "S"}, {"role": "user", "content": "U1"}, {"role": "assistant", "content": "A1"},
  {"role": "user", "content": "U2"}, {"role": "assistant", "content": "A2"}]})";
constexpr const char* kPadded = R"({"input": " a\n", "output": "  b \n"})";
constexpr const char* kToolCall = R"({"messages": [
  {"role": "user", "content": "w"}, {"role": "assistant", "content": null, "tool_calls": [
    {"type": "function", "function": {"name": "get", "arguments": "{\"x\": 1}"}}]},
  {"role": "tool", "content": "7"}, {"role": "assistant", "content": "It is 7."}]})";
constexpr const char* kReasoning = R"({"messages": [
  {"role": "user", "content": "a"}, {"role": "assistant", "reasoning_content": "hm", "content": "b"}]})";

DatasetConfig chat_entry(const std::string& chat_template) {
  DatasetConfig entry;
  entry.type = "chat_template";
  entry.chat_template = chat_template;
  return entry;
}

struct TemplateCase {
  const char* name;
  const char* chat_template;
  const char* row;
  const char* marked;  // targets in ⟦ ⟧
};

class TemplateTargets : public ::testing::TestWithParam<TemplateCase> {};

TEST_P(TemplateTargets, AreTheseSpans) {
  const TemporaryFolder folder;
  write_tiny_tokenizer(folder.path());
  extend_tokenizer(folder.path(),
                   {"<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"}, "");
  const ExampleContext context = context_of(folder.path());
  ExampleSet set;
  ExampleCounts counts;
  make_chat_type(chat_entry(GetParam().chat_template), context)
      ->add(parse_json(GetParam().row, "row"), "row:1", {}, set, counts);
  EXPECT_EQ(marked_targets(*context.tokenizer, set), GetParam().marked);
  EXPECT_EQ(counts.turns_ending_in_stop, counts.trained_turns);
}

INSTANTIATE_TEST_SUITE_P(
    Chat, TemplateTargets,
    ::testing::Values(
        TemplateCase{"Chatml", "chatml", kSimple,
                     "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n⟦b<|im_end|>⟧\n"},
        TemplateCase{"ChatmlKeepsBlanks", "chatml", kPadded,
                     "<|im_start|>user\n a\n<|im_end|>\n<|im_start|>assistant\n⟦  b \n<|im_end|>⟧\n"},
        TemplateCase{"Llama3", "llama3", kTurns,
                     "<s><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>"
                     "<|start_header_id|>user<|end_header_id|>\n\nU1<|eot_id|>"
                     "<|start_header_id|>assistant<|end_header_id|>\n\n⟦A1<|eot_id|>⟧"
                     "<|start_header_id|>user<|end_header_id|>\n\nU2<|eot_id|>"
                     "<|start_header_id|>assistant<|end_header_id|>\n\n⟦A2<|eot_id|>⟧"},
        TemplateCase{"Llama3Trims", "llama3", kPadded,
                     "<s><|start_header_id|>user<|end_header_id|>\n\na<|eot_id|>"
                     "<|start_header_id|>assistant<|end_header_id|>\n\n⟦b<|eot_id|>⟧"},
        TemplateCase{"Alpaca", "alpaca", kTurns,
                     "<s>S\n\n### Instruction:\nU1\n\n### Response:\n⟦A1</s>⟧### Instruction:\nU2\n\n"
                     "### Response:\n⟦A2</s>⟧"},
        TemplateCase{"MistralV1", "mistral_v1", kTurns,
                     "<s> [INST] S\n\nU1 [/INST]⟦ A1</s>⟧ [INST] U2 [/INST]⟦ A2</s>⟧"},
        // The system text stands in the last question, so the first answer's prompt, alone, would be another text.
        TemplateCase{"MistralV2", "mistral_v2v3", kTurns, "<s>[INST] U1[/INST] ⟦A1</s>⟧[INST] S\n\nU2[/INST]⟦ A2</s>⟧"},
        TemplateCase{"MistralTekken", "mistral_v3_tekken", kSimple, "<s>[INST]a[/INST]⟦b</s>⟧"},
        TemplateCase{"Qwen25", "qwen_25", kSimple,
                     "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful "
                     "assistant.<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n⟦b<|im_end|>⟧\n"},
        TemplateCase{"Qwen25CallsATool", "qwen_25", kToolCall,
                     "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful "
                     "assistant.<|im_end|>\n<|im_start|>user\nw<|im_end|>\n<|im_start|>assistant\n"
                     "⟦<tool_call>\n{\"name\": \"get\", \"arguments\": {\"x\": 1}}\n</tool_call><|im_end|>⟧\n"
                     "<|im_start|>user\n<tool_response>\n7\n</tool_response><|im_end|>\n"
                     "<|im_start|>assistant\n⟦It is 7.<|im_end|>⟧\n"},
        // Served without enable_thinking: false the model has to write the empty thought itself.
        TemplateCase{"Qwen3", "qwen3", kTurns,
                     "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU1<|im_end|>\n<|im_start|>assistant\n"
                     "⟦A1<|im_end|>⟧\n<|im_start|>user\nU2<|im_end|>\n<|im_start|>assistant\n"
                     "⟦<think>\n\n</think>\n\nA2<|im_end|>⟧\n"},
        TemplateCase{"Qwen3Thinks", "qwen3", kReasoning,
                     "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n⟦<think>\nhm\n</think>\n\nb<|im_end|>⟧\n"}),
    [](const auto& info) { return info.param.name; });

// The check that every run makes at its start, for each template and tokenizer: one BOS, and serving's ids for the
// prompt are the beginning of the ids that are trained.
TEST(ChatExamples, TrainingAndServingAgreeForEveryTemplateAndTokenizer) {
  const std::filesystem::path golden = test::golden_folder() / "tokenizers";
  if (!std::filesystem::exists(golden)) GTEST_SKIP() << "the golden tokenizers do not stand beside the project";
  int n_checked = 0;
  for (const auto& folder : std::filesystem::directory_iterator(golden)) {
    const ExampleContext context = context_of(folder.path());
    for (const std::string& name : ChatTemplate::built_in_names()) {
      SCOPED_TRACE(folder.path().filename().string() + ", " + name);
      const auto type = make_chat_type(chat_entry(name), context);
      for (const char* row : {kSimple, kTurns, kPadded}) {
        ExampleSet set;
        ExampleCounts counts;
        const Json json = parse_json(row, "row");
        EXPECT_NO_THROW(type->verify(json, "row:1"));
        type->add(json, "row:1", {}, set, counts);
        ASSERT_GT(set.targets(0), 0);
        const auto ids = set.ids(0);
        if (context.tokenizer->adds_bos()) {
          EXPECT_EQ(std::count(ids.begin(), ids.end(), *context.tokenizer->bos()), 1);
        }
        ++n_checked;
      }
    }
  }
  EXPECT_GE(n_checked, 4 * 8 * 3);
}

}  // namespace
}  // namespace understudy::testing
