// The room's page. gateway/wire holds the providers' protocols, one file each, both directions: requests, answers and
// event streams between bytes and the values of chat/. It knows no socket, no model, no route. Everything is immutable
// and thread-safe, but for the readers and writers of one stream, which belong to it.
//
//   read_request(write_request(x)) == x   for every request that the protocol can express, and so for answers and
//   streams.
//
// What is read comes from strangers: it is limited, checked field by field, and refused with the field's name. A field
// that asks for something we do not do is refused, never ignored; one that changes nothing in the answer (user,
// metadata) is accepted.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chat/conversation.h"

namespace understudy {

// One stream of one answer, outwards: the payloads of server-sent events, in order.
class EventWriter {
 public:
  virtual ~EventWriter() = default;
  virtual std::vector<std::string> write(const ChatEvent& event) = 0;
  virtual std::vector<std::string> finish() = 0;  // what stands at the end of a stream that did not fail: "[DONE]"
};

// The same, inwards: one payload at a time.
class EventReader {
 public:
  virtual ~EventReader() = default;
  // Throws kInvalidInput for a payload that is none of the protocol's.
  virtual std::vector<ChatEvent> read(std::string_view payload) = 0;
};

class Protocol {
 public:
  virtual ~Protocol() = default;
  // Throws kInvalidInput with the field's name (Error::field).
  virtual ChatRequest read_request(std::string_view body) const = 0;
  virtual std::string write_request(const ChatRequest& request) const = 0;
  virtual ChatAnswer read_answer(std::string_view body) const = 0;
  virtual std::string write_answer(const ChatAnswer& answer) const = 0;
  virtual std::unique_ptr<EventWriter> event_writer(const ChatRequest& request, const AnswerHead& head) const = 0;
  virtual std::unique_ptr<EventReader> event_reader() const = 0;
  virtual std::string_view id_prefix() const = 0;  // "chatcmpl-"
};

const Protocol& openai_chat();         // POST /v1/chat/completions
const Protocol& openai_completions();  // POST /v1/completions

}  // namespace understudy
