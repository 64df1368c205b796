// OpenAI's Responses (POST /v1/responses) as a Protocol.
#include "gateway/wire/openai_common.h"
#include "gateway/wire/openai_error.h"
#include "gateway/wire/openai_responses_parts.h"
#include "gateway/wire/protocol.h"

namespace understudy {

namespace {

class OpenAiResponses : public Protocol {
 public:
  using Protocol::write_request;
  ProtocolName name() const override { return ProtocolName::kOpenAiResponses; }
  ChatRequest read_request(std::string_view body) const override { return openai::read_responses_request(body); }
  std::string write_request(const ChatRequest& request, std::vector<std::string>& dropped) const override {
    return openai::write_responses_request(request, dropped);
  }
  ChatAnswer read_answer(std::string_view body) const override { return openai::read_responses_answer(body); }
  std::string write_answer(const ChatAnswer& answer) const override { return openai::write_responses_answer(answer); }
  std::unique_ptr<EventWriter> event_writer(const ChatRequest&, const AnswerHead& head) const override {
    return openai::responses_event_writer(head);
  }
  std::unique_ptr<EventReader> event_reader() const override { return openai::responses_event_reader(); }
  std::string_view id_prefix() const override { return "resp_"; }
  std::string write_error(int, const Error& error) const override { return openai::write_error(error); }
  FailureEvent read_error(int status, std::string_view body) const override { return openai::read_error(status, body); }
};

}  // namespace

const Protocol& openai_responses() {
  static const OpenAiResponses protocol;
  return protocol;
}

}  // namespace understudy
