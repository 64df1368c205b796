// The step "evaluate" of the main path: a test split and a model's answers (asked for here, or given) to an EvalReport
// with its gates judged, and its files. One thread.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "evaluation/answerer.h"
#include "evaluation/answers.h"
#include "evaluation/eval_config.h"
#include "records/eval_report.h"
#include "records/example.h"

namespace understudy::workflow {

struct EvaluateFiles {
  std::filesystem::path answers;  // empty: the answerer is asked
  std::filesystem::path teacher;  // {"id", "answer"} each; empty: none
  std::filesystem::path previous;
  std::filesystem::path baseline;
  std::filesystem::path out;  // report.json, report.html, junit.xml, answers.jsonl; empty: nothing is written
  size_t limit = 0;           // the first so many records; 0: all
};

struct EvaluateModel {
  evaluation::Answerer& answerer;
  std::string name;     // for made_from
  std::string adapter;  // likewise; may be empty
};

// Reads the records and the given answers, asks `model` where there are none, measures, judges, writes. Throws
// kInvalidInput for data and answers that cannot be read (file, line, field), kIo, and kCancelled when stopped: answers
// had by then stay in answers.jsonl.
EvalReport evaluate(const evaluation::EvalConfig& config, const EvaluateFiles& files, EvaluateModel* model,
                    std::stop_token stop);

// What a record is asked: its own conversation where it has one, else the config's prompt.
evaluation::EvalRequest request_for(const evaluation::EvalConfig& config, const Example& example);

}  // namespace understudy::workflow
