// The fields of an answer as a tree: what kind each leaf is, whether an array's order counts. Grown from a JSON Schema
// and from the `fields` of eval.yml, which has the last word. Immutable after building; thread-safe to read.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "evaluation/field_kind.h"

namespace understudy::evaluation {

struct NamedField;

struct FieldNode {
  FieldRule rule;
  bool has_kind = false;             // by the schema or by `fields`; else the values decide (number, boolean, text)
  bool is_leaf = false;              // a field to count even where it is absent on both sides
  bool order_counts = false;         // of an array: `x-order: true`
  std::vector<NamedField> children;  // of an object, in the schema's order
  std::unique_ptr<FieldNode> items;  // of an array

  const FieldNode* child(std::string_view key) const;
  FieldNode& grow_child(std::string_view key);
  FieldNode& grow_items();
};

struct NamedField {
  std::string name;
  FieldNode node;
};

// Kinds from `type`, `format` (date, date-time), `enum`, `const` and `x-match` (a kind's name); `$ref` within the
// schema is followed, of anyOf and oneOf the first that is not null counts. `where` begins errors.
FieldNode field_tree_from_schema(const Json& schema, const std::string& where);

// The node at "total" or "items[].price" ("items.price" means the same), grown where it is missing.
FieldNode& grow_field(FieldNode& root, std::string_view path);

// The rule for a pair of values at a node that may be unknown (null): the node's, else by the values' own JSON types.
FieldRule rule_for(const FieldNode* node, const Json* gold, const Json* answer);

}  // namespace understudy::evaluation
