#include <utility>

#include "base/utf8.h"
#include "engine/text/decoder.h"
#include "engine/text/tokenizer.h"

namespace understudy {

TokenDecoder::TokenDecoder(std::shared_ptr<const Tokenizer> tokenizer) : tokenizer_(std::move(tokenizer)) {}

std::string TokenDecoder::push(TokenId id) {
  if (tokenizer_->is_special(id)) return "";
  pending_ += first_ ? tokenizer_->first_bytes_of(id) : tokenizer_->bytes_of(id);
  first_ = false;
  const size_t held = incomplete_utf8_tail(pending_);
  const std::string whole = lossy_utf8(std::string_view(pending_).substr(0, pending_.size() - held));
  pending_.erase(0, pending_.size() - held);
  return whole;
}

std::string TokenDecoder::finish() {
  return lossy_utf8(std::exchange(pending_, ""));
}

}  // namespace understudy
