// Gradients against finite differences, and packing, accumulation and recomputation against each other, on tiny random
// models.
#include "engine/model/training_graph.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "engine/ops/optimizer.h"
#include "tests/support/tiny_model.h"

namespace understudy {
namespace {

PackedRows example(uint64_t seed, int64_t length, int64_t vocab, double share_of_targets = 0.6) {
  Random random(seed);
  PackedRows rows;
  rows.starts = {0, length};
  for (int64_t i = 0; i < length; ++i) {
    rows.tokens.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(vocab))));
    const bool is_target = i + 1 < length && (i + 2 == length || random.chance(share_of_targets));
    rows.targets.push_back(is_target ? static_cast<int32_t>(random.below(static_cast<uint64_t>(vocab))) : kNoTarget);
  }
  return rows;
}

PackedRows packed(const std::vector<PackedRows>& examples) {
  PackedRows all;
  all.starts = {0};
  for (const PackedRows& rows : examples) {
    all.tokens.insert(all.tokens.end(), rows.tokens.begin(), rows.tokens.end());
    all.targets.insert(all.targets.end(), rows.targets.begin(), rows.targets.end());
    all.starts.push_back(static_cast<int64_t>(all.tokens.size()));
  }
  return all;
}

std::shared_ptr<Adapter> random_adapter(const ModelConfig& config) {
  const LoraSettings settings{.rank = 4, .alpha = 8, .targets = {kLinears.begin(), kLinears.end()}};
  std::shared_ptr<Adapter> adapter = Adapter::create(config, settings, 3);
  Random random(4);
  for (int64_t layer = 0; layer < config.n_layers; ++layer) {
    for (const Linear linear : kLinears) {
      LoraPair* pair = adapter->find(layer, linear);
      for (int64_t i = 0; i < pair->b.shape().elements(); ++i)
        pair->b.f32()[i] = static_cast<float>(random.normal()) * 0.05F;
    }
  }
  return adapter;
}

std::vector<float> gradients_of(TrainingGraph& graph) {
  std::vector<float> all;
  for (const Parameter& p : graph.parameters()) {
    all.insert(all.end(), p.gradient.f32(), p.gradient.f32() + p.gradient.shape.elements());
  }
  return all;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - b[i], 2);
    size += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(difference / size);
}

// Larger weights than a fresh model's, so that every part matters to the loss.
std::shared_ptr<Model> lively_model(const ModelConfig& config) {
  std::shared_ptr<Model> model = Model::random(config, 5, {});
  model->make_trainable();
  Random random(9);
  for (const Weight* weight : model->weights()) {
    const TensorView values = model->trainable(*weight);
    const float spread = values.shape.rank() == 2 ? 4.0F : 1.0F;
    for (int64_t i = 0; i < values.shape.elements(); ++i) {
      values.f32()[i] =
          values.f32()[i] * spread + (values.shape.rank() == 1 ? static_cast<float>(random.normal()) * 0.2F : 0.0F);
    }
  }
  return model;
}

class Gradients : public ::testing::TestWithParam<Family> {
 protected:
  ModelConfig config() const {
    ModelConfig config = testing::tiny_config(GetParam());
    if (GetParam() == Family::kMistral) config.sliding_window = 5;
    return config;
  }
};

// Along random directions: (loss(w + h d) - loss(w - h d)) / 2h against gradient · d, for every tensor by itself.
void expect_gradients_equal_differences(TrainingGraph& graph, const PackedRows& rows) {
  graph.zero_gradients();
  graph.forward_backward(rows, 1);
  Random random(11);
  for (const Parameter& p : graph.parameters()) {
    const int64_t n = p.value.shape.elements();
    std::vector<float> direction(static_cast<size_t>(n)), start(p.value.f32(), p.value.f32() + n);
    double expected = 0, norm = 0;
    for (int64_t i = 0; i < n; ++i) {
      direction[static_cast<size_t>(i)] = random.chance(0.5) ? 1.0F : -1.0F;
      expected += static_cast<double>(direction[static_cast<size_t>(i)]) * p.gradient.f32()[i];
      norm += std::pow(static_cast<double>(p.gradient.f32()[i]), 2);
    }
    const double step = 2e-3 / std::sqrt(static_cast<double>(n));
    const auto loss_at = [&](double distance) {
      for (int64_t i = 0; i < n; ++i) {
        p.value.f32()[i] =
            start[static_cast<size_t>(i)] + static_cast<float>(distance) * direction[static_cast<size_t>(i)];
      }
      return graph.loss(rows);
    };
    const double difference = (loss_at(step) - loss_at(-step)) / (2 * step);
    loss_at(0);
    // f32 sums of a loss near 100 carry errors of about 1e-5; over 2 · step that is up to 1e-5 / step. The norm keeps a
    // direction that happens to be flat from asking for more than the tensor's gradient is worth.
    EXPECT_NEAR(difference, expected, 0.02 * std::abs(expected) + 0.02 * std::sqrt(norm) + 2e-5 / step) << p.name;
  }
}

TEST_P(Gradients, OfAllWeightsEqualFiniteDifferences) {
  TrainingGraph graph(lively_model(config()), nullptr, {});
  expect_gradients_equal_differences(graph, packed({example(1, 11, 300), example(2, 7, 300)}));
}

TEST_P(Gradients, OfAnAdapterEqualFiniteDifferences) {
  TrainingGraph graph(lively_model(config()), random_adapter(config()), {});
  expect_gradients_equal_differences(graph, packed({example(1, 11, 300), example(2, 7, 300)}));
}

TEST_P(Gradients, AreTheSamePackedApartAndRecomputed) {
  const std::vector<PackedRows> examples = {example(1, 3, 300),  example(2, 40, 300), example(3, 17, 300),
                                            example(4, 90, 300), example(5, 64, 300), example(6, 200, 300)};
  for (const bool with_adapter : {false, true}) {
    const std::shared_ptr<Adapter> adapter = with_adapter ? random_adapter(config()) : nullptr;
    TrainingGraph together(lively_model(config()), adapter, {});
    TrainingGraph apart(lively_model(config()), adapter, {});
    TrainingGraph recomputing(lively_model(config()), adapter, {.recompute = true});
    const PackedRows all = packed(examples);
    const auto n = static_cast<double>(all.n_targets());
    const double loss = together.forward_backward(all, 1 / n);
    double loss_apart = 0;
    for (const PackedRows& rows : examples) loss_apart += apart.forward_backward(rows, 1 / n);
    EXPECT_EQ(loss, recomputing.forward_backward(all, 1 / n));
    EXPECT_NEAR(loss, loss_apart, 1e-6 * loss);
    EXPECT_LT(distance(gradients_of(apart), gradients_of(together)), 1e-5);
    EXPECT_EQ(gradients_of(recomputing), gradients_of(together));
  }
}

TEST(TrainingGraph, ANeighbourChangesNothing) {
  const ModelConfig config = testing::tiny_config(Family::kLlama);
  TrainingGraph graph(lively_model(config), nullptr, {});
  const PackedRows first = example(1, 30, 300);
  PackedRows second = example(2, 25, 300);
  std::fill(second.targets.begin(), second.targets.end(), kNoTarget);  // no loss of its own: it must leave no trace
  graph.zero_gradients();
  const double alone = graph.forward_backward(first, 1);
  const std::vector<float> expected = gradients_of(graph);
  graph.zero_gradients();
  EXPECT_EQ(graph.forward_backward(packed({first, second}), 1), alone);
  EXPECT_LT(distance(gradients_of(graph), expected), 1e-6);
}

TEST(TrainingGraph, DropoutIsTheSameForTheSameKeyAndAnotherForAnother) {
  const ModelConfig config = testing::tiny_config(Family::kLlama);
  TrainingGraph graph(lively_model(config), random_adapter(config), {.dropout = 0.3});
  const PackedRows rows = example(1, 40, 300);
  const double loss = graph.forward_backward(rows, 1, 7);
  EXPECT_EQ(graph.forward_backward(rows, 1, 7), loss);
  EXPECT_NE(graph.forward_backward(rows, 1, 8), loss);
  EXPECT_NE(graph.loss(rows), loss);  // no dropout in evaluation
}

TEST(TrainingGraph, ANarrowBaseGivesTheGradientsOfItsOwnValues) {
  const ModelConfig config = testing::tiny_config(Family::kLlama);
  const std::shared_ptr<Model> narrow = Model::random(config, 5, {.compute = Compute::kBF16});
  ASSERT_EQ(narrow->layer(0).linear(Linear::kQ).data.type, DType::kBF16);
  const std::shared_ptr<Model> wide = Model::random(config, 5, {.compute = Compute::kBF16});
  wide->make_trainable();
  TrainingGraph on_narrow(narrow, random_adapter(config), {});
  TrainingGraph on_wide(wide, random_adapter(config), {});
  const PackedRows rows = example(1, 40, 300);
  EXPECT_EQ(on_narrow.forward_backward(rows, 1), on_wide.forward_backward(rows, 1));
  EXPECT_EQ(gradients_of(on_narrow), gradients_of(on_wide));
}

TEST(TrainingGraph, RefusesForeignTokens) {
  TrainingGraph graph(Model::random(testing::tiny_config(Family::kLlama), 5, {}), nullptr, {});
  PackedRows rows = example(1, 10, 300);
  rows.tokens[3] = 300;
  EXPECT_THROW(graph.loss(rows), Error);
}

INSTANTIATE_TEST_SUITE_P(Families, Gradients,
                         ::testing::Values(Family::kLlama, Family::kMistral, Family::kQwen2, Family::kQwen3),
                         [](const auto& info) { return std::string(to_string(info.param)); });

}  // namespace
}  // namespace understudy
