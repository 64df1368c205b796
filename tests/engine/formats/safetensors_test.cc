#include "engine/formats/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/json.h"
#include "tests/support/file_faults.h"
#include "tests/support/fuzz_count.h"
#include "tests/support/temporary_folder.h"

namespace understudy {
namespace {

using testing::Bytes;
using testing::damaged;
using ::testing::ElementsAre;
using testing::error_of;
using testing::FullDisk;
using testing::fuzz_count;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::names_in;
using testing::TemporaryFolder;

const std::filesystem::path kGolden = UNDERSTUDY_SOURCE_DIR "/../shared/golden";

Tensor counting(DType type, Shape shape) {
  Tensor tensor(type, shape);
  std::vector<float> values;
  for (int64_t i = 0; i < shape.elements(); ++i) values.push_back(static_cast<float>(i) - 3.5F);
  convert_from_f32(values.data(), tensor.view());
  return tensor;
}

std::string file_of(const std::string& header, size_t data_bytes) {
  std::string bytes(8, '\0');
  const uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data_bytes, 'x');
}

std::string message_of(const std::string& file) {
  const Bytes bytes(file);
  const Error error = error_of([&] { SafetensorsFile(bytes.span(), "weights.st"); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
  return error.message();
}

std::string same_bytes(ConstTensorView view) {
  return std::string(static_cast<const char*>(view.data), view.bytes());
}

std::string small_file(const TemporaryFolder& folder) {
  const Tensor a = counting(DType::kF32, {2, 3});
  const Tensor b = counting(DType::kBF16, {4});
  write_safetensors(folder / "small.safetensors", {{"a.weight", a.view()}, {"b", b.view()}},
                    {{"format", "pt"}, {"k", "v"}});
  return read_file(folder / "small.safetensors");
}

TEST(Safetensors, WhatIsWrittenIsReadAgain) {
  const TemporaryFolder folder;
  const Tensor f32 = counting(DType::kF32, {2, 3});
  const Tensor f16 = counting(DType::kF16, {5});
  const Tensor bf16 = counting(DType::kBF16, {1, 2, 3, 4});
  const Tensor i64(DType::kI64, {3});
  const Tensor scalar(DType::kF32, {});
  const Tensor nothing(DType::kF32, {0, 7});
  const std::vector<NamedTensor> tensors = {{"z", f32.view()},         {"f16", f16.view()},
                                            {"bf16", bf16.view()},     {"i64", i64.view()},
                                            {"scalar", scalar.view()}, {"nothing", nothing.view()}};
  write_safetensors(folder / "t.safetensors", tensors, {{"format", "pt"}, {"note", "ümlaut"}});
  const SafetensorsFile file(folder / "t.safetensors");
  ASSERT_EQ(file.tensors().size(), tensors.size());
  for (const NamedTensor& tensor : tensors) {
    const ConstTensorView read = file.find(tensor.name);
    ASSERT_TRUE(read) << tensor.name;
    EXPECT_EQ(read.shape, tensor.view.shape) << tensor.name;
    EXPECT_EQ(read.type, tensor.view.type) << tensor.name;
    EXPECT_EQ(same_bytes(read), same_bytes(tensor.view)) << tensor.name;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(read.data) % bytes_of(read.type, 1), 0U) << tensor.name;
  }
  EXPECT_EQ(file.metadata().at("note"), "ümlaut");
  EXPECT_FALSE(file.find("absent"));
}

TEST(Safetensors, TheDataBeginsAtAMultipleOfEight) {
  const TemporaryFolder folder;
  for (size_t extra = 0; extra < 8; ++extra) {
    const Tensor tensor = counting(DType::kF32, {2});
    write_safetensors(folder / "t", {{"x" + std::string(extra, 'y'), tensor.view()}});
    EXPECT_EQ(std::filesystem::file_size(folder / "t") % 8, 0U);
  }
}

TEST(Safetensors, GoldenFilesAreReadAndWrittenByteForByte) {
  if (!std::filesystem::exists(kGolden)) GTEST_SKIP() << "no golden files here";
  const TemporaryFolder folder;
  size_t n_files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kGolden)) {
    if (entry.path().extension() != ".safetensors") continue;
    const SafetensorsFile file(entry.path());
    EXPECT_FALSE(file.tensors().empty());
    ++n_files;
    std::vector<NamedTensor> tensors;
    for (const auto& [name, view] : file.tensors()) tensors.push_back({name, view});
    write_safetensors(folder / "again", tensors, file.metadata());
    EXPECT_TRUE(read_file(folder / "again") == read_file(entry.path())) << entry.path();
  }
  EXPECT_GT(n_files, 10U);
}

TEST(Safetensors, EveryTruncationIsRefusedNamingTheFile) {
  const TemporaryFolder folder;
  const std::string good = small_file(folder);
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_THAT(message_of(good.substr(0, size)), HasSubstr("weights.st")) << size;
  }
  EXPECT_THAT(message_of(good + "x"), HasSubstr("bytes of data, but the tensors fill"));
}

struct BadHeader {
  std::string header;
  size_t data_bytes;
  std::string expected;
};

TEST(Safetensors, WhatDoesNotFitIsRefusedNamingTheTensor) {
  const BadHeader cases[] = {
      {R"([1])", 0, "header: expected an object"},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})", 4, "weights.st"},
      {R"({"t":7})", 0, "tensor t: expected an object"},
      {R"({"t":{"shape":[1],"data_offsets":[0,4]}})", 4, "tensor t: dtype is missing"},
      {R"({"t":{"dtype":3,"shape":[1],"data_offsets":[0,4]}})", 4, "dtype: expected a string"},
      {R"({"t":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}})", 4,
       "tensor t: is of type F8_E4M3, which this version"},
      {R"({"t":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})", 4, "shape: expected a list"},
      {R"({"t":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4, "shape: expected whole numbers from 0"},
      {R"({"t":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4, "shape: expected whole numbers from 0"},
      {R"({"t":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]}})", 4,
       "shape: expected whole numbers"},
      {R"({"t":{"dtype":"F32","shape":[1,1,1,1,1],"data_offsets":[0,4]}})", 4, "5 dimensions, expected at most 4"},
      {R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4, "does not fill its 4 bytes"},
      {R"({"t":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0, "does not fill its 0 bytes"},
      {R"({"t":{"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]}})", 0,
       "does not fill its 0 bytes"},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", 4, "[0, 8] does not lie within the 4 bytes"},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4, "[4, 0] does not lie within the 4 bytes"},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4, "data_offsets: expected two whole numbers"},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", 4, "data_offsets: expected two whole numbers"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       4, "tensor b: begins at byte 0 of the data, expected 4"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
       12, "tensor b: begins at byte 8 of the data, expected 4"},
      {R"({"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
       2, "t"},
      {R"({"__metadata__":{"a":1}})", 0, "__metadata__.a: expected a string"},
      {R"({"__metadata__":[]})", 0, "__metadata__: expected an object"},
  };
  for (const BadHeader& bad : cases) {
    EXPECT_THAT(message_of(file_of(bad.header, bad.data_bytes)), HasSubstr(bad.expected)) << bad.header;
  }
}

TEST(Safetensors, AHeaderLargerThanTheFileOrTheLimitIsRefused) {
  std::string bytes = file_of("{}", 0);
  bytes[0] = 3;
  EXPECT_THAT(message_of(bytes), HasSubstr("the header says 3 bytes, but only 2 follow"));
  std::fill(bytes.begin(), bytes.begin() + 8, '\xFF');
  EXPECT_THAT(message_of(bytes), HasSubstr("expected at most 100000000"));
}

TEST(Safetensors, ATensorAtAnOddAddressIsReadAllTheSame) {
  const std::string header =
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})";
  std::string file = file_of(header, 1);
  const float value = 2.5F;
  file.append(reinterpret_cast<const char*>(&value), 4);
  const Bytes bytes(file);
  EXPECT_EQ(SafetensorsFile(bytes.span(), "odd").find("b").f32()[0], 2.5F);
}

TEST(Safetensors, DamageIsRefusedOrReadWithinTheFile) {
  const TemporaryFolder folder;
  const std::string good = small_file(folder);
  for (int i = 0; i < fuzz_count(400); ++i) {
    const Bytes bytes(damaged(good, static_cast<uint64_t>(i)));
    try {
      const SafetensorsFile file(bytes.span(), "damaged");
      for (const auto& [name, view] : file.tensors())
        EXPECT_EQ(same_bytes(view).size(), view.bytes()) << "number " << i;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidInput) << "number " << i << ": " << error.message();
      EXPECT_THAT(error.message(), HasSubstr("damaged")) << "number " << i;
    }
  }
}

TEST(Safetensors, AFullDiskLeavesWhatWasThere) {
  const TemporaryFolder folder;
  const Tensor large = counting(DType::kF32, {1000});
  write_file_atomically(folder / "t", "before");
  {
    const FullDisk disk(2000);
    EXPECT_EQ(error_of([&] { write_safetensors(folder / "t", {{"x", large.view()}}); }).code(), ErrorCode::kIo);
  }
  EXPECT_EQ(read_file(folder / "t"), "before");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("t"));
}

class SafetensorsFolderTest : public ::testing::Test {
 protected:
  void shard(const std::string& name, const std::string& tensor, float value) {
    Tensor one(DType::kF32, {1});
    one.f32()[0] = value;
    write_safetensors(folder_ / name, {{tensor, one.view()}});
  }
  void index(const std::string& text) { write_file_atomically(folder_ / "model.safetensors.index.json", text); }
  Error failure() {
    return error_of([&] { SafetensorsFolder(folder_.path()); });
  }
  TemporaryFolder folder_;
};

TEST_F(SafetensorsFolderTest, ASingleFile) {
  shard("model.safetensors", "a", 1);
  const SafetensorsFolder weights(folder_.path());
  EXPECT_EQ(weights.find("a").f32()[0], 1);
  EXPECT_FALSE(weights.find("b"));
  EXPECT_EQ(weights.describe("a"), (folder_ / "model.safetensors").string() + ": tensor a");
}

TEST_F(SafetensorsFolderTest, Shards) {
  shard("model-1.safetensors", "b", 1);
  shard("model-2.safetensors", "a", 2);
  index(R"({"metadata":{"total_size":8},"weight_map":{"b":"model-1.safetensors","a":"model-2.safetensors"}})");
  const SafetensorsFolder weights(folder_.path());
  EXPECT_THAT(weights.names(), ElementsAre("a", "b"));
  EXPECT_EQ(weights.find("b").f32()[0], 1);
  EXPECT_EQ(weights.find("a").f32()[0], 2);
  EXPECT_EQ(weights.describe("a"), (folder_ / "model-2.safetensors").string() + ": tensor a");
  EXPECT_THAT(weights.paths(), ElementsAre(folder_ / "model-1.safetensors", folder_ / "model-2.safetensors"));
}

TEST_F(SafetensorsFolderTest, AnIndexMayNotLeaveTheFolder) {
  const TemporaryFolder other;
  const Tensor one(DType::kF32, {1});
  write_safetensors(other / "secret", {{"a", one.view()}});
  const std::string way = std::filesystem::relative(other / "secret", folder_.path()).string();
  for (const std::string& name : {way, (other / "secret").string(), std::string("x/../") + way, std::string()}) {
    index(dump_json(Json{{"weight_map", {{"a", name}}}}));
    EXPECT_THAT(failure().message(), HasSubstr("weight_map.a: " + name + " does not lie inside the folder"));
  }
}

TEST_F(SafetensorsFolderTest, WhatTheIndexPromisesHasToBeThere) {
  shard("model-1.safetensors", "b", 1);
  index(R"({"weight_map":{"a":"model-1.safetensors"}})");
  EXPECT_THAT(failure().message(), HasSubstr("model-1.safetensors: tensor a is missing"));
  index(R"({"weight_map":{"a":"model-9.safetensors"}})");
  EXPECT_EQ(failure().code(), ErrorCode::kNotFound);
  index(R"({"weight_map":["a"]})");
  EXPECT_THAT(failure().message(), HasSubstr("weight_map: expected an object"));
  index(R"({"weight_map":{"a":3}})");
  EXPECT_THAT(failure().message(), HasSubstr("weight_map.a: expected a file name"));
}

TEST_F(SafetensorsFolderTest, NoWeightsAtAll) {
  EXPECT_EQ(failure().code(), ErrorCode::kNotFound);
  EXPECT_THAT(failure().message(), HasSubstr("neither model.safetensors nor model.safetensors.index.json"));
}

}  // namespace
}  // namespace understudy
