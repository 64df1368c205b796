// The room's page. gateway/wire holds the providers' protocols, one file each, both directions: requests, answers and
// event streams between bytes and the values of chat/. It knows no socket, no model, no route. Everything is immutable
// and thread-safe, but for the readers and writers of one stream, which belong to it.
//
//   read_request(write_request(x)) == x   for every request that the protocol can express, and so for answers and
//   streams.
//
// What is read comes from strangers: it is limited, checked field by field, and refused with the field's name. A field
// that asks for something that a target protocol cannot express is refused by its writer, never ignored, unless
// docs/protocols.md lists it as harmless; then the writer names it in `dropped`.
//
// A hop between equal protocols needs none of this: edit.h changes the client's own bytes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chat/conversation.h"

namespace understudy {

// One server-sent event: its name (empty for OpenAI's and Gemini's streams) and its data.
struct WireEvent {
  std::string name;
  std::string data;
  bool operator==(const WireEvent&) const = default;
};

// One stream of one answer, outwards.
class EventWriter {
 public:
  virtual ~EventWriter() = default;
  // The events that say it, in order; after a FailureEvent the protocol's own error event and nothing more. Throws
  // kInvalidInput for a NativeEvent of another protocol.
  virtual std::vector<WireEvent> write(const ChatEvent& event) = 0;
  virtual std::vector<WireEvent> finish() = 0;  // what stands at the end of a stream that did not fail: "[DONE]"
};

// The same, inwards: one event at a time.
class EventReader {
 public:
  virtual ~EventReader() = default;
  // What the event says; nothing for a ping. Throws kInvalidInput for an event that is none of the protocol's.
  virtual std::vector<ChatEvent> read(const WireEvent& event) = 0;
  // True once the protocol's own end was read ("[DONE]", message_stop, a finishReason): a stream whose connection ends
  // before that was cut off.
  virtual bool is_complete() const = 0;
};

// A request as its endpoint's path and body (Gemini's path holds the model and says whether it is a stream).
struct WireRequestBytes {
  std::string model;    // of the path; empty where the body has it
  bool stream = false;  // of the path
  std::string body;
};

class Protocol {
 public:
  virtual ~Protocol() = default;
  virtual ProtocolName name() const = 0;

  // Throws kInvalidInput with the field's name (Error::field).
  virtual ChatRequest read_request(std::string_view body) const = 0;
  // Throws kInvalidInput naming the field that the protocol cannot express; `dropped` gets the names of harmless ones.
  virtual std::string write_request(const ChatRequest& request, std::vector<std::string>& dropped) const = 0;
  std::string write_request(const ChatRequest& request) const {
    std::vector<std::string> dropped;
    return write_request(request, dropped);
  }
  virtual ChatAnswer read_answer(std::string_view body) const = 0;
  virtual std::string write_answer(const ChatAnswer& answer) const = 0;
  virtual std::unique_ptr<EventWriter> event_writer(const ChatRequest& request, const AnswerHead& head) const = 0;
  virtual std::unique_ptr<EventReader> event_reader() const = 0;
  virtual std::string_view id_prefix() const = 0;  // "chatcmpl-"

  // The protocol's error object for a status, as body of a response; and read back (code, message, type).
  virtual std::string write_error(int status, const Error& error) const = 0;
  virtual FailureEvent read_error(int status, std::string_view body) const = 0;
};

const Protocol& openai_chat();         // POST /v1/chat/completions
const Protocol& openai_completions();  // POST /v1/completions
const Protocol& openai_responses();    // POST /v1/responses
const Protocol& anthropic_messages();  // POST /v1/messages
// POST /v1beta/models/{model}:generateContent and :streamGenerateContent. Model and stream stand in the path: what
// read_request() gives has neither, and write_request() writes neither.
const Protocol& gemini();

// POST /v1/embeddings. What it asks for stands in ChatRequest::extras, since no other protocol has it. Of an answer
// read_answer() gives model and usage: the vectors go through as bytes. write_answer() and streams throw kInvalidInput.
const Protocol& openai_embeddings();

const Protocol& protocol_of(ProtocolName name);

}  // namespace understudy
