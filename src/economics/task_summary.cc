#include "economics/task_summary.h"

#include <algorithm>

#include "base/json.h"
#include "base/timestamp.h"

namespace understudy {

namespace {

Json share(int64_t part, const TaskSummary& summary) {
  const int64_t answered = summary.by_teacher + summary.by_specialist + summary.escalated;
  return answered == 0 ? Json(nullptr) : Json(static_cast<double>(part) / static_cast<double>(answered));
}

}  // namespace

TaskSummaries::TaskSummaries(Parties parties, const std::vector<std::string>& configured)
    : parties_(parties), ledger_(std::move(parties)) {
  for (const std::string& task : configured) rows_[task].summary.is_configured = true;
}

void TaskSummaries::add(const Exchange& exchange, const PromptShape& shape) {
  ledger_.add(exchange);
  Row& row = rows_[exchange.task];
  TaskSummary& summary = row.summary;
  if (summary.first_ms == 0) summary.first_ms = exchange.at_ms;
  summary.last_ms = std::max(summary.last_ms, exchange.at_ms);
  ++summary.models[exchange.model];
  ++row.prompts[exchange.fingerprint];
  if (!shape.example.empty()) {
    summary.example = shape.example;
    summary.example_id = exchange.id;
  }
  const ExchangeAttempt* answering = answering_attempt(exchange);
  if (answering == nullptr) return;
  if (parties_.side_of(exchange, *answering) == Side::kSpecialist) {
    ++summary.by_specialist;
  } else if (exchange.route.decision == "escalated") {
    ++summary.escalated;
  } else {
    ++summary.by_teacher;
  }
  if (shape.body_bytes > 0) {
    row.static_tokens += shape.static_tokens(answering->usage.prompt_tokens());
    ++row.n_measured;
  }
}

std::vector<TaskSummary> TaskSummaries::rows() const {
  std::vector<TaskSummary> list;
  for (const auto& [task, row] : rows_) {
    TaskSummary summary = row.summary;
    summary.task = task;
    if (const auto spend = ledger_.by_task().find(task); spend != ledger_.by_task().end())
      summary.spend = spend->second;
    summary.teacher = ledger_.latency(task, Side::kTeacher);
    summary.specialist = ledger_.latency(task, Side::kSpecialist);
    summary.prompts = std::ssize(row.prompts);
    if (row.n_measured > 0) summary.static_tokens = row.static_tokens / row.n_measured;
    list.push_back(std::move(summary));
  }
  std::stable_sort(list.begin(), list.end(), [](const TaskSummary& a, const TaskSummary& b) {
    return std::pair(a.spend.cost, a.spend.requests) > std::pair(b.spend.cost, b.spend.requests);
  });
  return list;
}

Json to_json(const TaskSummary& summary) {
  const auto instant = [](int64_t ms) { return ms == 0 ? Json(nullptr) : Json(format_utc(ms)); };
  Json json = to_json(summary.spend);
  json.erase("entries_usd");
  Json row{{"task", summary.task.empty() ? Json(nullptr) : Json(summary.task)}, {"configured", summary.is_configured}};
  row.update(json);
  row["models"] = summary.models;
  row["share"] = {{"specialist", share(summary.by_specialist, summary)},
                  {"teacher", share(summary.by_teacher, summary)},
                  {"escalated", share(summary.escalated, summary)}};
  row["latency"] = {{"teacher", to_json(summary.teacher)}, {"specialist", to_json(summary.specialist)}};
  row["first_seen"] = instant(summary.first_ms);
  row["last_seen"] = instant(summary.last_ms);
  row["static_prompts"] = summary.prompts;
  row["static_prompt_tokens"] = summary.static_tokens ? Json(*summary.static_tokens) : Json(nullptr);
  row["example"] = summary.example.empty() ? Json(nullptr) : Json(summary.example);
  row["example_id"] = summary.example_id.empty() ? Json(nullptr) : Json(summary.example_id);
  return row;
}

}  // namespace understudy
