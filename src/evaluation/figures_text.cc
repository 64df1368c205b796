#include "evaluation/figures_text.h"

#include <fmt/format.h>

namespace understudy::evaluation {

std::string percent(double share) {
  return fmt::format("{:.1f}%", 100 * share);
}
std::string percent(const std::optional<double>& share) {
  return share ? percent(*share) : "-";
}
std::string points(double difference) {
  return fmt::format("{:+.1f} points", 100 * difference);
}

std::string interval_text(const Rate& rate) {
  if (!rate.low || !rate.high) return "";
  return fmt::format("{:.1f} to {:.1f}%", 100 * *rate.low, 100 * *rate.high);
}

std::string rate_text(const Rate& rate) {
  const std::string interval = interval_text(rate);
  return interval.empty() ? percent(rate.value) : fmt::format("{} ({})", percent(rate.value), interval);
}

std::string milliseconds(const std::optional<double>& ms) {
  return ms ? fmt::format("{:.0f} ms", *ms) : "-";
}
std::string dollars(const std::optional<double>& amount) {
  if (!amount) return "-";
  return *amount < 0.1 ? fmt::format("${:.4f}", *amount) : fmt::format("${:.2f}", *amount);
}

std::string figure_text(const std::string& metric, double value) {
  if (metric == "p50_ms" || metric == "p95_ms") return milliseconds(value);
  if (metric == "cost_per_1000") return dollars(value);
  if (metric == "tokens_per_second" || metric == "correction_cost_per_100") return fmt::format("{:.1f}", value);
  if (metric == "brier" || metric == "ece") return fmt::format("{:.3f}", value);
  return fmt::format("{:.4g}%", 100 * value);
}

std::string verdict_text(const Comparison& comparison) {
  std::string text = fmt::format("{}: {}, lower end {:+.1f}, margin {:.1f}", to_string(comparison.verdict),
                                 points(comparison.delta), 100 * comparison.lower_end, 100 * comparison.margin);
  if (comparison.more_needed) text += fmt::format("; about {} more records", *comparison.more_needed);
  return text;
}

}  // namespace understudy::evaluation
