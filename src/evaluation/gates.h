// Gates: an EvalReport against what was asked of it. A gate whose figure is not there (no teacher's answers, no
// latency) does not hold: what was not shown was not reached. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "records/eval_report.h"
#include "records/gate.h"

namespace understudy::evaluation {

// A figure of the report by the name it has in report.json: "exact_record", "fields.total.f1", "p95_ms". Figures
// without an interval have only a value; all is empty where the report has none.
Rate figure_named(const EvalReport& report, const std::string& metric);

std::vector<Verdict> judge(const EvalReport& report, const std::vector<Gate>& gates);

bool all_hold(const std::vector<Verdict>& verdicts);

}  // namespace understudy::evaluation
