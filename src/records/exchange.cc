#include "records/exchange.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/timestamp.h"
#include "records/json_lines.h"
#include "records/json_members.h"

namespace understudy {

namespace {

constexpr int kBodyDepth = 256;  // levels; the gateway lets 200 in (limits.nesting)

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json number_or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

Json cost_json(const std::optional<Money>& cost) {
  return cost ? Json(cost->nine_decimals()) : Json();
}

// A body that is a JSON object or list as that value, any other as its text: so a text is always the body itself.
Json body_json(const std::string& body) {
  if (body.empty()) return nullptr;
  const size_t begin = body.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos || (body[begin] != '{' && body[begin] != '[')) return body;
  std::optional<Json> value = try_parse_json(body, {.depth = kBodyDepth});
  return value ? std::move(*value) : Json(body);
}

std::string body_from(const JsonMembers& members, const char* name) {
  const Json* value = members.find(name);
  if (value == nullptr) return {};
  return value->is_string() ? value->get<std::string>() : dump_json(*value);
}

Json usage_json(const Usage& usage) {
  Json json = Json::object();
  json["input"] = usage.input;
  json["cached_input"] = usage.cached_input;
  json["cache_write"] = usage.cache_write;
  if (usage.cache_write_1h != 0) json["cache_write_1h"] = usage.cache_write_1h;
  json["output"] = usage.output;
  json["reasoning"] = usage.reasoning;
  if (usage.estimated) json["estimated"] = true;
  return json;
}

Usage usage_from(const JsonMembers& parent) {
  const Json* value = parent.find("usage");
  if (value == nullptr) return {};
  const JsonMembers members(*value, parent.place("usage"));
  Usage usage;
  usage.input = members.whole("input");
  usage.cached_input = members.whole("cached_input");
  usage.cache_write = members.whole("cache_write");
  usage.cache_write_1h = members.whole("cache_write_1h");
  usage.output = members.whole("output");
  usage.reasoning = members.whole("reasoning");
  usage.estimated = members.flag("estimated");
  return usage;
}

Json attempt_json(const ExchangeAttempt& attempt) {
  Json json = Json::object();
  json["purpose"] = to_string(attempt.purpose);
  json["provider"] = attempt.provider;
  json["model"] = attempt.model;
  json["key"] = attempt.key;
  json["at"] = format_utc(attempt.at_ms);
  json["status"] = attempt.status;
  json["error"] = text_or_null(attempt.error);
  if (!attempt.answer.empty()) json["answer"] = body_json(attempt.answer);
  if (!attempt.gate.empty()) json["gate"] = attempt.gate;
  json["usage"] = usage_json(attempt.usage);
  json["cost_usd"] = cost_json(attempt.cost);
  json["price_version"] = text_or_null(attempt.price_version);
  json["first_token_ms"] = number_or_null(attempt.first_token_ms);
  json["total_ms"] = attempt.total_ms;
  json["terms"] = to_string(attempt.terms);
  return json;
}

ExchangeAttempt attempt_from(const Json& value, const std::string& where) {
  const JsonMembers members(value, where);
  ExchangeAttempt attempt;
  attempt.purpose = members.word("purpose", ExchangeAttempt::Purpose::kAnswer, attempt_purpose_from);
  attempt.provider = members.text("provider");
  attempt.model = members.text("model");
  attempt.key = members.small("key");
  attempt.at_ms = members.instant("at");
  attempt.status = members.small("status");
  attempt.error = members.text("error");
  attempt.answer = body_from(members, "answer");
  attempt.gate = members.texts("gate");
  attempt.usage = usage_from(members);
  attempt.cost = members.optional_money("cost_usd");
  attempt.price_version = members.text("price_version");
  attempt.first_token_ms = members.optional_number("first_token_ms");
  attempt.total_ms = members.number("total_ms");
  attempt.terms = members.word("terms", Terms::kNoTraining, terms_from);
  return attempt;
}

std::vector<ExchangeAttempt> attempts_from(const JsonMembers& members) {
  std::vector<ExchangeAttempt> attempts;
  const Json* list = members.find("attempts");
  if (list == nullptr) return attempts;
  if (!list->is_array()) throw field_error(members.place("attempts"), "", "a list", *list);
  for (const Json& value : *list) {
    attempts.push_back(attempt_from(value, fmt::format("{}[{}]", members.place("attempts"), attempts.size())));
  }
  return attempts;
}

std::map<std::string, std::string> tags_from(const JsonMembers& members) {
  std::map<std::string, std::string> tags;
  const Json* object = members.find("tags");
  if (object == nullptr) return tags;
  const JsonMembers values(*object, members.place("tags"));
  for (const auto& [name, value] : object->items()) tags[name] = values.text(name.c_str());
  return tags;
}

RouteChoice choice_from(const JsonMembers& parent) {
  const Json* value = parent.find("route");
  if (value == nullptr) return {};
  const JsonMembers members(*value, parent.place("route"));
  return {members.text("task"), members.text("decision"), members.text("reason"), members.whole("version")};
}

void put_names(const Exchange& exchange, Json& json) {
  json["endpoint"] = exchange.endpoint;
  json["protocol"] = to_string(exchange.protocol);
  json["provider_model"] = text_or_null(exchange.provider_model);
  json["fingerprint"] = text_or_null(exchange.fingerprint);
  json["tags"] = Json::object();
  for (const auto& [name, value] : exchange.tags) json["tags"][name] = value;
  json["key"] = text_or_null(exchange.key);
  json["error"] = text_or_null(exchange.error);
  json["route"] = {{"task", text_or_null(exchange.route.task)},
                   {"decision", exchange.route.decision},
                   {"reason", exchange.route.reason},
                   {"version", exchange.route.version}};
}

void read_names(const JsonMembers& members, Exchange& exchange) {
  exchange.endpoint = members.text("endpoint");
  exchange.protocol = members.word("protocol", ProtocolName::kOpenAiChat, protocol_name_from);
  exchange.model = members.text("model");
  exchange.provider = members.text("provider");
  exchange.provider_model = members.text("provider_model");
  exchange.task = members.text("task");
  exchange.fingerprint = members.text("fingerprint");
  exchange.tags = tags_from(members);
  exchange.key = members.text("key");
  exchange.error = members.text("error");
  exchange.route = choice_from(members);
}

}  // namespace

std::string_view to_string(Terms terms) {
  return terms == Terms::kMayTrain ? "may_train" : "no_training";
}

std::optional<Terms> terms_from(std::string_view word) {
  for (const Terms terms : {Terms::kNoTraining, Terms::kMayTrain}) {
    if (word == to_string(terms)) return terms;
  }
  return std::nullopt;
}

std::string_view to_string(ExchangeAttempt::Purpose purpose) {
  switch (purpose) {
    case ExchangeAttempt::Purpose::kAnswer:
      return "answer";
    case ExchangeAttempt::Purpose::kHedge:
      return "hedge";
    case ExchangeAttempt::Purpose::kShadow:
      return "shadow";
    case ExchangeAttempt::Purpose::kEscalation:
      return "escalation";
  }
  return "";
}

std::optional<ExchangeAttempt::Purpose> attempt_purpose_from(std::string_view word) {
  using Purpose = ExchangeAttempt::Purpose;
  for (const Purpose purpose : {Purpose::kAnswer, Purpose::kHedge, Purpose::kShadow, Purpose::kEscalation}) {
    if (word == to_string(purpose)) return purpose;
  }
  return std::nullopt;
}

Json to_json(const Exchange& exchange) {
  Json json = Json::object();
  json["id"] = exchange.id;
  json["at"] = format_utc(exchange.at_ms);
  json["task"] = text_or_null(exchange.task);
  json["model"] = exchange.model;
  json["provider"] = text_or_null(exchange.provider);
  json["status"] = exchange.status;
  json["usage"] = usage_json(exchange.usage);
  json["cost_usd"] = cost_json(exchange.cost);
  json["first_token_ms"] = number_or_null(exchange.first_token_ms);
  json["total_ms"] = exchange.total_ms;
  json["stream"] = exchange.stream;
  json["partial"] = exchange.partial;
  json["estimated"] = exchange.estimated;
  json["sampled"] = exchange.sampled;
  json["terms"] = to_string(exchange.terms);
  put_names(exchange, json);
  json["attempts"] = Json::array();
  for (const ExchangeAttempt& attempt : exchange.attempts) json["attempts"].push_back(attempt_json(attempt));
  json["request"] = body_json(exchange.request);
  json["answer"] = body_json(exchange.answer);
  return json;
}

Exchange exchange_from(const Json& value) {
  const JsonMembers members(value, "exchange");
  Exchange exchange;
  exchange.id = members.text("id");
  if (exchange.id.empty()) throw field_error("exchange", "id", "a text", Json());
  exchange.at_ms = members.instant("at");
  read_names(members, exchange);
  exchange.status = members.small("status");
  exchange.usage = usage_from(members);
  exchange.cost = members.optional_money("cost_usd");
  exchange.first_token_ms = members.optional_number("first_token_ms");
  exchange.total_ms = members.number("total_ms");
  exchange.stream = members.flag("stream");
  exchange.partial = members.flag("partial");
  exchange.estimated = members.flag("estimated");
  exchange.sampled = members.flag("sampled", true);
  exchange.terms = members.word("terms", Terms::kNoTraining, terms_from);
  exchange.attempts = attempts_from(members);
  exchange.request = body_from(members, "request");
  exchange.answer = body_from(members, "answer");
  return exchange;
}

}  // namespace understudy
