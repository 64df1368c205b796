// The order of a stream's chunks is OpenAI's: for each choice first its role, then its text and tool calls, then its
// finish reason; at the end one chunk of usage without choices where it was asked for; then [DONE].
#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

#include "gateway/wire/openai_chat_parts.h"
#include "gateway/wire/openai_common.h"

namespace understudy::openai {

namespace {

constexpr std::string_view kChunkObject = "chat.completion.chunk";

class ChatEventWriter : public EventWriter {
 public:
  ChatEventWriter(const ChatRequest& request, AnswerHead head)
      : head_(std::move(head)), logprobs_(request.logprobs), wants_usage_(request.stream_usage) {}

  std::vector<WireEvent> write(const ChatEvent& event) override {
    std::vector<WireEvent> chunks;
    std::visit([&](const auto& value) { put(value, chunks); }, event);
    return chunks;
  }
  std::vector<WireEvent> finish() override {
    std::vector<WireEvent> chunks;
    if (usage_) chunks.push_back({"", chunk(Json::array(), usage_json(*usage_))});
    chunks.push_back({"", "[DONE]"});
    return chunks;
  }

 private:
  std::string chunk(Json choices, Json usage) const {
    Json body = head_json(head_, kChunkObject);
    body["choices"] = std::move(choices);
    if (wants_usage_) body["usage"] = std::move(usage);
    return dump_json(body);
  }
  WireEvent choice_chunk(Json choice) const { return {"", chunk(Json::array({std::move(choice)}), nullptr)}; }
  static Json choice_json(int choice, Json delta, Json logprobs = nullptr, Json reason = nullptr) {
    return {{"index", choice},
            {"delta", std::move(delta)},
            {"logprobs", std::move(logprobs)},
            {"finish_reason", std::move(reason)}};
  }
  // The role comes first, and once for each choice.
  void begin(int choice, std::vector<WireEvent>& chunks) {
    if (!begun_.insert(choice).second) return;
    chunks.push_back(choice_chunk(choice_json(choice, {{"role", "assistant"}, {"content", ""}, {"refusal", nullptr}})));
  }

  void put(const HeadEvent&, std::vector<WireEvent>&) {}  // the writer has its own
  void put(const TextEvent& event, std::vector<WireEvent>& chunks) {
    begin(event.choice, chunks);
    Json logprobs = logprobs_ ? chat_logprobs_json(event.logprobs, event.refusal) : Json(nullptr);
    const char* key = event.refusal ? "refusal" : "content";
    chunks.push_back(choice_chunk(choice_json(event.choice, {{key, event.text}}, std::move(logprobs))));
  }
  void put(const ReasoningEvent& event, std::vector<WireEvent>& chunks) {
    const auto [entry, is_first] = thoughts_.try_emplace(event.choice, 0);
    if (event.begins && !is_first) ++entry->second;
    Json delta = Json::object();
    const bool is_text_enough = entry->second == 0 && is_plain(event.piece);
    write_thought(event.piece, is_text_enough ? std::nullopt : std::optional<int>(entry->second), delta);
    if (delta.empty()) return;
    begin(event.choice, chunks);
    chunks.push_back(choice_chunk(choice_json(event.choice, std::move(delta))));
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
    if (!event.signature.empty()) call["extra_content"] = signature_json(event.signature);
    chunks.push_back(choice_chunk(choice_json(event.choice, {{"tool_calls", Json::array({std::move(call)})}})));
  }
  void put(const FinishEvent& event, std::vector<WireEvent>& chunks) {
    begin(event.choice, chunks);
    Json choice = choice_json(event.choice, Json::object(), nullptr, finish_word(event.reason));
    if (!event.stop.empty()) choice["stop_reason"] = event.stop;  // vLLM's
    chunks.push_back(choice_chunk(std::move(choice)));
  }
  void put(const UsageEvent& event, std::vector<WireEvent>&) {
    if (wants_usage_) usage_ = event.usage;
  }
  void put(const NativeEvent& event, std::vector<WireEvent>& chunks) {
    if (event.native.protocol != ProtocolName::kOpenAiChat) {
      throw unsupported_field(std::string(to_string(event.native.protocol)),
                              "a part of the answer that OpenAI's chat completions cannot express");
    }
    begin(event.choice, chunks);
    chunks.push_back(choice_chunk(choice_json(event.choice, event.native.value)));
  }
  void put(const FailureEvent& event, std::vector<WireEvent>& chunks) const {
    chunks.push_back({"", failure_payload(event)});
  }

  const AnswerHead head_;
  const bool logprobs_;
  const bool wants_usage_;
  std::set<int> begun_;
  std::map<int, int> thoughts_;  // by choice: which one is being told
  std::optional<Usage> usage_;   // the last one that was told
};

// Which call a piece belongs to. OpenAI numbers them, and tells id and name once. Vendors leave the number out, give
// every call the number 0, or repeat the id in every piece: another id is then another call, the same id the same call.
class ToolCallPlaces {
 public:
  // Gives `piece` its index, and takes out the id and name that were told before. `number`: as the chunk has it.
  void place(std::optional<int> number, ToolCallEvent& piece) {
    const bool is_new = number ? !is_known(*number, piece.id) : calls_.empty() || is_other(calls_.back(), piece.id);
    if (is_new) {
      if (calls_.size() >= static_cast<size_t>(kMostToolCalls)) {
        throw Error(ErrorCode::kInvalidInput, fmt::format("more than {} tool calls", kMostToolCalls));
      }
      if (number) by_number_[*number] = calls_.size();
      calls_.push_back(piece.id);
    }
    const size_t at = number ? by_number_[*number] : calls_.size() - 1;
    piece.index = static_cast<int>(at);
    if (is_new) return;
    if (calls_[at].empty()) {
      calls_[at] = piece.id;
    } else {
      piece.id.clear();
      piece.name.clear();
    }
  }

 private:
  static bool is_other(const std::string& known, const std::string& id) {
    return !id.empty() && !known.empty() && id != known;
  }
  bool is_known(int number, const std::string& id) const {
    const auto found = by_number_.find(number);
    return found != by_number_.end() && !is_other(calls_[found->second], id);
  }

  std::vector<std::string> calls_;  // their ids, in order
  std::map<int, size_t> by_number_;
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
    if (const Json* error = error_in(body)) {
      events.emplace_back(read_failure(*error));
      return events;
    }
    check_chunk(body);
    ObjectReader fields(body, "");
    has_head_ = has_head_ || read_chunk_head(fields, events);
    const Json* choices = fields.list("choices");
    for (size_t i = 0; choices != nullptr && i < choices->size(); ++i) {
      read_choice((*choices)[i], fmt::format("choices[{}]", i), events);
    }
    read_chunk_usage(body, events);
    return events;
  }
  // Some vendors end without [DONE]: what counts is that every choice said why it ended.
  bool is_complete() const override { return is_done_ || (!open_.empty() && all_finished()); }

 private:
  struct Choice {
    bool is_open = true;         // false once it said why it ended
    std::optional<int> thought;  // which one is being told
    ToolCallPlaces calls;
  };

  void read_choice(const Json& value, const std::string& path, std::vector<ChatEvent>& events) {
    ObjectReader choice(value, path);
    const int index = static_cast<int>(choice.integer("index", 0, kMostChoices - 1).value_or(0));
    Choice& state = open_[index];
    static const Json kNothing = Json::object();
    const Json* given = choice.take("delta");
    ObjectReader delta(given != nullptr ? *given : kNothing, choice.path_of("delta"));
    const AnswerContent content = read_answer_content(delta);
    read_thinking(delta, content, index, state, events);
    read_texts(choice, delta, content, index, events);
    read_tool_pieces(delta, index, state, events);
    read_natives(delta, index, events);
    const auto word = choice.text("finish_reason");
    if (!word || word->empty()) return;
    state.is_open = false;
    const Json* stop = choice.take("stop_reason");
    const bool is_stop = stop != nullptr && stop->is_string();
    events.emplace_back(FinishEvent{index, finish_reason_of(*word), is_stop ? stop->get<std::string>() : ""});
  }
  static void read_thinking(ObjectReader& delta, const AnswerContent& content, int index, Choice& state,
                            std::vector<ChatEvent>& events) {
    std::vector<Thought> thoughts = read_thoughts(delta);
    if (thoughts.empty() && !content.thought.empty()) thoughts.push_back({{}, {.text = content.thought}});
    for (Thought& thought : thoughts) {
      const int place = thought.index.value_or(state.thought.value_or(0));
      const bool begins = state.thought != place;
      state.thought = place;
      events.emplace_back(ReasoningEvent{index, begins, std::move(thought.piece)});
    }
  }
  static void read_texts(ObjectReader& choice, ObjectReader& delta, const AnswerContent& content, int index,
                         std::vector<ChatEvent>& events) {
    ChatLogprobs logprobs = read_chat_logprobs(choice);
    const auto put = [&events](TextEvent text) {
      if (!text.text.empty() || !text.logprobs.empty()) events.emplace_back(std::move(text));
    };
    put({index, content.text, std::move(logprobs.content), false});
    put({index, delta.text("refusal").value_or(""), std::move(logprobs.refusal), true});
  }
  static void read_tool_pieces(ObjectReader& delta, int index, Choice& state, std::vector<ChatEvent>& events) {
    const Json* list = delta.list("tool_calls");
    for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
      ObjectReader call((*list)[i], fmt::format("{}[{}]", delta.path_of("tool_calls"), i));
      if (call.take("custom") != nullptr) {
        events.emplace_back(
            NativeEvent{index, {ProtocolName::kOpenAiChat, {{"tool_calls", Json::array({(*list)[i]})}}}});
        continue;
      }
      ToolCallEvent piece;
      piece.choice = index;
      piece.id = call.text("id").value_or("");
      if (const Json* function = call.take("function")) {
        ObjectReader fields(*function, call.path_of("function"));
        piece.name = fields.text("name").value_or("");
        piece.arguments = fields.text("arguments").value_or("");
      }
      piece.signature = read_signature(call);
      std::optional<int> number;
      if (const auto given = call.integer("index", 0, INT32_MAX)) number = static_cast<int>(*given);
      state.calls.place(number, piece);
      events.emplace_back(std::move(piece));
    }
  }
  static void read_natives(ObjectReader& delta, int index, std::vector<ChatEvent>& events) {
    for (const char* key : kNativeMembers) {
      const Json* value = delta.take(key);
      if (value != nullptr) events.emplace_back(NativeEvent{index, {ProtocolName::kOpenAiChat, {{key, *value}}}});
    }
  }
  bool all_finished() const {
    for (const auto& [index, choice] : open_) {
      if (choice.is_open) return false;
    }
    return true;
  }

  bool has_head_ = false;
  bool is_done_ = false;
  std::map<int, Choice> open_;  // choices that began
};

}  // namespace

std::unique_ptr<EventWriter> chat_event_writer(const ChatRequest& request, const AnswerHead& head) {
  return std::make_unique<ChatEventWriter>(request, head);
}

std::unique_ptr<EventReader> chat_event_reader() {
  return std::make_unique<ChatEventReader>();
}

}  // namespace understudy::openai
