// A stream is message_start, then blocks one after another (start, deltas, stop; counted from 0), then message_delta
// with the reason and the usage, then message_stop. The writer opens a block with the first piece of it and closes it
// with the first piece of another; it holds the reason until the usage is known, since both stand in one event.
#include <fmt/format.h>

#include <map>
#include <set>

#include "gateway/wire/anthropic_parts.h"
#include "gateway/wire/signatures.h"

namespace understudy::anthropic {

namespace {

constexpr int64_t kMostBlocks = 10000;  // of one answer

class MessageEventWriter : public EventWriter {
 public:
  explicit MessageEventWriter(AnswerHead head) : head_(std::move(head)) {}

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
    if (!has_ended_) put_end(events);
    events.push_back(named("message_stop", Json::object()));
    return events;
  }

 private:
  enum class Block { kNone, kText, kThought, kTool };

  static WireEvent named(const char* type, Json members) {
    Json data = {{"type", type}};
    for (auto& [key, value] : members.items()) data[key] = std::move(value);
    return {type, dump_json(data)};
  }
  void begin(std::vector<WireEvent>& events) {
    if (std::exchange(has_begun_, true)) return;
    events.push_back(named("message_start", {{"message",
                                              {{"id", head_.id},
                                               {"type", "message"},
                                               {"role", "assistant"},
                                               {"model", head_.model},
                                               {"content", Json::array()},
                                               {"stop_reason", nullptr},
                                               {"stop_sequence", nullptr},
                                               {"usage", usage_json(Usage())}}}}));
  }
  void open(Block kind, Json block, std::vector<WireEvent>& events) {
    begin(events);
    close(events);
    events.push_back(named("content_block_start", {{"index", index_}, {"content_block", std::move(block)}}));
    block_ = kind;
  }
  void close(std::vector<WireEvent>& events) {
    if (block_ == Block::kNone) return;
    if (std::exchange(needs_signature_, false)) {
      add({{"type", "signature_delta"}, {"signature", kNobodysMark}}, events);
    }
    events.push_back(named("content_block_stop", {{"index", index_}}));
    ++index_;
    block_ = Block::kNone;
    if (late_.signature.empty()) return;
    put_signature(std::exchange(late_, {}), events);
  }
  void put_signature(const CallSignature& signature, std::vector<WireEvent>& events) {
    open(Block::kThought, call_signature_json(signature), events);
    close(events);
  }
  void add(Json delta, std::vector<WireEvent>& events) {
    events.push_back(named("content_block_delta", {{"index", index_}, {"delta", std::move(delta)}}));
  }
  void open_text(std::vector<WireEvent>& events) {
    if (block_ != Block::kText) open(Block::kText, {{"type", "text"}, {"text", ""}}, events);
  }
  static void only_choice(int choice) {
    if (choice != 0) throw unsupported_field("n", "an answer of Anthropic's Messages has one choice");
  }

  void put(const HeadEvent&, std::vector<WireEvent>& events) { begin(events); }
  void put(const TextEvent& event, std::vector<WireEvent>& events) {
    only_choice(event.choice);
    if (event.text.empty()) return;
    is_refused_ = is_refused_ || event.refusal;
    open_text(events);
    add({{"type", "text_delta"}, {"text", event.text}}, events);
  }
  void put(const ReasoningEvent& event, std::vector<WireEvent>& events) {
    only_choice(event.choice);
    const Reasoning& piece = event.piece;
    if (piece.redacted) {
      open(Block::kThought, {{"type", "redacted_thinking"}, {"data", piece.signature}}, events);
      close(events);
      return;
    }
    const bool is_new = event.begins || block_ != Block::kThought;
    if (is_new) open(Block::kThought, {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}}, events);
    if (is_new) needs_signature_ = true;
    if (!piece.text.empty()) add({{"type", "thinking_delta"}, {"thinking", piece.text}}, events);
    if (piece.signature.empty()) return;
    needs_signature_ = false;
    add({{"type", "signature_delta"}, {"signature", piece.signature}}, events);
  }
  // Blocks cannot be interleaved: a piece for a call whose block is closed has no place any more.
  void put(const ToolCallEvent& event, std::vector<WireEvent>& events) {
    only_choice(event.choice);
    const bool is_open = block_ == Block::kTool && call_ == event.index;
    if (is_open) {
      late_.signature += event.signature;
    } else {
      if (!calls_.insert(event.index).second) {
        throw unsupported_field("tool_calls",
                                "the pieces of two calls come mixed, Anthropic's Messages has one at a time");
      }
      if (!event.signature.empty()) put_signature({event.id, event.signature}, events);
      open(Block::kTool, {{"type", "tool_use"}, {"id", event.id}, {"name", event.name}, {"input", Json::object()}},
           events);
      call_ = event.index;
      late_ = {event.id, ""};
    }
    if (!event.arguments.empty()) add({{"type", "input_json_delta"}, {"partial_json", event.arguments}}, events);
  }
  void put(const NativeEvent& event, std::vector<WireEvent>& events) {
    only_choice(event.choice);
    const Json& value = own(event.native, "content");
    if (value.is_object() && value.value("type", Json()) == "citations_delta") {
      open_text(events);
      add(value, events);
      return;
    }
    open(Block::kThought, value, events);
    close(events);
  }
  void put(const FinishEvent& event, std::vector<WireEvent>& events) {
    only_choice(event.choice);
    begin(events);
    close(events);
    finish_ = event;
    if (usage_) put_end(events);
  }
  void put(const UsageEvent& event, std::vector<WireEvent>& events) {
    usage_ = event.usage;
    if (finish_ && !has_ended_) put_end(events);
  }
  void put(const FailureEvent& event, std::vector<WireEvent>& events) {
    has_failed_ = true;
    events.push_back({"error", failure_payload(event)});
  }
  void put_end(std::vector<WireEvent>& events) {
    close(events);
    const FinishEvent finish = finish_.value_or(FinishEvent());
    const bool is_refused = is_refused_ && finish.reason == FinishReason::kStop;
    const FinishReason reason = is_refused ? FinishReason::kRefusal : finish.reason;
    events.push_back(
        named("message_delta", {{"delta",
                                 {{"stop_reason", stop_reason(reason, finish.stop)},
                                  {"stop_sequence", finish.stop.empty() ? Json(nullptr) : Json(finish.stop)}}},
                                {"usage", usage_json(usage_.value_or(Usage()))}}));
    has_ended_ = true;
  }

  const AnswerHead head_;
  bool has_begun_ = false;
  bool has_ended_ = false;
  bool has_failed_ = false;
  bool is_refused_ = false;
  Block block_ = Block::kNone;
  bool needs_signature_ = false;  // the open block is a thought that has none yet
  int index_ = 0;                 // of the open block, or of the next one
  int call_ = 0;                  // whose block is open
  CallSignature late_;            // of that call, where it came after the call's first piece
  std::set<int> calls_;           // that have had a block
  std::optional<FinishEvent> finish_;
  std::optional<Usage> usage_;
};

class MessageEventReader : public EventReader {
 public:
  std::vector<ChatEvent> read(const WireEvent& event) override {
    std::vector<ChatEvent> events;
    const Json body = parse_json(event.data, "a stream's event", {.depth = kDepth});
    ObjectReader fields(body, "");
    const std::string type = fields.text("type").value_or(event.name);
    if (type == "message_start") read_start(fields, events);
    if (type == "content_block_start") read_block_start(fields);
    if (type == "content_block_start") emit_block_start(fields, events);
    if (type == "content_block_delta") read_delta(fields, events);
    if (type == "content_block_stop") read_block_stop(fields, events);
    if (type == "message_delta") read_end(fields, events);
    if (type == "message_stop") is_done_ = true;
    if (type == "error") events.emplace_back(read_failure(fields.require("error")));
    return events;  // nothing for a ping, and for what will be thought of later
  }
  bool is_complete() const override { return is_done_; }

 private:
  // A block that is open.
  struct Open {
    std::string type;
    int call = 0;         // a tool's
    bool is_new = true;   // nothing of it was told
    std::string partial;  // JSON text of a native block's input
    Json native;
  };

  void read_start(ObjectReader& fields, std::vector<ChatEvent>& events) {
    ObjectReader message(fields.require("message"), "message");
    AnswerHead head;
    head.id = message.text("id").value_or("");
    head.model = message.text("model").value_or("");
    events.emplace_back(HeadEvent{std::move(head)});
    if (const Json* usage = message.take("usage")) read_usage(*usage, "message.usage", usage_);
  }
  int64_t index_of(ObjectReader& fields) const {
    fields.require("index");
    return *fields.integer("index", 0, kMostBlocks);
  }
  Open& block_of(ObjectReader& fields) {
    const auto found = blocks_.find(index_of(fields));
    if (found != blocks_.end()) return found->second;
    throw field_error("index", "a block that was started", fields.require("index"));
  }
  void read_block_start(ObjectReader& fields) {
    ObjectReader block(fields.require("content_block"), "content_block");
    Open open;
    open.type = block.require_text("type");
    const bool is_known =
        open.type == "text" || open.type == "thinking" || open.type == "redacted_thinking" || open.type == "tool_use";
    if (!is_known) open.native = fields.require("content_block");
    if (open.type == "tool_use") open.call = calls_++;
    if (!blocks_.emplace(index_of(fields), std::move(open)).second) {
      throw field_error("index", "a block that was not started before", fields.require("index"));
    }
  }
  void emit_block_start(ObjectReader& fields, std::vector<ChatEvent>& events) {
    Open& open = block_of(fields);
    ObjectReader block(fields.require("content_block"), "content_block");
    if (open.type == "text") {
      put_text(block.text("text").value_or(""), events);
    } else if (open.type == "thinking") {
      put_thought(open, block.text("thinking").value_or(""), block.text("signature").value_or(""), events);
    } else if (const auto signature = read_call_signature(fields.require("content_block"))) {
      const auto call = call_ids_.find(signature->id);
      if (call == call_ids_.end()) {
        signatures_[signature->id] = signature->signature;
      } else {
        events.emplace_back(ToolCallEvent{0, call->second, "", "", "", signature->signature});
      }
    } else if (open.type == "redacted_thinking") {
      events.emplace_back(ReasoningEvent{0, true, {.signature = block.require_text("data"), .redacted = true}});
    } else if (open.type == "tool_use") {
      ToolCallEvent call{0, open.call, block.require_text("id"), block.require_text("name"), "", ""};
      call.signature = std::exchange(signatures_[call.id], "");
      call_ids_[call.id] = open.call;
      const Json* input = block.take("input");
      if (input != nullptr && !input->empty()) call.arguments = dump_json(*input);
      open.is_new = call.arguments.empty();
      events.emplace_back(std::move(call));
    }
  }
  void read_delta(ObjectReader& fields, std::vector<ChatEvent>& events) {
    Open& open = block_of(fields);
    ObjectReader delta(fields.require("delta"), "delta");
    const std::string type = delta.require_text("type");
    if (type == "text_delta") put_text(delta.require_text("text"), events);
    if (type == "thinking_delta") put_thought(open, delta.require_text("thinking"), "", events);
    if (type == "signature_delta") put_thought(open, "", without_nobodys_mark(delta.require_text("signature")), events);
    if (type == "input_json_delta") put_input(open, delta.require_text("partial_json"), events);
    if (type == "citations_delta") {
      events.emplace_back(NativeEvent{0, {ProtocolName::kAnthropic, fields.require("delta")}});
    }
  }
  static void put_text(std::string text, std::vector<ChatEvent>& events) {
    if (!text.empty()) events.emplace_back(TextEvent{0, std::move(text), {}, false});
  }
  static void put_thought(Open& open, std::string text, std::string signature, std::vector<ChatEvent>& events) {
    if (text.empty() && signature.empty()) return;
    const bool begins = std::exchange(open.is_new, false);
    events.emplace_back(ReasoningEvent{0, begins, {.text = std::move(text), .signature = std::move(signature)}});
  }
  static void put_input(Open& open, const std::string& piece, std::vector<ChatEvent>& events) {
    if (piece.empty()) return;
    if (open.type != "tool_use") {
      open.partial += piece;
      return;
    }
    open.is_new = false;
    events.emplace_back(ToolCallEvent{0, open.call, "", "", piece, ""});
  }
  void read_block_stop(ObjectReader& fields, std::vector<ChatEvent>& events) {
    Open open = std::move(block_of(fields));
    blocks_.erase(index_of(fields));
    if (open.type == "thinking" && open.is_new) events.emplace_back(ReasoningEvent{0, true, {}});
    // A call without arguments is told without a piece.
    if (open.type == "tool_use" && open.is_new) events.emplace_back(ToolCallEvent{0, open.call, "", "", "{}", ""});
    if (open.native.is_null()) return;
    if (!open.partial.empty()) {
      open.native["input"] = parse_json(open.partial, "a block's input", {.depth = kDepth});
    }
    events.emplace_back(NativeEvent{0, {ProtocolName::kAnthropic, std::move(open.native)}});
  }
  void read_end(ObjectReader& fields, std::vector<ChatEvent>& events) {
    if (const Json* usage = fields.take("usage")) read_usage(*usage, "usage", usage_);
    ObjectReader delta(fields.require("delta"), "delta");
    const std::optional<std::string> reason = delta.text("stop_reason");
    if (!reason) return;
    events.emplace_back(FinishEvent{0, finish_reason_of(*reason), delta.text("stop_sequence").value_or("")});
    events.emplace_back(UsageEvent{usage_});
  }

  std::map<int64_t, Open> blocks_;
  int calls_ = 0;
  std::map<std::string, int> call_ids_;
  std::map<std::string, std::string> signatures_;  // by their calls' ids, of calls to come
  Usage usage_;
  bool is_done_ = false;
};

}  // namespace

std::unique_ptr<EventWriter> event_writer(const AnswerHead& head) {
  return std::make_unique<MessageEventWriter>(head);
}

std::unique_ptr<EventReader> event_reader() {
  return std::make_unique<MessageEventReader>();
}

}  // namespace understudy::anthropic
