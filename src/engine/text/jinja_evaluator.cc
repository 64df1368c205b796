// Above 400 lines because every kind of statement and expression has its few lines here, and they belong together:
// jinja_ast.h is the list.
#include "engine/text/jinja_evaluator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/utf8.h"
#include "engine/text/jinja_filters.h"
#include "engine/text/jinja_functions.h"
#include "engine/text/jinja_lexer.h"
#include "engine/text/jinja_methods.h"
#include "engine/text/jinja_tests.h"

namespace understudy::jinja {

namespace {

// Where a Python index points in a sequence of n; n or more: outside.
size_t position_of(Integer index, size_t n) {
  if (index < 0) index += static_cast<Integer>(n);
  return index < 0 || index >= static_cast<Integer>(n) ? n : static_cast<size_t>(index);
}

// The positions that a Python slice takes from a sequence of n (slice.indices).
std::vector<size_t> slice_positions(size_t n, std::optional<Integer> begin, std::optional<Integer> end, Integer step) {
  const auto size = static_cast<Integer>(n);
  const Integer low = step < 0 ? -1 : 0;
  const Integer high = step < 0 ? size - 1 : size;
  const auto clamp = [&](Integer index) {
    if (index < 0) index += size;
    return std::clamp(index, low, high);
  };
  Integer at = begin ? clamp(*begin) : (step < 0 ? high : low);
  const Integer stop = end ? clamp(*end) : (step < 0 ? low : high);
  std::vector<size_t> positions;
  for (; step < 0 ? at > stop : at < stop; at += step) positions.push_back(static_cast<size_t>(at));
  return positions;
}

Text sliced(const Text& text, const std::function<std::vector<size_t>(size_t)>& positions_in) {
  const std::vector<size_t> starts = character_starts(text.bytes());
  const std::vector<size_t> positions = positions_in(starts.size() - 1);
  Text out;
  for (size_t i = 0; i < positions.size();) {  // whole runs at once
    size_t run = 1;
    while (i + run < positions.size() && positions[i + run] == positions[i] + run) ++run;
    out.append(text.part(starts[positions[i]], starts[positions[i] + run]));
    i += run;
  }
  return out;
}

Value loop_member(Loop& loop, std::string_view name) {
  const auto n = static_cast<int64_t>(loop.items->items.size());
  const auto i = static_cast<int64_t>(loop.index);
  if (name == "index") return Value::integer(i + 1);
  if (name == "index0") return Value::integer(i);
  if (name == "revindex") return Value::integer(n - i);
  if (name == "revindex0") return Value::integer(n - i - 1);
  if (name == "first") return i == 0;
  if (name == "last") return i + 1 == n;
  if (name == "length") return Value::integer(n);
  if (name == "depth") return Value::integer(loop.depth);
  if (name == "depth0") return Value::integer(loop.depth - 1);
  if (name == "previtem") return i > 0 ? loop.items->items[loop.index - 1] : Undefined{"there is no previous item"};
  if (name == "nextitem") return i + 1 < n ? loop.items->items[loop.index + 1] : Undefined{"there is no next item"};
  return Undefined{fmt::format("'loop' has no attribute '{}'", name)};
}

std::string object_name(const Value& value) {
  return fmt::format("'{} object'", type_name(value));
}

}  // namespace

class Evaluator::Frame {
 public:
  Frame(Evaluator& evaluator, std::shared_ptr<Scope> parent) : evaluator_(evaluator), before_(evaluator.scope_) {
    evaluator.scope_ = std::make_shared<Scope>();
    evaluator.scope_->parent = std::move(parent);
  }
  explicit Frame(Evaluator& evaluator) : Frame(evaluator, evaluator.scope_) {}
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  ~Frame() { evaluator_.scope_ = std::move(before_); }

 private:
  Evaluator& evaluator_;
  std::shared_ptr<Scope> before_;
};

class Evaluator::Depth {
 public:
  explicit Depth(Evaluator& evaluator) : evaluator_(evaluator) {
    if (++evaluator.depth_ > evaluator.limits_.depth) {
      --evaluator.depth_;
      throw Error(ErrorCode::kTooLarge,
                  fmt::format("chat template:{}: statements, expressions and macros are more than {} levels "
                              "deep in each other",
                              evaluator.line_, evaluator.limits_.depth));
    }
  }
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;
  ~Depth() { --evaluator_.depth_; }

 private:
  Evaluator& evaluator_;
};

Evaluator::Evaluator(Variables globals, Limits limits) : limits_(limits), scope_(std::make_shared<Scope>()) {
  for (auto& [name, value] : global_functions()) scope_->variables.emplace(name, std::move(value));
  for (auto& [name, value] : globals) scope_->variables.insert_or_assign(std::move(name), std::move(value));
}

Evaluator::~Evaluator() {
  for (const auto& scope : scopes_with_macros_) scope->variables.clear();
  for (const auto& space : namespaces_) space->members.clear();
}

Text Evaluator::run(const Body& body) {
  const Frame frame(*this);
  return captured(body);
}

void Evaluator::fail(std::string_view message) const {
  fail_at(line_, message);
}

void Evaluator::fail_undefined(const Value& value) const {
  const auto& what = std::get<Undefined>(value.data()).what;
  fail(what.empty() ? "a value is undefined" : what);
}

void Evaluator::fail_types(std::string_view op, const Value& left, const Value& right) const {
  if (left.is_undefined()) fail_undefined(left);
  if (right.is_undefined()) fail_undefined(right);
  fail(fmt::format("'{}' does not work between {} and {}", op, type_name(left), type_name(right)));
}

void Evaluator::step(size_t count) {
  steps_ += static_cast<int64_t>(count);
  if (steps_ > limits_.steps) {
    throw Error(ErrorCode::kTooLarge, fmt::format("chat template:{}: stopped after {} steps", line_, limits_.steps));
  }
}

void Evaluator::count(size_t bytes) {
  produced_ += bytes;
  if (bytes <= limits_.text_bytes && produced_ <= limits_.total_bytes) return;
  throw Error(ErrorCode::kTooLarge,
              fmt::format("chat template:{}: makes too much text; at most {} bytes at a time and {} in all", line_,
                          limits_.text_bytes, limits_.total_bytes));
}

Text Evaluator::made(Text text) {
  count(text.size());
  return text;
}

Value Evaluator::made(List list) {
  step(list.items.size() * 4);
  return list;
}

Text Evaluator::text_of(const Value& value) {
  count(std::min<uint64_t>(value.extent().weight, SIZE_MAX / 2));
  return to_text(value);
}

bool Evaluator::same(const Value& a, const Value& b) {
  step(std::min(a.extent().weight, b.extent().weight) / 64);
  return equal(a, b);
}

Text Evaluator::replaced(const Text& text, const Text& from, const Text& to, Integer limit) {
  size_t places = from.empty() ? text.size() + 1 : 0;
  for (size_t at = 0; !from.empty() && (at = text.bytes().find(from.bytes(), at)) != std::string::npos;
       at += from.size())
    ++places;
  count(text.size());
  if (to.size() > 0 && places > limits_.text_bytes / to.size()) count(limits_.text_bytes + 1);
  return made(jinja::replaced(text, from, to, static_cast<long>(std::clamp<Integer>(limit, -1, INT32_MAX))));
}

const Text& Evaluator::need_text(const Value& value, std::string_view what) const {
  if (const Text* text = value.as_text()) return *text;
  if (value.is_undefined()) fail_undefined(value);
  fail(fmt::format("{}: expected a string, got {}", what, type_name(value)));
}

Integer Evaluator::need_integer(const Value& value, std::string_view what) const {
  if (const auto number = value.as_integer()) return *number;
  if (value.is_undefined()) fail_undefined(value);
  fail(fmt::format("{}: expected a whole number, got {}", what, type_name(value)));
}

std::shared_ptr<Namespace> Evaluator::make_namespace() {
  namespaces_.push_back(std::make_shared<Namespace>());
  return namespaces_.back();
}

// Statements.

Evaluator::Flow Evaluator::run_body(const Body& body) {
  for (const Statement& statement : body) {
    const Flow flow = run_statement(statement);
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Evaluator::Flow Evaluator::run_statement(const Statement& statement) {
  const Depth depth(*this);
  step();
  line_ = statement.line;
  return std::visit([&](const auto& s) { return run(s); }, statement.node);
}

Evaluator::Flow Evaluator::run(const TextOut& statement) {
  out_->append(statement.text);
  count(statement.text.size());
  return Flow::kNext;
}

Evaluator::Flow Evaluator::run(const Output& statement) {
  out_->append(text_of(evaluate(*statement.value)));
  return Flow::kNext;
}

// The items for which the condition holds; it sees the target, but no `loop`.
std::shared_ptr<const List> Evaluator::passing(const For& statement, const std::shared_ptr<const List>& items) {
  if (statement.condition == nullptr) return items;
  auto kept = std::make_shared<List>();
  for (const Value& value : items->items) {
    const Frame frame(*this);
    assign(statement.target, value);
    if (is_true(evaluate(*statement.condition))) kept->items.push_back(value);
  }
  return kept;
}

Evaluator::Flow Evaluator::run(const For& statement) {
  const auto items = passing(statement, iterate(evaluate(*statement.iterable)));
  if (items->items.empty()) {
    const Frame frame(*this);
    return run_body(statement.otherwise);
  }
  auto loop = std::make_shared<Loop>();
  loop->items = items;
  loop->depth = ++loop_depth_;
  for (size_t i = 0; i < items->items.size(); ++i) {
    step();
    const Frame frame(*this);
    loop->index = i;
    scope_->variables.emplace("loop", loop);
    assign(statement.target, items->items[i]);
    if (run_body(statement.body) == Flow::kBreak) break;
  }
  --loop_depth_;
  return Flow::kNext;
}

Evaluator::Flow Evaluator::run(const If& statement) {
  for (const auto& [test, body] : statement.branches) {
    if (is_true(evaluate(*test))) return run_body(body);
  }
  return run_body(statement.otherwise);
}

Evaluator::Flow Evaluator::run(const Set& statement) {
  assign(statement.target, evaluate(*statement.value));
  return Flow::kNext;
}

Evaluator::Flow Evaluator::run(const SetBlock& statement) {
  Value value;
  {
    const Frame frame(*this);
    value = captured(statement.body);
    if (statement.filter != nullptr) value = filtered(*statement.filter, value);
  }
  assign(statement.target, std::move(value));
  return Flow::kNext;
}

Evaluator::Flow Evaluator::run(const FilterBlock& statement) {
  const Frame frame(*this);
  const Value text = captured(statement.body);
  out_->append(text_of(filtered(*statement.filter, text)));
  return Flow::kNext;
}

Evaluator::Flow Evaluator::run(const With& statement) {
  std::vector<Value> values;
  for (const auto& [name, value] : statement.assignments) values.push_back(evaluate(*value));
  const Frame frame(*this);
  for (size_t i = 0; i < values.size(); ++i) {
    scope_->variables.insert_or_assign(statement.assignments[i].first, std::move(values[i]));
  }
  return run_body(statement.body);
}

Evaluator::Flow Evaluator::run(const Macro& statement) {
  scope_->variables.insert_or_assign(statement.name, make_macro(statement.name, statement.parameters, statement.body));
  return Flow::kNext;
}

Evaluator::Flow Evaluator::run(const CallBlock& statement) {
  const auto& call_expression = std::get<Call>(statement.call->node);
  const Value callee = evaluate(*call_expression.callee);
  CallArguments arguments = evaluate(call_expression.arguments);
  arguments.named.emplace_back("caller", make_macro("caller", statement.parameters, statement.body));
  out_->append(text_of(call(callee, std::move(arguments))));
  return Flow::kNext;
}

void Evaluator::assign(const Target& target, Value value) {
  if (!target.member.empty()) {
    const Value* object = find(target.names.front());
    Namespace* space = object == nullptr ? nullptr : object->as_namespace();
    if (space == nullptr)
      fail(fmt::format("{}.{}: only members of a namespace() can be set", target.names.front(), target.member));
    for (auto& [name, held] : space->members) {
      if (name == target.member) {
        held = std::move(value);
        return;
      }
    }
    space->members.emplace_back(target.member, std::move(value));
    return;
  }
  if (!target.is_tuple) {
    scope_->variables.insert_or_assign(target.names.front(), std::move(value));
    return;
  }
  const auto items = iterate(value);
  if (items->items.size() != target.names.size()) {
    fail(fmt::format("{} values cannot be unpacked into {} names", items->items.size(), target.names.size()));
  }
  for (size_t i = 0; i < target.names.size(); ++i) scope_->variables.insert_or_assign(target.names[i], items->items[i]);
}

Text Evaluator::captured(const Body& body) {
  Text text;
  Text* const before = std::exchange(out_, &text);
  run_body(body);
  out_ = before;
  return made(std::move(text));
}

Value Evaluator::filtered(const Expression& filter, const Value& input) {
  const Value* const before = std::exchange(block_text_, &input);
  Value value = evaluate(filter);
  block_text_ = before;
  return value;
}

Value Evaluator::make_macro(const std::string& name, const std::vector<Parameter>& parameters, const Body& body) {
  if (scopes_with_macros_.empty() || scopes_with_macros_.back() != scope_) scopes_with_macros_.push_back(scope_);
  return Function{
      name, [name, &parameters, &body, defined_in = scope_](Evaluator& evaluator, CallArguments& arguments) -> Value {
        return evaluator.call_macro(name, parameters, body, defined_in, arguments);
      }};
}

Text Evaluator::call_macro(const std::string& name, const std::vector<Parameter>& parameters, const Body& body,
                           const std::shared_ptr<Scope>& defined_in, CallArguments& arguments) {
  const Frame frame(*this, defined_in);
  const int line = line_;
  const int loop_depth = std::exchange(loop_depth_, 0);
  if (auto caller = arguments.take(SIZE_MAX, "caller"))
    scope_->variables.insert_or_assign("caller", *std::move(caller));
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& parameter = parameters[i];
    std::optional<Value> value = arguments.take(i, parameter.name);
    if (!value && parameter.fallback != nullptr) value = evaluate(*parameter.fallback);
    if (!value) value = Undefined{fmt::format("parameter '{}' was not provided", parameter.name)};
    scope_->variables.insert_or_assign(parameter.name, *std::move(value));
  }
  const std::string extra = arguments.left_over(parameters.size());
  if (!extra.empty()) fail(fmt::format("macro {}: {} is not expected", name, extra));
  Text text = captured(body);
  loop_depth_ = loop_depth;
  line_ = line;
  return text;
}

// Expressions.

const Value* Evaluator::find(const std::string& name) const {
  for (const Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent.get()) {
    const auto found = scope->variables.find(name);
    if (found != scope->variables.end()) return &found->second;
  }
  return nullptr;
}

Value Evaluator::evaluate(const Expression& expression) {
  const Depth depth(*this);
  step();
  line_ = expression.line;
  Value value = std::visit([&](const auto& e) { return evaluate(e); }, expression.node);
  const Extent extent = value.extent();
  if (extent.depth > limits_.value_depth || extent.weight > limits_.text_bytes) {
    throw Error(ErrorCode::kTooLarge, fmt::format("chat template:{}: a value of more than {} bytes or {} levels", line_,
                                                  limits_.text_bytes, limits_.value_depth));
  }
  return value;
}

Value Evaluator::evaluate(const Name& e) {
  const Value* value = find(e.name);
  return value == nullptr ? Undefined{fmt::format("'{}' is undefined", e.name)} : *value;
}

Value Evaluator::evaluate(const ListLiteral& e) {
  List list;
  list.is_tuple = e.is_tuple;
  list.items.reserve(e.items.size());
  for (const ExpressionPtr& item : e.items) list.items.push_back(evaluate(*item));
  return list;
}

Value Evaluator::evaluate(const DictLiteral& e) {
  Dict dict;
  for (const auto& [key, value] : e.items) {
    const Value key_value = evaluate(*key);
    if (!is_hashable(key_value)) fail(fmt::format("{} cannot be a key of a dict", type_name(key_value)));
    dict.set(key_value, evaluate(*value));
  }
  return dict;
}

Value Evaluator::evaluate(const Unary& e) {
  const Value value = evaluate(*e.operand);
  if (e.op == UnaryOperator::kNot) return !is_true(value);
  const bool minus = e.op == UnaryOperator::kMinus;
  if (const auto number = value.as_integer())
    return minus ? arithmetic(BinaryOperator::kSubtract, 0, *number) : *number;
  if (const auto number = value.as_double()) return minus ? -*number : *number;
  if (value.is_undefined()) fail_undefined(value);
  fail(fmt::format("'{}' does not work on {}", minus ? '-' : '+', type_name(value)));
}

Value Evaluator::evaluate(const Binary& e) {
  const Value left = evaluate(*e.left);
  const Value right = evaluate(*e.right);
  return e.op == BinaryOperator::kAdd ? add(left, right) : arithmetic(e.op, left, right);
}

Value Evaluator::add(const Value& left, const Value& right) {
  if (left.is_number() && right.is_number()) return arithmetic(BinaryOperator::kAdd, left, right);
  if (left.is_text() && right.is_text()) {
    Text text = *left.as_text();
    text.append(*right.as_text());
    return made(std::move(text));
  }
  const List* a = left.as_list();
  const List* b = right.as_list();
  if (a == nullptr || b == nullptr || a->is_tuple != b->is_tuple) fail_types("+", left, right);
  List joined = *a;
  joined.items.insert(joined.items.end(), b->items.begin(), b->items.end());
  return made(std::move(joined));
}

Value Evaluator::arithmetic(BinaryOperator op, const Value& left, const Value& right) {
  static constexpr std::string_view kSigns[] = {"+", "-", "*", "/", "//", "%", "**"};
  if (op == BinaryOperator::kMultiply) {
    if ((left.is_text() || left.is_list()) && right.as_integer()) return repeated(left, *right.as_integer());
    if ((right.is_text() || right.is_list()) && left.as_integer()) return repeated(right, *left.as_integer());
  }
  if (op == BinaryOperator::kModulo && left.is_text()) return made(printf_style(*this, *left.as_text(), right));
  if (!left.is_number() || !right.is_number()) fail_types(kSigns[static_cast<size_t>(op)], left, right);
  const bool division =
      op == BinaryOperator::kDivide || op == BinaryOperator::kFloorDivide || op == BinaryOperator::kModulo;
  if (division && *right.as_double() == 0) fail("division by zero");
  if (left.as_integer() && right.as_integer() && op != BinaryOperator::kDivide) {
    if (op != BinaryOperator::kPower || *right.as_integer() >= 0)
      return arithmetic(op, *left.as_integer(), *right.as_integer());
  }
  const double a = *left.as_double();
  const double b = *right.as_double();
  switch (op) {
    case BinaryOperator::kAdd:
      return a + b;
    case BinaryOperator::kSubtract:
      return a - b;
    case BinaryOperator::kMultiply:
      return a * b;
    case BinaryOperator::kDivide:
      return a / b;
    case BinaryOperator::kFloorDivide:
      return std::floor(a / b);
    case BinaryOperator::kModulo:
      return a - b * std::floor(a / b);
    case BinaryOperator::kPower:
      return std::pow(a, b);
  }
  return {};
}

Value Evaluator::arithmetic(BinaryOperator op, Integer a, Integer b) {
  Integer result = 0;
  bool overflow = false;
  if (b == -1 && op == BinaryOperator::kModulo) return result;
  if (b == -1 && op == BinaryOperator::kFloorDivide) return arithmetic(BinaryOperator::kSubtract, 0, a);
  switch (op) {
    case BinaryOperator::kAdd:
      overflow = __builtin_add_overflow(a, b, &result);
      break;
    case BinaryOperator::kSubtract:
      overflow = __builtin_sub_overflow(a, b, &result);
      break;
    case BinaryOperator::kMultiply:
      overflow = __builtin_mul_overflow(a, b, &result);
      break;
    case BinaryOperator::kFloorDivide:
      result = a / b - ((a % b != 0 && (a % b < 0) != (b < 0)) ? 1 : 0);
      break;
    case BinaryOperator::kModulo:
      result = a % b + ((a % b != 0 && (a % b < 0) != (b < 0)) ? b : 0);
      break;
    case BinaryOperator::kPower:
      result = 1;
      if (b > 127 && a != 0 && a != 1 && a != -1) overflow = true;
      if (b > 127 && a == -1) b = b % 2;
      for (Integer i = 0; i < std::min<Integer>(b, 127) && !overflow; ++i)
        overflow = __builtin_mul_overflow(result, a, &result);
      break;
    case BinaryOperator::kDivide:
      break;
  }
  if (overflow) fail("a whole number has more than 38 digits");
  return result;
}

Value Evaluator::repeated(const Value& value, Integer times) {
  const size_t unit = value.is_text() ? value.as_text()->size() : value.as_list()->items.size();
  const size_t n = times <= 0 ? 0 : static_cast<size_t>(std::min<Integer>(times, INT32_MAX));
  if (unit > 0 && n > limits_.text_bytes / unit) {
    throw Error(ErrorCode::kTooLarge,
                fmt::format("chat template:{}: '*' makes more than {} bytes", line_, limits_.text_bytes));
  }
  step(n);
  if (const Text* text = value.as_text()) {
    Text out;
    for (size_t i = 0; i < n; ++i) out.append(*text);
    return made(std::move(out));
  }
  step(n * unit * 4);
  List out;
  out.is_tuple = value.as_list()->is_tuple;
  for (size_t i = 0; i < n; ++i)
    out.items.insert(out.items.end(), value.as_list()->items.begin(), value.as_list()->items.end());
  return out;
}

Value Evaluator::evaluate(const Logical& e) {
  Value left = evaluate(*e.left);
  return is_true(left) == e.is_and ? evaluate(*e.right) : left;
}

Value Evaluator::evaluate(const Compare& e) {
  Value left = evaluate(*e.first);
  for (const auto& [op, operand] : e.rest) {
    Value right = evaluate(*operand);
    if (!holds(op, left, right)) return false;
    left = std::move(right);
  }
  return true;
}

bool Evaluator::holds(Comparison op, const Value& left, const Value& right) {
  switch (op) {
    case Comparison::kEqual:
      return same(left, right);
    case Comparison::kNotEqual:
      return !same(left, right);
    case Comparison::kIn:
      return contains(right, left);
    case Comparison::kNotIn:
      return !contains(right, left);
    default:
      break;
  }
  step(std::min(left.extent().weight, right.extent().weight) / 64);
  const auto order = compare(left, right);
  if (!order) fail_types("<", left, right);
  switch (op) {
    case Comparison::kLess:
      return *order < 0;
    case Comparison::kLessEqual:
      return *order <= 0;
    case Comparison::kGreater:
      return *order > 0;
    default:
      return *order >= 0;
  }
}

bool Evaluator::contains(const Value& container, const Value& value) {
  if (const Text* text = container.as_text()) {
    step(text->size() / 64);
    return text->bytes().find(need_text(value, "'in'").bytes()) != std::string::npos;
  }
  if (const Dict* dict = container.as_dict()) return dict->find(value) != nullptr;
  const auto items = iterate(container);
  step(items->items.size());
  return std::any_of(items->items.begin(), items->items.end(), [&](const Value& item) { return same(item, value); });
}

Value Evaluator::evaluate(const Concatenation& e) {
  Text text;
  for (const ExpressionPtr& part : e.parts) text.append(text_of(evaluate(*part)));
  return made(std::move(text));
}

Value Evaluator::evaluate(const Conditional& e) {
  if (is_true(evaluate(*e.test))) return evaluate(*e.then);
  if (e.otherwise != nullptr) return evaluate(*e.otherwise);
  return Undefined{"the inline if-expression evaluated to false and no else section was defined"};
}

Value Evaluator::evaluate(const Attribute& e) {
  return attribute(evaluate(*e.object), e.name);
}

Value Evaluator::evaluate(const Item& e) {
  const Value object = evaluate(*e.object);
  return item(object, evaluate(*e.index));
}

Value Evaluator::attribute(const Value& object, std::string_view name) {
  if (object.is_undefined()) fail_undefined(object);
  if (Loop* loop = object.as_loop()) {
    if (auto method = find_method(*this, object, name)) return *method;
    return loop_member(*loop, name);
  }
  if (const Namespace* space = object.as_namespace()) {
    for (const auto& [member, value] : space->members) {
      if (member == name) return value;
    }
  }
  if (auto method = find_method(*this, object, name)) return *method;
  const Dict* dict = object.as_dict();
  const Value* found = dict == nullptr ? nullptr : dict->find(name);
  return found != nullptr ? *found : Undefined{fmt::format("{} has no attribute '{}'", object_name(object), name)};
}

Value Evaluator::item(const Value& object, const Value& index) {
  if (object.is_undefined()) fail_undefined(object);
  if (const Dict* dict = object.as_dict()) {
    if (const Value* found = dict->find(index)) return *found;
  }
  const auto number = index.as_integer();
  if (const List* list = object.as_list(); list != nullptr && number) {
    const size_t at = position_of(*number, list->items.size());
    if (at < list->items.size()) return list->items[at];
  }
  if (const Text* text = object.as_text(); text != nullptr && number) {
    step(text->size() / 64);
    const size_t n = count_code_points(text->bytes());
    size_t begin = 0;
    const size_t at = position_of(*number, n);
    for (size_t i = 0; i < at && begin < text->size(); ++i) next_code_point(text->bytes(), begin);
    size_t end = begin;
    if (at < n) next_code_point(text->bytes(), end);
    if (at < n) return text->part(begin, end);
  }
  if (const Text* name = index.as_text()) {
    const bool is_object = object.as_namespace() != nullptr || object.as_loop() != nullptr;
    if (is_object) return attribute(object, name->bytes());
    if (auto method = find_method(*this, object, name->bytes())) return *method;
  }
  return Undefined{fmt::format("{} has no element {}", object_name(object), to_repr(index).bytes())};
}

Value Evaluator::evaluate(const Slice& e) {
  const Value object = evaluate(*e.object);
  const auto bound = [&](const ExpressionPtr& expression) -> std::optional<Integer> {
    if (expression == nullptr) return std::nullopt;
    const Value value = evaluate(*expression);
    if (value.is_none()) return std::nullopt;
    return need_integer(value, "a slice");
  };
  const auto begin = bound(e.begin);
  const auto end = bound(e.end);
  const Integer step_size =
      std::clamp<Integer>(bound(e.step).value_or(1), INT32_MIN, INT32_MAX);  // beyond: one item either way
  if (step_size == 0) fail("a slice's step is zero");
  const auto positions_in = [&](size_t n) { return slice_positions(n, begin, end, step_size); };
  if (const Text* text = object.as_text()) {
    step(text->size() / 8);
    return made(sliced(*text, positions_in));
  }
  const List* list = object.as_list();
  if (list == nullptr) {
    if (object.is_undefined()) fail_undefined(object);
    return Undefined{fmt::format("{} cannot be sliced", object_name(object))};
  }
  List out;
  out.is_tuple = list->is_tuple;
  for (const size_t position : positions_in(list->items.size())) out.items.push_back(list->items[position]);
  return made(std::move(out));
}

std::shared_ptr<const List> Evaluator::iterate(const Value& value) {
  if (const auto* list = std::get_if<std::shared_ptr<const List>>(&value.data())) return *list;
  auto items = std::make_shared<List>();
  if (const Text* text = value.as_text()) {
    step(text->size() * 16);  // a value for each character
    const std::vector<size_t> starts = character_starts(text->bytes());
    for (size_t i = 0; i + 1 < starts.size(); ++i) items->items.emplace_back(text->part(starts[i], starts[i + 1]));
  } else if (const Dict* dict = value.as_dict()) {
    step(dict->items().size());
    for (const auto& [key, held] : dict->items()) items->items.push_back(key);
  } else if (!value.is_undefined()) {
    fail(fmt::format("{} cannot be gone through", type_name(value)));
  }
  return items;
}

CallArguments Evaluator::evaluate(const ArgumentList& list) {
  CallArguments arguments;
  for (const ExpressionPtr& argument : list.positional) arguments.positional.push_back(evaluate(*argument));
  for (const auto& [name, argument] : list.named) arguments.named.emplace_back(name, evaluate(*argument));
  return arguments;
}

Value Evaluator::evaluate(const Call& e) {
  const Value callee = evaluate(*e.callee);
  return call(callee, evaluate(e.arguments));
}

Value Evaluator::call(const Value& callee, CallArguments arguments) {
  const Depth depth(*this);
  if (const Function* function = callee.as_function()) return function->call(*this, arguments);
  if (callee.is_undefined()) fail_undefined(callee);
  fail(fmt::format("{} cannot be called", type_name(callee)));
}

Value Evaluator::evaluate(const Filter& e) {
  const Value value = e.value == nullptr ? *block_text_ : evaluate(*e.value);
  return apply_filter(*this, e.name, value, evaluate(e.arguments));
}

Value Evaluator::evaluate(const Test& e) {
  const Value value = evaluate(*e.value);
  return apply_test(*this, e.name, value, evaluate(e.arguments)) != e.negated;
}

}  // namespace understudy::jinja
