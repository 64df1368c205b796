#include "train_tokenizer/tokenizer_files.h"

#include <array>

#include "base/files.h"
#include "base/json.h"
#include "train_tokenizer/splitter.h"

namespace understudy::tokenizer {
namespace {

constexpr std::array<const char*, kSpecialTokens> kSpecials = {"<|begin_of_text|>", "<|end_of_text|>", "<|system|>",
                                                               "<|user|>",          "<|assistant|>",   "<|pad|>",
                                                               "<|reserved_0|>",    "<|reserved_1|>"};

// One turn is its role's token and the text; an answer ends with the end of text, so that generation stops there.
constexpr const char* kChatTemplate =
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ '<|system|>' + message['content'] }}"
    "{% elif message['role'] == 'user' %}{{ '<|user|>' + message['content'] }}"
    "{% elif message['role'] == 'assistant' %}{{ '<|assistant|>' + message['content'] + eos_token }}"
    "{% else %}{{ raise_exception('roles are system, user and assistant') }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

// The printable character that stands for each byte in tokenizer.json (GPT-2's table): printable Latin-1 bytes are
// themselves, the others follow from U+0100 on.
std::array<std::string, 256> byte_characters() {
  std::array<std::string, 256> characters;
  int next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    const int code = printable ? byte : next++;
    std::string& text = characters[static_cast<size_t>(byte)];
    if (code < 0x80) {
      text = static_cast<char>(code);
    } else {
      text += static_cast<char>(0xC0 | (code >> 6));
      text += static_cast<char>(0x80 | (code & 0x3F));
    }
  }
  return characters;
}

class Alphabet {
 public:
  std::string spelled(const std::string& bytes) const {
    std::string result;
    for (const char byte : bytes) result += characters_[static_cast<unsigned char>(byte)];
    return result;
  }

 private:
  std::array<std::string, 256> characters_ = byte_characters();
};

Json added_token(int id, const char* content) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

Json byte_level(bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", use_regex}};
}

Json pre_tokenizer() {
  const Json split = {
      {"type", "Split"}, {"pattern", {{"Regex", kLlama3Pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
  return {{"type", "Sequence"}, {"pretokenizers", Json::array({split, byte_level(false)})}};
}

Json post_processor(int bos) {
  const Json begin = {{"SpecialToken", {{"id", kSpecials[0]}, {"type_id", 0}}}};
  const Json first = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const Json second = {{"Sequence", {{"id", "B"}, {"type_id", 1}}}};
  Json token = {{"id", kSpecials[0]}, {"ids", Json::array({bos})}, {"tokens", Json::array({kSpecials[0]})}};
  Json result = {{"type", "TemplateProcessing"}};
  result["single"] = Json::array({begin, first});
  result["pair"] = Json::array({begin, first, second});
  result["special_tokens"] = Json::object();
  result["special_tokens"][kSpecials[0]] = token;
  return result;
}

Json model(const std::vector<Merge>& merges) {
  const Alphabet alphabet;
  Json vocabulary = Json::object();
  Json pairs = Json::array();
  for (int byte = 0; byte < 256; ++byte) vocabulary[alphabet.spelled(std::string(1, static_cast<char>(byte)))] = byte;
  for (const auto& [left, right] : merges) {
    const auto id = vocabulary.size();
    vocabulary[alphabet.spelled(left + right)] = id;
    pairs.push_back(alphabet.spelled(left) + " " + alphabet.spelled(right));
  }
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", false},
          {"vocab", vocabulary},
          {"merges", pairs}};
}

}  // namespace

void write_tokenizer_files(const std::filesystem::path& folder, const std::vector<Merge>& merges) {
  std::filesystem::create_directories(folder);
  const int first = 256 + static_cast<int>(merges.size());
  Json added = Json::array();
  Json decoder = Json::object();
  for (int i = 0; i < kSpecialTokens; ++i) {
    added.push_back(added_token(first + i, kSpecials[static_cast<size_t>(i)]));
    decoder[std::to_string(first + i)] = added.back();
    decoder[std::to_string(first + i)].erase("id");
  }
  Json tokenizer = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}};
  tokenizer["added_tokens"] = added;
  tokenizer["normalizer"] = nullptr;
  tokenizer["pre_tokenizer"] = pre_tokenizer();
  tokenizer["post_processor"] = post_processor(first);
  tokenizer["decoder"] = byte_level(true);
  tokenizer["model"] = model(merges);
  const Json names = {{"bos_token", kSpecials[0]}, {"eos_token", kSpecials[1]}, {"pad_token", kSpecials[5]}};
  Json config = {{"added_tokens_decoder", decoder},
                 {"clean_up_tokenization_spaces", false},
                 {"model_max_length", 2048},
                 {"tokenizer_class", "PreTrainedTokenizerFast"}};
  config.update(names);
  write_file_atomically(folder / "tokenizer.json", dump_json_pretty(tokenizer));
  write_file_atomically(folder / "tokenizer_config.json", dump_json_pretty(config));
  write_file_atomically(folder / "special_tokens_map.json", dump_json_pretty(names));
  write_file_atomically(folder / "chat_template.jinja", kChatTemplate);
  const Json generation = {{"bos_token_id", first}, {"eos_token_id", first + 1}, {"pad_token_id", first + 5}};
  write_file_atomically(folder / "generation_config.json", dump_json_pretty(generation));
}

}  // namespace understudy::tokenizer
