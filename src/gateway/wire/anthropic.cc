// Anthropic's Messages (POST /v1/messages) as a Protocol, and its errors.
#include <fmt/format.h>

#include "base/utf8.h"
#include "gateway/wire/anthropic_parts.h"

namespace understudy {

namespace anthropic {

namespace {

struct ErrorWord {
  int status;
  std::string_view type;
  ErrorCode code;
};
// The first of a status or a code counts.
constexpr ErrorWord kErrors[] = {{400, "invalid_request_error", ErrorCode::kInvalidInput},
                                 {401, "authentication_error", ErrorCode::kUnauthorized},
                                 {402, "billing_error", ErrorCode::kForbidden},
                                 {403, "permission_error", ErrorCode::kForbidden},
                                 {404, "not_found_error", ErrorCode::kNotFound},
                                 {408, "timeout_error", ErrorCode::kTimedOut},
                                 {413, "request_too_large", ErrorCode::kTooLarge},
                                 {429, "rate_limit_error", ErrorCode::kOverloaded},
                                 {500, "api_error", ErrorCode::kInternal},
                                 {503, "overloaded_error", ErrorCode::kUnavailable},
                                 {504, "timeout_error", ErrorCode::kTimedOut},
                                 {529, "overloaded_error", ErrorCode::kUnavailable}};

const ErrorWord* error_of_type(std::string_view type) {
  for (const ErrorWord& entry : kErrors) {
    if (entry.type == type) return &entry;
  }
  return nullptr;
}

}  // namespace

std::string_view error_type(int status) {
  for (const ErrorWord& entry : kErrors) {
    if (entry.status == status) return entry.type;
  }
  return status >= 400 && status < 500 ? "invalid_request_error" : "api_error";
}

std::string error_body(std::string_view type, std::string_view message) {
  return dump_json({{"type", "error"}, {"error", {{"type", type}, {"message", message}}}});
}

FailureEvent read_failure(const Json& error) {
  const auto member = [&error](const char* key) {
    const Json value = error.is_object() ? error.value(key, Json()) : Json();
    return value.is_string() ? value.get<std::string>() : std::string();
  };
  FailureEvent failure;
  failure.message = member("message");
  if (failure.message.empty()) failure.message = dump_json(error);
  failure.type = member("type");
  const ErrorWord* entry = error_of_type(failure.type);
  failure.code = entry != nullptr ? entry->code : ErrorCode::kInternal;
  return failure;
}

// Another protocol's word for the fault is not passed on: clients choose by the type.
std::string failure_payload(const FailureEvent& failure) {
  const bool is_ours = error_of_type(failure.type) != nullptr;
  return error_body(is_ours ? failure.type : error_type(http_status(failure.code)), failure.message);
}

}  // namespace anthropic

namespace {

constexpr size_t kShownBytes = 200;  // of a body that is no error of the protocol

class AnthropicMessages : public Protocol {
 public:
  using Protocol::write_request;
  ProtocolName name() const override { return ProtocolName::kAnthropic; }
  ChatRequest read_request(std::string_view body) const override {
    return anthropic::read_request(body, anthropic::Bound::kMaxTokens);
  }
  std::string write_request(const ChatRequest& request, std::vector<std::string>& dropped) const override {
    return anthropic::write_request(request, anthropic::Bound::kMaxTokens, dropped);
  }
  ChatAnswer read_answer(std::string_view body) const override { return anthropic::read_answer(body); }
  std::string write_answer(const ChatAnswer& answer) const override { return anthropic::write_answer(answer); }
  std::unique_ptr<EventWriter> event_writer(const ChatRequest&, const AnswerHead& head) const override {
    return anthropic::event_writer(head);
  }
  std::unique_ptr<EventReader> event_reader() const override { return anthropic::event_reader(); }
  std::string_view id_prefix() const override { return "msg_"; }
  std::string write_error(int status, const Error& error) const override {
    const std::string message = error.hint().empty() ? error.message() : error.message() + " (" + error.hint() + ")";
    return anthropic::error_body(anthropic::error_type(status), message);
  }
  FailureEvent read_error(int status, std::string_view body) const override {
    const std::optional<Json> value = try_parse_json(body, {.depth = anthropic::kDepth});
    FailureEvent failure;
    if (value && value->is_object() && value->contains("error")) {
      failure = anthropic::read_failure((*value)["error"]);
    } else {
      failure.message = fmt::format("status {}: {}", status, repair_utf8(std::string(body.substr(0, kShownBytes))));
    }
    failure.code = error_code_of_status(status);
    return failure;
  }
};

}  // namespace

const Protocol& anthropic_messages() {
  static const AnthropicMessages protocol;
  return protocol;
}

}  // namespace understudy
