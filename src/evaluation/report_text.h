// An evaluation for a terminal: tables of figures, the comparisons' verdicts, the gates. Pure function.
#pragma once

#include <string>

#include "display/table.h"
#include "records/eval_report.h"

namespace understudy::evaluation {

std::string report_text(const EvalReport& report, const TableStyle& style);

}  // namespace understudy::evaluation
