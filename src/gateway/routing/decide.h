// Specialist or teacher: gate A and the shares, as one pure function of the request and the task's route. Reasons are
// the words of exchanges and pages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/wire/request_head.h"
#include "records/route.h"

namespace understudy {

// What the specialist was trained for, from its card; what is unknown limits nothing.
struct SpecialistCard {
  std::optional<int64_t> longest_prompt;  // tokens; the 99.5th percentile of what it was trained on
  bool has_tools = false;                 // it was trained with tools
};

struct TaskFacts {
  bool has_specialist = false;
  bool images = false;  // before.images: the specialist may be given media
  SpecialistCard card;
  // The fingerprint of the static prompt without which the specialist was trained; empty: it is given the prompt. It
  // would answer by the old instructions whatever new ones say, so that requests with others are not its own.
  std::string_view pruned_prompt;
};

struct RequestFacts {
  const RequestHead& head;
  int64_t prompt_tokens = 0;  // estimated where nobody counted
};

struct Decision {
  enum class Who { kTeacher, kSpecialist };
  Who who = Who::kTeacher;
  std::string reason;   // "share 80%", "sentinel", "images", "prompt changed", "pinned", "shadow", "no specialist", ...
  bool shadow = false;  // the specialist answers beside the teacher and is only recorded
  bool operator==(const Decision&) const = default;
};

Decision decide(const Route& route, const TaskFacts& task, const RequestFacts& request);

// Gate A: why the specialist cannot be asked ("images", "n", "tools", "length"); empty where it can.
std::string_view lacks_capability(const TaskFacts& task, const RequestFacts& request);

// Where a request stands in [0, 1) for a draw of that name ("share", "sentinel"): the same for the same user, else for
// the same prompt, in every process; draws of two names have nothing to do with each other.
double place_of(std::string_view draw, std::string_view task, const RequestHead& head);

}  // namespace understudy
