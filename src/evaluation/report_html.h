// The page of an evaluation: one self-contained file, failures first, every record side by side with its right answer
// and the places in the input where values stand. All from the report; whatever comes from data is escaped. Pure
// function.
#pragma once

#include <string>

#include "records/eval_report.h"

namespace understudy::evaluation {

// Shows every failure and the first 200 right records.
std::string report_page(const EvalReport& report);

}  // namespace understudy::evaluation
