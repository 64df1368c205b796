#include "records/route.h"

#include "base/json.h"
#include "base/timestamp.h"
#include "records/json_lines.h"
#include "records/json_members.h"

namespace understudy {

namespace {

double share_from(const JsonMembers& members, const char* name) {
  const double share = members.number(name);
  if (!(share >= 0 && share <= 1)) throw field_error("route", name, "a share from 0 to 1", Json(share));
  return share;
}

std::optional<std::string> pin_from(std::string_view word) {
  if (word != "teacher" && word != "specialist" && !word.empty()) return std::nullopt;
  return std::string(word);
}

}  // namespace

Json to_json(const Route& route) {
  Json json = Json::object();
  json["task"] = route.task;
  json["version"] = route.version;
  json["share"] = route.share;
  json["shadow"] = route.shadow;
  json["sentinel"] = route.sentinel;
  json["pinned"] = route.pinned.empty() ? Json() : Json(route.pinned);
  json["min_value_token_probability"] =
      route.min_value_token_probability ? Json(*route.min_value_token_probability) : Json();
  json["who"] = route.who;
  json["at"] = format_utc(route.at_ms);
  json["why"] = route.why;
  return json;
}

Route route_from(const Json& value) {
  const JsonMembers members(value, "route");
  Route route;
  route.task = members.text("task");
  route.version = members.whole("version");
  route.share = share_from(members, "share");
  route.shadow = members.flag("shadow");
  route.sentinel = share_from(members, "sentinel");
  route.pinned = members.word("pinned", std::string(), pin_from);
  route.min_value_token_probability = members.optional_number("min_value_token_probability");
  if (route.min_value_token_probability) (void)share_from(members, "min_value_token_probability");
  route.who = members.text("who");
  if (members.find("at") != nullptr) route.at_ms = members.instant("at");
  route.why = members.text("why");
  return route;
}

}  // namespace understudy
