// One request on its way through the gateway: the client's bytes, what the router has to know of them, and, only where
// somebody asks for it, the whole as a value. Belongs to one request's coroutine.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chat/conversation.h"
#include "gateway/wire/protocol.h"
#include "gateway/wire/request_head.h"

namespace understudy {

class WireRequest {
 public:
  static constexpr int kDeepest = 64;  // levels of nesting, where no config says else

  // Throws kInvalidInput (read_request_head). `model` and `stream` of the path override what the body says (Gemini).
  WireRequest(const Protocol& protocol, WireRequestBytes bytes, int depth = kDeepest);
  // A request made here (probes, shadows, tests); its bytes are written by the protocol.
  static WireRequest of(const Protocol& protocol, ChatRequest request);

  const Protocol& protocol() const { return *protocol_; }
  const std::string& body() const { return body_; }
  const RequestHead& head() const { return head_; }
  bool stream() const { return head_.stream; }
  const ChatRequest& value() const;  // read on first use. Throws kInvalidInput.

  // Headers of the client's that a provider of the same protocol is to see ("anthropic-beta"); never a credential.
  using Headers = std::vector<std::pair<std::string, std::string>>;
  void forward(Headers headers) { forwarded_ = std::move(headers); }
  const Headers& forwarded() const { return forwarded_; }

 private:
  WireRequest() = default;
  const Protocol* protocol_ = nullptr;
  std::string body_;
  RequestHead head_;
  Headers forwarded_;
  mutable std::optional<ChatRequest> value_;
};

}  // namespace understudy
