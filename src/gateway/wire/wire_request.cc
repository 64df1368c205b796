#include "gateway/wire/wire_request.h"

#include <utility>

namespace understudy {

WireRequest::WireRequest(const Protocol& protocol, WireRequestBytes bytes, int depth)
    : protocol_(&protocol), body_(std::move(bytes.body)), head_(read_request_head(protocol.name(), body_, depth)) {
  if (!bytes.model.empty()) head_.model = std::move(bytes.model);
  head_.stream = head_.stream || bytes.stream;
}

WireRequest WireRequest::of(const Protocol& protocol, ChatRequest request) {
  WireRequest made;
  made.protocol_ = &protocol;
  made.body_ = protocol.write_request(request);
  made.head_ = read_request_head(protocol.name(), made.body_, kDeepest);
  made.head_.model = request.model;
  made.head_.stream = request.stream;
  made.value_ = std::move(request);
  return made;
}

const ChatRequest& WireRequest::value() const {
  if (!value_) {
    value_ = protocol_->read_request(body_);
    value_->model = head_.model;
    value_->stream = head_.stream;
  }
  return *value_;
}

}  // namespace understudy
