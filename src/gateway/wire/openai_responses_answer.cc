#include <fmt/format.h>

#include <algorithm>

#include "gateway/wire/openai_chat_parts.h"
#include "gateway/wire/openai_common.h"
#include "gateway/wire/openai_responses_parts.h"
#include "gateway/wire/signatures.h"

namespace understudy::openai {

namespace {

// Before what another provider encrypted as a whole: clients send it back as it is.
constexpr std::string_view kRedacted = "understudy:redacted:";
constexpr std::string_view kMadeThought = "rs_understudy_";
constexpr const char* kNamelessThought = "rs_nameless";  // OpenAI's own, of a client that leaves the id out

bool takes_prefix(std::string_view prefix, std::string& text) {
  if (text.rfind(prefix, 0) != 0) return false;
  text.erase(0, prefix.size());
  return true;
}

// The texts of a list of {"type", "text"}, as paragraphs.
std::string paragraphs(ObjectReader& item, const char* key) {
  std::string text;
  const Json* list = item.list(key);
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    ObjectReader part((*list)[i], fmt::format("{}[{}]", item.path_of(key), i));
    text += (i > 0 ? "\n\n" : "") + part.text("text").value_or("");
  }
  return text;
}

std::string_view random_part(const AnswerHead& head) {
  const std::string_view id = head.id;
  const size_t underscore = id.find('_');
  return underscore == std::string_view::npos ? id : id.substr(underscore + 1);
}

void read_message_part(const Json& value, const std::string& path, ChatChoice& choice) {
  ObjectReader part(value, path);
  const std::string type = part.require_text("type");
  if (type == "refusal") {
    choice.refusal += part.require_text("refusal");
    return;
  }
  choice.text += part.require_text("text");
  std::vector<TokenLogprobs> logprobs = read_logprob_list(part, "logprobs");
  choice.logprobs.insert(choice.logprobs.end(), logprobs.begin(), logprobs.end());
  const Json* annotations = part.list("annotations");
  for (size_t i = 0; annotations != nullptr && i < annotations->size(); ++i) {
    choice.natives.push_back(
        {ProtocolName::kOpenAiResponses, {{"type", kAnnotationEvent}, {"annotation", (*annotations)[i]}}});
  }
}

void read_item(const Json& value, const std::string& path, ChatChoice& choice) {
  ObjectReader item(value, path);
  const std::string type = item.require_text("type");
  if (type == "message") {
    const Json* content = item.list("content");
    for (size_t i = 0; content != nullptr && i < content->size(); ++i) {
      read_message_part((*content)[i], fmt::format("{}[{}]", item.path_of("content"), i), choice);
    }
  } else if (type == "function_call") {
    choice.tool_calls.push_back(read_call_item(item));
  } else if (type == "reasoning") {
    Reasoning thought = read_thought_item(item);
    const bool says_something = !thought.text.empty() || !thought.signature.empty();
    if (says_something) choice.reasoning.push_back(std::move(thought));
  } else {
    choice.natives.push_back({ProtocolName::kOpenAiResponses, value});
  }
}

Json message_parts(const ChatChoice& choice) {
  Json annotations = Json::array();
  for (const Native& native : choice.natives) {
    if (is_annotation(native)) annotations.push_back(native.value["annotation"]);
  }
  const bool of_refusal = choice.text.empty() && !choice.refusal.empty();  // whose probabilities have no place
  const bool has_logprobs = !choice.logprobs.empty() && !of_refusal;
  Json parts = Json::array();
  if (!choice.text.empty() || !annotations.empty() || has_logprobs) {
    parts.push_back(text_part_json(choice.text, has_logprobs ? choice.logprobs : std::vector<TokenLogprobs>()));
    parts.back()["annotations"] = std::move(annotations);
  }
  if (!choice.refusal.empty()) parts.push_back(refusal_part_json(choice.refusal));
  return parts;
}

Json output_json(const AnswerHead& head, const ChatChoice& choice, const Ending& ending) {
  Json output = Json::array();
  for (const Reasoning& thought : choice.reasoning) {
    output.push_back(thought_item_json(thought, made_thought_id(head, output.size())));
  }
  if (Json parts = message_parts(choice); !parts.empty()) {
    // What is followed by something is whole.
    const bool is_last =
        choice.tool_calls.empty() && std::all_of(choice.natives.begin(), choice.natives.end(), is_annotation);
    output.push_back(message_item_json(made_item_id("msg", head, output.size()), std::move(parts),
                                       is_last ? ending.status : "completed"));
  }
  for (const ToolCall& call : choice.tool_calls) {
    Json item = call_item_json(call);
    item["id"] = made_item_id("fc", head, output.size());
    item["status"] = "completed";
    output.push_back(std::move(item));
  }
  for (const Native& native : choice.natives) {
    if (!is_annotation(native)) output.push_back(own_output(native));
  }
  return output;
}

}  // namespace

bool is_annotation(const Native& native) {
  return native.protocol == ProtocolName::kOpenAiResponses && native.value.is_object() &&
         native.value.value("type", Json()) == kAnnotationEvent && native.value.contains("annotation");
}

const Json& own_output(const Native& native) {
  if (native.protocol == ProtocolName::kOpenAiResponses && native.value.is_object()) return native.value;
  throw unsupported_field(std::string(to_string(native.protocol)),
                          "a part of the answer that OpenAI's Responses cannot express");
}

Json call_item_json(const ToolCall& call) {
  Json item = {{"type", "function_call"}, {"call_id", call.id}, {"name", call.name}, {"arguments", call.arguments}};
  if (!call.signature.empty()) item["extra_content"] = signature_json(call.signature);
  return item;
}

ToolCall read_call_item(ObjectReader& item) {
  return {item.require_text("call_id"), item.require_text("name"), item.text("arguments").value_or(""),
          read_signature(item)};
}

std::string made_item_id(std::string_view prefix, const AnswerHead& head, size_t index) {
  return fmt::format("{}_{}_{}", prefix, random_part(head), index);
}

std::string made_thought_id(const AnswerHead& head, size_t index) {
  return fmt::format("{}{}_{}", kMadeThought, random_part(head), index);
}

std::string thought_id(const Reasoning& thought, const std::string& made_id) {
  return thought.id.empty() ? made_id : thought.id;
}

std::string own_thought_id(std::string id) {
  if (id.empty()) return kNamelessThought;
  if (id.rfind(kMadeThought, 0) == 0) id.clear();
  return id;
}

Json thought_item_json(const Reasoning& thought, const std::string& made_id) {
  Json item = {{"type", "reasoning"}};
  if (thought.id != kNamelessThought) item["id"] = thought_id(thought, made_id);
  item["summary"] = Json::array();
  if (!thought.text.empty()) item["summary"].push_back({{"type", "summary_text"}, {"text", thought.text}});
  if (thought.signature.empty()) return item;
  std::string_view mark;
  if (thought.id.empty() && !is_marked(thought.signature)) mark = kNobodysMark;
  if (thought.id.empty() && thought.redacted) mark = kRedacted;
  item["encrypted_content"] = std::string(mark) + thought.signature;
  return item;
}

Reasoning read_thought_item(ObjectReader& item) {
  Reasoning thought;
  thought.id = own_thought_id(item.text("id").value_or(""));
  thought.text = paragraphs(item, "summary");
  const std::string raw = paragraphs(item, "content");
  if (thought.text.empty()) thought.text = raw;
  thought.signature = item.text("encrypted_content").value_or("");
  thought.redacted = takes_prefix(kRedacted, thought.signature);
  const bool is_foreign = thought.redacted || is_marked(thought.signature);
  thought.signature = without_nobodys_mark(std::move(thought.signature));
  if (is_foreign) thought.id.clear();
  return thought;
}

Json text_part_json(std::string text, const std::vector<TokenLogprobs>& logprobs) {
  return {{"type", "output_text"},
          {"text", std::move(text)},
          {"annotations", Json::array()},
          {"logprobs", logprob_list_json(logprobs)}};
}

Json refusal_part_json(std::string text) {
  return {{"type", "refusal"}, {"refusal", std::move(text)}};
}

Json message_item_json(std::string id, Json parts, std::string_view status) {
  return {{"type", "message"},
          {"id", std::move(id)},
          {"status", status == "cancelled" ? "incomplete" : status},  // an item has no such word
          {"role", "assistant"},
          {"content", std::move(parts)}};
}

Ending ending_of(FinishReason reason) {
  switch (reason) {
    case FinishReason::kLength:
      return {"incomplete", "max_output_tokens", "response.incomplete"};
    case FinishReason::kContentFilter:
    case FinishReason::kRefusal:
      return {"incomplete", "content_filter", "response.incomplete"};
    case FinishReason::kCancelled:
      return {"cancelled", "", "response.incomplete"};
    case FinishReason::kStop:
    case FinishReason::kToolCalls:
    case FinishReason::kPause:
      break;
  }
  return {"completed", "", "response.completed"};
}

FinishReason finish_reason_of_response(ObjectReader& response, bool has_calls) {
  const std::string status = response.text("status").value_or("completed");
  if (status == "incomplete") {
    const Json* details = response.take("incomplete_details");
    const bool is_filtered =
        details != nullptr && details->is_object() && details->value("reason", Json()) == "content_filter";
    return is_filtered ? FinishReason::kContentFilter : FinishReason::kLength;
  }
  if (status == "cancelled") return FinishReason::kCancelled;
  if (status == "queued" || status == "in_progress") return FinishReason::kPause;  // it goes on without us
  return has_calls ? FinishReason::kToolCalls : FinishReason::kStop;
}

Json responses_usage_json(const Usage& usage) {
  Json json = usage_json(usage, kResponsesUsage);
  json[kResponsesUsage.completion_details]["reasoning_tokens"] = usage.reasoning;  // clients ask for it
  return json;
}

// What the request asked for is not repeated: the members that clients' libraries ask for stand with their defaults.
Json response_json(const AnswerHead& head, std::string_view status, Json output, Json usage) {
  return {{"id", head.id},
          {"object", "response"},
          {"created_at", head.created},
          {"status", status},
          {"error", nullptr},
          {"incomplete_details", nullptr},
          {"instructions", nullptr},
          {"metadata", Json::object()},
          {"model", head.model},
          {"output", std::move(output)},
          {"parallel_tool_calls", true},
          {"tool_choice", "auto"},
          {"tools", Json::array()},
          {"store", false},
          {"usage", std::move(usage)}};
}

AnswerHead read_response_head(ObjectReader& response) {
  AnswerHead head;
  head.id = response.text("id").value_or("");
  head.model = response.text("model").value_or("");
  // A whole number, which some servers write with a point.
  head.created = static_cast<int64_t>(response.number("created_at", {0, 1e12}).value_or(0));
  return head;
}

std::string write_responses_answer(const ChatAnswer& answer) {
  if (answer.choices.size() > 1) throw unsupported_field("n", "an answer of OpenAI's Responses has one choice");
  const ChatChoice choice = answer.choices.empty() ? ChatChoice() : answer.choices.front();
  const Ending ending = ending_of(choice.reason);
  Json body = response_json(answer.head, ending.status, output_json(answer.head, choice, ending),
                            responses_usage_json(answer.usage));
  if (!ending.reason.empty()) body["incomplete_details"] = {{"reason", ending.reason}};
  return dump_json(body);
}

ChatAnswer read_responses_answer(std::string_view body) {
  const Json value = parse_body(body);
  ObjectReader fields(value, "");
  if (fields.text("status") == "failed") {
    const Json* error = fields.take("error");
    const FailureEvent failure = read_failure(error != nullptr ? *error : Json("the response has failed"));
    throw Error(failure.code, failure.message);
  }
  ChatAnswer answer;
  answer.head = read_response_head(fields);
  const Json& output = fields.require("output");
  const bool is_list = output.is_array() && output.size() <= static_cast<size_t>(kMostItems);
  if (!is_list) throw field_error("output", fmt::format("a list of up to {} items", kMostItems), output);
  ChatChoice& choice = answer.choices.emplace_back();
  for (size_t i = 0; i < output.size(); ++i) read_item(output[i], fmt::format("output[{}]", i), choice);
  choice.reason = finish_reason_of_response(fields, !choice.tool_calls.empty());
  if (const Json* usage = fields.take("usage")) answer.usage = read_usage(*usage, "usage", kResponsesUsage);
  return answer;
}

}  // namespace understudy::openai
