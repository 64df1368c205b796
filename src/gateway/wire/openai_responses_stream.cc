// A stream is response.created and response.in_progress, then the items of the answer, then response.completed (or
// .incomplete, .failed) with the whole response. An item is added, grows by deltas, and is done; a message's parts and
// a thought's summary do the same inside it. Events are numbered from 0. Several calls may be open at once: the writer
// keeps each open until the answer ends, since a piece of it may always come; there is one open message or thought.
#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

#include "gateway/wire/openai_chat_parts.h"
#include "gateway/wire/openai_common.h"
#include "gateway/wire/openai_responses_parts.h"

namespace understudy::openai {

namespace {

// A failure's word where the provider's own is none of the protocol's.
std::string failure_word(const FailureEvent& failure) {
  const bool is_known = failure.type == "rate_limit_exceeded" || failure.type == "invalid_prompt" ||
                        failure.type == "server_error" || failure.type == "context_length_exceeded";
  if (is_known) return failure.type;
  if (failure.code == ErrorCode::kOverloaded) return "rate_limit_exceeded";
  return failure.code == ErrorCode::kInvalidInput ? "invalid_prompt" : "server_error";
}

class ResponseEventWriter : public EventWriter {
 public:
  explicit ResponseEventWriter(AnswerHead head) : head_(std::move(head)) {}

  std::vector<WireEvent> write(const ChatEvent& event) override {
    std::vector<WireEvent> events;
    if (has_failed_) return events;
    std::visit([&](const auto& value) { put(value, events); }, event);
    return events;
  }
  std::vector<WireEvent> finish() override {
    std::vector<WireEvent> events;
    if (has_failed_) return events;
    begin(events);
    close_all(events);
    const Ending ending = ending_of(reason_);
    Json response = response_json(head_, ending.status, output_, responses_usage_json(usage_));
    if (!ending.reason.empty()) response["incomplete_details"] = {{"reason", ending.reason}};
    emit(ending.event, {{"response", std::move(response)}}, events);
    return events;
  }

 private:
  // The item that grows: a message or a thought.
  struct Open {
    enum class Kind { kNone, kMessage, kThought } kind = Kind::kNone;
    size_t at = 0;  // its place in the output
    std::string id;
    Json parts = Json::array();  // of a message; the last one grows
    bool has_open_part = false;
    Reasoning thought;
  };
  struct Call {
    size_t at = 0;
    std::string id;  // of the item
    ToolCall call;
  };

  void emit(std::string_view type, Json members, std::vector<WireEvent>& events) {
    Json data = {{"type", type}, {"sequence_number", sequence_++}};
    for (auto& [key, value] : members.items()) data[key] = std::move(value);
    events.push_back({std::string(type), dump_json(data)});
  }
  void begin(std::vector<WireEvent>& events) {
    if (std::exchange(has_begun_, true)) return;
    const Json response = response_json(head_, "in_progress", Json::array(), nullptr);
    emit("response.created", {{"response", response}}, events);
    emit("response.in_progress", {{"response", response}}, events);
  }
  // The item as it is before anything is said in it. Gives its place.
  size_t add_item(Json item, std::vector<WireEvent>& events) {
    begin(events);
    const size_t at = output_.size();
    output_.push_back(nullptr);
    emit("response.output_item.added", {{"output_index", at}, {"item", std::move(item)}}, events);
    return at;
  }
  void end_item(size_t at, Json item, std::vector<WireEvent>& events) {
    output_[at] = item;
    emit("response.output_item.done", {{"output_index", at}, {"item", std::move(item)}}, events);
  }

  // ---- a message

  // Where in a message something stands.
  Json in_part(Json members) const {
    Json all = {{"item_id", open_.id}, {"output_index", open_.at}, {"content_index", open_.parts.size() - 1}};
    for (auto& [key, value] : members.items()) all[key] = std::move(value);
    return all;
  }
  void open_message(std::vector<WireEvent>& events) {
    if (open_.kind == Open::Kind::kMessage) return;
    close(events);
    std::string id = made_item_id("msg", head_, output_.size());
    const size_t at = add_item(message_item_json(id, Json::array(), "in_progress"), events);
    open_ = {.kind = Open::Kind::kMessage, .at = at, .id = std::move(id)};
  }
  void open_part(Json part, std::vector<WireEvent>& events) {
    open_message(events);
    const bool is_open = open_.has_open_part && open_.parts.back()["type"] == part["type"];
    if (is_open) return;
    close_part(events);
    open_.parts.push_back(part);
    open_.has_open_part = true;
    emit("response.content_part.added", in_part({{"part", std::move(part)}}), events);
  }
  void close_part(std::vector<WireEvent>& events) {
    if (!std::exchange(open_.has_open_part, false)) return;
    const Json& part = open_.parts.back();
    if (part["type"] == "refusal") {
      emit("response.refusal.done", in_part({{"refusal", part["refusal"]}}), events);
    } else {
      emit("response.output_text.done", in_part({{"text", part["text"]}, {"logprobs", part["logprobs"]}}), events);
    }
    emit("response.content_part.done", in_part({{"part", part}}), events);
  }
  void close_message(std::vector<WireEvent>& events) {
    close_part(events);
    end_item(open_.at, message_item_json(open_.id, std::move(open_.parts), ending_of(reason_).status), events);
  }

  // ---- a thought

  Json in_summary(Json members) const {
    Json all = {{"item_id", open_.id}, {"output_index", open_.at}, {"summary_index", 0}};
    for (auto& [key, value] : members.items()) all[key] = std::move(value);
    return all;
  }
  static Json summary_json(const std::string& text) { return {{"type", "summary_text"}, {"text", text}}; }
  void open_thought(const Reasoning& first, std::vector<WireEvent>& events) {
    close(events);
    std::string id = thought_id(first, made_thought_id(head_, output_.size()));
    const size_t at = add_item({{"type", "reasoning"}, {"id", id}, {"summary", Json::array()}}, events);
    open_ = {.kind = Open::Kind::kThought, .at = at, .id = std::move(id)};
    open_.thought.id = first.id;
  }
  void close_thought(std::vector<WireEvent>& events) {
    const Reasoning& thought = open_.thought;
    if (!thought.text.empty()) {
      emit("response.reasoning_summary_text.done", in_summary({{"text", thought.text}}), events);
      emit("response.reasoning_summary_part.done", in_summary({{"part", summary_json(thought.text)}}), events);
    }
    end_item(open_.at, thought_item_json(thought, open_.id), events);
  }

  void close(std::vector<WireEvent>& events) {
    if (open_.kind == Open::Kind::kMessage) close_message(events);
    if (open_.kind == Open::Kind::kThought) close_thought(events);
    open_ = {};
  }
  void close_all(std::vector<WireEvent>& events) {
    close(events);
    for (auto& [index, entry] : calls_) {
      emit("response.function_call_arguments.done",
           {{"item_id", entry.id}, {"output_index", entry.at}, {"arguments", entry.call.arguments}}, events);
      end_item(entry.at, item_of(entry, "completed"), events);
    }
    calls_.clear();
  }
  static Json item_of(const Call& entry, const char* status) {
    Json item = call_item_json(entry.call);
    item["id"] = entry.id;
    item["status"] = status;
    return item;
  }
  static void only_choice(int choice) {
    if (choice != 0) throw unsupported_field("n", "an answer of OpenAI's Responses has one choice");
  }

  void put(const HeadEvent&, std::vector<WireEvent>& events) { begin(events); }
  void put(const TextEvent& event, std::vector<WireEvent>& events) {
    only_choice(event.choice);
    if (event.text.empty() && event.logprobs.empty()) return;
    if (event.refusal) {
      open_part(refusal_part_json(""), events);
      open_.parts.back()["refusal"].get_ref<std::string&>() += event.text;
      emit("response.refusal.delta", in_part({{"delta", event.text}}), events);
      return;
    }
    open_part(text_part_json("", {}), events);
    Json& part = open_.parts.back();
    Json logprobs = logprob_list_json(event.logprobs);
    part["text"].get_ref<std::string&>() += event.text;
    part["logprobs"].insert(part["logprobs"].end(), logprobs.begin(), logprobs.end());
    emit("response.output_text.delta", in_part({{"delta", event.text}, {"logprobs", std::move(logprobs)}}), events);
  }
  void put(const ReasoningEvent& event, std::vector<WireEvent>& events) {
    only_choice(event.choice);
    const Reasoning& piece = event.piece;
    if (event.begins || open_.kind != Open::Kind::kThought) open_thought(piece, events);
    Reasoning& thought = open_.thought;
    const bool begins_text = thought.text.empty() && !piece.text.empty();
    thought.text += piece.text;
    thought.signature += piece.signature;
    thought.redacted = thought.redacted || piece.redacted;
    if (begins_text) {
      emit("response.reasoning_summary_part.added", in_summary({{"part", summary_json("")}}), events);
    }
    if (!piece.text.empty()) {
      emit("response.reasoning_summary_text.delta", in_summary({{"delta", piece.text}}), events);
    }
  }
  void put(const ToolCallEvent& event, std::vector<WireEvent>& events) {
    only_choice(event.choice);
    close(events);
    const auto [found, is_new] = calls_.try_emplace(event.index);
    Call& entry = found->second;
    if (is_new) {
      entry.id = made_item_id("fc", head_, output_.size());
      entry.call = {event.id, event.name, "", event.signature};
      entry.at = add_item(item_of(entry, "in_progress"), events);
    }
    if (event.arguments.empty()) return;
    entry.call.arguments += event.arguments;
    emit("response.function_call_arguments.delta",
         {{"item_id", entry.id}, {"output_index", entry.at}, {"delta", event.arguments}}, events);
  }
  void put(const NativeEvent& event, std::vector<WireEvent>& events) {
    only_choice(event.choice);
    const Json& value = own_output(event.native);
    if (!is_annotation(event.native)) {
      close(events);
      end_item(add_item(value, events), value, events);
      return;
    }
    open_part(text_part_json("", {}), events);
    Json& annotations = open_.parts.back()["annotations"];
    annotations.push_back(value["annotation"]);
    emit(kAnnotationEvent, in_part({{"annotation_index", annotations.size() - 1}, {"annotation", value["annotation"]}}),
         events);
  }
  void put(const FinishEvent& event, std::vector<WireEvent>& events) {
    only_choice(event.choice);
    reason_ = event.reason;
    begin(events);
    close_all(events);
  }
  void put(const UsageEvent& event, std::vector<WireEvent>&) { usage_ = event.usage; }
  void put(const FailureEvent& event, std::vector<WireEvent>& events) {
    begin(events);
    has_failed_ = true;
    Json response = response_json(head_, "failed", Json::array(), nullptr);
    response["error"] = {{"code", failure_word(event)}, {"message", event.message}};
    emit("response.failed", {{"response", std::move(response)}}, events);
  }

  const AnswerHead head_;
  int64_t sequence_ = 0;
  bool has_begun_ = false;
  bool has_failed_ = false;
  Json output_ = Json::array();  // the items; null where one is not done
  Open open_;
  std::map<int, Call> calls_;  // by number, while they are open
  FinishReason reason_ = FinishReason::kStop;
  Usage usage_;
};

class ResponseEventReader : public EventReader {
 public:
  std::vector<ChatEvent> read(const WireEvent& event) override {
    std::vector<ChatEvent> events;
    if (event.data == "[DONE]") return events;  // some servers' habit
    const Json body = parse_body(event.data);
    ObjectReader fields(body, "");
    const std::string type =
        event.name.empty() ? fields.require_text("type") : fields.text("type").value_or(event.name);
    if (type == "response.created" || type == "response.in_progress") read_head(fields, events);
    if (type == "response.output_item.added") read_added(fields, events);
    if (type == "response.output_item.done") read_done(fields, events);
    if (type == "response.output_text.delta") read_text(fields, events);
    if (type == "response.refusal.delta") read_refusal(fields, events);
    if (type == kAnnotationEvent) read_annotation(fields, events);
    if (type == "response.function_call_arguments.delta") read_arguments(fields, events);
    if (type == "response.reasoning_summary_text.delta") read_thought(fields, Telling::kSummary, events);
    if (type == "response.reasoning_text.delta") read_thought(fields, Telling::kWhole, events);
    if (type == "response.completed" || type == "response.incomplete") read_end(fields, events);
    if (type == "response.failed") read_failed(fields, events);
    if (type == "error") read_error(fields, body, events);
    return events;  // nothing for what only repeats, for the provider's own tools at work, and for events of tomorrow
  }
  bool is_complete() const override { return is_done_; }

 private:
  enum class Telling { kNone, kSummary, kWhole };  // a thought's text comes as one of them; the first one counts

  struct Item {
    int call = 0;          // a function call's number
    bool is_told = false;  // something of it was
    std::string id;
    Telling telling = Telling::kNone;
    int64_t paragraph = 0;
  };

  int64_t index_of(ObjectReader& fields) const {
    fields.require("output_index");
    return *fields.integer("output_index", 0, kMostItems - 1);
  }
  // Some servers do not say that an item begins.
  Item& item_of(ObjectReader& fields) { return items_[index_of(fields)]; }

  void read_head(ObjectReader& fields, std::vector<ChatEvent>& events) {
    const Json* value = fields.take("response");
    if (value == nullptr || std::exchange(has_head_, true)) return;
    ObjectReader response(*value, "response");
    events.emplace_back(HeadEvent{read_response_head(response)});
  }
  void read_added(ObjectReader& fields, std::vector<ChatEvent>& events) {
    ObjectReader item(fields.require("item"), "item");
    const std::string type = item.require_text("type");
    if (!begun_.insert(index_of(fields)).second) {
      throw field_error("output_index", "an item that was not added before", fields.require("output_index"));
    }
    if (type == "reasoning") item_of(fields).id = item.text("id").value_or("");
    if (type == "function_call") begin_call(item, item_of(fields), events);
  }
  void begin_call(ObjectReader& item, Item& state, std::vector<ChatEvent>& events) {
    if (n_calls_ >= kMostToolCalls) {
      throw Error(ErrorCode::kInvalidInput, fmt::format("output: more than {} calls", kMostToolCalls));
    }
    state.call = n_calls_++;
    ToolCall call = read_call_item(item);
    state.is_told = !call.arguments.empty();
    events.emplace_back(ToolCallEvent{0, state.call, std::move(call.id), std::move(call.name),
                                      std::move(call.arguments), std::move(call.signature)});
  }
  void read_done(ObjectReader& fields, std::vector<ChatEvent>& events) {
    const Json& value = fields.require("item");
    ObjectReader item(value, "item");
    const std::string type = item.require_text("type");
    const bool is_new = begun_.insert(index_of(fields)).second;
    Item& state = item_of(fields);
    if (type == "message") {
      if (!state.is_told) tell_message(item, events);
    } else if (type == "function_call") {
      end_call(item, is_new, state, events);
    } else if (type == "reasoning") {
      end_thought(item, state, events);
    } else {
      events.emplace_back(NativeEvent{0, {ProtocolName::kOpenAiResponses, value}});
    }
    items_.erase(index_of(fields));
  }
  // Of a message that came in one piece.
  static void tell_message(ObjectReader& item, std::vector<ChatEvent>& events) {
    const Json* content = item.list("content");
    for (size_t i = 0; content != nullptr && i < content->size(); ++i) {
      ObjectReader part((*content)[i], fmt::format("{}[{}]", item.path_of("content"), i));
      put_text({0, part.text("text").value_or(""), read_logprob_list(part, "logprobs"), false}, events);
      put_text({0, part.text("refusal").value_or(""), {}, true}, events);
    }
  }
  void end_call(ObjectReader& item, bool is_new, Item& state, std::vector<ChatEvent>& events) {
    if (is_new) {
      begin_call(item, state, events);
    } else if (!state.is_told) {
      std::string arguments = item.text("arguments").value_or("");
      if (!arguments.empty()) events.emplace_back(ToolCallEvent{0, state.call, "", "", std::move(arguments), ""});
    }
  }
  void end_thought(ObjectReader& item, Item& state, std::vector<ChatEvent>& events) {
    Reasoning piece = read_thought_item(item);
    if (state.is_told) piece.text.clear();
    if (piece.text.empty() && piece.signature.empty()) return;
    const bool begins = !std::exchange(state.is_told, true);
    events.emplace_back(ReasoningEvent{0, begins, std::move(piece)});
  }

  static void put_text(TextEvent text, std::vector<ChatEvent>& events) {
    if (!text.text.empty() || !text.logprobs.empty()) events.emplace_back(std::move(text));
  }
  void read_text(ObjectReader& fields, std::vector<ChatEvent>& events) {
    item_of(fields).is_told = true;
    put_text({0, fields.require_text("delta"), read_logprob_list(fields, "logprobs"), false}, events);
  }
  void read_refusal(ObjectReader& fields, std::vector<ChatEvent>& events) {
    item_of(fields).is_told = true;
    put_text({0, fields.require_text("delta"), {}, true}, events);
  }
  static void read_annotation(ObjectReader& fields, std::vector<ChatEvent>& events) {
    const Json& annotation = fields.require("annotation");
    events.emplace_back(
        NativeEvent{0, {ProtocolName::kOpenAiResponses, {{"type", kAnnotationEvent}, {"annotation", annotation}}}});
  }
  void read_arguments(ObjectReader& fields, std::vector<ChatEvent>& events) {
    if (!begun_.contains(index_of(fields))) {
      throw field_error("output_index", "a call that was added", fields.require("output_index"));
    }
    Item& state = item_of(fields);
    std::string piece = fields.require_text("delta");
    if (piece.empty()) return;
    state.is_told = true;
    events.emplace_back(ToolCallEvent{0, state.call, "", "", std::move(piece), ""});
  }
  void read_thought(ObjectReader& fields, Telling telling, std::vector<ChatEvent>& events) {
    Item& state = item_of(fields);
    if (state.telling == Telling::kNone) state.telling = telling;
    std::string piece = fields.require_text("delta");
    if (state.telling != telling || piece.empty()) return;
    const char* key = telling == Telling::kSummary ? "summary_index" : "content_index";
    const int64_t paragraph = fields.integer(key, 0, kMostItems).value_or(0);
    if (std::exchange(state.paragraph, paragraph) != paragraph && state.is_told) piece.insert(0, "\n\n");
    const bool begins = !std::exchange(state.is_told, true);
    Reasoning thought{.text = std::move(piece)};
    if (begins) thought.id = own_thought_id(state.id);
    events.emplace_back(ReasoningEvent{0, begins, std::move(thought)});
  }
  void read_end(ObjectReader& fields, std::vector<ChatEvent>& events) {
    read_head(fields, events);
    ObjectReader response(fields.require("response"), "response");
    events.emplace_back(FinishEvent{0, finish_reason_of_response(response, n_calls_ > 0), ""});
    if (const Json* usage = response.take("usage")) {
      events.emplace_back(UsageEvent{read_usage(*usage, "response.usage", kResponsesUsage)});
    }
    is_done_ = true;
  }
  static void read_failed(ObjectReader& fields, std::vector<ChatEvent>& events) {
    ObjectReader response(fields.require("response"), "response");
    const Json* error = response.take("error");
    events.emplace_back(read_failure(error != nullptr ? *error : Json("the response has failed")));
  }
  // {"type": "error", "code", "message"}, or, at some servers, with an object of them.
  static void read_error(ObjectReader& fields, const Json& body, std::vector<ChatEvent>& events) {
    if (const Json* error = fields.take("error")) {
      events.emplace_back(read_failure(*error));
      return;
    }
    Json error = body;
    error.erase("type");
    events.emplace_back(read_failure(error));
  }

  std::map<int64_t, Item> items_;  // that are open
  std::set<int64_t> begun_;
  int n_calls_ = 0;
  bool has_head_ = false;
  bool is_done_ = false;
};

}  // namespace

std::unique_ptr<EventWriter> responses_event_writer(const AnswerHead& head) {
  return std::make_unique<ResponseEventWriter>(head);
}

std::unique_ptr<EventReader> responses_event_reader() {
  return std::make_unique<ResponseEventReader>();
}

}  // namespace understudy::openai
