// A model folder that tests can always make: Llama with random weights, and a tokenizer whose tokens are the 256 bytes.
#pragma once

#include <filesystem>

#include "base/json.h"
#include "base/utf8.h"
#include "engine/model/model.h"
#include "tests/support/temporary_folder.h"

namespace understudy::testing {

inline ModelConfig byte_model_config() {
  ModelConfig config;
  config.vocab_size = 258;  // the bytes, <s> and </s>
  config.width = 32;
  config.n_layers = 2;
  config.n_heads = 4;
  config.n_kv_heads = 2;
  config.head_dim = 8;
  config.ffn_width = 48;
  config.max_positions = 256;
  config.tied_embeddings = true;
  config.bos = 256;
  config.eos = {257};
  return config;
}

// Byte-level BPE without a merge, in the byte alphabet of GPT-2: printable bytes stand for themselves, the others for
// U+0100 and on. Ids are the bytes' values.
inline Json byte_tokenizer_json() {
  Json vocab = Json::object();
  char32_t next_stand_in = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const bool is_printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    std::string name;
    append_utf8(name, is_printable ? static_cast<char32_t>(byte) : next_stand_in++);
    vocab[name] = byte;
  }
  vocab["<s>"] = 256;
  vocab["</s>"] = 257;
  const auto special = [](int id, const char* text) {
    return Json{{"id", id},        {"content", text},     {"single_word", false}, {"lstrip", false},
                {"rstrip", false}, {"normalized", false}, {"special", true}};
  };
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", {special(256, "<s>"), special(257, "</s>")}},
          {"normalizer", nullptr},
          {"pre_tokenizer",
           {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}}},
          {"post_processor",
           {{"type", "TemplateProcessing"},
            {"single",
             {{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}}, {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
            {"pair", Json::array()},
            {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {256}}, {"tokens", {"<s>"}}}}}}}},
          {"decoder", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"vocab", vocab},
            {"merges", Json::array()}}}};
}

// Writes config.json, model.safetensors, tokenizer.json and tokenizer_config.json into a new folder below `parent`.
inline std::filesystem::path write_byte_model(const TemporaryFolder& parent, uint64_t seed = 1) {
  const std::filesystem::path folder = parent / "tiny";
  Model::random(byte_model_config(), seed, {})->save_hf(folder, DType::kF32);
  parent.write("tiny/tokenizer.json", dump_json(byte_tokenizer_json()));
  parent.write("tiny/tokenizer_config.json",
               R"({"bos_token": "<s>", "eos_token": "</s>", "tokenizer_class": "PreTrainedTokenizerFast"})");
  return folder;
}

}  // namespace understudy::testing
