// What an optimiser needs of the processor: AdamW on one tensor, and sums of squares for the gradient norm. Spread over
// the OpenMP team; results do not depend on the number of threads.
#pragma once

#include <cstdint>
#include <span>

namespace understudy {

struct AdamWStep {
  double learning_rate = 0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;    // decoupled (Loshchilov & Hutter 2019): value -= lr * decay * value before the update
  double gradient_scale = 1;  // from clipping
  int64_t step = 1;           // from 1, for the bias corrections
};

// m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g²;  value -= lr · (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + ε), in
// torch.optim.AdamW's order.
void adamw(const AdamWStep& step, std::span<float> value, std::span<const float> gradient,
           std::span<float> first_moment, std::span<float> second_moment);

// Σ x² in double, in fixed blocks.
double sum_of_squares(std::span<const float> values);

}  // namespace understudy
