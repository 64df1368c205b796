// Figures and verdicts as people read them: "98.0% (93.1 to 99.4, n 100)". Shared by table, page and JUnit. Pure
// functions.
#pragma once

#include <optional>
#include <string>

#include "records/eval_report.h"

namespace understudy::evaluation {

std::string percent(double share);                        // "98.0%"
std::string percent(const std::optional<double>& share);  // "-" where there is none
std::string points(double difference);                    // "-1.5 points"
std::string interval_text(const Rate& rate);              // "93.1 to 99.4%"; empty where there is none
std::string rate_text(const Rate& rate);                  // "98.0% (93.1 to 99.4%)"
std::string milliseconds(const std::optional<double>& ms);
std::string dollars(const std::optional<double>& amount);

// A figure by its name's unit: shares in %, milliseconds, US dollars, plain numbers.
std::string figure_text(const std::string& metric, double value);

// "as good: -0.5 points, lower end -1.6, margin 2.0" or "not enough data: about 400 more records".
std::string verdict_text(const Comparison& comparison);

}  // namespace understudy::evaluation
