// Sums over scored records, and the report's figures made from them, with intervals by one bootstrap over groups. Used
// by one thread.
#pragma once

#include <string>
#include <vector>

#include "evaluation/eval_config.h"
#include "evaluation/field_tree.h"
#include "evaluation/score.h"
#include "records/eval_report.h"

namespace understudy::evaluation {

// For each record its group, counted from 0 in the order of appearance; without a column each record is its own.
std::vector<int> groups_of(const std::vector<Example>& examples, const std::string& column);

// Fills everything of an extraction report that comes from the records' leaves and states.
void tally_extraction(const std::vector<ScoredRecord>& records, const std::vector<int>& groups, const FieldNode& tree,
                      const BootstrapConfig& bootstrap, EvalReport& report);

// The same for labels.
void tally_labels(const std::vector<ScoredRecord>& records, const std::vector<int>& groups,
                  const std::vector<std::string>& labels, const BootstrapConfig& bootstrap, EvalReport& report);

}  // namespace understudy::evaluation
