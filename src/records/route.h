// Which model answers a task, as it stands now: a version with who, when and why. The config gives the first one; the
// store keeps the changes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json_fwd.h"

namespace understudy {

struct Route {
  std::string task;
  int64_t version = 0;                                // 0: what the config says; from 1 on: changed at run time
  double share = 0;                                   // 0 to 1, of what the gates let pass, to the specialist
  bool shadow = false;                                // the teacher answers, the specialist beside it, only recorded
  double sentinel = 0;                                // 0 to 1, pinned to the teacher for good
  std::string pinned;                                 // "": as shares say; "teacher" or "specialist": everything there
  std::optional<double> min_value_token_probability;  // gate B's limit, set by hand: "not certified"
  std::string who;
  int64_t at_ms = 0;
  std::string why;
  bool operator==(const Route&) const = default;
};

Json to_json(const Route& route);
Route route_from(const Json& value);  // throws kInvalidInput

}  // namespace understudy
