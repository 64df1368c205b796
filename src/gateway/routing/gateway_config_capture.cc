// `capture`, and a task's `capture`: what is kept of exchanges.
#include <fmt/format.h>

#include <algorithm>

#include "gateway/routing/gateway_config_parts.h"
#include "privacy/redaction.h"

namespace understudy::gateway_yml {

namespace {

void read_sync(const ConfigNode& node, CaptureConfig& capture) {
  const std::string word = node.as_text();
  if (word == "never") {
    capture.sync = SyncMode::kNever;
  } else if (word == "every_answer") {
    capture.sync = SyncMode::kEveryAnswer;
  } else {
    std::chrono::nanoseconds interval{};
    read_value(node, interval);
    positive()(node, interval);
    capture.sync = SyncMode::kInterval;
    capture.sync_interval =
        std::max(std::chrono::milliseconds(1), std::chrono::duration_cast<std::chrono::milliseconds>(interval));
  }
}

void read_redact(const ConfigNode& node, KeepConfig& keep) {
  read_value(node, keep.redact);
  for (const ConfigNode& item : node.is_list() ? node.items() : std::vector<ConfigNode>{node}) {
    if (private_kind_from(item.as_text())) continue;
    throw item.error(fmt::format("expected secret, email, phone, iban or card, got \"{}\"", item.as_text()));
  }
}

}  // namespace

Fields<KeepConfig> keep_fields() {
  return Fields<KeepConfig>()
      .field("sample", &KeepConfig::sample, "share of exchanges whose texts are kept")
      .field("retain", &KeepConfig::retain, "how long texts are kept", positive())
      .special("redact", "what is replaced: secret, email, phone, iban, card", read_redact);
}

const Fields<CaptureConfig>& capture_fields() {
  static const Fields<CaptureConfig> fields =
      Fields<CaptureConfig>()
          .special("folder", "where the segments lie",
                   [](const ConfigNode& node, CaptureConfig& capture) { capture.folder = node.as_text(); })
          .special("sync", "never, an interval such as 50ms, or every_answer", read_sync)
          .special("on_failure", "refuse or serve, where the log cannot be written",
                   [](const ConfigNode& node, CaptureConfig& capture) {
                     const std::string word = node.as_text();
                     if (word != "refuse" && word != "serve") throw node.error("expected refuse or serve");
                     capture.refuse_on_failure = word == "refuse";
                   })
          .special("sample", "share of exchanges whose texts are kept",
                   [](const ConfigNode& node, CaptureConfig& capture) { read_value(node, capture.keep.sample); })
          .special("retain", "how long texts are kept",
                   [](const ConfigNode& node, CaptureConfig& capture) { read_value(node, capture.keep.retain); })
          .special("redact", "what is replaced: secret, email, phone, iban, card",
                   [](const ConfigNode& node, CaptureConfig& capture) { read_redact(node, capture.keep); });
  return fields;
}

}  // namespace understudy::gateway_yml
