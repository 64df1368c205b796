// A Hugging Face folder that a test makes for itself: a small random decoder and a byte-level tokenizer without merges.
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

namespace understudy::testing {

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
  config.bos = 0;
  config.eos = {1};
  return config;
}

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

inline void write_tiny_tokenizer(const std::filesystem::path& folder) {
  Json vocabulary = {{"<s>", 0}, {"</s>", 1}};
  for (const std::string& letter : byte_letters()) vocabulary[letter] = vocabulary.size();
  const char* split =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "
      "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|"
      "\\s+(?!\\S)|\\s+";
  const auto added = [](int id, const char* content) {
    return Json{{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
                {"rstrip", false}, {"normalized", false}, {"special", true}};
  };
  const Json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  const Json pieces = Json::array(
      {{{"type", "Split"}, {"pattern", {{"Regex", split}}}, {"behavior", "Isolated"}, {"invert", false}}, byte_level});
  const Json tokenizer = {{"version", "1.0"},
                          {"added_tokens", Json::array({added(0, "<s>"), added(1, "</s>")})},
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
  write_file_atomically(folder / "tokenizer.json", dump_json(tokenizer));
  const Json settings = {
      {"bos_token", "<s>"}, {"eos_token", "</s>"}, {"chat_template", "{{ messages[0]['content'] }}"}};
  write_file_atomically(folder / "tokenizer_config.json", dump_json(settings));
}

// config.json, model.safetensors (f32) and the tokenizer's files.
inline void write_tiny_model(const ModelConfig& config, const std::filesystem::path& folder) {
  Model::random(config, 5, {})->save_hf(folder, DType::kF32);
  write_tiny_tokenizer(folder);
}

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
