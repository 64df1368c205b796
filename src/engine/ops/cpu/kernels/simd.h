// One small vector type, F, and what the kernels need of it: the only file with instruction sets in it. Included by
// kernels.cc, which is compiled once per set into a namespace of that set's name.
//   kLanes            floats in a vector
//   load_n/store_n    the first n lanes; the others read as zero and are not written
#pragma once

#include <immintrin.h>

#include <cstdint>

#if defined(__AVX512F__)
#define UNDERSTUDY_ISA_NAMESPACE avx512
#else
#define UNDERSTUDY_ISA_NAMESPACE avx2
#endif

namespace understudy::UNDERSTUDY_ISA_NAMESPACE {
namespace {

#if defined(__AVX512F__)

constexpr int64_t kLanes = 16;
using F = __m512;

inline __mmask16 first(int64_t n) {
  return n >= 16 ? static_cast<__mmask16>(0xFFFF) : static_cast<__mmask16>((1U << n) - 1U);
}
inline F zero() {
  return _mm512_setzero_ps();
}
inline F all(float x) {
  return _mm512_set1_ps(x);
}
inline F load(const float* p) {
  return _mm512_loadu_ps(p);
}
inline F load_n(const float* p, int64_t n) {
  return _mm512_maskz_loadu_ps(first(n), p);
}
inline void store(float* p, F x) {
  _mm512_storeu_ps(p, x);
}
inline void store_n(float* p, F x, int64_t n) {
  _mm512_mask_storeu_ps(p, first(n), x);
}
inline F fma(F a, F b, F c) {
  return _mm512_fmadd_ps(a, b, c);
}
inline F add(F a, F b) {
  return _mm512_add_ps(a, b);
}
inline F sub(F a, F b) {
  return _mm512_sub_ps(a, b);
}
inline F mul(F a, F b) {
  return _mm512_mul_ps(a, b);
}
inline F div(F a, F b) {
  return _mm512_div_ps(a, b);
}
inline F max(F a, F b) {
  return _mm512_max_ps(a, b);
}
inline F sqrt(F a) {
  return _mm512_sqrt_ps(a);
}
inline F round_even(F a) {
  return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline F times_power_of_two(F x, F n) {
  return _mm512_scalef_ps(x, n);
}
inline F keep_lanes(F x, int64_t from, int64_t to, F other) {  // lanes from <= i < to of x, the rest of other
  const auto mask = static_cast<__mmask16>(first(to < 0 ? 0 : to) & ~first(from < 0 ? 0 : from));
  return _mm512_mask_blend_ps(mask, other, x);
}
inline float sum(F x) {
  return _mm512_reduce_add_ps(x);
}
inline float largest(F x) {
  return _mm512_reduce_max_ps(x);
}
inline F load_bf16(const uint16_t* p) {
  return _mm512_castsi512_ps(
      _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))), 16));
}
inline F load_bf16_n(const uint16_t* p, int64_t n) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(first(n), p)), 16));
}
inline F load_f16(const uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline F load_f16_n(const uint16_t* p, int64_t n) {
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(n), p));
}
inline F load_i8(const int8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}

#else

constexpr int64_t kLanes = 8;
using F = __m256;

inline __m256i first(int64_t n) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n > 8 ? 8 : n)), lanes);
}
inline F zero() {
  return _mm256_setzero_ps();
}
inline F all(float x) {
  return _mm256_set1_ps(x);
}
inline F load(const float* p) {
  return _mm256_loadu_ps(p);
}
inline F load_n(const float* p, int64_t n) {
  return _mm256_maskload_ps(p, first(n));
}
inline void store(float* p, F x) {
  _mm256_storeu_ps(p, x);
}
inline void store_n(float* p, F x, int64_t n) {
  _mm256_maskstore_ps(p, first(n), x);
}
inline F fma(F a, F b, F c) {
  return _mm256_fmadd_ps(a, b, c);
}
inline F add(F a, F b) {
  return _mm256_add_ps(a, b);
}
inline F sub(F a, F b) {
  return _mm256_sub_ps(a, b);
}
inline F mul(F a, F b) {
  return _mm256_mul_ps(a, b);
}
inline F div(F a, F b) {
  return _mm256_div_ps(a, b);
}
inline F max(F a, F b) {
  return _mm256_max_ps(a, b);
}
inline F sqrt(F a) {
  return _mm256_sqrt_ps(a);
}
inline F round_even(F a) {
  return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline F times_power_of_two(F x, F n) {  // in two halves, so that 2^-149 .. 2^128 come out right
  const __m256i whole = _mm256_cvtps_epi32(n);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i rest = _mm256_sub_epi32(whole, half);
  const __m256i bias = _mm256_set1_epi32(127);
  const F a = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  const F b = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
  return _mm256_mul_ps(_mm256_mul_ps(x, a), b);
}
inline F keep_lanes(F x, int64_t from, int64_t to, F other) {
  const __m256i mask = _mm256_andnot_si256(first(from < 0 ? 0 : from), first(to < 0 ? 0 : to));
  return _mm256_blendv_ps(other, x, _mm256_castsi256_ps(mask));
}
inline float sum(F x) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
inline float largest(F x) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}
inline F load_bf16(const uint16_t* p) {
  return _mm256_castsi256_ps(
      _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))), 16));
}
inline F load_f16(const uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
struct Eight {
  alignas(16) uint16_t values[8];
};
inline Eight copy_n(const uint16_t* p, int64_t n) {
  Eight eight{};
  for (int64_t i = 0; i < n && i < 8; ++i) eight.values[i] = p[i];
  return eight;
}
inline F load_bf16_n(const uint16_t* p, int64_t n) {
  const Eight eight = copy_n(p, n);
  return load_bf16(eight.values);
}
inline F load_f16_n(const uint16_t* p, int64_t n) {
  const Eight eight = copy_n(p, n);
  return load_f16(eight.values);
}
inline F load_i8(const int8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}

#endif

constexpr float kMinusInfinity = -__builtin_inff();

// e^x to 2 ulp. n = round(x / ln 2), r = x - n ln 2 in two parts (Cody & Waite 1980), Taylor's sum of degree 7 on |r|
// <= 0.3466 (relative error below 2^-25), times 2^n. Below -104 zero, above 88.8 infinity.
inline F exp(F x) {
  const F clamped = max(all(-105.0F), sub(zero(), max(sub(zero(), x), all(-89.0F))));
  const F n = round_even(mul(clamped, all(1.44269504088896341F)));
  F r = fma(n, all(-0.693145751953125F), clamped);
  r = fma(n, all(-1.42860682030941723e-6F), r);
  F p = all(1.0F / 5040);
  p = fma(p, r, all(1.0F / 720));
  p = fma(p, r, all(1.0F / 120));
  p = fma(p, r, all(1.0F / 24));
  p = fma(p, r, all(1.0F / 6));
  p = fma(p, r, all(0.5F));
  p = fma(p, r, all(1.0F));
  p = fma(p, r, all(1.0F));
  return times_power_of_two(p, n);
}

}  // namespace
}  // namespace understudy::UNDERSTUDY_ISA_NAMESPACE
