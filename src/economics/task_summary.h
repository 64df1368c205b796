// The kinds of work in the traffic, one row each: those of the config and those that only their static prompt tells
// apart. How much, what it cost, who answered, how fast, and an example: what to decide by which task to move next.
// Used by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "economics/ledger.h"
#include "economics/parties.h"
#include "economics/prompt_shape.h"
#include "records/exchange.h"

namespace understudy {

struct TaskSummary {
  std::string task;            // of the config, "found-<first digits of the fingerprint>", or "" for none of both
  bool is_configured = false;  // a row of the config
  Spend spend;
  int64_t by_teacher = 0;  // answers that the client got
  int64_t by_specialist = 0;
  int64_t escalated = 0;  // begun by a specialist, answered by a teacher; not in by_teacher
  LatencyFigures teacher, specialist;
  int64_t first_ms = 0;
  int64_t last_ms = 0;
  std::map<std::string, int64_t> models;  // requests, by the name that applications asked for
  int64_t prompts = 0;                    // different static prompts (fingerprints)
  std::optional<int64_t> static_tokens;   // of a request's prompt, the mean; nothing where no body was kept
  std::string example;                    // the beginning of the newest request's last user message
  std::string example_id;                 // the exchange that it is of
};

class TaskSummaries {
 public:
  // `configured`: the config's tasks, which have a row without any traffic too.
  TaskSummaries(Parties parties, const std::vector<std::string>& configured);

  void add(const Exchange& exchange, const PromptShape& shape);  // in the order of their time
  // The most expensive first, among equals the one with more requests.
  std::vector<TaskSummary> rows() const;

 private:
  struct Row {
    TaskSummary summary;
    std::map<std::string, int64_t> prompts;  // by fingerprint: requests
    int64_t static_tokens = 0;
    int64_t n_measured = 0;  // requests whose body was kept
  };
  Parties parties_;
  Ledger ledger_;
  std::map<std::string, Row> rows_;
};

Json to_json(const TaskSummary& summary);

}  // namespace understudy
