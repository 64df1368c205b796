#include "engine/model/export_gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "engine/formats/gguf.h"
#include "engine/model/adapter.h"
#include "engine/model/decoder.h"
#include "tests/support/file_faults.h"
#include "tests/support/golden.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace understudy {
namespace {

using testing::error_of;
using testing::FullDisk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::names_in;
using ::testing::SizeIs;
using testing::TemporaryFolder;
using testing::tiny_adapter;
using testing::tiny_config;

std::string bytes_of_view(ConstTensorView view) {
  return {static_cast<const char*>(view.data), view.bytes()};
}

void export_folder(const std::filesystem::path& folder, const std::filesystem::path& to,
                   const AdapterFile* adapter = nullptr, DType type = DType::kF16) {
  const ModelConfig config = ModelConfig::from_hf_folder(folder);
  const SafetensorsFolder weights(folder);
  const auto tokenizer = Tokenizer::load(folder);
  export_model({config, weights, *tokenizer, adapter, folder.filename().string(), type}, to);
}

// What our files have beyond the golden ones, and why.
bool is_further_key(const std::string& key) {
  static const std::set<std::string> keys = {
      "general.quantization_version",  // llama.cpp's converter writes it always, the golden F16 files' writer never did
      "tokenizer.ggml.add_eos_token",  // as above: said even where it is false
      "understudy.normalizer",  // what llama.cpp knows from tokenizer.ggml.pre alone, so that we read back the same
      "understudy.ignore_merges"};
  return keys.count(key) > 0 || key.starts_with("understudy.");
}

void expect_same_file(const GgufFile& ours, const GgufFile& golden) {
  for (const auto& [key, value] : golden.metadata()) {
    const auto found = ours.metadata().find(key);
    ASSERT_NE(found, ours.metadata().end()) << key;
    EXPECT_TRUE(found->second == value) << key;
  }
  for (const auto& [key, value] : ours.metadata()) {
    EXPECT_TRUE(golden.metadata().count(key) > 0 || is_further_key(key)) << key;
  }
  ASSERT_EQ(ours.tensors().size(), golden.tensors().size());
  for (const auto& [name, view] : golden.tensors()) {
    const ConstTensorView mine = ours.required(name);
    EXPECT_EQ(mine.type, view.type) << name;
    EXPECT_EQ(mine.shape, view.shape) << name;
    EXPECT_TRUE(bytes_of_view(mine) == bytes_of_view(view)) << name;
  }
}

TEST(ExportGguf, GoldenF16FilesAreMadeAgain) {
  const TemporaryFolder folder;
  for (const std::string& model : test::golden_models()) {
    SKIP_WITHOUT_GOLDEN(model);
    SCOPED_TRACE(model);
    export_folder(test::golden_folder() / model, folder / "m.gguf");
    expect_same_file(GgufFile(folder / "m.gguf"), GgufFile(test::golden_folder() / model / "gguf" / "model-f16.gguf"));
  }
}

TEST(ExportGguf, TheGoldenQ8FileIsMadeAgain) {
  SKIP_WITHOUT_GOLDEN("llama");
  const TemporaryFolder folder;
  export_folder(test::golden_folder() / "llama", folder / "m.gguf", nullptr, DType::kQ8_0);
  expect_same_file(GgufFile(folder / "m.gguf"), GgufFile(test::golden_folder() / "llama" / "gguf" / "model-q8_0.gguf"));
}

TEST(ExportGguf, AnAdapterOfZerosChangesNoByte) {
  const TemporaryFolder folder;
  const ModelConfig config = tiny_config(Family::kLlama);
  testing::write_tiny_model(config, folder / "base");
  AdapterFile adapter = tiny_adapter(config);
  for (AdapterModule& module : adapter.modules) module.b = Tensor(DType::kF32, module.b.shape());
  export_folder(folder / "base", folder / "with.gguf", &adapter);
  export_folder(folder / "base", folder / "without.gguf");
  EXPECT_TRUE(read_file(folder / "with.gguf") == read_file(folder / "without.gguf"));
}

TEST(ExportGguf, GoldenAdaptersAreMadeAgain) {
  const TemporaryFolder folder;
  for (const std::string& model : test::golden_models()) {
    SKIP_WITHOUT_GOLDEN(model);
    SCOPED_TRACE(model);
    const std::filesystem::path base = test::golden_folder() / model;
    const AdapterFile adapter = read_peft_folder(base / "lora" / "trained");
    export_adapter(ModelConfig::from_hf_folder(base), adapter, model, folder / "a.gguf");
    const GgufFile ours(folder / "a.gguf");
    const GgufFile golden(base / "gguf" / "lora.gguf");
    EXPECT_EQ(ours.metadata().size(), golden.metadata().size() + 1);  // general.name
    for (const auto& [key, value] : golden.metadata()) EXPECT_TRUE(ours.metadata().at(key) == value) << key;
    ASSERT_EQ(ours.tensors().size(), golden.tensors().size());
    for (const auto& [name, view] : golden.tensors()) {
      EXPECT_TRUE(bytes_of_view(ours.required(name)) == bytes_of_view(view)) << name;
    }
  }
}

Tensor logits_of(const std::shared_ptr<const Model>& model, const Adapter* adapter) {
  const std::vector<int32_t> tokens = {5, 80, 200, 33, 7, 120, 90};
  Decoder decoder(model);
  KvCache cache(model->config(), 64);
  CacheSequence sequence;
  EXPECT_TRUE(cache.reserve(sequence, static_cast<int64_t>(tokens.size())));
  const BatchEntry entry{&sequence, tokens, adapter, true};
  return to_f32(decoder.forward({&entry, 1}, cache));
}

double relative_distance(const Tensor& a, const Tensor& b) {
  double difference = 0;
  double size = 0;
  for (int64_t i = 0; i < a.shape().elements(); ++i) {
    difference += std::pow(static_cast<double>(a.f32()[i]) - static_cast<double>(b.f32()[i]), 2);
    size += std::pow(static_cast<double>(b.f32()[i]), 2);
  }
  return std::sqrt(difference / size);
}

class ExportTiny : public ::testing::TestWithParam<Family> {
 protected:
  void SetUp() override { testing::write_tiny_model(config_, folder_ / "base"); }
  const ModelConfig config_ = tiny_config(GetParam());
  const TemporaryFolder folder_;
};

// F16 keeps 11 bits of each weight: their errors, independent of each other, are 2^-12 of the result on average or
// less. Q8_0 keeps a step of max / 127 per block of 32, for normal values some 2^-7.5 of their size.
TEST_P(ExportTiny, TheMergedFileAnswersAsBaseAndAdapterDo) {
  const AdapterFile adapter = tiny_adapter(config_);
  write_peft_folder(folder_ / "adapter", adapter);
  const auto base = Model::load(folder_ / "base", {});
  const auto loaded = Adapter::load(folder_ / "adapter", config_);
  const Tensor expected = logits_of(base, loaded.get());
  EXPECT_GT(relative_distance(logits_of(base, nullptr), expected), 0.05) << "the adapter changes too little to be seen";
  export_folder(folder_ / "base", folder_ / "f16.gguf", &adapter);
  EXPECT_LT(relative_distance(logits_of(Model::load(folder_ / "f16.gguf", {}), nullptr), expected), 1e-3);
  export_folder(folder_ / "base", folder_ / "q8.gguf", &adapter, DType::kQ8_0);
  EXPECT_LT(relative_distance(logits_of(Model::load(folder_ / "q8.gguf", {}), nullptr), expected), 3e-2);
}

TEST_P(ExportTiny, TheAdapterAloneAnswersTheSame) {
  const AdapterFile adapter = tiny_adapter(config_);
  write_peft_folder(folder_ / "adapter", adapter);
  export_adapter(config_, adapter, "tiny", folder_ / "a.gguf");
  const auto base = Model::load(folder_ / "base", {});
  const Tensor expected = logits_of(base, Adapter::load(folder_ / "adapter", config_).get());
  EXPECT_EQ(relative_distance(logits_of(base, Adapter::load(folder_ / "a.gguf", config_).get()), expected), 0);
}

INSTANTIATE_TEST_SUITE_P(Families, ExportTiny,
                         ::testing::Values(Family::kLlama, Family::kMistral, Family::kQwen2, Family::kQwen3),
                         [](const auto& info) { return std::string(to_string(info.param)); });

class ExportLlama : public ::testing::Test {
 protected:
  void SetUp() override { testing::write_tiny_model(config_, folder_ / "base"); }
  // Writes the base's weights again with one tensor in another form (or left out).
  void replace(const std::string& name, ConstTensorView by) {
    const std::filesystem::path path = folder_ / "base" / "model.safetensors";
    {
      const SafetensorsFile old(path);
      std::vector<NamedTensor> tensors;
      for (const auto& [known, view] : old.tensors()) {
        if (known != name) tensors.push_back({known, view});
      }
      if (by) tensors.push_back({name, by});
      write_safetensors(folder_ / "base" / "new", tensors);
    }
    std::filesystem::rename(folder_ / "base" / "new", path);
  }
  Error failure(const AdapterFile* adapter = nullptr) {
    const Error error = error_of([&] { export_folder(folder_ / "base", folder_ / "m.gguf", adapter); });
    EXPECT_FALSE(std::filesystem::exists(folder_ / "m.gguf"));
    return error;
  }
  ModelConfig config_ = tiny_config(Family::kLlama);
  const TemporaryFolder folder_;
  const std::string query_ = "model.layers.1.self_attn.q_proj.weight";
};

TEST_F(ExportLlama, WhatDoesNotFitIsRefusedNamingTheTensor) {
  Tensor wrong(DType::kF32, {3, 64});
  replace(query_, wrong.view());
  EXPECT_THAT(failure().message(),
              HasSubstr("model.safetensors: tensor " + query_ + ": shape [3, 64], but config.json says"));
  replace(query_, {});
  EXPECT_THAT(failure().message(), HasSubstr("tensor " + query_ + " is missing"));
}

TEST_F(ExportLlama, ATensorWithoutAPlaceIsRefused) {
  Tensor one(DType::kF32, {1});
  replace("model.layers.0.self_attn.rotary_emb.inv_freq", one.view());
  export_folder(folder_ / "base", folder_ / "fine.gguf");
  replace("model.layers.0.mlp.experts.weight", one.view());
  EXPECT_THAT(failure().message(), HasSubstr("tensor model.layers.0.mlp.experts.weight is none of the model's"));
}

TEST_F(ExportLlama, ValuesThatF16CannotHoldAreRefused) {
  Tensor query(DType::kF32, {64, 64});
  query.f32()[7] = 70000;
  replace(query_, query.view());
  EXPECT_THAT(failure().message(), HasSubstr(query_ + " holds 70000, and F16 ends at 65504"));
  export_folder(folder_ / "base", folder_ / "q8.gguf", nullptr, DType::kQ8_0);
  query.f32()[7] = std::numeric_limits<float>::quiet_NaN();
  replace(query_, query.view());
  EXPECT_THAT(failure().message(), HasSubstr(query_ + " holds a NaN or an infinity"));
}

TEST_F(ExportLlama, AnAdapterOfAnotherBaseIsRefused) {
  ModelConfig other = config_;
  other.n_layers = 3;
  AdapterFile deeper = tiny_adapter(other);
  EXPECT_THAT(failure(&deeper).message(), HasSubstr("model.layers.2."));
  other = config_;
  other.width = 128;
  AdapterFile wider = tiny_adapter(other);
  EXPECT_THAT(failure(&wider).message(), HasSubstr("do not fit the model's"));
}

TEST_F(ExportLlama, RowsThatAreNoBlocksStayF16) {
  ModelConfig config = config_;
  config.ffn_width = 72;
  testing::write_tiny_model(config, folder_ / "odd");
  export_folder(folder_ / "odd", folder_ / "m.gguf", nullptr, DType::kQ8_0);
  const GgufFile file(folder_ / "m.gguf");
  EXPECT_EQ(file.required("blk.0.ffn_down.weight").type, DType::kF16);
  EXPECT_EQ(file.required("blk.0.ffn_up.weight").type, DType::kQ8_0);
  EXPECT_EQ(file.required("blk.0.ffn_norm.weight").type, DType::kF32);
  EXPECT_EQ(file.integer("general.file_type"), 7);
}

TEST_F(ExportLlama, TiedEmbeddingsHaveNoOutputTensorUnlessTheAdapterTrainedOne) {
  config_.tied_embeddings = true;
  testing::write_tiny_model(config_, folder_ / "tied");
  export_folder(folder_ / "tied", folder_ / "m.gguf");
  EXPECT_FALSE(GgufFile(folder_ / "m.gguf").find("output.weight"));

  AdapterFile adapter = tiny_adapter(config_);
  Tensor head(DType::kF32, {config_.vocab_size, config_.width});
  head.f32()[3] = 0.5F;
  adapter.saved.push_back({"lm_head.weight", to_f32(head.view())});
  export_folder(folder_ / "tied", folder_ / "head.gguf", &adapter);
  const GgufFile file(folder_ / "head.gguf");
  EXPECT_EQ(to_f32(file.required("output.weight")).f32()[3], 0.5F);
  EXPECT_NE(to_f32(file.required("token_embd.weight")).f32()[3], 0.5F);
  EXPECT_FALSE(can_export_adapter(adapter));

  adapter.saved.clear();
  adapter.saved.push_back({"model.embed_tokens.weight", std::move(head)});
  export_folder(folder_ / "tied", folder_ / "embedding.gguf", &adapter);
  EXPECT_EQ(to_f32(GgufFile(folder_ / "embedding.gguf").required("token_embd.weight")).f32()[3], 0.5F);
  EXPECT_FALSE(GgufFile(folder_ / "embedding.gguf").find("output.weight"));
}

// GGUF has one alpha for the whole adapter and divides it by each rank.
TEST_F(ExportLlama, AdaptersWithScalesOfTheirOwnKeepThem) {
  AdapterFile adapter = tiny_adapter(config_);
  for (size_t i = 0; i < adapter.modules.size(); ++i) adapter.modules[i].scale = 0.5 * static_cast<double>(i);
  export_adapter(config_, adapter, "scales", folder_ / "a.gguf");
  const AdapterFile read =
      read_gguf_adapter(GgufFile(folder_ / "a.gguf"), {.query = config_.n_heads, .key = config_.n_kv_heads});
  ASSERT_THAT(read.modules, SizeIs(adapter.modules.size()));
  for (const AdapterModule& module : adapter.modules) {
    const auto same = std::find_if(read.modules.begin(), read.modules.end(),
                                   [&](const AdapterModule& other) { return other.path == module.path; });
    ASSERT_NE(same, read.modules.end()) << module.path;
    for (int64_t i = 0; i < module.b.shape().elements(); ++i) {
      EXPECT_FLOAT_EQ(static_cast<float>(same->scale) * same->b.f32()[i],
                      static_cast<float>(module.scale) * module.b.f32()[i])
          << module.path;
    }
  }
}

TEST_F(ExportLlama, AFullDiskLeavesNothing) {
  {
    const FullDisk disk(20000);
    EXPECT_EQ(failure().code(), ErrorCode::kIo);
  }
  EXPECT_THAT(names_in(folder_.path()), ::testing::ElementsAre("base"));
}

TEST(ExportGguf, ASlidingWindowIsWarnedOf) {
  ModelConfig config = tiny_config(Family::kMistral);
  EXPECT_THAT(export_warnings(config), IsEmpty());
  config.sliding_window = 32;
  EXPECT_THAT(export_warnings(config), ::testing::ElementsAre(HasSubstr("ignores the sliding window of 32 tokens")));
}

}  // namespace
}  // namespace understudy
