#include "engine/formats/gguf_names.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <vector>

#include "engine/formats/gguf.h"
#include "engine/formats/safetensors.h"
#include "tests/support/file_faults.h"

namespace understudy {
namespace {

using testing::error_of;

const std::filesystem::path kGolden = UNDERSTUDY_SOURCE_DIR "/../shared/golden";

TEST(GgufNames, BothDirections) {
  const std::pair<const char*, const char*> pairs[] = {
      {"model.embed_tokens.weight", "token_embd.weight"},
      {"model.norm.weight", "output_norm.weight"},
      {"lm_head.weight", "output.weight"},
      {"model.layers.0.input_layernorm.weight", "blk.0.attn_norm.weight"},
      {"model.layers.17.self_attn.q_proj.bias", "blk.17.attn_q.bias"},
      {"model.layers.1.self_attn.o_proj.weight", "blk.1.attn_output.weight"},
      {"model.layers.1.self_attn.k_norm.weight", "blk.1.attn_k_norm.weight"},
      {"model.layers.1.post_attention_layernorm.weight", "blk.1.ffn_norm.weight"},
      {"model.layers.1.mlp.down_proj.weight", "blk.1.ffn_down.weight"}};
  for (const auto& [hugging_face, gguf] : pairs) {
    EXPECT_EQ(gguf_name_of(hugging_face), gguf);
    EXPECT_EQ(hugging_face_name_of(gguf), hugging_face);
  }
}

TEST(GgufNames, NothingForOtherNames) {
  for (const char* name :
       {"", "model.layers.", "model.layers.0", "model.layers.x.mlp.up_proj.weight", "lm_head",
        "model.layers.00.mlp.up_proj.weight", "model.layers..mlp.up_proj.weight", "mlp.up_proj.weight",
        "model.layers.0.mlp.up_proj.scale", "model.layers.0.lm_head.weight", "rope_freqs.weight"}) {
    EXPECT_FALSE(gguf_name_of(name)) << name;
  }
  EXPECT_FALSE(hugging_face_name_of("blk.0.attn_qkv.weight"));
  EXPECT_FALSE(hugging_face_name_of("rope_freqs.weight"));
}

TEST(GgufNames, RowOrdersAreEachOthersInverse) {
  for (const auto& [n_heads, head_dim] : {std::pair<int64_t, int64_t>{1, 2}, {3, 4}, {2, 6}, {8, 32}}) {
    for (const DType type : {DType::kF32, DType::kF16, DType::kQ8_0}) {
      const Shape shape{n_heads * head_dim, 32};
      std::vector<float> values;
      for (int64_t i = 0; i < shape.elements(); ++i) values.push_back(static_cast<float>(i % 251) / 4);
      Tensor original(type, shape);
      convert_from_f32(values.data(), original.view());
      Tensor there(type, shape);
      Tensor back(type, shape);
      rows_to_gguf_order(original.const_view(), n_heads, there.view());
      rows_to_hugging_face_order(there.const_view(), n_heads, back.view());
      EXPECT_EQ(std::memcmp(back.view().data, original.view().data, original.bytes()), 0) << n_heads << " " << head_dim;
      rows_to_hugging_face_order(original.const_view(), n_heads, there.view());
      rows_to_gguf_order(there.const_view(), n_heads, back.view());
      EXPECT_EQ(std::memcmp(back.view().data, original.view().data, original.bytes()), 0) << n_heads << " " << head_dim;
    }
  }
}

TEST(GgufNames, RowOrderOfABiasByHand) {
  Tensor bias(DType::kF32, {8});
  for (int i = 0; i < 8; ++i) bias.f32()[i] = static_cast<float>(i);
  Tensor gguf(DType::kF32, {8});
  rows_to_gguf_order(bias.const_view(), 2, gguf.view());
  const float expected[] = {0, 2, 1, 3, 4, 6, 5, 7};
  for (int i = 0; i < 8; ++i) EXPECT_EQ(gguf.f32()[i], expected[i]) << i;
}

TEST(GgufNames, RowsThatAreNoHeadsAreRefused) {
  Tensor odd(DType::kF32, {9, 2});
  Tensor to(DType::kF32, {9, 2});
  for (const int64_t n_heads : {0, 3, 2, -1}) {
    EXPECT_EQ(error_of([&] { rows_to_gguf_order(odd.const_view(), n_heads, to.view()); }).code(),
              ErrorCode::kInvalidInput);
  }
}

TEST(GgufNames, GoldenFilesHoldTheSameTensorsUnderBothNames) {
  if (!std::filesystem::exists(kGolden)) GTEST_SKIP() << "no golden files here";
  for (const char* model : {"llama", "llama3-rope", "mistral-window", "qwen2", "qwen3"}) {
    const SafetensorsFolder weights(kGolden / model);
    const GgufFile gguf(kGolden / model / "gguf" / "model-f16.gguf");
    const std::string architecture = gguf.required_text("general.architecture");
    for (const std::string& name : weights.names()) {
      const std::optional<std::string> other = gguf_name_of(name);
      ASSERT_TRUE(other) << name;
      const Tensor expected = to_f32(gguf.required(*other));
      Tensor ours = to_f32(weights.find(name));
      const bool reordered =
          has_interleaved_heads(architecture) && (is_query_projection(name) || is_key_projection(name));
      if (reordered) {
        const char* key = is_query_projection(name) ? ".attention.head_count" : ".attention.head_count_kv";
        Tensor rows(DType::kF32, ours.shape());
        rows_to_gguf_order(ours.const_view(), gguf.required_integer(architecture + key), rows.view());
        ours = std::move(rows);
      }
      ASSERT_EQ(ours.shape(), expected.shape()) << name;
      for (int64_t i = 0; i < ours.shape().elements(); ++i) {
        const float rounded = expected.shape().rank() == 1 ? ours.f32()[i] : f32_from_f16(f16_from_f32(ours.f32()[i]));
        ASSERT_EQ(rounded, expected.f32()[i]) << model << " " << name << " value " << i;
      }
    }
  }
}

}  // namespace
}  // namespace understudy
