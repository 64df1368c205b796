// Gemini's generateContent and streamGenerateContent as a Protocol, and its errors.
#include <fmt/format.h>

#include "base/utf8.h"
#include "gateway/wire/gemini_parts.h"

namespace understudy {

namespace gemini_wire {

namespace {

struct ErrorWord {
  int status;
  std::string_view word;
  ErrorCode code;
};
// The first of a status or a word counts. The words are those of Google's RPC status.
constexpr ErrorWord kErrors[] = {{400, "INVALID_ARGUMENT", ErrorCode::kInvalidInput},
                                 {400, "FAILED_PRECONDITION", ErrorCode::kInvalidInput},
                                 {401, "UNAUTHENTICATED", ErrorCode::kUnauthorized},
                                 {403, "PERMISSION_DENIED", ErrorCode::kForbidden},
                                 {404, "NOT_FOUND", ErrorCode::kNotFound},
                                 {408, "DEADLINE_EXCEEDED", ErrorCode::kTimedOut},
                                 {429, "RESOURCE_EXHAUSTED", ErrorCode::kOverloaded},
                                 {499, "CANCELLED", ErrorCode::kCancelled},
                                 {500, "INTERNAL", ErrorCode::kInternal},
                                 {503, "UNAVAILABLE", ErrorCode::kUnavailable},
                                 {504, "DEADLINE_EXCEEDED", ErrorCode::kTimedOut},
                                 {529, "UNAVAILABLE", ErrorCode::kUnavailable}};

std::string_view error_word(int status) {
  for (const ErrorWord& entry : kErrors) {
    if (entry.status == status) return entry.word;
  }
  return status >= 400 && status < 500 ? "INVALID_ARGUMENT" : "INTERNAL";
}

}  // namespace

std::string error_body(int status, std::string_view message) {
  return dump_json({{"error", {{"code", status}, {"message", message}, {"status", error_word(status)}}}});
}

FailureEvent read_failure(const Json& error) {
  const auto member = [&error](const char* key) {
    const Json value = error.is_object() ? error.value(key, Json()) : Json();
    return value.is_string() ? value.get<std::string>() : std::string();
  };
  FailureEvent failure;
  failure.message = member("message");
  if (failure.message.empty()) failure.message = dump_json(error);
  failure.type = member("status");
  failure.code = ErrorCode::kInternal;
  for (const ErrorWord& entry : kErrors) {
    if (entry.word != failure.type) continue;
    failure.code = entry.code;
    break;
  }
  return failure;
}

std::string failure_payload(const FailureEvent& failure) {
  return error_body(http_status(failure.code), failure.message);
}

}  // namespace gemini_wire

namespace {

constexpr size_t kShownBytes = 200;  // of a body that is no error of the protocol

class Gemini : public Protocol {
 public:
  using Protocol::write_request;
  ProtocolName name() const override { return ProtocolName::kGemini; }
  ChatRequest read_request(std::string_view body) const override { return gemini_wire::read_request(body); }
  std::string write_request(const ChatRequest& request, std::vector<std::string>& dropped) const override {
    return gemini_wire::write_request(request, dropped);
  }
  ChatAnswer read_answer(std::string_view body) const override { return gemini_wire::read_answer(body); }
  std::string write_answer(const ChatAnswer& answer) const override { return gemini_wire::write_answer(answer); }
  std::unique_ptr<EventWriter> event_writer(const ChatRequest&, const AnswerHead& head) const override {
    return gemini_wire::event_writer(head);
  }
  std::unique_ptr<EventReader> event_reader() const override { return gemini_wire::event_reader(); }
  std::string_view id_prefix() const override { return ""; }
  std::string write_error(int status, const Error& error) const override {
    const std::string message = error.hint().empty() ? error.message() : error.message() + " (" + error.hint() + ")";
    return gemini_wire::error_body(status, message);
  }
  // A stream that is not asked for as events begins with the bracket of a list.
  FailureEvent read_error(int status, std::string_view body) const override {
    std::optional<Json> value = try_parse_json(body, {.depth = gemini_wire::kDepth});
    if (value && value->is_array() && value->size() == 1) value = Json(value->front());
    FailureEvent failure;
    if (value && value->is_object() && value->contains("error")) {
      failure = gemini_wire::read_failure((*value)["error"]);
    } else {
      failure.message = fmt::format("status {}: {}", status, repair_utf8(std::string(body.substr(0, kShownBytes))));
    }
    failure.code = error_code_of_status(status);
    return failure;
  }
};

}  // namespace

const Protocol& gemini() {
  static const Gemini protocol;
  return protocol;
}

}  // namespace understudy
