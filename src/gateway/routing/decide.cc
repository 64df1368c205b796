#include "gateway/routing/decide.h"

#include <fmt/format.h>

#include <cmath>
#include <string>

#include "base/hash.h"

namespace understudy {

namespace {

// "80%", "12.5%"
std::string percent(double share) {
  return fmt::format("{:g}%", std::round(share * 1e6) / 1e4);
}

Decision to_teacher(std::string reason) {
  return {Decision::Who::kTeacher, std::move(reason), false};
}

}  // namespace

double place_of(std::string_view draw, std::string_view task, const RequestHead& head) {
  const std::string who = head.user.empty() ? "prompt\n" + head.last_user : "user\n" + head.user;
  const std::string digest = sha256_hex(fmt::format("{}\n{}\n{}", draw, task, who));
  const uint64_t bits = std::stoull(digest.substr(0, 16), nullptr, 16);
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

std::string_view lacks_capability(const TaskFacts& task, const RequestFacts& request) {
  if (!task.pruned_prompt.empty() && request.head.fingerprint != task.pruned_prompt) return "prompt changed";
  if (request.head.has_media && !task.images) return "images";
  if (request.head.n > 1) return "n";
  if (request.head.has_tools && !task.card.has_tools) return "tools";
  if (task.card.longest_prompt && request.prompt_tokens > *task.card.longest_prompt) return "length";
  return {};
}

Decision decide(const Route& route, const TaskFacts& task, const RequestFacts& request) {
  if (!task.has_specialist) return to_teacher("no specialist");
  if (const std::string_view lack = lacks_capability(task, request); !lack.empty())
    return to_teacher(std::string(lack));
  if (route.pinned == "specialist") return {Decision::Who::kSpecialist, "pinned", false};
  if (route.pinned == "teacher") {
    Decision decision = to_teacher("pinned");
    decision.shadow = route.shadow;
    return decision;
  }
  if (route.shadow) return {Decision::Who::kTeacher, "shadow", true};
  if (place_of("sentinel", route.task, request.head) < route.sentinel) return to_teacher("sentinel");
  const bool is_in_share = place_of("share", route.task, request.head) < route.share;
  const auto who = is_in_share ? Decision::Who::kSpecialist : Decision::Who::kTeacher;
  return {who, "share " + percent(route.share), false};
}

}  // namespace understudy
