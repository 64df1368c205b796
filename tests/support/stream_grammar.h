// Whether a stream's events follow the grammar of their protocol, and whether it says that it is whole: a state machine
// for each of OpenAI's chat completions and Responses, Anthropic's Messages and Gemini's generateContent, written after
// their published descriptions and sharing no code with the readers that it checks.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "gateway/wire/protocol.h"

namespace understudy::testing {

struct StreamVerdict {
  std::string fault;         // what is wrong with which event; empty where nothing is
  bool is_complete = false;  // the protocol's own end was there
  bool has_failed = false;   // it ended with the protocol's error event
};

class StreamGrammar {
 public:
  virtual ~StreamGrammar() = default;
  StreamVerdict check(const std::vector<WireEvent>& events) {
    for (size_t i = 0; i < events.size() && verdict_.fault.empty(); ++i) {
      std::string fault = is_over() ? "stands after the end" : step(events[i]);
      if (!fault.empty()) verdict_.fault = fmt::format("event {}: {}: {}", i, fault, events[i].data);
    }
    return verdict_;
  }

 protected:
  virtual std::string step(const WireEvent& event) = 0;  // what is wrong with it
  bool is_over() const { return ends_here_ || verdict_.has_failed; }
  static std::string word(const Json& object, const char* key) {
    const Json value = object.is_object() ? object.value(key, Json()) : Json();
    return value.is_string() ? value.get<std::string>() : "";
  }

  StreamVerdict verdict_;
  bool ends_here_ = false;  // nothing may follow
};

class AnthropicGrammar : public StreamGrammar {
  std::string step(const WireEvent& event) override {
    const auto data = try_parse_json(event.data);
    if (!data || !data->is_object()) return "no JSON object";
    const std::string type = word(*data, "type");
    if (type != event.name) return "its name is not its type";
    if (type == "ping") return "";
    if (type == "error") {
      verdict_.has_failed = true;
      return word(data->value("error", Json()), "type").empty() ? "an error without a type" : "";
    }
    if (type == "message_start") return start(*data);
    if (!has_begun_) return "before message_start";
    if (type == "content_block_start") return block_start(*data);
    if (type == "content_block_delta") return block_delta(*data);
    if (type == "content_block_stop") return block_stop(*data);
    if (type == "message_delta") return message_delta(*data);
    if (type != "message_stop") return "an unknown type";
    if (!has_reason_) return "message_stop without message_delta";
    verdict_.is_complete = ends_here_ = true;
    return "";
  }
  std::string start(const Json& data) {
    if (std::exchange(has_begun_, true)) return "a second message_start";
    const Json message = data.value("message", Json());
    if (!message.is_object() || message.value("content", Json()) != Json::array()) return "no empty message";
    return message.contains("usage") ? "" : "no usage";
  }
  bool is_current(const Json& data) const { return data.value("index", Json()) == n_blocks_; }
  std::string block_start(const Json& data) {
    if (!open_.empty()) return "a block inside another";
    if (has_reason_) return "a block after message_delta";
    if (!is_current(data)) return "a wrong index";
    open_ = word(data.value("content_block", Json()), "type");
    if (open_ == "tool_use" && word(data["content_block"], "id").empty()) return "a call without an id";
    return open_.empty() ? "a block without a type" : "";
  }
  std::string block_delta(const Json& data) {
    if (open_.empty() || !is_current(data)) return "a delta of no open block";
    const std::string type = word(data.value("delta", Json()), "type");
    const bool fits = (type == "text_delta" && open_ == "text") || (type == "citations_delta" && open_ == "text") ||
                      (type == "thinking_delta" && open_ == "thinking") ||
                      (type == "signature_delta" && open_ == "thinking") ||
                      (type == "input_json_delta" && open_.find("tool_use") != std::string::npos);
    return fits ? "" : "a delta that its block does not have";
  }
  std::string block_stop(const Json& data) {
    if (open_.empty() || !is_current(data)) return "the stop of no open block";
    open_.clear();
    ++n_blocks_;
    return "";
  }
  std::string message_delta(const Json& data) {
    if (!open_.empty()) return "message_delta inside a block";
    if (std::exchange(has_reason_, true)) return "a second message_delta";
    if (word(data.value("delta", Json()), "stop_reason").empty()) return "no stop_reason";
    return data.contains("usage") ? "" : "no usage";
  }

  bool has_begun_ = false;
  bool has_reason_ = false;
  int n_blocks_ = 0;
  std::string open_;  // the type of the open block
};

class OpenAiChatGrammar : public StreamGrammar {
  struct Choice {
    bool has_role = false;
    bool is_finished = false;
    size_t n_calls = 0;
  };

  std::string step(const WireEvent& event) override {
    if (event.data == "[DONE]") {
      verdict_.is_complete = ends_here_ = true;
      for (const auto& [index, choice] : choices_) {
        if (!choice.is_finished) return "[DONE] before a finish_reason";
      }
      return choices_.empty() ? "[DONE] of nothing" : "";
    }
    const auto data = try_parse_json(event.data);
    if (!data || !data->is_object()) return "no JSON object";
    if (data->contains("error")) {
      verdict_.has_failed = true;
      return "";
    }
    if (word(*data, "object") != "chat.completion.chunk") return "no chunk";
    if (has_usage_) return "a chunk after the usage";
    const Json choices = data->value("choices", Json());
    if (!choices.is_array()) return "no choices";
    has_usage_ = choices.empty() && data->value("usage", Json()).is_object();
    for (const Json& choice : choices) {
      std::string fault = step_choice(choice);
      if (!fault.empty()) return fault;
    }
    return "";
  }
  std::string step_choice(const Json& value) {
    Choice& choice = choices_[value.value("index", -1)];
    const Json delta = value.value("delta", Json());
    if (!delta.is_object()) return "no delta";
    if (choice.is_finished) return "a delta after the finish_reason";
    if (choice.has_role == delta.contains("role")) return "the role is not in the first chunk alone";
    choice.has_role = true;
    for (const Json& call : delta.value("tool_calls", Json::array())) {
      const auto index = call.value("index", size_t{0});
      if (index > choice.n_calls) return "a call was left out";
      if (index < choice.n_calls) continue;
      ++choice.n_calls;
      const bool is_named = !word(call, "id").empty() && !word(call.value("function", Json()), "name").empty();
      if (!is_named) return "a call begins without id and name";
    }
    choice.is_finished = !word(value, "finish_reason").empty();
    return "";
  }

  std::map<int, Choice> choices_;
  bool has_usage_ = false;
};

// What is told by deltas is told again when it is done, and once more in the whole response at the end.
class OpenAiResponsesGrammar : public StreamGrammar {
  struct Item {
    std::string id;
    std::string type;
    bool is_done = false;
    std::string part;  // the type of the open one
    size_t n_parts = 0;
    std::string told;  // of the open part, the summary or the arguments
  };

  std::string step(const WireEvent& event) override {
    const auto data = try_parse_json(event.data);
    if (!data || !data->is_object()) return "no JSON object";
    const std::string type = word(*data, "type");
    if (type != event.name) return "its name is not its type";
    if (data->value("sequence_number", -1) != n_events_++) return "a wrong sequence_number";
    if (n_events_ == 1) return type == "response.created" ? response(*data, "in_progress") : "no response.created";
    if (n_events_ == 2) return type == "response.in_progress" ? response(*data, "in_progress") : "no in_progress";
    if (type == "response.failed") {
      verdict_.has_failed = true;
      const bool is_told = !word(data->value("response", Json()).value("error", Json()), "message").empty();
      return is_told ? response(*data, "failed") : "a failure without a message";
    }
    if (type == "response.completed" || type == "response.incomplete") return end(*data, type);
    const auto at = data->value("output_index", size_t{0});
    if (type == "response.output_item.added") return added(*data, at);
    if (at >= items_.size() || items_[at].is_done) return "of no open item";
    Item& item = items_[at];
    if (type == "response.output_item.done") return done(*data, item);
    if (word(*data, "item_id") != item.id) return "another item's id";
    return inside(*data, type, item);
  }
  static std::string response(const Json& data, std::string_view status) {
    const Json response = data.value("response", Json());
    if (word(response, "object") != "response" || word(response, "id").empty()) return "no response";
    return word(response, "status") == status ? "" : "a wrong status";
  }
  std::string added(const Json& data, size_t at) {
    if (at != items_.size()) return "a wrong output_index";
    const Json item = data.value("item", Json());
    items_.push_back({word(item, "id"), word(item, "type")});
    for (size_t i = 0; i < at; ++i) {
      if (items_[i].id == items_[at].id) return "a second item of this id";
    }
    const bool is_nameless = items_[at].type == "function_call" && word(item, "call_id").empty();
    return items_[at].type.empty() || is_nameless ? "an item without type or call_id" : "";
  }
  std::string done(const Json& data, Item& item) {
    if (!item.part.empty()) return "an item with an open part";
    item.is_done = true;
    const Json value = data.value("item", Json());
    output_[data["output_index"].get<size_t>()] = value;
    return word(value, "id") == item.id && word(value, "type") == item.type ? "" : "another item";
  }
  std::string inside(const Json& data, const std::string& type, Item& item) {
    if (type == "response.content_part.added") return open(item, "message", word(data["part"], "type"));
    if (type == "response.reasoning_summary_part.added") return open(item, "reasoning", "summary_text");
    if (type == "response.content_part.done" || type == "response.reasoning_summary_part.done") {
      const Json part = data["part"];
      const bool is_whole = word(part, item.part == "refusal" ? "refusal" : "text") == item.told;
      if (word(part, "type") != std::exchange(item.part, "")) return "the end of another part";
      return is_whole ? "" : "not what was told";
    }
    if (type == "response.function_call_arguments.delta" || type == "response.function_call_arguments.done") {
      return tell(data, "arguments", item.type == "function_call", item);
    }
    if (type == "response.output_text.annotation.added") return item.part == "output_text" ? "" : "of no text";
    const bool is_refusal = type.find("refusal") != std::string::npos;
    const bool is_text = type.find("output_text") != std::string::npos;
    const char* part = is_refusal ? "refusal" : is_text ? "output_text" : "summary_text";
    const std::string known = std::string("response.") + (is_refusal || is_text ? part : "reasoning_summary_text");
    if (type != known + ".delta" && type != known + ".done") return "an unknown type";
    return tell(data, is_refusal ? "refusal" : "text", item.part == part, item);
  }
  static std::string open(Item& item, std::string_view type, std::string part) {
    if (item.type != type || !item.part.empty() || part.empty()) return "a part in a wrong place";
    item.part = std::move(part);
    item.told.clear();
    return "";
  }
  static std::string tell(const Json& data, const char* whole, bool fits, Item& item) {
    if (!fits) return "in a wrong place";
    if (!data.contains("delta")) return word(data, whole) == item.told ? "" : "not what was told";
    item.told += word(data, "delta");
    return "";
  }
  std::string end(const Json& data, const std::string& type) {
    verdict_.is_complete = ends_here_ = true;
    const Json whole = data.value("response", Json());
    Json output = Json::array();
    for (const auto& [at, item] : output_) output.push_back(item);
    for (const Item& item : items_) {
      if (!item.is_done) return "an item is not done";
    }
    if (whole.value("output", Json()) != output) return "not what was told";
    if (!whole.value("usage", Json()).is_object()) return "no usage";
    return response(data, type == "response.completed"           ? "completed"
                          : word(whole, "status") == "cancelled" ? "cancelled"
                                                                 : "incomplete");
  }

  int n_events_ = 0;
  std::vector<Item> items_;
  std::map<size_t, Json> output_;
};

class GeminiGrammar : public StreamGrammar {
  std::string step(const WireEvent& event) override {
    const auto data = try_parse_json(event.data);
    if (!data || !data->is_object()) return "no JSON object";
    if (data->contains("error")) {
      verdict_.has_failed = true;
      const bool is_whole = (*data)["error"].contains("code") && !word((*data)["error"], "status").empty();
      return is_whole ? "" : "an error without code and status";
    }
    const std::string id = word(*data, "responseId");
    if (std::exchange(has_begun_, true) && id != id_) return "another responseId";
    id_ = id;
    for (const Json& candidate : data->value("candidates", Json::array())) {
      std::string fault = step_candidate(candidate);
      if (!fault.empty()) return fault;
    }
    verdict_.is_complete = !finished_.empty();
    for (const auto& [index, is_finished] : finished_) verdict_.is_complete = verdict_.is_complete && is_finished;
    return "";
  }
  std::string step_candidate(const Json& candidate) {
    bool& is_finished = finished_[candidate.value("index", 0)];
    if (is_finished) return "a candidate after its finishReason";
    const Json content = candidate.value("content", Json());
    if (word(content, "role") != "model") return "no content of a model";
    for (const Json& part : content.value("parts", Json::array())) {
      if (!part.is_object() || part.empty()) return "a part that is none";
      const bool is_nameless = part.contains("functionCall") && word(part["functionCall"], "name").empty();
      if (is_nameless) return "a call without a name";
    }
    is_finished = !word(candidate, "finishReason").empty();
    return "";
  }

  bool has_begun_ = false;
  std::string id_;
  std::map<int, bool> finished_;
};

inline StreamVerdict check_stream(ProtocolName protocol, const std::vector<WireEvent>& events) {
  switch (protocol) {
    case ProtocolName::kAnthropic:
      return AnthropicGrammar().check(events);
    case ProtocolName::kGemini:
      return GeminiGrammar().check(events);
    case ProtocolName::kOpenAiChat:
      return OpenAiChatGrammar().check(events);
    case ProtocolName::kOpenAiResponses:
      return OpenAiResponsesGrammar().check(events);
    case ProtocolName::kOpenAiCompletions:
    case ProtocolName::kOpenAiEmbeddings:
      break;
  }
  return {.fault = "no grammar for this protocol"};
}

}  // namespace understudy::testing
