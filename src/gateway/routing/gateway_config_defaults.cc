// `defaults`: timeouts, retries, breakers, checks and holds; providers and models change them for themselves.
#include "gateway/routing/gateway_config_parts.h"

namespace understudy::gateway_yml {

const Fields<TimeoutConfig>& timeout_fields() {
  static const Fields<TimeoutConfig> fields =
      Fields<TimeoutConfig>()
          .field("connect", &TimeoutConfig::connect, "to connect", positive())
          .field("first_token", &TimeoutConfig::first_token, "from the request to the first content", positive())
          .field("between_tokens", &TimeoutConfig::between_tokens, "from one event to the next", positive())
          .field("total", &TimeoutConfig::total, "of one attempt", positive());
  return fields;
}

const Fields<RetryConfig>& retry_fields() {
  static const Fields<RetryConfig> fields =
      Fields<RetryConfig>()
          .field("attempts", &RetryConfig::attempts, "over all targets of one request", at_least_one())
          .field("budget", &RetryConfig::budget, "how long targets that failed are asked again");
  return fields;
}

const Fields<BreakerConfig>& breaker_fields() {
  static const Fields<BreakerConfig> fields =
      Fields<BreakerConfig>()
          .field("failures", &BreakerConfig::failures, "so many", at_least_one())
          .field("within", &BreakerConfig::within, "in this time open it", positive())
          .field("open", &BreakerConfig::open, "for so long at first", positive())
          .field("open_at_most", &BreakerConfig::open_at_most, "and so long at most", positive());
  return fields;
}

const Fields<HealthConfig>& health_fields() {
  static const Fields<HealthConfig> fields = Fields<HealthConfig>().special(
      "every", "between two checks, or never", [](const ConfigNode& node, HealthConfig& health) {
        if (node.as_text() == "never") {
          health.every = std::chrono::nanoseconds(0);
          return;
        }
        read_value(node, health.every);
        positive()(node, health.every);
      });
  return fields;
}

const Fields<HoldConfig>& hold_fields() {
  static const Fields<HoldConfig> fields =
      Fields<HoldConfig>()
          .field("events", &HoldConfig::events, "most that are held before the first content", at_least_one())
          .field("bytes", &HoldConfig::bytes, "most bytes of them");
  return fields;
}

const Fields<DefaultsConfig>& defaults_fields() {
  static const Fields<DefaultsConfig> fields = Fields<DefaultsConfig>()
                                                   .group("timeouts", &DefaultsConfig::timeouts, timeout_fields(), "")
                                                   .group("retries", &DefaultsConfig::retries, retry_fields(), "")
                                                   .group("breaker", &DefaultsConfig::breaker, breaker_fields(), "")
                                                   .group("health", &DefaultsConfig::health, health_fields(), "")
                                                   .group("hold", &DefaultsConfig::hold, hold_fields(), "");
  return fields;
}

}  // namespace understudy::gateway_yml
