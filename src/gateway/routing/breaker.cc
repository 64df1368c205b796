#include "gateway/routing/breaker.h"

#include <algorithm>

namespace understudy {

Breaker::State Breaker::state(Time now) const {
  if (!is_tripped()) return State::kClosed;
  return now < open_until_ ? State::kOpen : State::kHalfOpen;
}

bool Breaker::would_admit(Time now) const {
  switch (state(now)) {
    case State::kClosed:
      return true;
    case State::kOpen:
      return false;
    case State::kHalfOpen:
      return !place_taken_ || now - place_taken_at_ >= limits_.open_at_most;
  }
  return false;
}

bool Breaker::admit(Time now) {
  if (!would_admit(now)) return false;
  if (is_tripped()) {
    place_taken_ = true;
    place_taken_at_ = now;
  }
  return true;
}

void Breaker::succeeded() {
  failures_.clear();
  times_opened_ = 0;
  place_taken_ = false;
}

void Breaker::failed(Time now) {
  if (state(now) == State::kOpen) return;  // sent before it opened
  if (state(now) == State::kHalfOpen) {
    if (place_taken_) open(now);  // else sent before it opened, and slow to fail
    return;
  }
  failures_.push_back(now);
  while (now - failures_.front() > limits_.within) failures_.pop_front();
  if (static_cast<int>(failures_.size()) >= limits_.failures) open(now);
}

void Breaker::left() {
  place_taken_ = false;
}

void Breaker::seems_well(Time now) {
  if (state(now) == State::kOpen) open_until_ = now;
}

std::chrono::nanoseconds Breaker::open_for(Time now) const {
  return state(now) == State::kOpen ? open_until_ - now : std::chrono::nanoseconds(0);
}

void Breaker::open(Time now) {
  std::chrono::nanoseconds duration = std::min(limits_.open, limits_.open_at_most);
  for (int i = 0; i < times_opened_ && duration < limits_.open_at_most; ++i) {
    duration = std::min(duration * 2, limits_.open_at_most);
  }
  ++times_opened_;
  open_until_ = now + std::chrono::duration_cast<Time::duration>(duration);
  failures_.clear();
  place_taken_ = false;
}

}  // namespace understudy
