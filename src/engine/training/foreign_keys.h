// The keys of Axolotl's configs that this trainer does not act on, each with what that means: no effect on the result,
// or a meaning that is not built and is therefore refused unless the value says "off". Tables, and how they join a
// table of fields.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/config_fields.h"

namespace understudy {

enum class ForeignKind {
  kNoEffect,  // accepted with any value; `note` says why nothing changes
  kLacking,   // accepted where the value switches it off (false, 0, none, an empty list); else refused with `note`
};

struct ForeignKey {
  std::string_view key;
  ForeignKind kind;
  std::string_view note;
};

std::span<const ForeignKey> train_foreign_keys();
std::span<const ForeignKey> dataset_foreign_keys();

// Throws for a lacking key that is switched on. The line to tell the user, or an empty one.
std::string read_foreign_key(const ForeignKey& key, const ConfigNode& node);

// Adds the keys to a table whose config has a member `notices`.
template <class Config>
Fields<Config> with_foreign_keys(Fields<Config>&& fields, std::span<const ForeignKey> keys) {
  Fields<Config> all = std::move(fields);
  for (const ForeignKey& key : keys) {
    std::move(all).unlisted(std::string(key.key), [key](const ConfigNode& node, Config& config) {
      std::string line = read_foreign_key(key, node);
      if (!line.empty()) config.notices.push_back(std::move(line));
    });
  }
  return all;
}

}  // namespace understudy
