#include "engine/model/rope_table.h"

#include <gtest/gtest.h>

#include <cmath>

namespace understudy {
namespace {

ModelConfig config_of(int64_t head_dim, double theta) {
  ModelConfig config;
  config.head_dim = head_dim;
  config.rope_theta = theta;
  return config;
}

TEST(RopeTable, AnglesArePositionsTimesFrequencies) {
  RopeTable table(config_of(8, 10000));
  table.cover(3);
  table.cover(50);
  for (const int64_t position : {0, 2, 49}) {
    for (int64_t i = 0; i < 4; ++i) {
      const double angle = static_cast<double>(position) * std::pow(10000.0, -2.0 * static_cast<double>(i) / 8);
      EXPECT_FLOAT_EQ(table.cosines()[position * 4 + i], static_cast<float>(std::cos(angle)));
      EXPECT_FLOAT_EQ(table.sines()[position * 4 + i], static_cast<float>(std::sin(angle)));
    }
  }
}

// Llama 3.1's own settings: short wavelengths stay, those above 8,192 are divided by 8, between it is smooth and
// falling.
TEST(RopeTable, Llama3ScalingKeepsHighFrequenciesAndDividesLowOnes) {
  ModelConfig config = config_of(128, 500000);
  const std::vector<double> plain = rope_frequencies(config);
  config.rope_scaling = Llama3RopeScaling{8, 1, 4, 8192};
  const std::vector<double> scaled = rope_frequencies(config);
  EXPECT_EQ(scaled.front(), plain.front());
  EXPECT_DOUBLE_EQ(scaled.back(), plain.back() / 8);
  for (size_t i = 0; i < plain.size(); ++i) {
    const double ratio = plain[i] / scaled[i];
    EXPECT_GE(ratio, 1);
    EXPECT_LE(ratio, 8 + 1e-12);
    if (i > 0) EXPECT_GE(ratio, plain[i - 1] / scaled[i - 1] - 1e-12);
  }
}

TEST(RopeTable, FactorsOfAGgufDivideTheFrequencies) {
  ModelConfig config = config_of(4, 10000);
  const std::vector<double> plain = rope_frequencies(config);
  config.rope_factors = {1, 4};
  EXPECT_EQ(rope_frequencies(config), (std::vector<double>{plain[0], plain[1] / 4}));
}

}  // namespace
}  // namespace understudy
