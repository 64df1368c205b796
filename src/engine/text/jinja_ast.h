// A parsed template: statements and expressions as plain data. Built by jinja_parser, run by jinja_evaluator. Immutable
// once built, shareable between threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/text/jinja_value.h"

namespace understudy::jinja {

struct Expression;
struct Statement;
using ExpressionPtr = std::unique_ptr<Expression>;
using Body = std::vector<Statement>;

struct ArgumentList {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
};

enum class UnaryOperator { kNot, kMinus, kPlus };
enum class BinaryOperator { kAdd, kSubtract, kMultiply, kDivide, kFloorDivide, kModulo, kPower };
enum class Comparison { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kIn, kNotIn };

struct Literal {
  Value value;  // None, bool, number or text
};
struct Name {
  std::string name;
};
struct ListLiteral {
  std::vector<ExpressionPtr> items;
  bool is_tuple = false;
};
struct DictLiteral {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> items;
};
struct Unary {
  UnaryOperator op;
  ExpressionPtr operand;
};
struct Binary {
  BinaryOperator op;
  ExpressionPtr left, right;
};
struct Logical {
  bool is_and;
  ExpressionPtr left, right;
};
struct Compare {
  ExpressionPtr first;
  std::vector<std::pair<Comparison, ExpressionPtr>> rest;
};
struct Concatenation {
  std::vector<ExpressionPtr> parts;  // a ~ b ~ c
};
struct Conditional {
  ExpressionPtr test, then, otherwise;  // otherwise may be null
};
struct Attribute {
  ExpressionPtr object;
  std::string name;
};
struct Item {
  ExpressionPtr object, index;
};
struct Slice {
  ExpressionPtr object, begin, end, step;  // the last three may be null
};
struct Call {
  ExpressionPtr callee;
  ArgumentList arguments;
};
struct Filter {
  ExpressionPtr value;  // null in {% filter %} and {% set x | filter %}: the block's text
  std::string name;
  ArgumentList arguments;
};
struct Test {
  ExpressionPtr value;
  std::string name;
  ArgumentList arguments;
  bool negated = false;
};

struct Expression {
  int line = 1;
  std::variant<Literal, Name, ListLiteral, DictLiteral, Unary, Binary, Logical, Compare, Concatenation, Conditional,
               Attribute, Item, Slice, Call, Filter, Test>
      node;
};

// What a for or a set assigns to: names (several unpack a tuple), or a member of a namespace.
struct Target {
  std::vector<std::string> names;
  bool is_tuple = false;
  std::string member;  // of the namespace names[0]; empty: none
};

struct Parameter {
  std::string name;
  ExpressionPtr fallback;  // null: undefined
};

struct TextOut {
  std::string text;
};
struct Output {
  ExpressionPtr value;
};
struct For {
  Target target;
  ExpressionPtr iterable;
  ExpressionPtr condition;  // null: every item
  Body body;
  Body otherwise;
};
struct If {
  std::vector<std::pair<ExpressionPtr, Body>> branches;
  Body otherwise;
};
struct Set {
  Target target;
  ExpressionPtr value;
};
struct SetBlock {
  Target target;
  ExpressionPtr filter;  // null: none
  Body body;
};
struct Macro {
  std::string name;
  std::vector<Parameter> parameters;
  Body body;
};
struct CallBlock {
  std::vector<Parameter> parameters;  // of caller()
  ExpressionPtr call;
  Body body;
};
struct FilterBlock {
  ExpressionPtr filter;
  Body body;
};
struct With {
  std::vector<std::pair<std::string, ExpressionPtr>> assignments;
  Body body;
};
struct Break {};
struct Continue {};

struct Statement {
  int line = 1;
  std::variant<TextOut, Output, For, If, Set, SetBlock, Macro, CallBlock, FilterBlock, With, Break, Continue> node;
};

}  // namespace understudy::jinja
