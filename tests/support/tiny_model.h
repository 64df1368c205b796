// Hugging Face folders that a test makes for itself: small random decoders, and a tokenizer whose tokens are the 256
// bytes.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "base/random.h"
#include "base/utf8.h"
#include "engine/formats/peft.h"
#include "engine/model/model.h"
#include "tests/support/temporary_folder.h"

namespace understudy::testing {

// ---- decoders

inline constexpr int32_t kBosToken = 256;  // "<s>"; a byte's token is the byte
inline constexpr int32_t kEosToken = 257;  // "</s>"

// As the family has it: biases, norms of queries and keys, tied embeddings. Beyond the tokenizer's 258 tokens it has
// rows that no text uses, as padded vocabularies have.
inline ModelConfig tiny_config(Family family) {
  ModelConfig config;
  config.family = family;
  config.vocab_size = 300;
  config.width = 64;
  config.n_layers = 2;
  config.n_heads = 4;
  config.n_kv_heads = 2;
  config.head_dim = 16;
  config.ffn_width = 96;
  config.max_positions = 128;
  config.qkv_bias = family == Family::kQwen2;
  config.qk_norm = family == Family::kQwen3;
  config.tied_embeddings = family == Family::kQwen2;
  config.bos = kBosToken;
  config.eos = {kEosToken};
  return config;
}

// One to generate from: every token that it can choose is a byte or special. Smaller, for a longer context.
inline ModelConfig byte_model_config() {
  ModelConfig config = tiny_config(Family::kLlama);
  config.vocab_size = 258;
  config.width = 32;
  config.head_dim = 8;
  config.ffn_width = 48;
  config.max_positions = 256;
  config.tied_embeddings = true;
  return config;
}

// ---- the tokenizer

// GPT-2's letters for the 256 bytes: printable ones stand for themselves, the others follow from U+0100 on.
inline std::vector<std::string> byte_letters() {
  std::vector<std::string> letters;
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    std::string letter;
    append_utf8(letter, printable ? byte : next++);
    letters.push_back(letter);
  }
  return letters;
}

inline Json special_token(int id, const std::string& text) {
  return {{"id", id},        {"content", text},     {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

// The post-processor of a tokenizer that puts <s> before what it encodes.
inline Json bos_first() {
  return {
      {"type", "TemplateProcessing"},
      {"single", {{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}}, {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
      {"pair", Json::array()},
      {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {kBosToken}}, {"tokens", {"<s>"}}}}}}};
}

// Byte-level BPE without a merge; texts are split as Llama 3 does, which is what GGUF has a name for.
inline Json byte_tokenizer() {
  Json vocabulary = Json::object();
  for (const std::string& letter : byte_letters()) vocabulary[letter] = vocabulary.size();
  vocabulary["<s>"] = kBosToken;
  vocabulary["</s>"] = kEosToken;
  const char* split =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "
      "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|"
      "\\s+(?!\\S)|\\s+";
  const Json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  const Json pieces = Json::array(
      {{{"type", "Split"}, {"pattern", {{"Regex", split}}}, {"behavior", "Isolated"}, {"invert", false}}, byte_level});
  return {{"version", "1.0"},
          {"added_tokens", Json::array({special_token(kBosToken, "<s>"), special_token(kEosToken, "</s>")})},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", pieces}}},
          {"post_processor", nullptr},
          {"decoder", byte_level},
          {"model",
           {{"type", "BPE"},
            {"vocab", vocabulary},
            {"merges", Json::array()},
            {"ignore_merges", true},
            {"byte_fallback", false}}}};
}

struct TokenizerFiles {
  Json tokenizer = byte_tokenizer();
  std::string chat_template;  // empty: none
};

inline void write_tokenizer(const std::filesystem::path& folder, const TokenizerFiles& files) {
  write_file_atomically(folder / "tokenizer.json", dump_json(files.tokenizer));
  Json settings = {{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"tokenizer_class", "PreTrainedTokenizerFast"}};
  if (!files.chat_template.empty()) settings["chat_template"] = files.chat_template;
  write_file_atomically(folder / "tokenizer_config.json", dump_json(settings));
}

// The template that gives the first message's text, and no <s>.
inline void write_tiny_tokenizer(const std::filesystem::path& folder) {
  write_tokenizer(folder, {.chat_template = "{{ messages[0]['content'] }}"});
}

// ---- folders: config.json, model.safetensors (f32) and the tokenizer's files

inline void write_tiny_model(const ModelConfig& config, const std::filesystem::path& folder) {
  Model::random(config, 5, {})->save_hf(folder, DType::kF32);
  write_tiny_tokenizer(folder);
}

// A Llama to generate from, whose texts begin with <s>.
inline void write_byte_model(const std::filesystem::path& folder, const std::string& chat_template) {
  Model::random(byte_model_config(), 1, {})->save_hf(folder, DType::kF32);
  TokenizerFiles files{.chat_template = chat_template};
  files.tokenizer["post_processor"] = bos_first();
  write_tokenizer(folder, files);
}

// The same without a template, in a new folder below `parent`, which is given back.
inline std::filesystem::path write_byte_model(const TemporaryFolder& parent) {
  const std::filesystem::path folder = parent / "tiny";
  write_byte_model(folder, "");
  return folder;
}

// ---- an adapter

// Random A and B for q_proj, k_proj and up_proj of every layer; large enough to change every answer.
inline AdapterFile tiny_adapter(const ModelConfig& config) {
  Random random(6);
  const auto filled = [&](Shape shape) {
    Tensor tensor(DType::kF32, shape);
    for (int64_t i = 0; i < shape.elements(); ++i) tensor.f32()[i] = static_cast<float>(random.normal()) * 0.1F;
    return tensor;
  };
  AdapterFile adapter;
  adapter.config.r = 4;
  adapter.config.lora_alpha = 8;
  adapter.config.target_modules = {"k_proj", "q_proj", "up_proj"};
  for (int64_t layer = 0; layer < config.n_layers; ++layer) {
    for (const Linear linear : {Linear::kUp, Linear::kK, Linear::kQ}) {
      const LinearSize size = size_of(config, linear);
      adapter.modules.push_back({module_path(layer, linear), filled({4, size.in}), filled({size.out, 4}), 2});
    }
  }
  return adapter;
}

}  // namespace understudy::testing
