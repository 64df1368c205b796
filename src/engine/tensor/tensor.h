// Element types, shapes, owned memory and views of it. No arithmetic: that is engine/ops.
//   Tensor            owns 64-byte aligned memory on the CPU; movable
//   TensorView        borrows it for writing; ConstTensorView for reading. Row-major and contiguous.
// Shapes have up to four dimensions, outermost first: a weight is [out, in].
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace understudy {

enum class DType : uint8_t { kF32, kF16, kBF16, kQ8_0, kI64, kI32, kI16, kI8, kU8, kBool, kF64 };
std::string_view to_string(DType type);  // "f32", "q8_0", ...

// Q8_0: 32 values share one f16 scale: struct {uint16_t scale; int8_t values[32]}, 34 bytes, value = scale * q.
inline constexpr int64_t kQ8Block = 32;
inline constexpr int64_t kQ8BlockBytes = 34;

class Shape {
 public:
  static constexpr int kMaxRank = 4;
  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes);
  explicit Shape(std::span<const int64_t> sizes);
  int rank() const { return rank_; }
  int64_t operator[](int i) const { return sizes_[static_cast<size_t>(i)]; }
  int64_t elements() const;  // 1 for rank 0
  int64_t last() const { return rank_ == 0 ? 1 : sizes_[static_cast<size_t>(rank_ - 1)]; }
  int64_t rows() const;  // elements / last
  bool operator==(const Shape& other) const = default;
  std::string text() const;  // "[32, 128]"

 private:
  std::array<int64_t, kMaxRank> sizes_{};
  int rank_ = 0;
};

// Bytes of that many elements; for Q8_0 `elements` is a multiple of 32.
size_t bytes_of(DType type, int64_t elements);

struct ConstTensorView {
  const void* data = nullptr;
  DType type = DType::kF32;
  Shape shape;

  template <class T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
  const float* f32() const {
    CHECK(type == DType::kF32, "the tensor is not f32");
    return static_cast<const float*>(data);
  }
  size_t bytes() const { return bytes_of(type, shape.elements()); }
  explicit operator bool() const { return data != nullptr; }
};

struct TensorView {
  void* data = nullptr;
  DType type = DType::kF32;
  Shape shape;

  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  float* f32() const {
    CHECK(type == DType::kF32, "the tensor is not f32");
    return static_cast<float*>(data);
  }
  size_t bytes() const { return bytes_of(type, shape.elements()); }
  explicit operator bool() const { return data != nullptr; }
  operator ConstTensorView() const { return {data, type, shape}; }
};

class Tensor {
 public:
  Tensor() = default;
  Tensor(DType type, Shape shape);  // zeros; throws kOutOfMemory naming the size
  static Tensor uninitialized(DType type, Shape shape);
  Tensor(Tensor&&) noexcept = default;
  Tensor& operator=(Tensor&&) noexcept = default;

  explicit operator bool() const { return memory_ != nullptr; }
  TensorView view() { return {memory_.get(), type_, shape_}; }
  ConstTensorView view() const { return {memory_.get(), type_, shape_}; }
  ConstTensorView const_view() const { return {memory_.get(), type_, shape_}; }
  float* f32() { return view().f32(); }
  const float* f32() const { return view().f32(); }
  DType type() const { return type_; }
  const Shape& shape() const { return shape_; }
  size_t bytes() const { return bytes_of(type_, shape_.elements()); }

 private:
  struct Free {
    void operator()(void* memory) const;
  };
  std::unique_ptr<void, Free> memory_;
  DType type_ = DType::kF32;
  Shape shape_;
};

// Single values. Rounding is to nearest even; f16 overflows to infinity.
float f32_from_f16(uint16_t bits);
float f32_from_bf16(uint16_t bits);
uint16_t f16_from_f32(float value);
uint16_t bf16_from_f32(float value);

// Whole tensors, between f32 and any of f32, f16, bf16, q8_0 (q8_0: scale = max|x| / 127, as llama.cpp has it).
void convert_to_f32(ConstTensorView from, float* to);
void convert_from_f32(const float* from, TensorView to);
Tensor to_f32(ConstTensorView from);

}  // namespace understudy
