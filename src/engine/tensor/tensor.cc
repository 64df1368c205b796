#include "engine/tensor/tensor.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace understudy {

namespace {

struct TypeFacts {
  DType type;
  std::string_view name;
  size_t bytes;
};
constexpr TypeFacts kTypes[] = {{DType::kF32, "f32", 4},   {DType::kF16, "f16", 2}, {DType::kBF16, "bf16", 2},
                                {DType::kQ8_0, "q8_0", 0}, {DType::kI64, "i64", 8}, {DType::kI32, "i32", 4},
                                {DType::kI16, "i16", 2},   {DType::kI8, "i8", 1},   {DType::kU8, "u8", 1},
                                {DType::kBool, "bool", 1}, {DType::kF64, "f64", 8}};

constexpr size_t kAlignment = 64;  // one cache line, one AVX-512 register

void q8_row_to_f32(const uint8_t* blocks, int64_t n_blocks, float* to) {
  for (int64_t b = 0; b < n_blocks; ++b, blocks += kQ8BlockBytes, to += kQ8Block) {
    uint16_t bits = 0;
    std::memcpy(&bits, blocks, 2);
    const float scale = f32_from_f16(bits);
    const auto* values = reinterpret_cast<const int8_t*>(blocks + 2);
    for (int i = 0; i < kQ8Block; ++i) to[i] = scale * static_cast<float>(values[i]);
  }
}

void f32_to_q8_row(const float* from, int64_t n_blocks, uint8_t* blocks) {
  for (int64_t b = 0; b < n_blocks; ++b, blocks += kQ8BlockBytes, from += kQ8Block) {
    float largest = 0;
    for (int i = 0; i < kQ8Block; ++i) largest = std::max(largest, std::fabs(from[i]));
    const float scale = largest / 127.0F;
    const float inverse = scale != 0 ? 1.0F / scale : 0.0F;
    const uint16_t bits = f16_from_f32(scale);
    std::memcpy(blocks, &bits, 2);
    for (int i = 0; i < kQ8Block; ++i)
      blocks[2 + i] = static_cast<uint8_t>(static_cast<int8_t>(std::round(from[i] * inverse)));
  }
}

}  // namespace

std::string_view to_string(DType type) {
  for (const TypeFacts& facts : kTypes) {
    if (facts.type == type) return facts.name;
  }
  return "?";
}

size_t bytes_of(DType type, int64_t elements) {
  if (type == DType::kQ8_0) return static_cast<size_t>(elements / kQ8Block * kQ8BlockBytes);
  for (const TypeFacts& facts : kTypes) {
    if (facts.type == type) return facts.bytes * static_cast<size_t>(elements);
  }
  return 0;
}

Shape::Shape(std::initializer_list<int64_t> sizes) : Shape(std::span<const int64_t>(sizes.begin(), sizes.size())) {}

Shape::Shape(std::span<const int64_t> sizes) : rank_(static_cast<int>(sizes.size())) {
  CHECK(rank_ <= kMaxRank, "a tensor has at most four dimensions");
  for (int i = 0; i < rank_; ++i) sizes_[static_cast<size_t>(i)] = sizes[static_cast<size_t>(i)];
}

int64_t Shape::elements() const {
  int64_t n = 1;
  for (int i = 0; i < rank_; ++i) n *= sizes_[static_cast<size_t>(i)];
  return n;
}

int64_t Shape::rows() const {
  return last() == 0 ? 0 : elements() / last();
}

std::string Shape::text() const {
  std::string text = "[";
  for (int i = 0; i < rank_; ++i) text += fmt::format("{}{}", i == 0 ? "" : ", ", sizes_[static_cast<size_t>(i)]);
  return text + "]";
}

void Tensor::Free::operator()(void* memory) const {
  std::free(memory);
}

Tensor Tensor::uninitialized(DType type, Shape shape) {
  Tensor tensor;
  tensor.type_ = type;
  tensor.shape_ = shape;
  const size_t bytes = (bytes_of(type, shape.elements()) + kAlignment - 1) / kAlignment * kAlignment;
  tensor.memory_.reset(std::aligned_alloc(kAlignment, std::max(bytes, kAlignment)));
  if (tensor.memory_ == nullptr) {
    throw Error(ErrorCode::kOutOfMemory, fmt::format("no memory for a tensor {} of {} bytes", shape.text(), bytes),
                "use a smaller batch, sequence_len or model");
  }
  return tensor;
}

Tensor::Tensor(DType type, Shape shape) {
  *this = uninitialized(type, shape);
  std::memset(memory_.get(), 0, bytes());
}

float f32_from_bf16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

uint16_t bf16_from_f32(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFF) > 0x7F800000) return static_cast<uint16_t>((bits >> 16) | 0x40);  // a NaN stays one
  return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

float f32_from_f16(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = (half >> 10) & 0x1F;
  const uint32_t mantissa = half & 0x3FF;
  if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24
    const float size = static_cast<float>(mantissa) * 0x1.0p-24F;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(size) | sign);
  }
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000 | (mantissa << 13));
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

uint16_t f16_from_f32(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const uint32_t size = bits & 0x7FFFFFFF;
  if (size > 0x7F800000) return sign | 0x7E00;
  if (size >= 0x477FF000) return sign | 0x7C00;  // 65520 and above round to infinity
  if (size < 0x38800000) {                       // below 2^-14: subnormal, in steps of 2^-24
    const float steps = std::nearbyint(std::bit_cast<float>(size) * 0x1.0p24F);
    return sign | static_cast<uint16_t>(steps);
  }
  const uint32_t rounded = size + 0xFFF + ((size >> 13) & 1);
  return sign | static_cast<uint16_t>((rounded - 0x38000000) >> 13);
}

void convert_to_f32(ConstTensorView from, float* to) {
  const int64_t n = from.shape.elements();
  switch (from.type) {
    case DType::kF32:
      std::memcpy(to, from.data, static_cast<size_t>(n) * 4);
      return;
    case DType::kF16:
      for (int64_t i = 0; i < n; ++i) to[i] = f32_from_f16(from.as<uint16_t>()[i]);
      return;
    case DType::kBF16:
      for (int64_t i = 0; i < n; ++i) to[i] = f32_from_bf16(from.as<uint16_t>()[i]);
      return;
    case DType::kQ8_0:
      q8_row_to_f32(from.as<uint8_t>(), n / kQ8Block, to);
      return;
    default:
      break;
  }
  throw Error(ErrorCode::kInvalidInput,
              fmt::format("a tensor of type {} cannot be read as numbers of a model", to_string(from.type)));
}

void convert_from_f32(const float* from, TensorView to) {
  const int64_t n = to.shape.elements();
  switch (to.type) {
    case DType::kF32:
      std::memcpy(to.data, from, static_cast<size_t>(n) * 4);
      return;
    case DType::kF16:
      for (int64_t i = 0; i < n; ++i) to.as<uint16_t>()[i] = f16_from_f32(from[i]);
      return;
    case DType::kBF16:
      for (int64_t i = 0; i < n; ++i) to.as<uint16_t>()[i] = bf16_from_f32(from[i]);
      return;
    case DType::kQ8_0:
      CHECK(to.shape.last() % kQ8Block == 0, "q8_0 rows are multiples of 32");
      f32_to_q8_row(from, n / kQ8Block, to.as<uint8_t>());
      return;
    default:
      break;
  }
  CHECK(false, "not a type that weights are written in");
}

Tensor to_f32(ConstTensorView from) {
  Tensor tensor = Tensor::uninitialized(DType::kF32, from.shape);
  convert_to_f32(from, tensor.f32());
  return tensor;
}

}  // namespace understudy
