#include "engine/formats/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

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
using testing::names_in;
using testing::TemporaryFolder;

const std::filesystem::path kGolden = UNDERSTUDY_SOURCE_DIR "/../shared/golden";

// Writes GGUF byte by byte, right or wrong.
class RawGguf {
 public:
  template <class T>
  RawGguf& put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(T));
    return *this;
  }
  RawGguf& text(const std::string& text) {
    put(uint64_t{text.size()});
    bytes_ += text;
    return *this;
  }
  RawGguf& head(uint64_t n_tensors, uint64_t n_keys, uint32_t version = 3) {
    bytes_ += "GGUF";
    return put(version).put(n_tensors).put(n_keys);
  }
  RawGguf& key(const std::string& name, uint32_t type) { return text(name).put(type); }
  RawGguf& tensor(const std::string& name, const std::vector<uint64_t>& ne, uint32_t type, uint64_t offset) {
    text(name).put(static_cast<uint32_t>(ne.size()));
    for (const uint64_t n : ne) put(n);
    return put(type).put(offset);
  }
  RawGguf& data(size_t size, size_t alignment = 32) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment);
    bytes_.append(size, '\1');
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

std::string message_of(const std::string& file) {
  const Bytes bytes(file);
  const Error error = error_of([&] { GgufFile(bytes.span(), "model.gguf"); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidInput) << error.message();
  return error.message();
}

std::string bytes_of_view(ConstTensorView view) {
  return {static_cast<const char*>(view.data), view.bytes()};
}

void fill(GgufWriter& writer) {
  writer.set("general.architecture", "llama");
  writer.set_u32("a.u32", 4294967295U);
  writer.set_f32("a.f32", 0.5F);
  writer.set_bool("a.bool", true);
  writer.set_texts("a.texts", {"", "ä", "three"});
  writer.set_i32s("a.i32s", {-1, 2});
  writer.set_f32s("a.f32s", {1.5F, -2.0F});
}

std::string small_file(const TemporaryFolder& folder) {
  GgufWriter writer;
  fill(writer);
  Tensor a(DType::kF32, {2, 3});
  Tensor b(DType::kQ8_0, {2, 32});
  writer.add("a.weight", a.view());
  writer.add("b.weight", b.view());
  writer.write(folder / "small.gguf");
  return read_file(folder / "small.gguf");
}

TEST(Gguf, WhatIsWrittenIsReadAgain) {
  const TemporaryFolder folder;
  GgufWriter writer;
  fill(writer);
  std::vector<Tensor> tensors;
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0}) {
    std::vector<float> values;
    for (int i = 0; i < 3 * 64; ++i) values.push_back(static_cast<float>(i % 17) - 8);
    tensors.emplace_back(type, Shape{3, 64});
    convert_from_f32(values.data(), tensors.back().view());
    writer.add(std::string(to_string(type)) + ".weight", tensors.back().const_view());
  }
  writer.write(folder / "m.gguf");
  const GgufFile file(folder / "m.gguf");
  EXPECT_EQ(file.text("general.architecture"), "llama");
  EXPECT_EQ(file.integer("a.u32"), 4294967295);
  EXPECT_EQ(file.number("a.f32"), 0.5);
  EXPECT_EQ(file.flag("a.bool"), true);
  EXPECT_THAT(*file.texts("a.texts"), ElementsAre("", "ä", "three"));
  EXPECT_THAT(*file.integers("a.i32s"), ElementsAre(-1, 2));
  EXPECT_THAT(*file.numbers("a.f32s"), ElementsAre(1.5, -2.0));
  EXPECT_EQ(file.metadata().size(), 7U);
  ASSERT_EQ(file.tensors().size(), 4U);
  for (const Tensor& tensor : tensors) {
    const ConstTensorView read = file.required(std::string(to_string(tensor.type())) + ".weight");
    EXPECT_EQ(read.type, tensor.type());
    EXPECT_EQ(read.shape, tensor.shape());
    EXPECT_EQ(bytes_of_view(read), bytes_of_view(tensor.view()));
  }
  EXPECT_EQ(std::filesystem::file_size(folder / "m.gguf") % 32, 0U);
}

TEST(Gguf, TensorsMadeWhenTheirTurnComesAreTheSameFile) {
  const TemporaryFolder folder;
  const Tensor tensor(DType::kF16, {2, 5});
  GgufWriter at_once;
  at_once.add("x", tensor.view());
  at_once.write(folder / "at_once");
  GgufWriter later;
  later.add("x", DType::kF16, {2, 5}, [] { return Tensor(DType::kF16, {2, 5}); });
  later.write(folder / "later");
  EXPECT_EQ(read_file(folder / "later"), read_file(folder / "at_once"));
}

TEST(Gguf, EveryTypeOfValueIsRead) {
  RawGguf raw;
  raw.head(0, 13).key("u8", 0).put(uint8_t{200}).key("i8", 1).put(int8_t{-7}).key("u16", 2).put(uint16_t{60000});
  raw.key("i16", 3)
      .put(int16_t{-300})
      .key("u32", 4)
      .put(uint32_t{7})
      .key("i32", 5)
      .put(int32_t{-7})
      .key("f32", 6)
      .put(1.5F);
  raw.key("bool", 7).put(uint8_t{0}).key("u64", 10).put(uint64_t{1} << 40).key("i64", 11).put(int64_t{-5});
  raw.key("f64", 12).put(0.1);
  raw.key("bools", 9).put(uint32_t{7}).put(uint64_t{2}).put(uint8_t{1}).put(uint8_t{0});
  raw.key("u64s", 9).put(uint32_t{10}).put(uint64_t{1}).put(uint64_t{9});
  const Bytes bytes(raw.bytes());
  const GgufFile file(bytes.span(), "values");
  const std::pair<const char*, int64_t> integers[] = {
      {"u8", 200}, {"i8", -7}, {"u16", 60000}, {"i16", -300}, {"u32", 7}, {"i32", -7}, {"u64", int64_t{1} << 40},
      {"i64", -5}};
  for (const auto& [key, value] : integers) EXPECT_EQ(file.integer(key), value) << key;
  EXPECT_EQ(file.number("f32"), 1.5);
  EXPECT_EQ(file.number("f64"), 0.1);
  EXPECT_EQ(file.number("u32"), 7.0);
  EXPECT_EQ(file.flag("bool"), false);
  EXPECT_THAT(*file.integers("u64s"), ElementsAre(9));
  EXPECT_THAT(std::get<std::vector<bool>>(file.metadata().at("bools")), ElementsAre(true, false));
}

TEST(Gguf, AKeyOfAnotherTypeIsNamed) {
  const TemporaryFolder folder;
  small_file(folder);
  const GgufFile file(folder / "small.gguf");
  EXPECT_THAT(error_of([&] { (void)file.integer("general.architecture"); }).message(),
              HasSubstr("small.gguf: key general.architecture: expected a whole number, got a text"));
  EXPECT_THAT(error_of([&] { (void)file.number("a.texts"); }).message(),
              HasSubstr("expected a number, got a list of texts"));
  EXPECT_THAT(error_of([&] { (void)file.text("a.bool"); }).message(), HasSubstr("expected a text, got a boolean"));
  EXPECT_THAT(error_of([&] { (void)file.required_integer("gone"); }).message(), HasSubstr("key gone is missing"));
  EXPECT_THAT(error_of([&] { (void)file.required("gone"); }).message(), HasSubstr("tensor gone is missing"));
  EXPECT_FALSE(file.text("gone"));
  EXPECT_EQ(file.texts("gone"), nullptr);
}

TEST(Gguf, OtherTypesAreKnownByName) {
  RawGguf raw;
  raw.head(2, 0).tensor("q", {256, 2}, 12, 0).tensor("f", {3}, 0, 288).data(300);
  const Bytes bytes(raw.bytes());
  const GgufFile file(bytes.span(), "model.gguf");
  EXPECT_FALSE(file.find("q"));
  EXPECT_EQ(file.unsupported().at("q"), "Q4_K");
  EXPECT_EQ(file.required("f").shape, (Shape{3}));
  const std::string expected = "model.gguf: tensor q is of type Q4_K, which this version does not read";
  EXPECT_EQ(error_of([&] { (void)file.required("q"); }).message(), expected);
  EXPECT_EQ(error_of([&] { file.refuse_unsupported(); }).message(), expected);
}

TEST(Gguf, TheFilesOwnAlignmentCounts) {
  RawGguf raw;
  raw.head(2, 1).key("general.alignment", 4).put(uint32_t{8}).tensor("a", {1}, 0, 0).tensor("b", {1}, 0, 8).data(12, 8);
  const Bytes bytes(raw.bytes());
  const GgufFile file(bytes.span(), "model.gguf");
  EXPECT_EQ(static_cast<const char*>(file.find("b").data) - static_cast<const char*>(file.find("a").data), 8);
}

struct BadFile {
  RawGguf raw;
  std::string expected;
};

TEST(Gguf, WhatDoesNotFitIsRefusedNamingKeyOrTensor) {
  const auto tensor = [](const std::vector<uint64_t>& ne, uint32_t type, uint64_t offset, size_t data) {
    return RawGguf().head(1, 0).tensor("t", ne, type, offset).data(data);
  };
  const uint64_t huge = UINT64_C(1) << 62;
  const BadFile cases[] = {
      {RawGguf().text("no"), "does not begin with \"GGUF\""},
      {RawGguf().head(0, 0, 1), "GGUF version 1, expected 3"},
      {RawGguf().head(0, 0, 0x03000000), "a big-endian file"},
      {RawGguf().head(0, UINT64_MAX), "entries do not fit"},
      {RawGguf().head(UINT64_MAX, 0), "entries do not fit"},
      {RawGguf().head(0, 1).key("k", 99).put(uint64_t{0}), "key k: unknown type 99"},
      {RawGguf().head(0, 1).key("k", 7).put(uint8_t{2}), "key k: a boolean is 0 or 1, got 2"},
      {RawGguf().head(0, 1).key("k", 10).put(UINT64_MAX), "key k: 18446744073709551615 is above"},
      {RawGguf().head(0, 1).key("k", 8).put(UINT64_MAX), "key k: ends after"},
      {RawGguf().head(0, 1).key("k", 9).put(uint32_t{8}).put(UINT64_MAX / 8),
       "key k: 2305843009213693951 entries do not fit"},
      {RawGguf().head(0, 1).key("k", 9).put(uint32_t{0}).put(uint64_t{2}).put(uint8_t{1}),
       "key k: 2 entries do not fit"},
      {RawGguf().head(0, 1).key("k", 9).put(uint32_t{9}).put(uint64_t{0}), "key k: a list of lists"},
      {RawGguf().head(0, 2).key("k", 0).put(uint8_t{1}).key("k", 0).put(uint8_t{1}).data(9), "key k: stands twice"},
      {RawGguf().head(0, 1).text(std::string(70000, 'k')).data(64), "a string of 70000 bytes, expected at most 65535"},
      {RawGguf().head(0, 1).key("general.alignment", 4).put(uint32_t{0}), "general.alignment: expected a power of two"},
      {RawGguf().head(0, 1).key("general.alignment", 4).put(uint32_t{24}),
       "general.alignment: expected a power of two"},
      {RawGguf().head(0, 1).key("general.alignment", 4).put(uint32_t{1} << 30),
       "general.alignment: expected a power of two"},
      {RawGguf().head(0, 1).key("general.alignment", 8).text("32"),
       "general.alignment: expected a whole number, got a text"},
      {tensor({1, 1, 1, 1, 1}, 0, 0, 64), "tensor t: 5 dimensions"},
      {tensor({4}, 99, 0, 64), "tensor t: unknown tensor type 99"},
      {tensor({33}, 8, 0, 64), "tensor t: rows of 33 values, Q8_0 needs multiples of 32"},
      {tensor({huge, 4}, 0, 0, 64), "larger than any memory"},
      {tensor({0, 2, huge}, 0, 0, 64), "larger than any memory"},
      {tensor({huge / 8}, 0, 0, 64), "do not lie within the 64 bytes"},
      {tensor({UINT64_MAX}, 0, 0, 64), "is above"},
      {tensor({4}, 0, 4, 64), "offset 4 is no multiple of the alignment 32"},
      {tensor({4}, 0, 64, 64), "tensor t: its 16 bytes from offset 64 do not lie within the 64 bytes of data"},
      {tensor({4}, 0, UINT64_MAX - 31, 64), "do not lie within the 64 bytes of data"},
      {RawGguf().head(2, 0).tensor("a", {16}, 0, 0).tensor("b", {8}, 0, 32).data(64), "tensor b: overlaps"},
      {RawGguf().head(2, 0).tensor("a", {8}, 0, 0).tensor("a", {8}, 0, 32).data(64), "tensor a: stands twice"},
      {RawGguf().head(2, 0).tensor("a", {8}, 0, 0).tensor("a", {256}, 12, 32).data(256), "tensor a: stands twice"},
  };
  for (const BadFile& bad : cases) EXPECT_THAT(message_of(bad.raw.bytes()), HasSubstr(bad.expected));
}

TEST(Gguf, EveryTruncationIsRefusedNamingTheFile) {
  const TemporaryFolder folder;
  const std::string good = small_file(folder);
  const size_t needed =
      good.size() - (96 - 2 * kQ8BlockBytes);  // the padding behind the last tensor's two blocks is not missed
  for (size_t size = 0; size < needed; ++size) {
    EXPECT_THAT(message_of(good.substr(0, size)), HasSubstr("model.gguf")) << size;
  }
  const Bytes bytes(good.substr(0, needed));
  EXPECT_EQ(GgufFile(bytes.span(), "model.gguf").tensors().size(), 2U);
}

TEST(Gguf, DamageIsRefusedOrReadWithinTheFile) {
  const TemporaryFolder folder;
  const std::string good = small_file(folder);
  for (int i = 0; i < fuzz_count(400); ++i) {
    const Bytes bytes(damaged(good, static_cast<uint64_t>(i)));
    try {
      const GgufFile file(bytes.span(), "damaged");
      for (const auto& [name, view] : file.tensors())
        EXPECT_EQ(bytes_of_view(view).size(), view.bytes()) << "number " << i;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidInput) << "number " << i << ": " << error.message();
      EXPECT_THAT(error.message(), HasSubstr("damaged")) << "number " << i;
    }
  }
}

TEST(Gguf, AFullDiskLeavesWhatWasThere) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "t", "before");
  const Tensor large(DType::kF32, {1000});
  GgufWriter writer;
  writer.add("x", large.view());
  {
    const FullDisk disk(2000);
    EXPECT_EQ(error_of([&] { writer.write(folder / "t"); }).code(), ErrorCode::kIo);
  }
  EXPECT_EQ(read_file(folder / "t"), "before");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("t"));
}

TEST(Gguf, GoldenFilesOfEveryTypeAreRead) {
  if (!std::filesystem::exists(kGolden)) GTEST_SKIP() << "no golden files here";
  std::map<std::string, size_t> n_unread;
  for (const auto& entry : std::filesystem::directory_iterator(kGolden / "llama" / "gguf")) {
    if (entry.path().extension() != ".gguf") continue;
    const GgufFile file(entry.path());
    EXPECT_EQ(file.text("general.architecture"), "llama") << entry.path();
    for (const auto& [name, type] : file.unsupported()) ++n_unread[type];
    EXPECT_EQ(file.tensors().size() + file.unsupported().size(), file.text("general.type") ? 42U : 30U) << entry.path();
  }
  for (const char* type :
       {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"}) {
    EXPECT_GT(n_unread[type], 0U) << type;
  }
  EXPECT_EQ(n_unread.count("Q8_0") + n_unread.count("F16") + n_unread.count("F32"), 0U);
}

}  // namespace
}  // namespace understudy
