#include "engine/model/model_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;

Json llama() {
  return {{"model_type", "llama"},    {"vocab_size", 512},        {"hidden_size", 64},
          {"num_hidden_layers", 2},   {"num_attention_heads", 4}, {"num_key_value_heads", 2},
          {"intermediate_size", 128}, {"rms_norm_eps", 1e-5},     {"max_position_embeddings", 256},
          {"rope_theta", 500000.0},   {"bos_token_id", 1},        {"eos_token_id", {2, 3}}};
}

std::string refusal(const Json& json) {
  try {
    ModelConfig::from_hf_json(json, "config.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
    return error.message();
  }
  return "accepted";
}

TEST(ModelConfig, ReadsOldAndNewRopeKeys) {
  const ModelConfig old = ModelConfig::from_hf_json(llama(), "config.json");
  EXPECT_EQ(old.rope_theta, 500000.0);
  EXPECT_EQ(old.head_dim, 16);
  EXPECT_EQ(old.eos, (std::vector<int32_t>{2, 3}));
  Json json = llama();
  json["rope_scaling"] = {{"rope_type", "llama3"},
                          {"factor", 32.0},
                          {"low_freq_factor", 1.0},
                          {"high_freq_factor", 4.0},
                          {"original_max_position_embeddings", 8192}};
  ASSERT_TRUE(ModelConfig::from_hf_json(json, "config.json").rope_scaling);
  EXPECT_EQ(ModelConfig::from_hf_json(json, "config.json").rope_scaling->factor, 32);
  json.erase("rope_scaling");
  json["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 1e6}};
  EXPECT_EQ(ModelConfig::from_hf_json(json, "config.json").rope_theta, 1e6);
}

TEST(ModelConfig, SurvivesARoundTrip) {
  Json json = llama();
  json["model_type"] = "mistral";
  json["sliding_window"] = 24;
  json["head_dim"] = 32;
  const ModelConfig config = ModelConfig::from_hf_json(json, "config.json");
  const ModelConfig again = ModelConfig::from_hf_json(config.to_hf_json(), "again");
  EXPECT_EQ(dump_json(again.to_hf_json()), dump_json(config.to_hf_json()));
  EXPECT_EQ(again.sliding_window, 24);
  EXPECT_EQ(again.head_dim, 32);
}

TEST(ModelConfig, FamiliesDifferInBiasesAndNorms) {
  Json json = llama();
  json["model_type"] = "qwen2";
  EXPECT_TRUE(ModelConfig::from_hf_json(json, "c").qkv_bias);
  EXPECT_FALSE(ModelConfig::from_hf_json(json, "c").output_bias);
  json["model_type"] = "qwen3";
  EXPECT_TRUE(ModelConfig::from_hf_json(json, "c").qk_norm);
  EXPECT_FALSE(ModelConfig::from_hf_json(json, "c").qkv_bias);
}

TEST(ModelConfig, RefusesWhatItCannotBuildNamingTheKey) {
  const auto with = [](const char* key, const Json& value) {
    Json json = llama();
    json[key] = value;
    return json;
  };
  EXPECT_THAT(refusal(with("model_type", "gemma")), HasSubstr("config.json: model_type: \"gemma\" is not built"));
  EXPECT_THAT(refusal(with("hidden_size", -4)), HasSubstr("hidden_size: expected a whole number from 1"));
  EXPECT_THAT(refusal(with("hidden_size", "64")), HasSubstr("hidden_size"));
  EXPECT_THAT(refusal(with("hidden_act", "gelu")), HasSubstr("hidden_act"));
  EXPECT_THAT(refusal(with("num_key_value_heads", 3)), HasSubstr("no multiple"));
  EXPECT_THAT(refusal(with("head_dim", 15)), HasSubstr("odd"));
  EXPECT_THAT(refusal(with("rope_scaling", {{"rope_type", "yarn"}})), HasSubstr("rope_type: \"yarn\" is not built"));
  EXPECT_THAT(refusal(with("eos_token_id", 512)), HasSubstr("eos_token_id"));
  EXPECT_THAT(refusal(with("num_hidden_layers", 1e9)), HasSubstr("num_hidden_layers"));
  EXPECT_THAT(refusal(Json::array()), HasSubstr("expected an object"));
}

TEST(ModelConfig, CountsTheParametersOfLlama32OneB) {
  ModelConfig config;
  config.vocab_size = 128256;
  config.width = 2048;
  config.n_layers = 16;
  config.n_heads = 32;
  config.n_kv_heads = 8;
  config.head_dim = 64;
  config.ffn_width = 8192;
  config.tied_embeddings = true;
  EXPECT_EQ(config.parameters(), 1235814400);
}

}  // namespace
}  // namespace understudy
