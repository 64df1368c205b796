#include "evaluation/field_tree.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"

namespace understudy::evaluation {
namespace {

TEST(FieldTree, KindsFromTheSchema) {
  const FieldNode root = field_tree_from_schema(Json::parse(R"({"type": "object", "properties": {
      "name": {"type": ["string", "null"]}, "date": {"type": "string", "format": "date"}, "n": {"type": "integer"},
      "paid": {"type": "boolean"}, "unit": {"enum": ["kg", "g"]}, "total": {"type": "string", "x-match": "amount"},
      "items": {"type": "array", "items": {"$ref": "#/definitions/item"}},
      "tax": {"anyOf": [{"type": "null"}, {"type": "number"}]}},
      "definitions": {"item": {"type": "object", "properties": {"code": {"type": "string", "x-match": "exact"}}}}})"),
                                                "s.json");
  EXPECT_EQ(root.child("name")->rule.kind, Kind::kText);
  EXPECT_EQ(root.child("date")->rule.kind, Kind::kDate);
  EXPECT_EQ(root.child("n")->rule.kind, Kind::kNumber);
  EXPECT_EQ(root.child("paid")->rule.kind, Kind::kBoolean);
  EXPECT_EQ(root.child("unit")->rule.kind, Kind::kChoice);
  EXPECT_EQ(root.child("total")->rule.kind, Kind::kAmount);
  EXPECT_EQ(root.child("tax")->rule.kind, Kind::kNumber);
  EXPECT_EQ(root.child("items")->items->child("code")->rule.kind, Kind::kExact);
  EXPECT_TRUE(root.child("name")->is_leaf);
  EXPECT_FALSE(root.child("items")->is_leaf);
}

TEST(FieldTree, RefusesWhatItCannotFollow) {
  EXPECT_THROW(field_tree_from_schema(Json::parse(R"({"properties": {"a": {"x-match": "money"}}})"), "s.json"), Error);
  EXPECT_THROW(field_tree_from_schema(Json::parse(R"({"properties": {"a": {"$ref": "#/nowhere"}}})"), "s.json"), Error);
  const FieldNode endless = field_tree_from_schema(Json::parse(R"({"properties": {"a": {"$ref": "#"}}})"), "s.json");
  EXPECT_NE(endless.child("a"), nullptr);
}

TEST(FieldTree, GrowsByPath) {
  FieldNode root;
  grow_field(root, "items[].price").rule.kind = Kind::kAmount;
  EXPECT_EQ(root.child("items")->items->child("price")->rule.kind, Kind::kAmount);
  grow_field(root, "items.price").rule.kind = Kind::kNumber;  // the array is known by now
  EXPECT_EQ(root.child("items")->items->child("price")->rule.kind, Kind::kNumber);
}

TEST(FieldTree, UnknownFieldsGoByTheirValues) {
  const Json number = 5;
  const Json flag = true;
  const Json text = "5";
  EXPECT_EQ(rule_for(nullptr, &number, &text).kind, Kind::kNumber);
  EXPECT_EQ(rule_for(nullptr, nullptr, &flag).kind, Kind::kBoolean);
  EXPECT_EQ(rule_for(nullptr, &text, &number).kind, Kind::kText);
}

}  // namespace
}  // namespace understudy::evaluation
