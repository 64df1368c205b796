// One table of fields makes a config: key, member, check, one line of help. From it come parsing, errors for unknown
// keys with the nearest known one, --key=value overrides, --help and docs/configuration.md.
//
//   const Fields<CostInput>& cost_fields() {
//     static const Fields<CostInput> fields = Fields<CostInput>("cost.yml")
//       .field("requests_per_day", &CostInput::requests_per_day, "requests a day", at_least(0.0))
//       .group("rented", &CostInput::rented, rented_fields(), "what the rented model costs");
//     return fields;
//   }
//   CostInput input = cost_fields().read(ConfigNode::read_file("cost.yml"));
//
// A member's type decides how its text is read: read_value() below, overloaded for bool, int, int64_t, double,
// std::string, std::optional<T>, std::vector<T>, Money, Share, and by any type that declares its own read_value(const
// ConfigNode&, T&). Tables are constant after construction and thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/config_node.h"
#include "base/nearest.h"

namespace understudy {

void read_value(const ConfigNode& node, bool& value);
void read_value(const ConfigNode& node, int& value);
void read_value(const ConfigNode& node, int64_t& value);
void read_value(const ConfigNode& node, double& value);
void read_value(const ConfigNode& node, std::string& value);
void read_value(const ConfigNode& node, ConfigNode& value);  // kept as it is, to be read by its owner
template <class T>
void read_value(const ConfigNode& node, std::optional<T>& value) {
  T inner{};
  read_value(node, inner);
  value = std::move(inner);
}
template <class T>
void read_value(const ConfigNode& node, std::vector<T>& value) {
  value.clear();
  if (!node.is_list()) {  // one value is a list of one
    T item{};
    read_value(node, item);
    value.push_back(std::move(item));
    return;
  }
  for (const ConfigNode& child : node.items()) {
    T item{};
    read_value(child, item);
    value.push_back(std::move(item));
  }
}

// Checks throw ConfigNode::error. `got` is the value read.
template <class T>
using Check = std::function<void(const ConfigNode&, const T&)>;

template <class T>
Check<T> at_least(T low);
template <class T>
Check<T> above(T low);
template <class T>
Check<T> between(T low, T high);
Check<std::string> one_of(std::vector<std::string> words);

// What --help and docs/configuration.md print of a field.
struct FieldHelp {
  std::string key;  // dotted
  std::string help;
};

[[nodiscard]] Error unknown_key(const ConfigNode& member, const std::vector<std::string>& known);

template <class Config>
class Fields {
 public:
  template <class T, class Owner>
  Fields&& field(std::string key, T Owner::*member, std::string help, std::type_identity_t<Check<T>> check = {}) && {
    entries_.push_back({std::move(key),
                        std::move(help),
                        [member, check](const ConfigNode& node, Config& config) {
                          T value{};
                          read_value(node, value);
                          if (check) check(node, value);
                          config.*member = std::move(value);
                        },
                        {}});
    return std::move(*this);
  }

  template <class T, class Owner>
  Fields&& group(std::string key, T Owner::*member, const Fields<T>& inner, std::string help) && {
    entries_.push_back(
        {std::move(key), std::move(help),
         [member, inner](const ConfigNode& node, Config& config) { inner.read_into(node, config.*member); },
         inner.help()});
    return std::move(*this);
  }

  // For keys whose meaning is not one member: renamed, refused, or accepted without effect.
  Fields&& special(std::string key, std::string help, std::function<void(const ConfigNode&, Config&)> read) && {
    entries_.push_back({std::move(key), std::move(help), std::move(read), {}});
    return std::move(*this);
  }

  // The same for a key that help() leaves out.
  Fields&& unlisted(std::string key, std::function<void(const ConfigNode&, Config&)> read) && {
    entries_.push_back({std::move(key), {}, std::move(read), {}, true});
    return std::move(*this);
  }

  Config read(const ConfigNode& node) const {
    Config config{};
    read_into(node, config);
    return config;
  }

  // Keys that are absent or empty keep what `config` has. Throws kInvalidInput for an unknown key or a wrong value.
  void read_into(const ConfigNode& node, Config& config) const {
    if (node.is_null()) return;
    for (const auto& [key, member] : node.members()) {
      const Entry* entry = find(key);
      if (entry == nullptr) throw unknown_key(member, keys());
      if (!member.is_null()) entry->read(member, config);
    }
  }

  std::vector<std::string> keys() const {
    std::vector<std::string> names;
    for (const Entry& entry : entries_) names.push_back(entry.key);
    return names;
  }

  std::vector<FieldHelp> help() const {
    std::vector<FieldHelp> lines;
    for (const Entry& entry : entries_) {
      if (entry.is_unlisted) continue;
      if (entry.inner.empty()) lines.push_back({entry.key, entry.help});
      for (const FieldHelp& inner : entry.inner) lines.push_back({entry.key + "." + inner.key, inner.help});
    }
    return lines;
  }

 private:
  struct Entry {
    std::string key;
    std::string help;
    std::function<void(const ConfigNode&, Config&)> read;
    std::vector<FieldHelp> inner;
    bool is_unlisted = false;
  };
  const Entry* find(std::string_view key) const {
    for (const Entry& entry : entries_) {
      if (entry.key == key) return &entry;
    }
    return nullptr;
  }
  std::vector<Entry> entries_;
};

}  // namespace understudy
