// Runs the built program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/formats/safetensors.h"
#include "tests/support/golden.h"
#include "tests/support/run_command.h"
#include "tests/support/tiny_model.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string joined(const std::vector<int>& ids) {
  std::string text;
  for (const int id : ids) text += std::to_string(id) + " ";
  return text;
}

// |a - b| / |b| in the L2 norm.
double relative_distance(ConstTensorView a, ConstTensorView b) {
  EXPECT_EQ(a.shape, b.shape);
  double difference = 0;
  double norm = 0;
  for (int64_t i = 0; i < b.shape.elements(); ++i) {
    difference += std::pow(static_cast<double>(a.f32()[i]) - static_cast<double>(b.f32()[i]), 2);
    norm += std::pow(static_cast<double>(b.f32()[i]), 2);
  }
  return std::sqrt(difference / norm);
}

// Two models' reference logits were computed with rounded rotary frequencies (tests/engine/model/golden_test.cc).
double logits_tolerance(const std::string& model) {
  return model == "llama" || model == "qwen3" ? 3e-3 : 1e-3;
}

TEST(LogitsCommand, WritesTheReferencesLogits) {
  const TemporaryFolder folder;
  for (const std::string& name : test::golden_models()) {
    SKIP_WITHOUT_GOLDEN(name);
    const std::filesystem::path model = test::golden_folder() / name;
    const std::vector<int> ids = test::golden_figures(name).at("input_ids").at(0).get<std::vector<int>>();
    const std::string out = (folder / "f.safetensors").string();
    const CommandResult result = run_understudy({"logits", model.string(), "--tokens", joined(ids), "--out", out});
    ASSERT_EQ(result.status, 0) << result.errors;
    EXPECT_THAT(result.output, IsEmpty());
    const SafetensorsFile written(out);
    const SafetensorsFile expected(model / "logits.safetensors");
    EXPECT_LE(relative_distance(written.find("logits"), expected.find("seq0")), logits_tolerance(name)) << name;
    const CommandResult adapted =
        run_understudy({"logits", model.string(), "--adapter", (model / "lora" / "trained").string(), "--tokens",
                        joined(ids), "--out", out});
    ASSERT_EQ(adapted.status, 0) << adapted.errors;
    const SafetensorsFile with_adapter(out);
    const SafetensorsFile trained(model / "lora" / "trained_logits.safetensors");
    EXPECT_LE(relative_distance(with_adapter.find("logits"), trained.tensors().begin()->second), logits_tolerance(name))
        << name;
  }
}

TEST(LogitsCommand, ARowIsTheSameWhereverTheTextIsCut) {
  const TemporaryFolder folder;
  const std::string model = write_byte_model(folder).string();
  const std::string whole = (folder / "whole.safetensors").string();
  const std::string part = (folder / "part.safetensors").string();
  std::string tokens;
  for (int i = 0; i < 40; ++i) tokens += (i == 0 ? "" : ",") + std::to_string(i * 7 % 256);
  ASSERT_EQ(run_understudy({"logits", model, "--tokens", tokens, "--out", whole}).status, 0);
  ASSERT_EQ(run_understudy({"logits", model, "--tokens", "0 7 14", "--out", part}).status, 0);
  const SafetensorsFile many(whole);
  const SafetensorsFile few(part);
  ASSERT_EQ(many.find("logits").shape, (Shape{40, 258}));
  ASSERT_EQ(few.find("logits").shape, (Shape{3, 258}));
  for (int64_t i = 0; i < few.find("logits").shape.elements(); ++i) {
    ASSERT_EQ(few.find("logits").f32()[i], many.find("logits").f32()[i]) << "at " << i;
  }
}

TEST(LogitsCommand, RefusesWhatItCannotRead) {
  const TemporaryFolder folder;
  const std::string model = write_byte_model(folder).string();
  const std::string out = (folder / "f.safetensors").string();
  const auto fails_with = [&](const std::string& tokens, const char* sentence) {
    const CommandResult result = run_understudy({"logits", model, "--tokens", tokens, "--out", out});
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.errors, HasSubstr(sentence));
  };
  fails_with("1 x 3", "expected token ids from 0 to 257, got \"x\"");
  fails_with("258", "got \"258\"");
  fails_with("-1", "got \"-1\"");
  fails_with(" ", "at least one token id");
  std::string many;
  for (int i = 0; i < 257; ++i) many += "1 ";
  fails_with(many, "257 are more than the model's 256 positions");
  EXPECT_FALSE(std::filesystem::exists(out));
  EXPECT_EQ(run_understudy({"logits", model, "--tokens", "1", "--out", out, "--compute", "f64"}).status, 2);
  EXPECT_EQ(run_understudy({"logits", (folder / "none").string(), "--tokens", "1", "--out", out}).status, 2);
}

}  // namespace
}  // namespace understudy::testing
