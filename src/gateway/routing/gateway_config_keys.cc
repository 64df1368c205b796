// `keys`: virtual keys, what they may use and how much of it.
#include "base/timestamp.h"
#include "gateway/routing/gateway_config_parts.h"

namespace understudy::gateway_yml {

namespace {

constexpr std::chrono::milliseconds kOneDay = std::chrono::hours(24);

void read_tags(const ConfigNode& node, KeyConfig& key) {
  for (const auto& [name, value] : node.members()) key.tags[name] = value.as_text();
}

void read_rate(const ConfigNode& node, KeyConfig& key) {
  static const Fields<KeyLimits> fields = Fields<KeyLimits>()
                                              .field("requests", &KeyLimits::requests, "such as 600/min")
                                              .field("tokens", &KeyLimits::tokens, "such as 2M/min");
  fields.read_into(node, key.limits);
}

const Fields<KeyConfig>& key_fields() {
  static const Fields<KeyConfig> fields =
      Fields<KeyConfig>()
          .field("sha256", &KeyConfig::sha256, "of the key's text")
          .field("models", &KeyConfig::models, "what it may use; all where absent")
          .special("budget", "such as 50 USD/day",
                   [](const ConfigNode& node, KeyConfig& key) { read_value(node, key.limits.budget); })
          .special("rate", "requests and tokens", read_rate)
          .special("tags", "put on every exchange", read_tags)
          .special("expires", "its last day, UTC", [](const ConfigNode& node, KeyConfig& key) {
            const std::optional<int64_t> day = parse_utc(node.as_text());
            if (!day || node.as_text().size() != 10) throw node.error("expected a day such as 2027-12-31");
            key.expires_ms = *day + kOneDay.count();
          });
  return fields;
}

}  // namespace

std::vector<KeyConfig> read_keys(const ConfigNode& node, const std::vector<ModelChain>& models) {
  std::vector<KeyConfig> keys = read_rows(node, key_fields(), KeyConfig{});
  check_rows(node, keys, [&models](const ConfigNode& row, const KeyConfig& key) {
    if (key.sha256.empty()) throw row.error("sha256 is missing", "`understudy keys create` prints the row");
    for (const std::string& model : key.models) expect_name(row["models"], model, models, "model");
  });
  return keys;
}

}  // namespace understudy::gateway_yml
