// Runs a parsed template. Templates come from strangers: steps, produced bytes, length of one text and depth are
// limited, nothing outside of the given variables can be reached. One evaluator renders once, on one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/text/jinja_ast.h"
#include "engine/text/jinja_value.h"

namespace understudy::jinja {

struct Limits {
  int64_t steps = 40'000'000;              // statements, expressions, items passed over
  size_t text_bytes = size_t{64} << 20;    // of one text, the rendered one too
  size_t total_bytes = size_t{512} << 20;  // produced in all, what was thrown away again included
  int depth = 1000;                        // of expressions, statements and macros inside each other
  int value_depth = 200;                   // of lists and dicts inside each other
};

using Variables = std::vector<std::pair<std::string, Value>>;

class Evaluator {
 public:
  explicit Evaluator(Variables globals, Limits limits = {});
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;
  ~Evaluator();

  // Throws kInvalidInput with the template's line, kTooLarge over a limit.
  Text run(const Body& body);

  // For filters, tests, methods and functions.
  [[noreturn]] void fail(std::string_view message) const;
  void step(size_t count = 1);
  void count(size_t bytes);  // that were produced
  Text made(Text text);      // counts it, and gives it back
  Value made(List list);
  Text text_of(const Value& value);           // str(), counted before it is made
  bool same(const Value& a, const Value& b);  // equal(), counted
  Text replaced(const Text& text, const Text& from, const Text& to, Integer limit);
  Value call(const Value& callee, CallArguments arguments);
  Value attribute(const Value& object, std::string_view name);  // object.name: methods come before items
  Value item(const Value& object, const Value& index);          // object[index]: items come before methods
  std::shared_ptr<const List> iterate(const Value& value);      // as a for statement goes through it
  bool contains(const Value& container, const Value& value);
  Value add(const Value& left, const Value& right);
  const Text& need_text(const Value& value, std::string_view what) const;
  Integer need_integer(const Value& value, std::string_view what) const;
  std::shared_ptr<Namespace> make_namespace();

 private:
  enum class Flow { kNext, kBreak, kContinue };
  struct Scope {
    std::unordered_map<std::string, Value> variables;
    std::shared_ptr<Scope> parent;
  };
  class Frame;  // a scope that lasts for a block
  class Depth;

  Flow run_body(const Body& body);
  Flow run_statement(const Statement& statement);
  Flow run(const TextOut& statement);
  Flow run(const Output& statement);
  Flow run(const For& statement);
  Flow run(const If& statement);
  Flow run(const Set& statement);
  Flow run(const SetBlock& statement);
  Flow run(const Macro& statement);
  Flow run(const CallBlock& statement);
  Flow run(const FilterBlock& statement);
  Flow run(const With& statement);
  Flow run(const Break&) { return Flow::kBreak; }
  Flow run(const Continue&) { return Flow::kContinue; }

  Value evaluate(const Expression& expression);
  Value evaluate(const Literal& e) { return e.value; }
  Value evaluate(const Name& e);
  Value evaluate(const ListLiteral& e);
  Value evaluate(const DictLiteral& e);
  Value evaluate(const Unary& e);
  Value evaluate(const Binary& e);
  Value evaluate(const Logical& e);
  Value evaluate(const Compare& e);
  Value evaluate(const Concatenation& e);
  Value evaluate(const Conditional& e);
  Value evaluate(const Attribute& e);
  Value evaluate(const Item& e);
  Value evaluate(const Slice& e);
  Value evaluate(const Call& e);
  Value evaluate(const Filter& e);
  Value evaluate(const Test& e);

  CallArguments evaluate(const ArgumentList& list);
  bool holds(Comparison op, const Value& left, const Value& right);
  Value arithmetic(BinaryOperator op, const Value& left, const Value& right);
  Value arithmetic(BinaryOperator op, Integer left, Integer right);
  Value repeated(const Value& value, Integer times);
  std::shared_ptr<const List> passing(const For& statement, const std::shared_ptr<const List>& items);
  void assign(const Target& target, Value value);
  Value filtered(const Expression& filter, const Value& input);
  Text captured(const Body& body);
  Value make_macro(const std::string& name, const std::vector<Parameter>& parameters, const Body& body);
  Text call_macro(const std::string& name, const std::vector<Parameter>& parameters, const Body& body,
                  const std::shared_ptr<Scope>& defined_in, CallArguments& arguments);
  const Value* find(const std::string& name) const;
  [[noreturn]] void fail_undefined(const Value& value) const;
  [[noreturn]] void fail_types(std::string_view op, const Value& left, const Value& right) const;

  Limits limits_;
  std::shared_ptr<Scope> scope_;
  Text* out_ = nullptr;
  const Value* block_text_ = nullptr;  // what a filter without a value works on
  int line_ = 1;
  int depth_ = 0;
  int loop_depth_ = 0;
  int64_t steps_ = 0;
  size_t produced_ = 0;
  // Macros and namespaces may hold what holds them; these are emptied at the end, so that nothing is leaked.
  std::vector<std::shared_ptr<Scope>> scopes_with_macros_;
  std::vector<std::shared_ptr<Namespace>> namespaces_;
};

}  // namespace understudy::jinja
