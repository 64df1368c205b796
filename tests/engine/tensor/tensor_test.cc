#include "engine/tensor/tensor.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/random.h"

namespace understudy {
namespace {

TEST(Shape, CountsItsElements) {
  const Shape shape{2, 3, 4};
  EXPECT_EQ(shape.elements(), 24);
  EXPECT_EQ(shape.last(), 4);
  EXPECT_EQ(shape.rows(), 6);
  EXPECT_EQ(shape.text(), "[2, 3, 4]");
  EXPECT_EQ(Shape{}.elements(), 1);
  EXPECT_EQ((Shape{3, 0}.rows()), 0);
  EXPECT_NE((Shape{2, 3}), (Shape{3, 2}));
  EXPECT_THROW((Shape{1, 1, 1, 1, 1}), Error);
}

TEST(Tensor, OwnsAlignedZeros) {
  const Tensor tensor(DType::kF32, {3, 5});
  ASSERT_TRUE(tensor);
  EXPECT_EQ(tensor.bytes(), 60U);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.f32()) % 64, 0U);
  for (int i = 0; i < 15; ++i) EXPECT_EQ(tensor.f32()[i], 0.0F);
  EXPECT_FALSE(Tensor());
  EXPECT_TRUE(Tensor(DType::kF32, {0, 4})) << "empty is not absent";
}

TEST(Tensor, AskedForMoreThanThereIsNamesTheSize) {
  try {
    Tensor tensor(DType::kF32, {int64_t{1} << 30, int64_t{1} << 20});
    GTEST_SKIP() << "this machine grants four petabytes";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
    EXPECT_NE(error.message().find("[1073741824, 1048576]"), std::string::npos) << error.message();
  }
}

TEST(Tensor, AViewOfAnotherTypeIsNotF32) {
  Tensor tensor(DType::kBF16, {4});
  EXPECT_THROW(tensor.f32(), Error);
}

// Every half value goes to float and back; float's own arithmetic says what the value is.
TEST(HalfPrecision, EveryF16ComesBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = f32_from_f16(half);
    const int exponent = (half >> 10) & 0x1F;
    if (exponent == 31 && (half & 0x3FF) != 0) {
      EXPECT_TRUE(std::isnan(value)) << bits;
      EXPECT_TRUE(std::isnan(f32_from_f16(f16_from_f32(value)))) << bits;
      continue;
    }
    const float expected = exponent == 31  ? std::numeric_limits<float>::infinity()
                           : exponent == 0 ? std::ldexp(static_cast<float>(half & 0x3FF), -24)
                                           : std::ldexp(static_cast<float>(1024 + (half & 0x3FF)), exponent - 25);
    ASSERT_EQ(std::fabs(value), expected) << bits;
    ASSERT_EQ(f16_from_f32(value), half) << bits;
  }
}

TEST(HalfPrecision, F16RoundsToTheNearestAndTiesToEven) {
  for (uint16_t half = 0; half < 0x7BFF; ++half) {
    const float low = f32_from_f16(half);
    const float high = f32_from_f16(static_cast<uint16_t>(half + 1));
    const float middle = low + (high - low) / 2;
    ASSERT_EQ(f16_from_f32(middle), half % 2 == 0 ? half : half + 1) << half;
    ASSERT_EQ(f16_from_f32(std::nextafter(middle, 0.0F)), half) << half;
    ASSERT_EQ(f16_from_f32(std::nextafter(middle, 1e9F)), half + 1) << half;
  }
  EXPECT_EQ(f16_from_f32(65519.99F), 0x7BFF);
  EXPECT_EQ(f16_from_f32(65520.0F), 0x7C00) << "infinity";
  EXPECT_EQ(f16_from_f32(-1e30F), 0xFC00);
}

TEST(HalfPrecision, Bf16RoundsToTheNearestAndTiesToEven) {
  for (uint32_t bits = 0; bits < 0x7F7F; ++bits) {
    const float low = f32_from_bf16(static_cast<uint16_t>(bits));
    const auto middle = std::bit_cast<float>((bits << 16) | 0x8000);
    ASSERT_EQ(bf16_from_f32(low), bits);
    ASSERT_EQ(bf16_from_f32(middle), bits % 2 == 0 ? bits : bits + 1) << bits;
    ASSERT_EQ(bf16_from_f32(std::bit_cast<float>((bits << 16) | 0x7FFF)), bits) << bits;
    ASSERT_EQ(bf16_from_f32(std::bit_cast<float>((bits << 16) | 0x8001)), bits + 1) << bits;
  }
  EXPECT_TRUE(std::isnan(f32_from_bf16(bf16_from_f32(std::bit_cast<float>(0x7F800001U)))));
  EXPECT_TRUE(std::isinf(f32_from_bf16(bf16_from_f32(std::numeric_limits<float>::max()))));
}

// A block's scale is max|x| / 127 in f16: its rounding adds up to 2^-11 of the value to half a step.
TEST(Conversion, Q8StaysWithinHalfAStep) {
  Random random(11);
  std::vector<float> values(256);
  for (float& value : values) value = static_cast<float>(random.normal());
  Tensor packed(DType::kQ8_0, {2, 128});
  EXPECT_EQ(packed.bytes(), 272U);
  convert_from_f32(values.data(), packed.view());
  std::vector<float> back(256);
  convert_to_f32(packed.const_view(), back.data());
  for (size_t block = 0; block < 256; block += 32) {
    float largest = 0;
    for (size_t i = block; i < block + 32; ++i) largest = std::max(largest, std::fabs(values[i]));
    for (size_t i = block; i < block + 32; ++i) {
      EXPECT_NEAR(back[i], values[i], largest / 127 * 0.5 + largest * 0x1p-11) << i;
    }
  }
}

TEST(Conversion, ZerosAndTypesGoBothWays) {
  const std::vector<float> values = {0, 1, -2, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                     0, 0, 0,  0,   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16}) {
    Tensor tensor(type, {32});
    convert_from_f32(values.data(), tensor.view());
    const Tensor back = to_f32(tensor.const_view());
    EXPECT_EQ(std::memcmp(back.f32(), values.data(), 128), 0) << to_string(type);
  }
  Tensor zeros(DType::kQ8_0, {32});
  convert_from_f32(std::vector<float>(32).data(), zeros.view());
  EXPECT_EQ(to_f32(zeros.const_view()).f32()[31], 0.0F) << "a block of zeros has the scale 0";
  EXPECT_THROW(to_f32(Tensor(DType::kI64, {2}).const_view()), Error);
  Tensor odd(DType::kQ8_0, {2, 16});
  EXPECT_THROW(convert_from_f32(values.data(), odd.view()), Error);
}

TEST(DType, NamesAndSizes) {
  EXPECT_EQ(to_string(DType::kQ8_0), "q8_0");
  EXPECT_EQ(bytes_of(DType::kQ8_0, 64), 68U);
  EXPECT_EQ(bytes_of(DType::kBF16, 3), 6U);
  EXPECT_EQ(bytes_of(DType::kI64, 3), 24U);
}

}  // namespace
}  // namespace understudy
