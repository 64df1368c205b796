#include "evaluation/field_tree.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"

namespace understudy::evaluation {

namespace {

constexpr int kMaxDepth = 32;

class SchemaWalk {
 public:
  SchemaWalk(const Json& root, std::string where) : root_(root), where_(std::move(where)) {}

  void grow(const Json& written, FieldNode& node, int depth) {
    if (depth > kMaxDepth) return;  // a schema that refers to itself
    const Json& schema = resolved(written);
    if (!schema.is_object()) return;
    set_kind(schema, node);
    if (const auto order = schema.find("x-order"); order != schema.end() && order->is_boolean()) {
      node.order_counts = order->get<bool>();
    }
    if (const auto properties = schema.find("properties"); properties != schema.end() && properties->is_object()) {
      for (const auto& [key, property] : properties->items()) grow(property, node.grow_child(key), depth + 1);
      node.is_leaf = false;
    }
    if (const auto items = schema.find("items"); items != schema.end() && items->is_object()) {
      grow(*items, node.grow_items(), depth + 1);
      node.is_leaf = false;
    }
  }

 private:
  const Json& resolved(const Json& written) const {
    const Json* schema = &written;
    for (int hops = 0; hops < kMaxDepth && schema->is_object(); ++hops) {
      if (const auto reference = schema->find("$ref"); reference != schema->end() && reference->is_string()) {
        schema = &referred(reference->get<std::string>());
      } else if (const Json* branch = first_branch(*schema)) {
        schema = branch;
      } else {
        return *schema;
      }
    }
    return *schema;
  }

  const Json& referred(const std::string& reference) const {
    try {
      if (!reference.empty() && reference[0] == '#') return root_.at(Json::json_pointer(reference.substr(1)));
    } catch (const Json::exception&) {
      // falls through to the error below
    }
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: $ref \"{}\" leads nowhere in this schema", where_, reference),
                "only references within the schema (#/definitions/...) are followed");
  }

  static const Json* first_branch(const Json& schema) {
    for (const char* word : {"anyOf", "oneOf"}) {
      const auto branches = schema.find(word);
      if (branches == schema.end() || !branches->is_array() || schema.contains("type")) continue;
      for (const Json& branch : *branches) {
        if (!branch.is_object() || branch.value("type", Json()) != "null") return &branch;
      }
    }
    return nullptr;
  }

  static std::string type_of(const Json& schema) {
    const auto type = schema.find("type");
    if (type == schema.end()) return "";
    if (type->is_string()) return type->get<std::string>();
    if (!type->is_array()) return "";
    for (const Json& word : *type) {
      if (word.is_string() && word != "null") return word.get<std::string>();
    }
    return "";
  }

  void set_kind(const Json& schema, FieldNode& node) const {
    const std::string type = type_of(schema);
    const bool container = type == "object" || type == "array";
    node.is_leaf = !container && !type.empty();
    if (schema.contains("enum") || schema.contains("const")) {
      set(node, Kind::kChoice);
    } else if (type == "string") {
      const Json format = schema.value("format", Json());
      set(node, format == "date" || format == "date-time" ? Kind::kDate : Kind::kText);
    } else if (type == "number" || type == "integer") {
      set(node, Kind::kNumber);
    } else if (type == "boolean") {
      set(node, Kind::kBoolean);
    }
    if (const auto match = schema.find("x-match"); match != schema.end()) {
      const std::optional<Kind> kind = match->is_string() ? kind_from(match->get<std::string>()) : std::nullopt;
      if (!kind) {
        throw Error(ErrorCode::kInvalidInput, fmt::format("{}: x-match: {} is no kind", where_, dump_json(*match)),
                    "kinds: text, exact, amount, number, date, enum, boolean");
      }
      set(node, *kind);
    }
  }

  static void set(FieldNode& node, Kind kind) {
    node.rule.kind = kind;
    node.has_kind = true;
    node.is_leaf = true;
  }

  const Json& root_;
  std::string where_;
};

}  // namespace

const FieldNode* FieldNode::child(std::string_view key) const {
  for (const auto& [name, node] : children) {
    if (name == key) return &node;
  }
  return nullptr;
}

FieldNode& FieldNode::grow_child(std::string_view key) {
  for (auto& [name, node] : children) {
    if (name == key) return node;
  }
  children.push_back({std::string(key), FieldNode()});
  return children.back().node;
}

FieldNode& FieldNode::grow_items() {
  if (!items) items = std::make_unique<FieldNode>();
  return *items;
}

FieldNode field_tree_from_schema(const Json& schema, const std::string& where) {
  FieldNode root;
  SchemaWalk(schema, where).grow(schema, root, 0);
  root.is_leaf = false;
  return root;
}

FieldNode& grow_field(FieldNode& root, std::string_view path) {
  FieldNode* node = &root;
  while (!path.empty()) {
    const size_t dot = path.find('.');
    std::string_view key = path.substr(0, dot);
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
    int lists = 0;
    for (; key.size() > 2 && key.substr(key.size() - 2) == "[]"; ++lists) key.remove_suffix(2);
    node = &node->grow_child(key);
    for (; lists > 0; --lists) node = &node->grow_items();
    while (lists == 0 && node->items && !path.empty()) node = node->items.get();
  }
  return *node;
}

FieldRule rule_for(const FieldNode* node, const Json* gold, const Json* answer) {
  FieldRule rule;
  if (node != nullptr) rule = node->rule;
  if (node != nullptr && node->has_kind) return rule;
  const Json* shown = gold != nullptr && !gold->is_null() ? gold : answer;
  if (shown == nullptr) return rule;
  if (shown->is_number()) rule.kind = Kind::kNumber;
  if (shown->is_boolean()) rule.kind = Kind::kBoolean;
  return rule;
}

}  // namespace understudy::evaluation
