// Requests and answers by chance, of what every protocol with tools can express; a protocol's test adds what it has
// beside. Equal seeds, equal values.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "chat/conversation.h"
#include "gateway/wire/protocol.h"

namespace understudy::testing {

inline std::string random_text(Random& random) {
  static const std::vector<std::string> kPieces = {"Grüße", " ",    "\n", "\"quoted\"", "a",  "€ 12,50",
                                                   "日本",  "🙂", "\\", "<b>",        "\t", "null"};
  std::string text = random.pick(kPieces);
  for (uint64_t n = random.below(6); n > 0; --n) text += random.pick(kPieces);
  return text;
}

inline std::string random_arguments(Random& random) {
  return dump_json(
      {{"city", random_text(random)}, {"n", random.between(-9, 9)}, {"deep", {{"x", Json::array({1, "b"})}}}});
}

inline ContentPart random_image(Random& random) {
  ContentPart part;
  part.other =
      Media{.kind = Media::Kind::kImage, .media_type = "image/png", .data = random.chance(0.5) ? "AAAA" : "QkJC"};
  return part;
}

// A round of tool use: calls, then their results.
inline void add_tool_round(Random& random, int& n_calls, std::vector<Message>& messages) {
  Message call;
  call.role = Role::kAssistant;
  if (random.chance(0.5)) call.content.push_back(ContentPart::of(random_text(random)));
  std::vector<Message> results;
  for (int64_t n = random.between(1, 3); n > 0; --n) {
    const std::string id = "call_" + std::to_string(n_calls++);
    call.tool_calls.push_back({id, random.chance(0.5) ? "weather" : "time", random_arguments(random), ""});
    Message result = Message::of(Role::kTool, random_text(random));
    result.tool_call_id = id;
    result.tool_failed = random.chance(0.2);
    if (random.chance(0.3)) result.content.push_back(random_image(random));
    results.push_back(std::move(result));
  }
  messages.push_back(std::move(call));
  messages.insert(messages.end(), results.begin(), results.end());
}

inline std::vector<Message> random_messages(Random& random) {
  std::vector<Message> messages;
  int n_calls = 0;
  if (random.chance(0.5)) messages.push_back(Message::of(Role::kSystem, random_text(random)));
  for (int64_t n = random.between(1, 4); n > 0; --n) {
    Message user = Message::of(Role::kUser, random_text(random));
    if (random.chance(0.3)) user.content.push_back(random_image(random));
    if (random.chance(0.3)) user.content.push_back(ContentPart::of(random_text(random)));
    messages.push_back(std::move(user));
    if (random.chance(0.4)) add_tool_round(random, n_calls, messages);
    if (random.chance(0.6)) messages.push_back(Message::of(Role::kAssistant, random_text(random)));
  }
  return messages;
}

inline ChatRequest random_request(Random& random) {
  ChatRequest request;
  request.messages = random_messages(random);
  for (uint64_t n = random.below(3); n > 0; --n) {
    request.tools.push_back({.name = "tool_" + std::to_string(n),
                             .description = random.chance(0.5) ? random_text(random) : "",
                             .parameters = {{"type", "object"}, {"properties", {{"city", {{"type", "string"}}}}}}});
  }
  if (!request.tools.empty() && random.chance(0.5)) {
    request.tool_choice.mode = random.pick(std::vector{ToolChoice::Mode::kNone, ToolChoice::Mode::kRequired});
  }
  if (!request.tools.empty() && random.chance(0.2)) request.tool_choice = {ToolChoice::Mode::kNamed, "tool_1"};
  if (random.chance(0.3)) {
    request.response_format = {.kind = ResponseFormat::Kind::kJsonSchema, .schema = {{"type", "object"}}};
  }
  if (random.chance(0.5)) request.sampling.temperature = static_cast<double>(random.below(5)) / 4;
  if (random.chance(0.3)) request.sampling.top_p = 0.5;
  if (random.chance(0.3)) request.sampling.top_k = static_cast<int>(random.below(100));
  request.max_tokens = random.between(1, 9999);
  for (uint64_t n = random.below(3); n > 0; --n) request.stop.push_back(random_text(random));
  return request;
}

inline ChatChoice random_choice(Random& random) {
  ChatChoice choice;
  if (random.chance(0.7)) choice.text = random_text(random);
  for (uint64_t n = random.below(3); n > 0; --n) {
    choice.tool_calls.push_back(
        {"call_" + std::to_string(random.below(1000)), "weather", random_arguments(random), ""});
  }
  choice.reason = !choice.tool_calls.empty() ? FinishReason::kToolCalls
                                             : random.pick(std::vector{FinishReason::kStop, FinishReason::kLength});
  return choice;
}

// The answer cut into the events of a stream whose text, thoughts and arguments come in pieces of some characters.
inline std::vector<ChatEvent> random_stream(const ChatAnswer& answer, Random& random) {
  std::vector<ChatEvent> events;
  const auto cut = [&](const std::string& text, const auto& emit) {
    size_t from = 0;
    while (from < text.size()) {
      size_t to = std::min<size_t>(text.size(), from + 1 + random.below(6));
      while (to < text.size() && (static_cast<unsigned char>(text[to]) & 0xC0) == 0x80) ++to;  // whole characters
      emit(text.substr(from, to - from), from == 0, to == text.size());
      from = to;
    }
  };
  for (const ChatEvent& event : events_of(answer)) {
    if (const auto* text = std::get_if<TextEvent>(&event); text != nullptr && text->logprobs.empty()) {
      cut(text->text, [&](std::string piece, bool, bool) {
        events.emplace_back(TextEvent{text->choice, std::move(piece), {}, text->refusal});
      });
    } else if (const auto* thought = std::get_if<ReasoningEvent>(&event);
               thought != nullptr && !thought->piece.text.empty()) {
      cut(thought->piece.text, [&](std::string piece, bool is_first, bool is_last) {
        events.emplace_back(ReasoningEvent{
            thought->choice,
            is_first,
            {.text = std::move(piece), .signature = is_last ? thought->piece.signature : std::string()}});
      });
    } else if (const auto* call = std::get_if<ToolCallEvent>(&event)) {
      events.emplace_back(ToolCallEvent{call->choice, call->index, call->id, call->name, "", call->signature});
      cut(call->arguments, [&](std::string piece, bool, bool) {
        events.emplace_back(ToolCallEvent{call->choice, call->index, "", "", std::move(piece), ""});
      });
    } else {
      events.push_back(event);
    }
  }
  return events;
}

inline std::vector<WireEvent> written(const Protocol& protocol, const ChatRequest& request, const AnswerHead& head,
                                      const std::vector<ChatEvent>& events) {
  const auto writer = protocol.event_writer(request, head);
  std::vector<WireEvent> all;
  for (const ChatEvent& event : events) {
    for (WireEvent& wire : writer->write(event)) all.push_back(std::move(wire));
  }
  for (WireEvent& wire : writer->finish()) all.push_back(std::move(wire));
  return all;
}

inline ChatAnswer collected(const Protocol& protocol, const std::vector<WireEvent>& events) {
  const auto reader = protocol.event_reader();
  ChatAnswer answer;
  for (const WireEvent& wire : events) {
    for (const ChatEvent& event : reader->read(wire)) collect(event, answer);
  }
  return answer;
}

}  // namespace understudy::testing
