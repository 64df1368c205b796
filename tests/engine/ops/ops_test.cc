// Every operation on every backend against the reference, and the reference's backward operations against finite
// differences.
#include "engine/ops/ops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/random.h"
#include "tests/engine/ops/cases.h"

namespace understudy {
namespace {

using testing::op_cases;
using testing::OpCase;
using testing::Values;

constexpr uint64_t kSeed = 20261125;

// f32 sums of `depth` terms are off by about sqrt(depth) half-ulps of the largest partial sum; values here are near 1,
// a factor of 8 covers the largest of thousands of elements.
double rounding_bound(int64_t depth, double largest) {
  return 8 * std::sqrt(static_cast<double>(depth) + 1) * 0x1.0p-24 * std::max(1.0, largest);
}

void expect_near(const Values& actual, const Values& expected, int64_t depth, const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  double largest = 0;
  for (const float value : expected) largest = std::max(largest, std::abs(static_cast<double>(value)));
  const double bound = rounding_bound(depth, largest);
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], bound) << what << ", element " << i << ", seed " << kSeed;
  }
}

Values random_like(const Values& values, uint64_t seed) {
  Random random(seed);
  Values result(values.size());
  for (float& value : result) value = static_cast<float>(random.normal());
  return result;
}

std::unique_ptr<Ops> backend(std::string_view name) {
  return name == "reference" ? make_reference_ops() : make_cpu_ops(name);
}

class Backend : public ::testing::TestWithParam<std::string_view> {};

TEST_P(Backend, ForwardEqualsTheReference) {
  const std::unique_ptr<Ops> ops = backend(GetParam()), reference = make_reference_ops();
  for (const OpCase& c : op_cases(kSeed, false))
    expect_near(c.forward(*ops, c.inputs), c.forward(*reference, c.inputs), c.depth, c.name);
}

TEST_P(Backend, BackwardEqualsTheReference) {
  const std::unique_ptr<Ops> ops = backend(GetParam()), reference = make_reference_ops();
  for (const OpCase& c : op_cases(kSeed, false)) {
    if (!c.backward) continue;
    const Values dy = random_like(c.forward(*reference, c.inputs), 1);
    const std::vector<Values> actual = c.backward(*ops, c.inputs, dy), expected = c.backward(*reference, c.inputs, dy);
    for (size_t i = 0; i < expected.size(); ++i) {
      expect_near(actual[i], expected[i], c.depth, c.name + ", gradient of input " + std::to_string(i));
    }
  }
}

TEST_P(Backend, ARowOfLinearDoesNotDependOnItsNeighbours) {
  const std::unique_ptr<Ops> ops = backend(GetParam());
  Random random(kSeed);
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0}) {
    constexpr int64_t kOut = 67, kIn = 160, kRows = 256;
    Tensor weight(type, Shape{kOut, kIn});
    convert_from_f32(random_like(Values(kOut * kIn), 2).data(), weight.view());
    const Values x = random_like(Values(kRows * kIn), 3);
    Values all(kRows * kOut), some(kRows * kOut);
    ops->linear(kRows, x.data(), weight.const_view(), nullptr, all.data());
    for (const int64_t rows : {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 64, 100, 255}) {
      ops->linear(rows, x.data(), weight.const_view(), nullptr, some.data());
      EXPECT_EQ(0, std::memcmp(all.data(), some.data(), static_cast<size_t>(rows * kOut) * sizeof(float)))
          << to_string(type) << ", " << rows << " rows";
    }
  }
}

TEST(Reference, BackwardEqualsFiniteDifferences) {
  const std::unique_ptr<Ops> ops = make_reference_ops();
  for (const OpCase& c : op_cases(kSeed, false)) {
    if (!c.backward) continue;
    const Values dy = random_like(c.forward(*ops, c.inputs), 1);
    const std::vector<Values> gradients = c.backward(*ops, c.inputs, dy);
    const auto objective = [&](const std::vector<Values>& inputs) {
      const Values y = c.forward(*ops, inputs);
      double sum = 0;
      for (size_t i = 0; i < y.size(); ++i) sum += static_cast<double>(y[i]) * dy[i];
      return sum;
    };
    for (size_t input = 0; input < c.inputs.size(); ++input) {
      // Along one random direction of unit length per element; outputs are f32, so the step has to stand well above
      // their rounding.
      const Values direction = random_like(c.inputs[input], 7 + input);
      constexpr float kStep = 4e-3F;
      std::vector<Values> up = c.inputs, down = c.inputs;
      double expected = 0, size = 0;
      for (size_t i = 0; i < direction.size(); ++i) {
        up[input][i] += kStep * direction[i];
        down[input][i] -= kStep * direction[i];
        expected += static_cast<double>(direction[i]) * gradients[input][i];
        size += std::pow(static_cast<double>(gradients[input][i]), 2);
      }
      const double difference = (objective(up) - objective(down)) / (2 * static_cast<double>(kStep));
      EXPECT_NEAR(difference, expected, 4e-3 * (std::sqrt(size) + std::abs(expected)) + 1e-3)
          << c.name << ", input " << input << ", seed " << kSeed;
    }
  }
}

TEST(AvailableOps, EndWithTheReferenceAndRefuseWhatIsNotThere) {
  EXPECT_EQ(available_ops().back(), "reference");
  EXPECT_EQ(make_cpu_ops("neon-of-tomorrow"), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Available, Backend, ::testing::ValuesIn(available_ops()),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace understudy
