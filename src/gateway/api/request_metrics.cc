#include "gateway/api/request_metrics.h"

namespace understudy {

namespace {
// From a small model's first token in milliseconds to a long answer on a slow machine.
const std::vector<double> kSeconds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120};
}  // namespace

RequestMetrics::RequestMetrics(Metrics& metrics)
    : requests_(metrics.counter("understudy_requests_total", "HTTP requests by endpoint and status.")),
      first_token_(metrics.histogram("understudy_time_to_first_token_seconds",
                                     "From a request to the first event of its answer.", kSeconds)),
      answer_(metrics.histogram("understudy_answer_seconds", "From a request to the end of its answer.", kSeconds)),
      prompt_tokens_(metrics.counter("understudy_prompt_tokens_total", "Tokens of prompts that were answered.")),
      completion_tokens_(metrics.counter("understudy_completion_tokens_total", "Tokens of answers.")),
      waiting_(metrics.gauge("understudy_waiting_requests", "Requests that wait for a place in the batch.")),
      active_(metrics.gauge("understudy_active_requests", "Requests in the batch.")) {
  // Seen from the start: a counter that appears with its first event hides that event from rate().
  prompt_tokens_.add(0);
  completion_tokens_.add(0);
}

void RequestMetrics::count_request(std::string_view endpoint, int status) {
  requests_.add(1, {{"endpoint", std::string(endpoint)}, {"status", std::to_string(status)}});
}
void RequestMetrics::first_token_after(double seconds) {
  first_token_.observe(seconds);
}
void RequestMetrics::answered_after(double seconds) {
  answer_.observe(seconds);
}
void RequestMetrics::add_usage(const Usage& usage) {
  prompt_tokens_.add(static_cast<double>(usage.prompt_tokens()));
  completion_tokens_.add(static_cast<double>(usage.completion_tokens()));
}
void RequestMetrics::set_load(const ProviderLoad& load) {
  waiting_.set(static_cast<double>(load.waiting));
  active_.set(static_cast<double>(load.active));
}

}  // namespace understudy
