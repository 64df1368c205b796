// Rows with an instruction, perhaps an input, and an answer, written into fixed frames: alpaca, its chat and ChatML
// forms, and frames from the config. Prompt and answer are tokenised apart, as in Axolotl: the prompt with the
// tokenizer's BOS, the answer without, with EOS at its end. The row's own texts are plain: a special token written in
// them is not one.
#include <fmt/format.h>

#include <array>

#include "base/json.h"
#include "engine/training/example_types.h"

namespace understudy {

namespace {

constexpr const char* kWithInput =
    "Below is an instruction that describes a task, paired with an input that provides further context. Write a "
    "response that "
    "appropriately completes the request.";
constexpr const char* kWithoutInput =
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.";

struct Frame {
  std::string system_with_input;
  std::string system_without_input;
  InstructionFormat format;
};

std::optional<Frame> frame_of(const DatasetConfig& entry) {
  if (entry.format) return Frame{entry.format->system_prompt, entry.format->system_prompt, *entry.format};
  Frame frame{kWithInput, kWithoutInput, {}};
  InstructionFormat& format = frame.format;
  if (entry.type == "alpaca") {
    format.system_format = "{system}\n\n";
    format.format = "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n";
    format.no_input_format = "### Instruction:\n{instruction}\n\n### Response:\n";
  } else if (entry.type == "alpaca:chat") {
    format.system_format = "SYSTEM: {system}\n";
    format.format = "USER: {instruction}\n{input}\nASSISTANT:";
    format.no_input_format = "USER: {instruction}\nASSISTANT:";
  } else if (entry.type == "alpaca:chatml") {
    format.system_format = "<|im_start|>system\n{system}<|im_end|>\n";
    format.format = "<|im_start|>user\n{instruction}\n{input}<|im_end|>\n<|im_start|>assistant\n";
    format.no_input_format = "<|im_start|>user\n{instruction}<|im_end|>\n<|im_start|>assistant\n";
  } else {
    return std::nullopt;
  }
  return frame;
}

struct Values {
  std::string system, instruction, input, output;
};

// A frame with its places filled, and where the row's own texts stand in it.
struct Filled {
  std::string text;
  std::vector<TextSpan> plain;
};

void fill_frame(std::string_view frame, const Values& values, Filled& filled) {
  const std::array<std::pair<std::string_view, const std::string*>, 4> places = {
      {{"{system}", &values.system},
       {"{instruction}", &values.instruction},
       {"{input}", &values.input},
       {"{output}", &values.output}}};
  while (!frame.empty()) {
    const auto* place = places.end();
    for (const auto& candidate : places) {
      if (frame.starts_with(candidate.first)) place = &candidate;
    }
    if (place == places.end()) {
      filled.text += frame.front();
      frame.remove_prefix(1);
      continue;
    }
    const size_t begin = filled.text.size();
    filled.text += *place->second;
    filled.plain.push_back({begin, filled.text.size()});
    frame.remove_prefix(place->first.size());
  }
}

class InstructionType : public ExampleType {
 public:
  InstructionType(Frame frame, const ExampleContext& context) : frame_(std::move(frame)), context_(context) {}

  void add(const Json& row, std::string_view where, ExampleOrigin origin, ExampleSet& set,
           ExampleCounts& counts) const override {
    const Values values = read(row, where);
    const Filled prompt = fill(values);
    std::vector<TokenId> ids = context_.tokenizer->encode(prompt.text, {.add_special = true, .plain = prompt.plain});
    std::vector<uint8_t> trained(ids.size(), context_.train_on_inputs ? 1 : 0);
    const std::vector<TokenId> answer = context_.tokenizer->encode(values.output, {.parse_special = false});
    ids.insert(ids.end(), answer.begin(), answer.end());
    if (!context_.eos) {
      throw Error(ErrorCode::kInvalidInput, fmt::format("{}: the tokenizer has no EOS to end the answer with", where),
                  "write special_tokens: {eos_token: ...}");
    }
    if (ids.back() != *context_.eos) ids.push_back(*context_.eos);
    trained.resize(ids.size(), 1);
    set.add(ids, trained, origin);
    counts += {.trained_turns = 1, .turns_with_stop = 1, .turns_ending_in_stop = 1};
  }

 private:
  Values read(const Json& row, std::string_view where) const {
    const InstructionFormat& format = frame_.format;
    Values values;
    values.instruction = optional_text_field(row, format.field_instruction, where);
    values.input = optional_text_field(row, format.field_input, where);
    values.output = text_field(row, format.field_output, where);
    values.system = optional_text_field(row, format.field_system, where);
    if (values.instruction.empty() && values.input.empty()) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: neither {} nor {} has a text", where, format.field_instruction, format.field_input));
    }
    if (values.system.empty())
      values.system = values.input.empty() ? frame_.system_without_input : frame_.system_with_input;
    return values;
  }

  Filled fill(const Values& values) const {
    Filled filled;
    if (!values.system.empty()) fill_frame(frame_.format.system_format, values, filled);
    fill_frame(values.input.empty() ? frame_.format.no_input_format : frame_.format.format, values, filled);
    return filled;
  }

  Frame frame_;
  ExampleContext context_;
};

}  // namespace

std::unique_ptr<ExampleType> make_instruction_type(const DatasetConfig& entry, const ExampleContext& context) {
  std::optional<Frame> frame = frame_of(entry);
  if (!frame) return nullptr;
  return std::make_unique<InstructionType>(std::move(*frame), context);
}

}  // namespace understudy
