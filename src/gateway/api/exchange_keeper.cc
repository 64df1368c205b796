#include "gateway/api/exchange_keeper.h"

#include <algorithm>
#include <utility>

namespace understudy {

namespace {

constexpr std::chrono::milliseconds kPartEvery{1000};
constexpr size_t kPartBytes = size_t{64} << 10;
// Longer than any private value: so much of a stream's text waits, because a value may go on in the next event.
constexpr size_t kHeldBack = 512;

PrivateKindSet kinds_of(const std::vector<std::string>& words) {
  PrivateKindSet kinds;
  for (const std::string& word : words) {
    if (const auto kind = private_kind_from(word)) kinds.add(*kind);
  }
  return kinds;
}

// Before the held-back tail, and not inside a finding or a character.
size_t safe_end(std::string_view text, PrivateKindSet kinds) {
  size_t end = text.size() - std::min(text.size(), kHeldBack);
  for (const PrivateFinding& finding : find_private(text, kinds)) {
    if (finding.begin < end && finding.end > end) end = finding.begin;
  }
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return end;
}

}  // namespace

ExchangeKeeper::ExchangeKeeper(const KeeperTools& tools, Exchange& record, std::optional<TraceParent> parent)
    : tools_(tools), record_(record), parent_(parent) {}

ExchangeKeeper::~ExchangeKeeper() {
  if (!has_begun_ || has_ended_) return;
  record_.partial = true;
  if (record_.error.empty()) record_.error = "cancelled: the client left";
  if (record_.status == 0) record_.status = http_status(ErrorCode::kCancelled);
  fill_end(writer_ && !answer_.choices.empty() ? writer_(answer_) : "");
  tools_.recorder->end_later(record_);
  if (tools_.finished) tools_.finished(record_, parent_);
}

Awaitable<void> ExchangeKeeper::begin(std::string_view body, const CapturePolicy& policy, Executor& executor) {
  policy_ = policy;
  kinds_ = kinds_of(policy.redact);
  redactor_ = Redactor(kinds_);
  record_.sampled = policy.keep_bodies;
  if (policy.keep_bodies) record_.request = kinds_.empty() ? std::string(body) : redactor_.redact_body(body);
  const Recorded recorded = co_await tools_.recorder->begin(record_, executor);
  if (recorded == Recorded::kFailed && tools_.refuse_on_failure) {
    throw Error(ErrorCode::kUnavailable, "the exchange cannot be recorded, and nothing was sent",
                "capture.on_failure: serve answers all the same");
  }
  has_begun_ = true;
}

void ExchangeKeeper::note(const std::vector<ChatEvent>& events) {
  for (const ChatEvent& event : events) {
    collect(event, answer_);
    if (const auto* text = std::get_if<TextEvent>(&event)) pending_ += text->text;
    if (const auto* call = std::get_if<ToolCallEvent>(&event)) pending_ += call->arguments;
    if (const auto* failure = std::get_if<FailureEvent>(&event)) {
      record_.partial = true;
      if (record_.error.empty()) record_.error = "broken: " + failure->message;
    }
  }
  const bool is_due = pending_.size() >= kPartBytes || Clock::now() - last_part_ >= kPartEvery;
  if (is_due && has_begun_) write_part();
}

void ExchangeKeeper::write_part() {
  last_part_ = Clock::now();
  if (!policy_.keep_bodies) pending_.clear();
  const size_t end = kinds_.empty() ? pending_.size() : safe_end(pending_, kinds_);
  if (end == 0) return;
  const std::string_view text = std::string_view(pending_).substr(0, end);
  const std::string redacted = kinds_.empty() ? std::string() : redactor_.redact_body(text);
  tools_.recorder->part(record_.id, kinds_.empty() ? text : redacted, answer_.usage);
  pending_.erase(0, end);
}

void ExchangeKeeper::fill_end(std::string_view body) {
  has_ended_ = true;
  record_.total_ms = std::chrono::duration<double, std::milli>(Clock::now() - began_).count();
  if (policy_.keep_bodies) record_.answer = kinds_.empty() ? std::string(body) : redactor_.redact_body(body);
  for (ExchangeAttempt& attempt : record_.attempts) {
    if (!policy_.keep_bodies) attempt.answer.clear();
    if (!attempt.answer.empty() && !kinds_.empty()) attempt.answer = redactor_.redact_body(attempt.answer);
  }
}

Awaitable<void> ExchangeKeeper::end(std::string_view body, Executor& executor) {
  if (!has_begun_ || has_ended_) co_return;
  fill_end(body);
  (void)co_await tools_.recorder->end(record_, executor);
  if (tools_.finished) tools_.finished(record_, parent_);
}

}  // namespace understudy
