#include "evaluation/parity.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace understudy::evaluation {

namespace {

constexpr double kRounding = 1e-12;  // of differences that are multiples of 1/n

// The usual 95% has the usual rounded constants, so that a sum done by hand comes out the same.
double quantile_of_confidence(double confidence) {
  return confidence == 0.95 ? 1.645 : normal_quantile(confidence);
}

constexpr double kPowerQuantile = 0.8416;  // of 80%

struct PerGroup {
  int64_t n = 0;
  int64_t difference = 0;  // specialist right less other right
};

std::vector<PerGroup> by_group(const std::vector<PairedOutcome>& pairs) {
  std::vector<PerGroup> groups;
  for (const PairedOutcome& pair : pairs) {
    const auto index = static_cast<size_t>(pair.group);
    if (groups.size() <= index) groups.resize(index + 1);
    ++groups[index].n;
    groups[index].difference += (pair.specialist_right ? 1 : 0) - (pair.other_right ? 1 : 0);
  }
  groups.erase(std::remove_if(groups.begin(), groups.end(), [](const PerGroup& g) { return g.n == 0; }), groups.end());
  return groups;
}

std::vector<double> drawn_differences(const std::vector<PerGroup>& groups, const ParityRule& rule) {
  GroupSums sums(groups.size(), 2);
  for (size_t g = 0; g < groups.size(); ++g) {
    sums.at(g, 0) = static_cast<int32_t>(groups[g].n);
    sums.at(g, 1) = static_cast<int32_t>(groups[g].difference);
  }
  std::vector<double> drawn;
  drawn.reserve(static_cast<size_t>(rule.draws));
  sums.draw(rule.draws, rule.seed, [&](std::span<const int64_t> totals) {
    drawn.push_back(static_cast<double>(totals[1]) / static_cast<double>(totals[0]));
  });
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

std::optional<double> standard_error(const std::vector<PerGroup>& groups, double delta, double n) {
  const auto count = static_cast<double>(groups.size());
  if (groups.size() < 2) return std::nullopt;
  double squares = 0;
  for (const PerGroup& group : groups) {
    const double off = static_cast<double>(group.difference) - delta * static_cast<double>(group.n);
    squares += off * off;
  }
  return std::sqrt(count / (count - 1) * squares) / n;
}

int64_t more_records(double discordance, double n, const ParityRule& rule) {
  const double z = quantile_of_confidence(rule.confidence);
  const bool usual = rule.confidence == 0.95;
  const double paired = usual ? 6.19 : (z + kPowerQuantile) * (z + kPowerQuantile);
  const double without = usual ? 2.71 : z * z;
  const double needed =
      std::max(paired * discordance / (rule.margin * rule.margin), without * (1 - rule.margin) / rule.margin);
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(needed - n - kRounding)));
}

}  // namespace

Comparison compare(const std::string& other, const std::vector<PairedOutcome>& pairs, const ParityRule& rule) {
  CHECK(!pairs.empty(), "a comparison needs records");
  Comparison result;
  result.other = other;
  result.margin = rule.margin;
  result.confidence = rule.confidence;
  int64_t n_agree = 0;
  for (const PairedOutcome& pair : pairs) {
    n_agree += pair.agree ? 1 : 0;
    if (pair.other_right && !pair.specialist_right) result.lost.push_back(pair.id);
    if (!pair.other_right && pair.specialist_right) ++result.specialist_only_right;
  }
  result.teacher_only_right = static_cast<int64_t>(result.lost.size());
  result.agreement = rate_of(n_agree, static_cast<int64_t>(pairs.size()));

  const auto n = static_cast<double>(pairs.size());
  const auto b = static_cast<double>(result.teacher_only_right);
  const auto c = static_cast<double>(result.specialist_only_right);
  result.delta = (c - b) / n;
  result.mcnemar_p = mcnemar_mid_p(result.teacher_only_right, result.specialist_only_right);

  const std::vector<PerGroup> groups = by_group(pairs);
  const std::vector<double> drawn = drawn_differences(groups, rule);
  result.low90 = quantile(drawn, 0.05);
  result.high90 = quantile(drawn, 0.95);
  result.low95 = quantile(drawn, 0.025);
  result.high95 = quantile(drawn, 0.975);
  result.standard_error = standard_error(groups, result.delta, n);

  const auto n_groups = static_cast<double>(groups.size());
  const double z = quantile_of_confidence(rule.confidence);
  const double share = n_groups / n;
  result.score_low = tango_lower_limit(b * share, c * share, n_groups, z);
  const double bootstrap_low = quantile(drawn, 1 - rule.confidence);
  result.lower_end = std::min(bootstrap_low, result.score_low);
  const bool score_holds = tango_z(b * share, c * share, n_groups, -rule.margin) >= z;
  if (score_holds && bootstrap_low >= -rule.margin - kRounding) {
    result.verdict = Parity::kAsGood;
  } else if (result.high95 < -kRounding && result.delta < -rule.margin - kRounding) {
    result.verdict = Parity::kWorse;
  } else {
    result.more_needed = more_records((b + c) / n, n, rule);
  }
  return result;
}

}  // namespace understudy::evaluation
