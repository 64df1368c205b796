// One record of an evaluation's page: the input with the values' places marked, gold and answer leaf by leaf. Pure
// functions.
#pragma once

#include <string>

#include "records/eval_report.h"

namespace understudy::evaluation {

// The input, escaped, with <mark> around the spans: class "both" where right answer and answer stand, "gold" and
// "answer" where only one does. Overlapping spans are cut into pieces.
std::string marked_input(const RecordResult& record);

// <article class="record" data-right data-fields data-kinds>: what the page's filters look at.
std::string record_article(const RecordResult& record);

}  // namespace understudy::evaluation
