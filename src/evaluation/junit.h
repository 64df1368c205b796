// The gates of an evaluation as JUnit XML: a suite with a case per gate, so that CI systems show what did not hold.
// Pure function.
#pragma once

#include <string>

#include "records/eval_report.h"

namespace understudy::evaluation {

std::string junit_xml(const EvalReport& report);

}  // namespace understudy::evaluation
