#include <algorithm>
#include <cmath>

#include "engine/ops/reference/reference_ops.h"

namespace understudy {

double ReferenceOps::cross_entropy(int64_t rows, int64_t vocab, float* logits, const int32_t* targets,
                                   bool write_gradient, float scale) {
  double loss = 0;
  for (int64_t r = 0; r < rows; ++r) {
    float* row = logits + r * vocab;
    const double top = *std::max_element(row, row + vocab);
    double sum = 0;
    for (int64_t i = 0; i < vocab; ++i) sum += std::exp(row[i] - top);
    loss += std::log(sum) - (row[targets[r]] - top);
    if (!write_gradient) continue;
    for (int64_t i = 0; i < vocab; ++i) {
      row[i] = static_cast<float>(scale * (std::exp(row[i] - top) / sum - (i == targets[r] ? 1.0 : 0.0)));
    }
  }
  return loss;
}

}  // namespace understudy
