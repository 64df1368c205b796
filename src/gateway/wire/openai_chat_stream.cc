// The order of a stream's chunks is OpenAI's: for each choice first its role, then its text and tool calls, then its
// finish reason; at the end one chunk of usage without choices where it was asked for; then [DONE].
#include <fmt/format.h>

#include <map>
#include <set>

#include "gateway/wire/openai_chat_parts.h"
#include "gateway/wire/openai_common.h"

namespace understudy::openai {

namespace {

constexpr std::string_view kChunkObject = "chat.completion.chunk";

class ChatEventWriter : public EventWriter {
 public:
  ChatEventWriter(const ChatRequest& request, AnswerHead head)
      : head_(std::move(head)), logprobs_(request.logprobs), usage_(request.stream_usage) {}

  std::vector<WireEvent> write(const ChatEvent& event) override {
    std::vector<WireEvent> chunks;
    std::visit([&](const auto& value) { put(value, chunks); }, event);
    return chunks;
  }
  std::vector<WireEvent> finish() override { return {{"", "[DONE]"}}; }

 private:
  std::string chunk(Json choices, Json usage) const {
    Json body = head_json(head_, kChunkObject);
    body["choices"] = std::move(choices);
    if (usage_) body["usage"] = std::move(usage);
    return dump_json(body);
  }
  WireEvent choice_chunk(int choice, Json delta, Json logprobs, Json reason) const {
    return {"", chunk(Json::array({{{"index", choice},
                                    {"delta", std::move(delta)},
                                    {"logprobs", std::move(logprobs)},
                                    {"finish_reason", std::move(reason)}}}),
                      nullptr)};
  }
  // The role comes first, and once for each choice.
  void begin(int choice, std::vector<WireEvent>& chunks) {
    if (!begun_.insert(choice).second) return;
    chunks.push_back(
        choice_chunk(choice, {{"role", "assistant"}, {"content", ""}, {"refusal", nullptr}}, nullptr, nullptr));
  }

  void put(const HeadEvent&, std::vector<WireEvent>&) {}  // the writer has its own
  void put(const TextEvent& event, std::vector<WireEvent>& chunks) {
    begin(event.choice, chunks);
    Json logprobs = logprobs_ ? chat_logprobs_json(event.logprobs) : Json(nullptr);
    const char* key = event.refusal ? "refusal" : "content";
    chunks.push_back(choice_chunk(event.choice, {{key, event.text}}, std::move(logprobs), nullptr));
  }
  void put(const ReasoningEvent& event, std::vector<WireEvent>& chunks) {
    if (event.piece.text.empty()) return;  // a signature has no field here
    begin(event.choice, chunks);
    chunks.push_back(choice_chunk(event.choice, {{"reasoning_content", event.piece.text}}, nullptr, nullptr));
  }
  void put(const ToolCallEvent& event, std::vector<WireEvent>& chunks) {
    begin(event.choice, chunks);
    Json call = {{"index", event.index}};
    if (!event.id.empty()) {
      call["id"] = event.id;
      call["type"] = "function";
    }
    Json function = Json::object();
    if (!event.name.empty()) function["name"] = event.name;
    function["arguments"] = event.arguments;
    call["function"] = std::move(function);
    chunks.push_back(
        choice_chunk(event.choice, {{"tool_calls", Json::array({std::move(call)})}}, nullptr, nullptr));
  }
  void put(const FinishEvent& event, std::vector<WireEvent>& chunks) {
    begin(event.choice, chunks);
    chunks.push_back(choice_chunk(event.choice, Json::object(), nullptr, finish_word(event.reason)));
  }
  void put(const UsageEvent& event, std::vector<WireEvent>& chunks) const {
    if (usage_) chunks.push_back({"", chunk(Json::array(), usage_json(event.usage))});
  }
  void put(const NativeEvent& event, std::vector<WireEvent>&) const {
    throw unsupported_field(std::string(to_string(event.native.protocol)),
                            "a part of the answer that OpenAI's chat completions cannot express");
  }
  void put(const FailureEvent& event, std::vector<WireEvent>& chunks) const {
    chunks.push_back({"", failure_payload(event)});
  }

  const AnswerHead head_;
  const bool logprobs_;
  const bool usage_;
  std::set<int> begun_;
};

class ChatEventReader : public EventReader {
 public:
  std::vector<ChatEvent> read(const WireEvent& event) override {
    std::vector<ChatEvent> events;
    if (event.data == "[DONE]") {
      is_done_ = true;
      return events;
    }
    const Json body = parse_body(event.data);
    ObjectReader fields(body, "");
    if (const Json* error = fields.take("error")) {
      events.emplace_back(read_failure(*error));
      return events;
    }
    read_head_once(fields, events);
    const Json* choices = fields.list("choices");
    for (size_t i = 0; choices != nullptr && i < choices->size(); ++i) {
      read_choice((*choices)[i], fmt::format("choices[{}]", i), events);
    }
    read_any_usage(fields, events);
    return events;
  }
  // Some vendors end without [DONE]: what counts is that every choice said why it ended.
  bool is_complete() const override { return is_done_ || (!open_.empty() && all_finished()); }

 private:
  void read_head_once(ObjectReader& fields, std::vector<ChatEvent>& events) {
    if (std::exchange(has_head_, true)) return;
    events.emplace_back(HeadEvent{read_head(fields)});
  }
  // In any chunk, also beside choices; Groq's stands one level deeper.
  static void read_any_usage(ObjectReader& fields, std::vector<ChatEvent>& events) {
    const Json* usage = fields.take("usage");
    const Json* groq = fields.take("x_groq");
    if (usage == nullptr && groq != nullptr && groq->is_object() && groq->contains("usage")) usage = &(*groq)["usage"];
    if (usage != nullptr && usage->is_object()) events.emplace_back(UsageEvent{read_usage(*usage, "usage")});
  }
  void read_choice(const Json& value, const std::string& path, std::vector<ChatEvent>& events) {
    ObjectReader choice(value, path);
    const int index = static_cast<int>(choice.integer("index", 0, kMostChoices - 1).value_or(0));
    open_.try_emplace(index, true);
    static const Json kNothing = Json::object();
    const Json* given = choice.take("delta");
    ObjectReader delta(given != nullptr ? *given : kNothing, choice.path_of("delta"));
    if (const auto thought = read_thought(delta)) {
      events.emplace_back(ReasoningEvent{index, thinking_.insert(index).second, {.text = *thought}});
    }
    read_text(choice, delta, index, events);
    if (const auto refusal = delta.text("refusal"); refusal && !refusal->empty()) {
      events.emplace_back(TextEvent{index, *refusal, {}, true});
    }
    read_tool_pieces(delta, index, events);
    if (const auto word = choice.text("finish_reason"); word && !word->empty()) {
      open_[index] = false;
      events.emplace_back(FinishEvent{index, finish_reason_of(*word), ""});
    }
  }
  static void read_text(ObjectReader& choice, ObjectReader& delta, int index, std::vector<ChatEvent>& events) {
    const std::optional<std::string> content = delta.text("content");
    TextEvent text{index, content.value_or(""), read_chat_logprobs(choice)};
    const bool says_nothing = text.text.empty() && text.logprobs.empty();
    if (!says_nothing) events.emplace_back(std::move(text));
  }
  static void read_tool_pieces(ObjectReader& delta, int index, std::vector<ChatEvent>& events) {
    const Json* list = delta.list("tool_calls");
    for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
      ObjectReader call((*list)[i], fmt::format("{}[{}]", delta.path_of("tool_calls"), i));
      ToolCallEvent piece;
      piece.choice = index;
      // Vendors that send each call whole leave the index out.
      piece.index = static_cast<int>(call.integer("index", 0, kMostToolCalls - 1).value_or(static_cast<int64_t>(i)));
      piece.id = call.text("id").value_or("");
      if (const Json* function = call.take("function")) {
        ObjectReader fields(*function, call.path_of("function"));
        piece.name = fields.text("name").value_or("");
        piece.arguments = fields.text("arguments").value_or("");
      }
      events.emplace_back(std::move(piece));
    }
  }
  bool all_finished() const {
    for (const auto& [choice, is_open] : open_) {
      if (is_open) return false;
    }
    return true;
  }

  bool has_head_ = false;
  bool is_done_ = false;
  std::map<int, bool> open_;  // choices that began; false once they said why they ended
  std::set<int> thinking_;
};

}  // namespace

std::unique_ptr<EventWriter> chat_event_writer(const ChatRequest& request, const AnswerHead& head) {
  return std::make_unique<ChatEventWriter>(request, head);
}

std::unique_ptr<EventReader> chat_event_reader() {
  return std::make_unique<ChatEventReader>();
}

}  // namespace understudy::openai
