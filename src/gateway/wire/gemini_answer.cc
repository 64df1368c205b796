#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "gateway/wire/gemini_parts.h"

namespace understudy::gemini_wire {

namespace {

constexpr int64_t kMostTokens = 1'000'000'000'000;  // of a count: sums of them stay far from the end of the type

// What tells of a search that the request asked for. Citations that nobody asked for are not among it.
constexpr const char* kBeside[] = {"groundingMetadata", "urlContextMetadata"};

Json logprob_json(const TokenLogprob& token) {
  // A logarithm of zero has no JSON.
  const double logprob = std::max(token.logprob, -9999.0);
  return {{"token", repair_utf8(token.token)}, {"logProbability", logprob}};
}

TokenLogprob read_logprob(const Json& value, const std::string& path) {
  ObjectReader fields(value, path);
  const Json* logprob = take_either(fields, "logProbability");
  if (logprob != nullptr && !logprob->is_number()) throw field_error(path + ".logProbability", "a number", *logprob);
  return {fields.text("token").value_or(""), logprob != nullptr ? logprob->get<double>() : 0};
}

// {"candidates": [...]} of one step
void read_top(const Json& value, const std::string& path, TokenLogprobs& token) {
  ObjectReader step(value, path);
  const Json* list = step.list("candidates");
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    token.top.push_back(read_logprob((*list)[i], fmt::format("{}.candidates[{}]", path, i)));
  }
}

const Json* take_list(ObjectReader& fields, const char* camel) {
  const Json* list = take_either(fields, camel);
  if (list != nullptr && !list->is_array()) throw field_error(fields.path_of(camel), "a list", *list);
  return list;
}

// A thought is open until its signature came: the next piece then begins another.
ChatEvent thought_event(int index, Reasoning piece, CandidateState& state) {
  const bool begins = !state.thinking;
  state.thinking = piece.signature.empty();
  return ReasoningEvent{index, begins, std::move(piece)};
}

void read_part(const Json& value, const std::string& path, int index, const std::string& ids, CandidateState& state,
               std::vector<ChatEvent>& events) {
  ObjectReader part(value, path);
  const Json* signature = take_either(part, "thoughtSignature");
  if (signature != nullptr && !signature->is_string()) {
    throw field_error(part.path_of("thoughtSignature"), "a string", *signature);
  }
  std::string signed_by = signature != nullptr ? signature->get<std::string>() : "";
  const std::optional<std::string> text = part.text("text");
  if (part.boolean("thought").value_or(false) && text) {
    events.emplace_back(thought_event(index, {.text = *text, .signature = std::move(signed_by)}, state));
    return;
  }
  state.thinking = false;
  if (take_either(part, "functionCall") != nullptr) {
    ToolCall call = read_call(value, path, fmt::format("call_{}{}", ids, state.calls));
    events.emplace_back(ToolCallEvent{index, state.calls++, call.id, call.name, call.arguments, call.signature});
  } else if (text) {
    if (!text->empty()) events.emplace_back(TextEvent{index, *text, {}, false});
    if (!signed_by.empty()) events.emplace_back(ReasoningEvent{index, true, {.signature = std::move(signed_by)}});
  } else {
    events.emplace_back(NativeEvent{index, {ProtocolName::kGemini, value}});
  }
}

Json thought_json(const Reasoning& reasoning) {
  Json part = {{"text", reasoning.text}};
  // A signature alone is that of the answer's own text.
  if (!reasoning.text.empty() || reasoning.signature.empty()) part["thought"] = true;
  if (!reasoning.signature.empty()) part["thoughtSignature"] = reasoning.signature;
  return part;
}

Json parts_json(const ChatChoice& choice) {
  Json parts = Json::array();
  for (const Reasoning& reasoning : choice.reasoning) {
    if (!reasoning.redacted) parts.push_back(thought_json(reasoning));
  }
  if (!choice.text.empty()) parts.push_back({{"text", choice.text}});
  if (!choice.refusal.empty()) parts.push_back({{"text", choice.refusal}});
  for (size_t i = 0; i < choice.tool_calls.size(); ++i) {
    parts.push_back(call_json(choice.tool_calls[i], fmt::format("tool_calls[{}]", i)));
  }
  for (const Native& native : choice.natives) {
    if (!stands_beside(native)) parts.push_back(own(native, "parts"));
  }
  return parts;
}

Json candidate_json(const ChatChoice& choice, size_t index) {
  const bool is_refused = !choice.refusal.empty() && choice.reason == FinishReason::kStop;
  const FinishReason reason = is_refused ? FinishReason::kRefusal : choice.reason;
  Json candidate = {{"content", {{"parts", parts_json(choice)}, {"role", "model"}}},
                    {"finishReason", finish_word(reason)},
                    {"index", index}};
  for (const Native& native : choice.natives) {
    if (stands_beside(native)) candidate.update(native.value);
  }
  if (!choice.logprobs.empty()) candidate["logprobsResult"] = logprobs_json(choice.logprobs);
  return candidate;
}

int64_t count(ObjectReader& fields, const char* camel) {
  const Json* value = take_either(fields, camel);
  if (value == nullptr) return 0;
  const bool fits = value->is_number_integer() && *value >= 0 && *value <= kMostTokens;
  if (!fits) throw field_error(fields.path_of(camel), fmt::format("a whole number from 0 to {}", kMostTokens), *value);
  return value->get<int64_t>();
}

std::string text_of(ObjectReader& fields, const char* camel) {
  const Json* value = take_either(fields, camel);
  if (value != nullptr && !value->is_string()) throw field_error(fields.path_of(camel), "a string", *value);
  return value != nullptr ? value->get<std::string>() : "";
}

}  // namespace

const Json* take_either(ObjectReader& fields, std::string_view camel) {
  std::string snake;
  for (const char c : camel) {
    if (c >= 'A' && c <= 'Z') {
      snake += '_';
      snake += static_cast<char>(c - 'A' + 'a');
    } else {
      snake += c;
    }
  }
  const Json* first = fields.take(camel);
  const Json* second = fields.take(snake);
  return first != nullptr ? first : second;
}

const Json& own(const Native& native, const std::string& path) {
  if (native.protocol == ProtocolName::kGemini) return native.value;
  throw unsupported_field(path, fmt::format("it is {}'s own (Gemini)", to_string(native.protocol)));
}

bool stands_beside(const Native& native) {
  if (native.protocol != ProtocolName::kGemini || !native.value.is_object()) return false;
  return std::any_of(std::begin(kBeside), std::end(kBeside),
                     [&](const char* key) { return native.value.contains(key); });
}

Json call_json(const ToolCall& call, const std::string& path) {
  // A call without arguments may be told by no text at all.
  std::optional<Json> arguments = try_parse_json(call.arguments.empty() ? "{}" : call.arguments, {.depth = kDepth});
  if (!arguments || !arguments->is_object()) {
    throw field_error(path + ".function.arguments", "a JSON object", Json(call.arguments));
  }
  Json function = {{"name", call.name}, {"args", std::move(*arguments)}};
  if (!call.id.empty()) function["id"] = call.id;
  Json part = {{"functionCall", std::move(function)}};
  if (!call.signature.empty()) part["thoughtSignature"] = call.signature;
  return part;
}

ToolCall read_call(const Json& value, const std::string& path, const std::string& id) {
  ObjectReader part(value, path);
  ObjectReader function(*take_either(part, "functionCall"), part.path_of("functionCall"));
  ToolCall call;
  call.name = function.require_text("name");
  call.id = function.text("id").value_or("");
  if (call.id.empty()) call.id = id;
  const Json* arguments = function.take("args");
  if (arguments != nullptr && !arguments->is_object()) {
    throw field_error(function.path_of("args"), "an object", *arguments);
  }
  call.arguments = arguments != nullptr ? dump_json(*arguments) : "{}";
  if (const Json* signature = take_either(part, "thoughtSignature")) {
    if (!signature->is_string()) throw field_error(part.path_of("thoughtSignature"), "a string", *signature);
    call.signature = signature->get<std::string>();
  }
  return call;
}

Json usage_json(const Usage& usage) {
  Json json = {{"promptTokenCount", usage.prompt_tokens()},
               {"candidatesTokenCount", usage.output},
               {"totalTokenCount", usage.prompt_tokens() + usage.completion_tokens()}};
  if (usage.cached_input > 0) json["cachedContentTokenCount"] = usage.cached_input;
  if (usage.reasoning > 0) json["thoughtsTokenCount"] = usage.reasoning;
  return json;
}

Usage read_usage(const Json& value, const std::string& path) {
  ObjectReader fields(value, path);
  Usage usage;
  const int64_t prompt = count(fields, "promptTokenCount");
  usage.cached_input = std::min(prompt, count(fields, "cachedContentTokenCount"));
  // What a tool of theirs put into the prompt is counted beside it.
  usage.input = prompt - usage.cached_input;
  usage.input += count(fields, "toolUsePromptTokenCount");
  usage.output = count(fields, "candidatesTokenCount");
  usage.reasoning = count(fields, "thoughtsTokenCount");
  return usage;
}

std::string_view finish_word(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
    case FinishReason::kToolCalls:
      return "STOP";
    case FinishReason::kLength:
      return "MAX_TOKENS";
    case FinishReason::kContentFilter:
    case FinishReason::kRefusal:
      return "SAFETY";
    case FinishReason::kPause:
    case FinishReason::kCancelled:
      return "OTHER";  // not whole, and the protocol has no other word for that
  }
  return "STOP";
}

FinishReason finish_reason_of(std::string_view word, bool has_calls) {
  if (word == "MAX_TOKENS") return FinishReason::kLength;
  const bool is_whole = word.empty() || word == "STOP" || word == "FINISH_REASON_UNSPECIFIED";
  if (!is_whole) return FinishReason::kContentFilter;
  return has_calls ? FinishReason::kToolCalls : FinishReason::kStop;
}

Json logprobs_json(const std::vector<TokenLogprobs>& tokens) {
  Json chosen = Json::array();
  Json top = Json::array();
  for (const TokenLogprobs& token : tokens) {
    chosen.push_back(logprob_json(token.chosen));
    Json step = Json::array();
    for (const TokenLogprob& other : token.top) step.push_back(logprob_json(other));
    top.push_back({{"candidates", std::move(step)}});
  }
  return {{"topCandidates", std::move(top)}, {"chosenCandidates", std::move(chosen)}};
}

std::vector<TokenLogprobs> read_logprobs(ObjectReader& candidate) {
  std::vector<TokenLogprobs> tokens;
  const Json* value = take_either(candidate, "logprobsResult");
  if (value == nullptr) return tokens;
  ObjectReader result(*value, candidate.path_of("logprobsResult"));
  const Json* chosen = take_list(result, "chosenCandidates");
  const Json* top = take_list(result, "topCandidates");
  for (size_t i = 0; chosen != nullptr && i < chosen->size(); ++i) {
    TokenLogprobs token;
    token.chosen = read_logprob((*chosen)[i], fmt::format("{}[{}]", result.path_of("chosenCandidates"), i));
    if (top != nullptr && i < top->size()) {
      read_top((*top)[i], fmt::format("{}[{}]", result.path_of("topCandidates"), i), token);
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

std::vector<ChatEvent> read_parts(ObjectReader& candidate, int index, const std::string& ids, CandidateState& state) {
  std::vector<ChatEvent> events;
  const Json* value = candidate.take("content");
  if (value == nullptr) return events;
  ObjectReader content(*value, candidate.path_of("content"));
  const Json* parts = content.list("parts");
  for (size_t i = 0; parts != nullptr && i < parts->size(); ++i) {
    read_part((*parts)[i], fmt::format("{}[{}]", content.path_of("parts"), i), index, ids, state, events);
  }
  return events;
}

void read_beside(ObjectReader& candidate, int index, std::vector<ChatEvent>& events) {
  for (const char* key : kBeside) {
    const Json* value = take_either(candidate, key);
    if (value != nullptr && !value->empty()) {
      events.emplace_back(NativeEvent{index, {ProtocolName::kGemini, {{key, *value}}}});
    }
  }
}

// An answer is read as the stream whose only chunk it is.
ChatAnswer read_answer(std::string_view body) {
  ChatAnswer answer;
  const std::unique_ptr<EventReader> reader = event_reader();
  for (const ChatEvent& event : reader->read({"", std::string(body)})) {
    if (const auto* failure = std::get_if<FailureEvent>(&event)) throw Error(failure->code, failure->message);
    // Two thoughts beside each other are two here: nobody cut one into pieces.
    ChatEvent whole = event;
    if (auto* thought = std::get_if<ReasoningEvent>(&whole)) thought->begins = true;
    collect(whole, answer);
  }
  if (answer.choices.empty()) throw Error(ErrorCode::kInvalidInput, "candidates: is missing").about("candidates");
  const Json value = parse_json(body, "the answer's body", {.depth = kDepth});
  ObjectReader fields(value, "");
  if (const Json* usage = take_either(fields, "usageMetadata")) answer.usage = read_usage(*usage, "usageMetadata");
  answer.head.id = text_of(fields, "responseId");
  answer.head.model = text_of(fields, "modelVersion");
  return answer;
}

std::string write_answer(const ChatAnswer& answer) {
  Json candidates = Json::array();
  for (size_t i = 0; i < answer.choices.size(); ++i) candidates.push_back(candidate_json(answer.choices[i], i));
  return dump_json({{"candidates", std::move(candidates)},
                    {"usageMetadata", usage_json(answer.usage)},
                    {"modelVersion", answer.head.model},
                    {"responseId", answer.head.id}});
}

}  // namespace understudy::gemini_wire
