#include "workflow/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/json.h"
#include "engine/formats/gguf.h"
#include "engine/text/tokenizer.h"
#include "tests/support/file_faults.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace understudy {
namespace {

using testing::bytes_of_file;
using ::testing::ElementsAre;
using testing::error_of;
using testing::FullDisk;
using ::testing::HasSubstr;
using testing::names_in;
using testing::TemporaryFolder;

class ExportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(config_, folder_ / "base");
    write_peft_folder(folder_ / "adapter", testing::tiny_adapter(config_));
    options_.base = folder_ / "base";
    options_.adapter = folder_ / "adapter";
    options_.out = folder_ / "out";
  }
  Json card() const { return parse_json(bytes_of_file(folder_ / "out/card.json"), "card.json"); }
  Error failure() {
    return error_of([&] { export_specialist(options_); });
  }
  ModelConfig config_ = testing::tiny_config(Family::kLlama);
  const TemporaryFolder folder_;
  ExportOptions options_;
};

TEST_F(ExportTest, WritesModelAdapterAndCard) {
  const ExportResult result = export_specialist(options_);
  EXPECT_THAT(names_in(folder_ / "out"), ElementsAre("adapter.gguf", "card.json", "final_model.gguf"));
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("adapter", "base", "out"));
  ASSERT_EQ(result.files.size(), 3U);
  for (const ExportedFile& file : result.files) EXPECT_EQ(file.bytes, std::filesystem::file_size(file.path));
  const GgufFile model(folder_ / "out/final_model.gguf");
  EXPECT_EQ(model.text("general.name"), "out");
  EXPECT_EQ(GgufFile(folder_ / "out/adapter.gguf").text("general.type"), "adapter");
}

TEST_F(ExportTest, TheCardNamesWhatItWasMadeFrom) {
  const std::string dataset =
      R"({"sha256":"abc","rows":7,"schema":{"type":"object"},"tool_schema":null,)"
      R"("prompt_tokens":{"p50":10,"p95":20,"p99_5":30},"answer_tokens":{"p50":1,"p95":2,"p99_5":3}})";
  folder_.write("adapter/dataset.json", dataset);
  options_.report = folder_.write("report.json", R"({"n":12,"exact_record":{"value":0.5}})");
  options_.name = "receipts";
  export_specialist(options_);
  const Json card = this->card();
  EXPECT_EQ(card["name"], "receipts");
  const std::string weights = sha256_hex_of_file(folder_ / "base/model.safetensors");
  const std::string config = sha256_hex_of_file(folder_ / "base/config.json");
  const std::string tokenizer = sha256_hex_of_file(folder_ / "base/tokenizer.json");
  EXPECT_EQ(card["base"]["files"]["model.safetensors"], weights);
  EXPECT_EQ(card["base"]["sha256"], sha256_hex(config + "  config.json\n" + weights + "  model.safetensors\n" +
                                               tokenizer + "  tokenizer.json\n"));
  EXPECT_EQ(card["adapter"]["files"]["adapter_model.safetensors"],
            sha256_hex_of_file(folder_ / "adapter/adapter_model.safetensors"));
  EXPECT_EQ(card["dataset"], (Json{{"sha256", "abc"}, {"rows", 7}}));
  EXPECT_EQ(card["schema"]["type"], "object");
  EXPECT_EQ(card["tool_schema"], nullptr);
  EXPECT_EQ(card["prompt_tokens"]["p99_5"], 30);
  EXPECT_EQ(card["answer_tokens"]["p95"], 2);
  EXPECT_EQ(card["evaluation"]["n"], 12);
  EXPECT_EQ(card["chat_template"]["sha256"], sha256_hex("{{ messages[0]['content'] }}"));
  EXPECT_EQ(card["files"]["final_model.gguf"]["sha256"], sha256_hex_of_file(folder_ / "out/final_model.gguf"));
  EXPECT_EQ(card["files"]["final_model.gguf"]["type"], "f16");
  EXPECT_EQ(card["files"]["adapter.gguf"]["sha256"], sha256_hex_of_file(folder_ / "out/adapter.gguf"));
}

TEST_F(ExportTest, WithoutAnAdapterTheBaseAloneIsWritten) {
  options_.adapter.reset();
  options_.type = DType::kQ8_0;
  export_specialist(options_);
  EXPECT_THAT(names_in(folder_ / "out"), ElementsAre("card.json", "final_model.gguf"));
  EXPECT_EQ(card()["adapter"], nullptr);
  EXPECT_EQ(card()["dataset"], nullptr);
  EXPECT_EQ(card()["evaluation"], nullptr);
  EXPECT_EQ(card()["files"]["final_model.gguf"]["type"], "q8_0");
}

TEST_F(ExportTest, AGgufAdapterDoesAsWell) {
  export_specialist(options_);
  const std::string merged = bytes_of_file(folder_ / "out/final_model.gguf");
  std::filesystem::rename(folder_ / "out/adapter.gguf", folder_ / "a.gguf");
  options_.adapter = folder_ / "a.gguf";
  export_specialist(options_);
  EXPECT_TRUE(bytes_of_file(folder_ / "out/final_model.gguf") == merged);
}

TEST_F(ExportTest, TheTokenizerThatTrainingLeftComesFirst) {
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
    std::filesystem::copy_file(folder_ / "base" / name, folder_ / "adapter" / name);
  }
  folder_.write("adapter/chat_template.jinja", "trained");
  export_specialist(options_);
  EXPECT_EQ(card()["chat_template"]["text"], "trained");
  EXPECT_EQ(GgufFile(folder_ / "out/final_model.gguf").text("tokenizer.chat_template"), "trained");
}

TEST_F(ExportTest, ModulesTrainedWholeLeaveTheAdapterFileOutAndSaySo) {
  AdapterFile adapter = testing::tiny_adapter(config_);
  adapter.config.modules_to_save = {"lm_head"};
  adapter.saved.push_back({"lm_head.weight", Tensor(DType::kF32, {config_.vocab_size, config_.width})});
  write_peft_folder(folder_ / "adapter", adapter);
  const ExportResult result = export_specialist(options_);
  EXPECT_THAT(result.warnings,
              ElementsAre(HasSubstr("adapter.gguf is not written: the adapter trained lm_head whole")));
  EXPECT_THAT(names_in(folder_ / "out"), ElementsAre("card.json", "final_model.gguf"));
  EXPECT_EQ(card()["warnings"], Json(result.warnings));
  EXPECT_EQ(card()["adapter"]["modules_to_save"], Json::array({"lm_head"}));
  EXPECT_FALSE(card()["files"].contains("adapter.gguf"));
}

TEST_F(ExportTest, OtherFilesOfTheFolderStay) {
  options_.out = folder_ / "adapter";
  export_specialist(options_);
  EXPECT_THAT(names_in(folder_ / "adapter"), ElementsAre("adapter.gguf", "adapter_config.json",
                                                         "adapter_model.safetensors", "card.json", "final_model.gguf"));
}

TEST_F(ExportTest, AFullDiskLeavesWhatWasThere) {
  folder_.write("out/final_model.gguf", "before");
  {
    const FullDisk disk(30000);
    EXPECT_EQ(failure().code(), ErrorCode::kIo);
  }
  EXPECT_THAT(names_in(folder_ / "out"), ElementsAre("final_model.gguf"));
  EXPECT_EQ(bytes_of_file(folder_ / "out/final_model.gguf"), "before");
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("adapter", "base", "out"));
}

TEST_F(ExportTest, AStopLeavesNothing) {
  std::stop_source source;
  options_.stop = source.get_token();
  source.request_stop();
  EXPECT_EQ(failure().code(), ErrorCode::kCancelled);
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("adapter", "base"));
}

TEST_F(ExportTest, WhatIsMissingIsNamedAndNothingIsWritten) {
  options_.report = folder_.write("report.json", "[1]");
  EXPECT_THAT(failure().message(), HasSubstr("report.json: expected an object"));
  options_.report.reset();
  options_.adapter = folder_ / "nowhere";
  EXPECT_EQ(failure().code(), ErrorCode::kNotFound);
  options_.base = folder_ / "base/model.safetensors";
  EXPECT_THAT(failure().message(), HasSubstr("no such folder"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
}

}  // namespace
}  // namespace understudy
