// Each event of a stream is a GenerateContentResponse. A tool call stands whole in one of them: the writer keeps its
// pieces until another call or the end. The reasons stand in the last one, beside the usage, and are held for it.
#include <fmt/format.h>

#include <map>

#include "gateway/wire/gemini_parts.h"

namespace understudy::gemini_wire {

namespace {

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
    const bool has_more = !has_failed_ && (!finishes_.empty() || !calls_.empty() || (usage_ && !has_ended_));
    if (has_more) put_end(events);
    return events;
  }

 private:
  struct Open {
    ToolCall call;
    int index = 0;
  };

  WireEvent chunk(Json candidates, bool with_usage) const {
    Json body = {{"candidates", std::move(candidates)}};
    if (with_usage && usage_) body["usageMetadata"] = usage_json(*usage_);
    body["modelVersion"] = head_.model;
    body["responseId"] = head_.id;
    return {"", dump_json(body)};
  }
  static Json candidate(int choice, Json parts) {
    return {{"content", {{"parts", std::move(parts)}, {"role", "model"}}}, {"index", choice}};
  }
  void put_part(int choice, Json part, std::vector<WireEvent>& events) {
    flush(choice, events);
    events.push_back(chunk(Json::array({candidate(choice, Json::array({std::move(part)}))}), false));
  }
  // The call of that choice that was being put together.
  void flush(int choice, std::vector<WireEvent>& events) {
    const auto open = calls_.find(choice);
    if (open == calls_.end()) return;
    Json part = call_json(open->second.call, fmt::format("tool_calls[{}]", open->second.index));
    calls_.erase(open);
    events.push_back(chunk(Json::array({candidate(choice, Json::array({std::move(part)}))}), false));
  }

  void put(const HeadEvent&, std::vector<WireEvent>&) {}  // the writer has its own
  void put(const TextEvent& event, std::vector<WireEvent>& events) {
    flush(event.choice, events);
    const bool says_nothing = event.text.empty() && event.logprobs.empty();
    if (says_nothing) return;
    if (event.refusal) refused_[event.choice] = true;
    Json said = candidate(event.choice, Json::array({{{"text", event.text}}}));
    if (!event.logprobs.empty()) said["logprobsResult"] = logprobs_json(event.logprobs);
    events.push_back(chunk(Json::array({std::move(said)}), false));
  }
  void put(const ReasoningEvent& event, std::vector<WireEvent>& events) {
    const Reasoning& piece = event.piece;
    if (piece.redacted) return;  // means something to one provider only
    const bool says_nothing = piece.text.empty() && piece.signature.empty();
    if (says_nothing) return;
    Json part = {{"text", piece.text}};
    const bool is_thought = !piece.text.empty() || !event.begins;
    if (is_thought) part["thought"] = true;
    if (!piece.signature.empty()) part["thoughtSignature"] = piece.signature;
    put_part(event.choice, std::move(part), events);
  }
  void put(const ToolCallEvent& event, std::vector<WireEvent>& events) {
    const auto found = calls_.find(event.choice);
    const bool is_other = found != calls_.end() && found->second.index != event.index;
    if (is_other) flush(event.choice, events);
    Open& open = calls_[event.choice];
    const bool is_late = open.call.name.empty() && event.name.empty();
    if (is_late) {
      throw unsupported_field("tool_calls", "the pieces of two calls come mixed, Gemini has each in one piece");
    }
    open.index = event.index;
    if (!event.id.empty()) open.call.id = event.id;
    if (!event.name.empty()) open.call.name = event.name;
    open.call.arguments += event.arguments;
    open.call.signature += event.signature;
  }
  void put(const NativeEvent& event, std::vector<WireEvent>& events) {
    const Json& value = own(event.native, "parts");
    if (!stands_beside(event.native)) return put_part(event.choice, value, events);
    flush(event.choice, events);
    Json said = candidate(event.choice, Json::array());
    said.update(value);
    events.push_back(chunk(Json::array({std::move(said)}), false));
  }
  void put(const FinishEvent& event, std::vector<WireEvent>& events) {
    flush(event.choice, events);
    const bool is_refused = refused_.contains(event.choice) && event.reason == FinishReason::kStop;
    finishes_[event.choice] = is_refused ? FinishReason::kRefusal : event.reason;
  }
  void put(const UsageEvent& event, std::vector<WireEvent>& events) {
    usage_ = event.usage;
    if (!finishes_.empty()) put_end(events);
  }
  void put(const FailureEvent& event, std::vector<WireEvent>& events) {
    has_failed_ = true;
    events.push_back({"", failure_payload(event)});
  }
  void put_end(std::vector<WireEvent>& events) {
    while (!calls_.empty()) flush(calls_.begin()->first, events);
    Json candidates = Json::array();
    for (const auto& [choice, reason] : finishes_) {
      candidates.push_back(candidate(choice, Json::array({{{"text", ""}}})));
      candidates.back()["finishReason"] = finish_word(reason);
    }
    events.push_back(chunk(std::move(candidates), true));
    finishes_.clear();
    has_ended_ = true;
  }

  const AnswerHead head_;
  bool has_failed_ = false;
  bool has_ended_ = false;
  std::map<int, Open> calls_;  // by choice
  std::map<int, bool> refused_;
  std::map<int, FinishReason> finishes_;  // still to be told
  std::optional<Usage> usage_;
};

class ResponseEventReader : public EventReader {
 public:
  std::vector<ChatEvent> read(const WireEvent& event) override {
    std::vector<ChatEvent> events;
    const Json body = parse_json(event.data, "a stream's event", {.depth = kDepth});
    ObjectReader fields(body, "");
    if (const Json* error = fields.take("error")) {
      events.emplace_back(read_failure(*error));
      return events;
    }
    read_head_once(fields, events);
    const Json* candidates = fields.list("candidates");
    for (size_t i = 0; candidates != nullptr && i < candidates->size(); ++i) {
      read_candidate((*candidates)[i], i, events);
    }
    read_block(fields, events);
    // Every chunk counts up: the last one's is told.
    if (const Json* usage = take_either(fields, "usageMetadata")) {
      const Usage counted = read_usage(*usage, "usageMetadata");
      if (is_complete()) events.emplace_back(UsageEvent{counted});
    }
    return events;
  }
  bool is_complete() const override {
    for (const auto& [index, candidate] : candidates_) {
      if (!candidate.is_finished) return false;
    }
    return !candidates_.empty();
  }

 private:
  struct Candidate {
    CandidateState state;
    bool is_finished = false;
  };

  static std::string text_of(ObjectReader& fields, const char* camel) {
    const Json* value = take_either(fields, camel);
    return value != nullptr && value->is_string() ? value->get<std::string>() : "";
  }
  void read_head_once(ObjectReader& fields, std::vector<ChatEvent>& events) {
    if (std::exchange(has_head_, true)) return;
    AnswerHead head;
    head.id = text_of(fields, "responseId");
    head.model = text_of(fields, "modelVersion");
    if (!head.id.empty()) ids_ = head.id + "_";
    events.emplace_back(HeadEvent{std::move(head)});
  }
  void read_candidate(const Json& value, size_t at, std::vector<ChatEvent>& events) {
    ObjectReader fields(value, fmt::format("candidates[{}]", at));
    const int index = static_cast<int>(
        fields.integer("index", 0, kMostCandidates - 1).value_or(static_cast<int64_t>(at % kMostCandidates)));
    Candidate& candidate = candidates_[index];
    std::vector<ChatEvent> said = read_parts(fields, index, ids_, candidate.state);
    put_logprobs(index, read_logprobs(fields), said);
    read_beside(fields, index, said);
    for (ChatEvent& event : said) events.push_back(std::move(event));
    const std::string word = text_of(fields, "finishReason");
    if (word.empty() || candidate.is_finished) return;
    candidate.is_finished = true;
    events.emplace_back(FinishEvent{index, finish_reason_of(word, candidate.state.calls > 0), ""});
  }
  // They are of all of the chunk's tokens: they go with its last text, or with one that says nothing.
  static void put_logprobs(int index, std::vector<TokenLogprobs> tokens, std::vector<ChatEvent>& said) {
    if (tokens.empty()) return;
    for (auto event = said.rbegin(); event != said.rend(); ++event) {
      if (auto* text = std::get_if<TextEvent>(&*event)) {
        text->logprobs = std::move(tokens);
        return;
      }
    }
    said.emplace_back(TextEvent{index, "", std::move(tokens), false});
  }
  // A prompt that was not let in has no candidates.
  void read_block(ObjectReader& fields, std::vector<ChatEvent>& events) {
    const Json* value = take_either(fields, "promptFeedback");
    if (value == nullptr) return;
    ObjectReader feedback(*value, "promptFeedback");
    const bool is_blocked = !text_of(feedback, "blockReason").empty() && candidates_.empty();
    if (!is_blocked) return;
    candidates_[0].is_finished = true;
    events.emplace_back(FinishEvent{0, FinishReason::kContentFilter, ""});
  }

  bool has_head_ = false;
  std::string ids_;
  std::map<int, Candidate> candidates_;
};

}  // namespace

std::unique_ptr<EventWriter> event_writer(const AnswerHead& head) {
  return std::make_unique<ResponseEventWriter>(head);
}

std::unique_ptr<EventReader> event_reader() {
  return std::make_unique<ResponseEventReader>();
}

}  // namespace understudy::gemini_wire
