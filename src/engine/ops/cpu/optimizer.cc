#include "engine/ops/optimizer.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "engine/ops/available.h"
#include "engine/ops/cpu/kernels/kernels.h"

namespace understudy {

namespace {

constexpr int64_t kBlock = 8192;

// The reference's own arithmetic, for processors without kernels.
void adamw_plain(float* value, const float* gradient, float* m, float* v, int64_t n, const float* s) {
  for (int64_t i = 0; i < n; ++i) {
    const float g = gradient[i] * s[5];
    m[i] = m[i] * s[1] + g * (1 - s[1]);
    v[i] = v[i] * s[2] + g * g * (1 - s[2]);
    value[i] = value[i] * s[4] - m[i] * s[0] * s[6] / (std::sqrt(v[i]) * s[7] + s[3]);
  }
}

float squares_plain(const float* x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
  return static_cast<float>(sum);
}

}  // namespace

void adamw(const AdamWStep& step, std::span<float> value, std::span<const float> gradient,
           std::span<float> first_moment, std::span<float> second_moment) {
  CHECK(gradient.size() == value.size() && first_moment.size() == value.size() && second_moment.size() == value.size(),
        "AdamW's tensors differ in size");
  const float settings[8] = {
      static_cast<float>(step.learning_rate),
      static_cast<float>(step.beta1),
      static_cast<float>(step.beta2),
      static_cast<float>(step.epsilon),
      static_cast<float>(1.0 - step.learning_rate * step.weight_decay),
      static_cast<float>(step.gradient_scale),
      static_cast<float>(1.0 / (1.0 - std::pow(step.beta1, static_cast<double>(step.step)))),
      static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(step.beta2, static_cast<double>(step.step)))),
  };
  const Kernels* kernels = default_kernels();
  const auto n = static_cast<int64_t>(value.size());
  auto* update = kernels == nullptr ? adamw_plain : kernels->adamw;
#pragma omp parallel for schedule(static) if (n > 4 * kBlock)
  for (int64_t i = 0; i < n; i += kBlock) {
    update(value.data() + i, gradient.data() + i, first_moment.data() + i, second_moment.data() + i,
           std::min(kBlock, n - i), settings);
  }
}

double sum_of_squares(std::span<const float> values) {
  const Kernels* kernels = default_kernels();
  auto* squares = kernels == nullptr ? squares_plain : kernels->sum_of_squares;
  const auto n = static_cast<int64_t>(values.size());
  std::vector<double> partial(static_cast<size_t>((n + kBlock - 1) / kBlock));
#pragma omp parallel for schedule(static) if (n > 4 * kBlock)
  for (int64_t i = 0; i < n; i += kBlock) {
    partial[static_cast<size_t>(i / kBlock)] = static_cast<double>(squares(values.data() + i, std::min(kBlock, n - i)));
  }
  double sum = 0;
  for (const double value : partial) sum += value;
  return sum;
}

}  // namespace understudy
