#include "engine/formats/peft.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/json.h"
#include "engine/formats/safetensors.h"
#include "tests/support/file_faults.h"
#include "tests/support/fuzz_count.h"
#include "tests/support/temporary_folder.h"

namespace understudy {
namespace {

using testing::damaged;
using ::testing::ElementsAre;
using testing::error_of;
using testing::FullDisk;
using testing::fuzz_count;
using ::testing::HasSubstr;
using testing::names_in;
using testing::TemporaryFolder;

const std::filesystem::path kGolden = UNDERSTUDY_SOURCE_DIR "/../shared/golden";
const std::string kQuery = "model.layers.0.self_attn.q_proj";

Tensor counting(Shape shape, float first) {
  Tensor tensor(DType::kF32, shape);
  for (int64_t i = 0; i < shape.elements(); ++i) tensor.f32()[i] = first + static_cast<float>(i);
  return tensor;
}

AdapterFile small_adapter() {
  AdapterFile adapter;
  adapter.config.base_model_name_or_path = "base";
  adapter.config.r = 2;
  adapter.config.lora_alpha = 4;
  adapter.config.lora_dropout = 0.05;
  adapter.config.target_modules = {"q_proj", "up_proj"};
  adapter.config.rank_pattern = {{"up_proj", 3}};
  adapter.config.alpha_pattern = {{"up_proj", 1.5}};
  adapter.config.modules_to_save = {"lm_head"};
  adapter.modules.push_back({"model.layers.0.mlp.up_proj", counting({3, 4}, 1), counting({5, 3}, 2), 0.5});
  adapter.modules.push_back({kQuery, counting({2, 4}, 3), counting({4, 2}, 4), 2});
  adapter.saved.push_back({"lm_head.weight", counting({6, 4}, 5)});
  return adapter;
}

void expect_equal(const Tensor& got, const Tensor& expected, const std::string& name) {
  ASSERT_EQ(got.shape(), expected.shape()) << name;
  EXPECT_EQ(std::memcmp(got.view().data, expected.view().data, expected.bytes()), 0) << name;
}

void expect_equal(const AdapterFile& got, const AdapterFile& expected) {
  ASSERT_EQ(got.modules.size(), expected.modules.size());
  for (size_t i = 0; i < got.modules.size(); ++i) {
    EXPECT_EQ(got.modules[i].path, expected.modules[i].path);
    EXPECT_EQ(got.modules[i].scale, expected.modules[i].scale) << got.modules[i].path;
    expect_equal(got.modules[i].a, expected.modules[i].a, got.modules[i].path);
    expect_equal(got.modules[i].b, expected.modules[i].b, got.modules[i].path);
  }
}

Json plain_config() {
  return {{"peft_type", "LORA"}, {"r", 2}, {"lora_alpha", 4}, {"target_modules", {"q_proj"}}};
}

TEST(Peft, WhatIsWrittenIsReadAgain) {
  const TemporaryFolder folder;
  const AdapterFile adapter = small_adapter();
  write_peft_folder(folder / "adapter", adapter);
  const AdapterFile read = read_peft_folder(folder / "adapter");
  expect_equal(read, adapter);
  EXPECT_EQ(read.config.to_json(), adapter.config.to_json());
  ASSERT_EQ(read.saved.size(), 1U);
  EXPECT_EQ(read.saved[0].name, "lm_head.weight");
  expect_equal(read.saved[0].value, adapter.saved[0].value, "lm_head");
  const SafetensorsFile weights(folder / "adapter" / "adapter_model.safetensors");
  EXPECT_TRUE(weights.find("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"));
  EXPECT_TRUE(weights.find("base_model.model.lm_head.weight"));
}

TEST(Peft, ScalesAndRanksFollowThePatterns) {
  PeftConfig config;
  config.r = 16;
  config.lora_alpha = 32;
  config.rank_pattern = {{"k_proj", 4}, {"^model.layers.1.self_attn.q_proj", 8}};
  config.alpha_pattern = {{"layers.0.self_attn.k_proj", 1}};
  EXPECT_EQ(config.rank_of("model.layers.0.self_attn.q_proj"), 16);
  EXPECT_EQ(config.rank_of("model.layers.1.self_attn.q_proj"), 8);
  EXPECT_EQ(config.rank_of("model.layers.1.self_attn.k_proj"), 4);
  EXPECT_EQ(config.rank_of("model.layers.1.self_attn.big_k_proj"), 16);
  EXPECT_EQ(config.scale_of("model.layers.0.self_attn.q_proj"), 2);
  EXPECT_EQ(config.scale_of("model.layers.0.self_attn.k_proj"), 0.25);
  EXPECT_EQ(config.scale_of("model.layers.1.self_attn.k_proj"), 8);
  config.use_rslora = true;
  EXPECT_EQ(config.scale_of("model.layers.0.self_attn.q_proj"), 8);
}

TEST(Peft, TheConfigurationHasPeftsKeysAndTypes) {
  if (!std::filesystem::exists(kGolden)) GTEST_SKIP() << "no golden files here";
  for (const char* model : {"llama", "llama3-rope", "mistral-window", "qwen2", "qwen3"}) {
    const std::filesystem::path path = kGolden / model / "lora" / "trained" / "adapter_config.json";
    const Json golden = parse_json(read_file(path), path.string());
    const Json ours = PeftConfig::from_json(golden, path.string()).to_json();
    ASSERT_EQ(ours.size(), golden.size());
    auto mine = ours.items().begin();
    for (const auto& [key, value] : golden.items()) {
      EXPECT_EQ(mine.key(), key);
      const Json& expected = key == "peft_version" ? mine.value() : value;
      EXPECT_EQ(dump_json(mine.value()), dump_json(expected)) << key;
      ++mine;
    }
  }
}

TEST(Peft, GoldenAdaptersAreReadAndWrittenByteForByte) {
  if (!std::filesystem::exists(kGolden)) GTEST_SKIP() << "no golden files here";
  const TemporaryFolder folder;
  for (const char* model : {"llama", "llama3-rope", "mistral-window", "qwen2", "qwen3"}) {
    for (const char* state : {"initial", "trained"}) {
      const std::filesystem::path path = kGolden / model / "lora" / state;
      const AdapterFile adapter = read_peft_folder(path);
      EXPECT_EQ(adapter.modules.size(), model == std::string("llama") ? 21U : 14U);
      for (const AdapterModule& module : adapter.modules) EXPECT_EQ(module.scale, 2) << module.path;
      write_peft_folder(folder / "again", adapter);
      EXPECT_TRUE(read_file(folder / "again" / "adapter_model.safetensors") ==
                  read_file(path / "adapter_model.safetensors"))
          << path;
    }
  }
}

TEST(Peft, TheGgufFormOfAnAdapterIsTheSame) {
  if (!std::filesystem::exists(kGolden)) GTEST_SKIP() << "no golden files here";
  for (const auto& [model, heads] : {std::pair<const char*, HeadCounts>{"llama", {8, 2}},
                                     {"llama3-rope", {4, 2}},
                                     {"mistral-window", {4, 4}},
                                     {"qwen2", {4, 2}},
                                     {"qwen3", {4, 2}}}) {
    const AdapterFile peft = read_peft_folder(kGolden / model / "lora" / "trained");
    const AdapterFile gguf = read_gguf_adapter(GgufFile(kGolden / model / "gguf" / "lora.gguf"), heads);
    expect_equal(gguf, peft);
    EXPECT_EQ(gguf.config.r, peft.config.r);
    EXPECT_EQ(gguf.config.lora_alpha, peft.config.lora_alpha);
    EXPECT_EQ(gguf.config.target_modules.size(), 7U);
  }
}

TEST(Peft, MeaningsThatAreNotBuiltAreRefusedNamingTheKey) {
  const std::pair<const char*, Json> cases[] = {{"peft_type", "IA3"},
                                                {"task_type", "SEQ_CLS"},
                                                {"bias", "all"},
                                                {"use_dora", true},
                                                {"use_qalora", true},
                                                {"use_bdlora", {{"a", 1}}},
                                                {"fan_in_fan_out", true},
                                                {"lora_bias", true},
                                                {"layers_to_transform", {0, 1}},
                                                {"layers_pattern", "layers"},
                                                {"layer_replication", {{0, 4}, {2, 6}}},
                                                {"alora_invocation_tokens", {1}},
                                                {"trainable_token_indices", {1, 2}},
                                                {"target_parameters", {"experts.up"}},
                                                {"megatron_config", {{"a", 1}}},
                                                {"kasa_config", {{"a", 1}}},
                                                {"init_lora_weights", "pissa_niter_4"},
                                                {"something_new", 3},
                                                {"r", 0},
                                                {"r", 2.5},
                                                {"r", "16a"},
                                                {"r", 100000},
                                                {"lora_alpha", "x"},
                                                {"use_rslora", 1},
                                                {"target_modules", {1}},
                                                {"modules_to_save", "lm_head"},
                                                {"rank_pattern", {1}},
                                                {"rank_pattern", {{"q.*", 2}}},
                                                {"rank_pattern", {{"q_proj", 0}}},
                                                {"alpha_pattern", {{"q_proj", "x"}}}};
  for (const auto& [key, value] : cases) {
    Json config = plain_config();
    config[key] = value;
    const Error error = error_of([&] { PeftConfig::from_json(config, "adapter_config.json"); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidInput) << key;
    EXPECT_THAT(error.message(), HasSubstr(std::string("adapter_config.json: ") + key)) << dump_json(value);
  }
}

TEST(Peft, WhatChangesNothingIsAccepted) {
  Json config = plain_config();
  config["eva_config"] = {{"rho", 2}};
  config["init_lora_weights"] = "gaussian";
  config["use_dora"] = false;
  config["layers_to_transform"] = nullptr;
  config["something_new"] = nullptr;
  config["target_modules"] = ".*_proj";
  const PeftConfig read = PeftConfig::from_json(config, "adapter_config.json");
  EXPECT_EQ(read.target_pattern, ".*_proj");
  EXPECT_EQ(read.to_json()["target_modules"], ".*_proj");
}

class PeftWeights : public ::testing::Test {
 protected:
  void SetUp() override { write_file_atomically(folder_ / "adapter_config.json", dump_json(plain_config())); }
  std::string failure(const std::vector<NamedTensor>& tensors) {
    write_safetensors(folder_ / "adapter_model.safetensors", tensors);
    const Error error = error_of([&] { read_peft_folder(folder_.path()); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
    EXPECT_THAT(error.message(), HasSubstr("adapter_model.safetensors: tensor "));
    return error.message();
  }
  TemporaryFolder folder_;
  Tensor a_ = counting({2, 4}, 1);
  Tensor b_ = counting({6, 2}, 1);
  const std::string name_ = "base_model.model." + kQuery;
};

TEST_F(PeftWeights, HalfAPair) {
  EXPECT_THAT(failure({{name_ + ".lora_A.weight", a_.view()}}), HasSubstr(kQuery + ": lora_B is missing"));
  EXPECT_THAT(failure({{name_ + ".lora_B.weight", b_.view()}}), HasSubstr(kQuery + ": lora_A is missing"));
}

TEST_F(PeftWeights, ShapesThatAreNoLora) {
  const Tensor b = counting({6, 3}, 1);
  EXPECT_THAT(failure({{name_ + ".lora_A.weight", a_.view()}, {name_ + ".lora_B.weight", b.view()}}),
              HasSubstr("lora_A [2, 4] and lora_B [6, 3] are no [r, in] and [out, r]"));
  const Tensor flat = counting({8}, 1);
  EXPECT_THAT(failure({{name_ + ".lora_A.weight", flat.view()}, {name_ + ".lora_B.weight", b_.view()}}),
              HasSubstr("[8]"));
}

TEST_F(PeftWeights, ARankThatTheConfigurationDoesNotSay) {
  const Tensor a = counting({3, 4}, 1);
  const Tensor b = counting({6, 3}, 1);
  EXPECT_THAT(failure({{name_ + ".lora_A.weight", a.view()}, {name_ + ".lora_B.weight", b.view()}}),
              HasSubstr("rank 3, but adapter_config.json says 2"));
}

TEST_F(PeftWeights, OtherTensors) {
  EXPECT_THAT(failure({{"q_proj.lora_A.weight", a_.view()}}), HasSubstr("expected a name after base_model.model."));
  EXPECT_THAT(failure({{name_ + ".lora_magnitude_vector", a_.view()}}), HasSubstr("neither LoRA's A or B"));
  EXPECT_THAT(failure({{"base_model.model.lm_head.weight", a_.view()}}), HasSubstr("modules_to_save"));
  const Tensor whole(DType::kI32, {2, 4});
  EXPECT_THAT(failure({{name_ + ".lora_A.weight", whole.view()}, {name_ + ".lora_B.weight", b_.view()}}),
              HasSubstr("of type i32"));
}

TEST_F(PeftWeights, HalfPrecisionIsReadAsF32) {
  Tensor a(DType::kBF16, {2, 4});
  Tensor b(DType::kF16, {6, 2});
  convert_from_f32(a_.f32(), a.view());
  convert_from_f32(b_.f32(), b.view());
  write_safetensors(folder_ / "adapter_model.safetensors",
                    {{name_ + ".lora_A.weight", a.view()}, {name_ + ".lora_B.weight", b.view()}});
  const AdapterFile adapter = read_peft_folder(folder_.path());
  expect_equal(adapter.modules.at(0).a, a_, "A");
  expect_equal(adapter.modules.at(0).b, b_, "B");
}

TEST(Peft, DamagedConfigurationsAreRefusedOrRead) {
  const std::string good = dump_json_pretty(small_adapter().config.to_json());
  for (int i = 0; i < fuzz_count(300); ++i) {
    try {
      PeftConfig::from_json(parse_json(damaged(good, static_cast<uint64_t>(i)), "damaged"), "damaged").to_json();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidInput) << "number " << i << ": " << error.message();
      EXPECT_THAT(error.message(), HasSubstr("damaged")) << "number " << i;
    }
  }
}

TEST(Peft, AFullDiskLeavesTheOldAdapter) {
  const TemporaryFolder folder;
  AdapterFile adapter = small_adapter();
  write_peft_folder(folder.path(), adapter);
  const std::string weights = read_file(folder / "adapter_model.safetensors");
  adapter.modules[0].a = counting({3, 4000}, 9);
  {
    const FullDisk disk(2000);
    EXPECT_EQ(error_of([&] { write_peft_folder(folder.path(), adapter); }).code(), ErrorCode::kIo);
  }
  EXPECT_EQ(read_file(folder / "adapter_model.safetensors"), weights);
  EXPECT_EQ(names_in(folder.path()).size(), 2U);
}

void write_gguf_adapter(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors, float alpha = 4) {
  GgufWriter writer;
  writer.set("general.architecture", "qwen2");
  writer.set("general.type", "adapter");
  writer.set("adapter.type", "lora");
  writer.set_f32("adapter.lora.alpha", alpha);
  for (const NamedTensor& tensor : tensors) writer.add(tensor.name, tensor.view);
  writer.write(path);
}

TEST(Peft, GgufAdaptersWithSeveralRanks) {
  const TemporaryFolder folder;
  const Tensor a2 = counting({2, 4}, 1);
  const Tensor b2 = counting({6, 2}, 1);
  const Tensor a1 = counting({1, 4}, 1);
  const Tensor b1 = counting({6, 1}, 1);
  write_gguf_adapter(folder / "a.gguf", {{"blk.0.ffn_up.weight.lora_a", a2.view()},
                                         {"blk.0.ffn_up.weight.lora_b", b2.view()},
                                         {"blk.1.ffn_up.weight.lora_a", a1.view()},
                                         {"blk.1.ffn_up.weight.lora_b", b1.view()}});
  const AdapterFile adapter = read_gguf_adapter(GgufFile(folder / "a.gguf"), {});
  ASSERT_EQ(adapter.modules.size(), 2U);
  EXPECT_EQ(adapter.modules[0].path, "model.layers.0.mlp.up_proj");
  EXPECT_EQ(adapter.modules[0].scale, 2);
  EXPECT_EQ(adapter.modules[1].scale, 4);
  EXPECT_EQ(adapter.config.scale_of("model.layers.1.mlp.up_proj"), 4);
  EXPECT_THAT(adapter.config.target_modules, ElementsAre("up_proj"));
}

TEST(Peft, GgufFilesThatAreNoAdapterAreRefused) {
  const TemporaryFolder folder;
  const Tensor a = counting({2, 4}, 1);
  const auto failure = [&] { return error_of([&] { read_gguf_adapter(GgufFile(folder / "a.gguf"), {}); }).message(); };
  write_gguf_adapter(folder / "a.gguf", {{"blk.0.attn_qkv.weight.lora_a", a.view()}});
  EXPECT_THAT(failure(), HasSubstr("a.gguf: tensor blk.0.attn_qkv.weight.lora_a: no lora_a or lora_b"));
  write_gguf_adapter(folder / "a.gguf", {{"token_embd.weight", a.view()}});
  EXPECT_THAT(failure(), HasSubstr("tensor token_embd.weight: no lora_a"));
  write_gguf_adapter(folder / "a.gguf", {{"blk.0.ffn_up.weight.lora_a", a.view()}});
  EXPECT_THAT(failure(), HasSubstr("model.layers.0.mlp.up_proj: lora_B is missing"));
  write_gguf_adapter(folder / "a.gguf", {}, INFINITY);
  EXPECT_THAT(failure(), HasSubstr("key adapter.lora.alpha: expected a finite number"));
  GgufWriter model;
  model.set("general.architecture", "llama");
  model.set("general.type", "model");
  model.write(folder / "a.gguf");
  EXPECT_THAT(failure(), HasSubstr("key general.type: expected \"adapter\", got \"model\""));
}

}  // namespace
}  // namespace understudy
