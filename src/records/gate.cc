#include "records/gate.h"

#include "base/json.h"

namespace understudy {

Json to_json(const Gate& gate) {
  Json json = Json::object();
  json["metric"] = gate.metric;
  const auto put = [&json](const char* key, const std::optional<double>& value) {
    if (value) json[key] = *value;
  };
  put("at_most", gate.at_most);
  put("at_least", gate.at_least);
  put("upper_bound", gate.upper_bound);
  put("lower_bound", gate.lower_bound);
  put("excess_over_gold_at_most", gate.excess_over_gold_at_most);
  if (!gate.not_worse_than.empty()) {
    json["not_worse_than"] = gate.not_worse_than;
    json["margin"] = gate.margin;
    json["confidence"] = gate.confidence;
  }
  return json;
}

Json to_json(const Verdict& verdict) {
  Json json = to_json(verdict.gate);
  json["holds"] = verdict.holds;
  json["reason"] = verdict.reason;
  return json;
}

}  // namespace understudy
