#include "engine/text/jinja_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <map>

#include "engine/text/jinja_filters.h"
#include "engine/text/jinja_lexer.h"
#include "engine/text/jinja_tests.h"

namespace understudy::jinja {

namespace {

// Of expressions and blocks; operators in a row count too, since each makes the tree a level deeper. Published
// templates stay below 40. It bounds the stack that running and freeing the tree take.
constexpr int kNestingLimit = 400;

const std::map<std::string_view, Comparison> kComparisons = {
    {"==", Comparison::kEqual},     {"!=", Comparison::kNotEqual}, {"<", Comparison::kLess},
    {"<=", Comparison::kLessEqual}, {">", Comparison::kGreater},   {">=", Comparison::kGreaterEqual}};

template <class Node>
ExpressionPtr expression(int line, Node node) {
  auto made = std::make_unique<Expression>();
  made->line = line;
  made->node = std::move(node);
  return made;
}

class Parser {
 public:
  explicit Parser(std::string_view source) : tokens_(lex(source)) {}

  Body run() {
    Body body = statements({});
    if (now().kind != TokenKind::kEnd) fail(fmt::format("{{% {} %}} has no beginning", now().text));
    return body;
  }

 private:
  // Counts nesting; what it counted is forgotten at its end.
  class Level {
   public:
    explicit Level(Parser& parser) : parser_(parser), before_(parser.level_) { deeper(); }
    ~Level() { parser_.level_ = before_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    void deeper() {
      if (++parser_.level_ > kNestingLimit) parser_.fail(fmt::format("nested more than {} levels deep", kNestingLimit));
    }

   private:
    Parser& parser_;
    int before_;
  };

  const Token& now() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  [[noreturn]] void fail(std::string_view message) const { fail_at(now().line, message); }
  [[noreturn]] void unexpected(std::string_view wanted) const {
    const bool has_text = now().kind == TokenKind::kName || now().kind == TokenKind::kOperator;
    fail(fmt::format("expected {}, found {}", wanted, has_text ? "'" + now().text + "'" : describe(now().kind)));
  }
  static std::string describe(TokenKind kind) {
    switch (kind) {
      case TokenKind::kBlockEnd:
        return "the tag's end %}";
      case TokenKind::kOutputEnd:
        return "the tag's end }}";
      case TokenKind::kString:
        return "a string";
      case TokenKind::kInteger:
      case TokenKind::kFloat:
        return "a number";
      case TokenKind::kEnd:
        return "the template's end";
      default:
        return "something else";
    }
  }
  Token take() {
    Token token = now();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool is_operator(std::string_view op) const { return now().kind == TokenKind::kOperator && now().text == op; }
  bool is_word(std::string_view word) const { return now().kind == TokenKind::kName && now().text == word; }
  bool skip_operator(std::string_view op) { return is_operator(op) && (take(), true); }
  bool skip_word(std::string_view word) { return is_word(word) && (take(), true); }
  void expect_operator(std::string_view op) {
    if (!skip_operator(op)) unexpected(fmt::format("'{}'", op));
  }
  std::string expect_name(std::string_view what) {
    if (now().kind != TokenKind::kName) unexpected(what);
    return take().text;
  }
  void expect_block_end() {
    if (now().kind != TokenKind::kBlockEnd) unexpected("the tag's end %}");
    take();
  }

  // Statements.

  // Up to a block tag that begins with one of the words, whose {% is taken, or to the template's end.
  Body statements(std::initializer_list<std::string_view> ends) {
    const Level level(*this);
    Body body;
    while (now().kind != TokenKind::kEnd) {
      const int line = now().line;
      if (now().kind == TokenKind::kText) {
        body.push_back({line, TextOut{take().text}});
      } else if (now().kind == TokenKind::kOutputBegin) {
        take();
        body.push_back({line, Output{tuple(true)}});
        if (now().kind != TokenKind::kOutputEnd) unexpected("the tag's end }}");
        take();
      } else {
        take();  // {%
        if (now().kind != TokenKind::kName) unexpected("the name of a statement");
        if (std::find(ends.begin(), ends.end(), now().text) != ends.end()) return body;
        block(line, body);
      }
    }
    if (ends.size() > 0) fail(fmt::format("the template ends before {{% {} %}}", *(ends.end() - 1)));
    return body;
  }

  Body body_until(std::string_view end) {
    expect_block_end();
    Body body = statements({end});
    take();
    expect_block_end();
    return body;
  }

  void block(int line, Body& body) {
    const std::string word = now().text;
    if (word == "for") return body.push_back({line, for_statement()});
    if (word == "if") return body.push_back({line, if_statement()});
    if (word == "set") return set_statement(line, body);
    if (word == "macro") return body.push_back({line, macro_statement()});
    if (word == "call") return body.push_back({line, call_statement()});
    if (word == "filter") return body.push_back({line, filter_statement()});
    if (word == "with") return body.push_back({line, with_statement()});
    if (word == "generation") {  // marks what an assistant writes; its text is printed as any other
      take();
      return body.push_back({line, With{{}, body_until("endgeneration")}});
    }
    if (word == "break" || word == "continue") {
      if (loops_ == 0) fail(fmt::format("{{% {} %}} stands outside of any loop", word));
      take();
      expect_block_end();
      if (word == "break") return body.push_back({line, Break{}});
      return body.push_back({line, Continue{}});
    }
    fail(fmt::format("the statement \"{}\" is not supported", word));
  }

  For for_statement() {
    take();
    For loop;
    loop.target = target(false);
    if (!skip_word("in")) unexpected("'in'");
    loop.iterable = tuple(false);
    if (skip_word("if")) loop.condition = conditional();
    if (is_word("recursive")) fail("recursive loops are not supported");
    expect_block_end();
    ++loops_;
    loop.body = statements({"else", "endfor"});
    --loops_;
    if (skip_word("else")) {
      expect_block_end();
      loop.otherwise = statements({"endfor"});
    }
    take();
    expect_block_end();
    return loop;
  }

  If if_statement() {
    If made;
    do {
      take();  // if, elif
      ExpressionPtr test = tuple(false);
      expect_block_end();
      made.branches.emplace_back(std::move(test), statements({"elif", "else", "endif"}));
    } while (is_word("elif"));
    if (skip_word("else")) {
      expect_block_end();
      made.otherwise = statements({"endif"});
    }
    take();
    expect_block_end();
    return made;
  }

  void set_statement(int line, Body& body) {
    take();
    Target to = target(true);
    if (skip_operator("=")) {
      ExpressionPtr value = tuple(true);
      expect_block_end();
      return body.push_back({line, Set{std::move(to), std::move(value)}});
    }
    ExpressionPtr filters = is_operator("|") ? filters_of(nullptr) : nullptr;
    body.push_back({line, SetBlock{std::move(to), std::move(filters), body_until("endset")}});
  }

  std::vector<Parameter> parameters() {
    std::vector<Parameter> list;
    expect_operator("(");
    while (!is_operator(")")) {
      if (!list.empty()) expect_operator(",");
      if (is_operator(")")) break;
      Parameter parameter{expect_name("a parameter's name"), nullptr};
      if (skip_operator("=")) {
        parameter.fallback = conditional();
      } else if (!list.empty() && list.back().fallback != nullptr) {
        fail("a parameter without a default follows one with a default");
      }
      list.push_back(std::move(parameter));
    }
    expect_operator(")");
    return list;
  }

  // A body that is called later: break and continue do not reach out of it.
  Body closed_body(std::string_view end) {
    const int outer = std::exchange(loops_, 0);
    Body body = body_until(end);
    loops_ = outer;
    return body;
  }

  Macro macro_statement() {
    take();
    Macro macro;
    macro.name = expect_name("a macro's name");
    macro.parameters = parameters();
    macro.body = closed_body("endmacro");
    return macro;
  }

  CallBlock call_statement() {
    take();
    CallBlock made;
    if (is_operator("(")) made.parameters = parameters();
    made.call = conditional();
    if (!std::holds_alternative<Call>(made.call->node)) fail("{% call %} needs a call");
    made.body = closed_body("endcall");
    return made;
  }

  FilterBlock filter_statement() {
    take();
    FilterBlock made;
    made.filter = one_filter(nullptr);
    if (is_operator("|")) made.filter = filters_of(std::move(made.filter));
    made.body = body_until("endfilter");
    return made;
  }

  With with_statement() {
    take();
    With made;
    while (now().kind != TokenKind::kBlockEnd) {
      if (!made.assignments.empty()) expect_operator(",");
      std::string name = expect_name("a name");
      expect_operator("=");
      made.assignments.emplace_back(std::move(name), conditional());
    }
    made.body = body_until("endwith");
    return made;
  }

  Target target(bool with_member) {
    Target made;
    const bool bracketed = skip_operator("(");
    do {
      if (is_operator("(")) fail("unpacking into nested names is not supported");
      if (now().kind != TokenKind::kName || (is_word("in") && !made.names.empty())) break;
      made.names.push_back(take().text);
      if (with_member && made.names.size() == 1 && skip_operator(".")) {
        made.member = expect_name("a member's name");
        return made;
      }
      made.is_tuple = made.is_tuple || is_operator(",");
    } while (skip_operator(","));
    if (bracketed) expect_operator(")");
    if (made.names.empty()) unexpected("a name to assign to");
    return made;
  }

  // Expressions.

  bool at_tuple_end() const {
    return now().kind == TokenKind::kBlockEnd || now().kind == TokenKind::kOutputEnd || now().kind == TokenKind::kEnd ||
           is_operator(")") || is_word("recursive");
  }

  // One expression, or several with commas between: a tuple.
  ExpressionPtr tuple(bool with_conditional) {
    const int line = now().line;
    std::vector<ExpressionPtr> items;
    bool has_comma = false;
    while (!at_tuple_end()) {
      items.push_back(with_conditional ? conditional() : logical_or());
      if (!skip_operator(",")) break;
      has_comma = true;
    }
    if (items.empty()) unexpected("an expression");
    if (!has_comma) return std::move(items.front());
    return expression(line, ListLiteral{std::move(items), true});
  }

  ExpressionPtr conditional() {
    Level level(*this);
    ExpressionPtr value = logical_or();
    for (; is_word("if"); level.deeper()) {
      const int line = take().line;
      ExpressionPtr test = logical_or();
      ExpressionPtr otherwise = skip_word("else") ? conditional() : nullptr;
      value = expression(line, Conditional{std::move(test), std::move(value), std::move(otherwise)});
    }
    return value;
  }

  ExpressionPtr logical_or() {
    Level level(*this);
    ExpressionPtr left = logical_and();
    for (; is_word("or"); level.deeper()) {
      const int line = take().line;
      left = expression(line, Logical{false, std::move(left), logical_and()});
    }
    return left;
  }

  ExpressionPtr logical_and() {
    Level level(*this);
    ExpressionPtr left = logical_not();
    for (; is_word("and"); level.deeper()) {
      const int line = take().line;
      left = expression(line, Logical{true, std::move(left), logical_not()});
    }
    return left;
  }

  ExpressionPtr logical_not() {
    const Level level(*this);
    if (!is_word("not")) return comparison();
    const int line = take().line;
    return expression(line, Unary{UnaryOperator::kNot, logical_not()});
  }

  std::optional<Comparison> comparison_operator() {
    if (now().kind == TokenKind::kOperator) {
      const auto found = kComparisons.find(now().text);
      if (found == kComparisons.end()) return std::nullopt;
      take();
      return found->second;
    }
    if (skip_word("in")) return Comparison::kIn;
    if (is_word("not") && ahead().kind == TokenKind::kName && ahead().text == "in") {
      take();
      take();
      return Comparison::kNotIn;
    }
    return std::nullopt;
  }

  ExpressionPtr comparison() {
    const int line = now().line;
    ExpressionPtr first = sum();
    std::vector<std::pair<Comparison, ExpressionPtr>> rest;
    while (const auto op = comparison_operator()) rest.emplace_back(*op, sum());
    if (rest.empty()) return first;
    return expression(line, Compare{std::move(first), std::move(rest)});
  }

  ExpressionPtr sum() {
    Level level(*this);
    ExpressionPtr left = concatenation();
    for (; is_operator("+") || is_operator("-"); level.deeper()) {
      const Token op = take();
      const auto meaning = op.text == "+" ? BinaryOperator::kAdd : BinaryOperator::kSubtract;
      left = expression(op.line, Binary{meaning, std::move(left), concatenation()});
    }
    return left;
  }

  ExpressionPtr concatenation() {
    const int line = now().line;
    std::vector<ExpressionPtr> parts;
    do {
      parts.push_back(product());
    } while (skip_operator("~"));
    if (parts.size() == 1) return std::move(parts.front());
    return expression(line, Concatenation{std::move(parts)});
  }

  ExpressionPtr product() {
    static const std::map<std::string_view, BinaryOperator> kOperators = {{"*", BinaryOperator::kMultiply},
                                                                          {"/", BinaryOperator::kDivide},
                                                                          {"//", BinaryOperator::kFloorDivide},
                                                                          {"%", BinaryOperator::kModulo}};
    Level level(*this);
    ExpressionPtr left = power();
    for (; now().kind == TokenKind::kOperator; level.deeper()) {
      const auto op = kOperators.find(now().text);
      if (op == kOperators.end()) break;
      const int line = take().line;
      left = expression(line, Binary{op->second, std::move(left), power()});
    }
    return left;
  }

  ExpressionPtr power() {
    Level level(*this);
    ExpressionPtr left = unary(true);
    for (; is_operator("**"); level.deeper()) {
      const int line = take().line;
      left = expression(line, Binary{BinaryOperator::kPower, std::move(left), unary(true)});
    }
    return left;
  }

  ExpressionPtr unary(bool with_filter) {
    const Level level(*this);
    ExpressionPtr value;
    if (is_operator("-") || is_operator("+")) {
      const Token op = take();
      value = expression(op.line, Unary{op.text == "-" ? UnaryOperator::kMinus : UnaryOperator::kPlus, unary(false)});
    } else {
      value = primary();
    }
    value = postfix(std::move(value));
    return with_filter ? filters_of(std::move(value)) : std::move(value);
  }

  ExpressionPtr primary() {
    const Token token = now();
    switch (token.kind) {
      case TokenKind::kName:
        take();
        return name(token);
      case TokenKind::kString:
        return string();
      case TokenKind::kInteger:
        take();
        return expression(token.line, Literal{integer(token)});
      case TokenKind::kFloat:
        take();
        return expression(token.line, Literal{Value(std::stod(token.text))});
      default:
        break;
    }
    if (skip_operator("(")) return bracketed(token.line);
    if (skip_operator("[")) return list(token.line);
    if (skip_operator("{")) return dict(token.line);
    unexpected("an expression");
  }

  static Value integer(const Token& token) {
    Integer value = 0;
    for (const char digit : token.text) value = value * 10 + (digit - '0');  // at most 30 digits: no overflow
    return value;
  }

  static ExpressionPtr name(const Token& token) {
    if (token.text == "true" || token.text == "True") return expression(token.line, Literal{Value(true)});
    if (token.text == "false" || token.text == "False") return expression(token.line, Literal{Value(false)});
    if (token.text == "none" || token.text == "None") return expression(token.line, Literal{Value(None{})});
    return expression(token.line, Name{token.text});
  }

  ExpressionPtr string() {
    const int line = now().line;
    std::string text;
    while (now().kind == TokenKind::kString) text += take().text;  // neighbours are joined
    return expression(line, Literal{Value(Text(std::move(text)))});
  }

  ExpressionPtr bracketed(int line) {
    if (skip_operator(")")) return expression(line, ListLiteral{{}, true});
    ExpressionPtr inside = tuple(true);
    expect_operator(")");
    return inside;
  }

  ExpressionPtr list(int line) {
    ListLiteral made;
    while (!is_operator("]")) {
      if (!made.items.empty()) expect_operator(",");
      if (is_operator("]")) break;
      made.items.push_back(conditional());
    }
    take();
    return expression(line, std::move(made));
  }

  ExpressionPtr dict(int line) {
    DictLiteral made;
    while (!is_operator("}")) {
      if (!made.items.empty()) expect_operator(",");
      if (is_operator("}")) break;
      ExpressionPtr key = conditional();
      expect_operator(":");
      made.items.emplace_back(std::move(key), conditional());
    }
    take();
    return expression(line, std::move(made));
  }

  ExpressionPtr postfix(ExpressionPtr value) {
    Level level(*this);
    for (; is_operator(".") || is_operator("[") || is_operator("("); level.deeper()) {
      const int line = now().line;
      if (skip_operator(".")) {
        value = member(line, std::move(value));
      } else if (skip_operator("[")) {
        value = subscript(line, std::move(value));
      } else {
        value = expression(line, Call{std::move(value), arguments()});
      }
    }
    return value;
  }

  ExpressionPtr member(int line, ExpressionPtr object) {
    const Token token = take();
    if (token.kind == TokenKind::kName) return expression(line, Attribute{std::move(object), token.text});
    if (token.kind != TokenKind::kInteger) fail_at(line, "expected a name after '.'");
    return expression(line, Item{std::move(object), expression(line, Literal{integer(token)})});
  }

  ExpressionPtr subscript(int line, ExpressionPtr object) {
    ExpressionPtr bounds[3];
    bool is_slice = false;
    for (auto& bound : bounds) {
      if (!is_operator(":") && !is_operator("]")) bound = conditional();
      if (!skip_operator(":")) break;
      is_slice = true;
    }
    if (is_operator(",")) fail("an index of several values is not supported");
    expect_operator("]");
    if (is_slice) {
      return expression(line,
                        Slice{std::move(object), std::move(bounds[0]), std::move(bounds[1]), std::move(bounds[2])});
    }
    if (bounds[0] == nullptr) fail("expected an index between [ and ]");
    return expression(line, Item{std::move(object), std::move(bounds[0])});
  }

  ArgumentList arguments() {
    ArgumentList list;
    expect_operator("(");
    while (!is_operator(")")) {
      if (!list.positional.empty() || !list.named.empty()) expect_operator(",");
      if (is_operator(")")) break;
      if (is_operator("*") || is_operator("**")) fail(fmt::format("the argument '{}...' is not supported", now().text));
      if (now().kind == TokenKind::kName && ahead().kind == TokenKind::kOperator && ahead().text == "=") {
        std::string name = take().text;
        take();
        list.named.emplace_back(std::move(name), conditional());
      } else {
        if (!list.named.empty()) fail("an argument without a name follows one with a name");
        list.positional.push_back(conditional());
      }
    }
    take();
    return list;
  }

  ExpressionPtr one_filter(ExpressionPtr value) {
    const int line = now().line;
    Filter filter{std::move(value), expect_name("a filter's name"), {}};
    if (!is_filter(filter.name)) fail_at(line, fmt::format("the filter \"{}\" is not supported", filter.name));
    if (is_operator("(")) filter.arguments = arguments();
    return expression(line, std::move(filter));
  }

  // Filters, tests and calls that follow a value. Null: the text of a block, which takes filters only.
  ExpressionPtr filters_of(ExpressionPtr value) {
    const bool block = value == nullptr;
    Level level(*this);
    for (;; level.deeper()) {
      if (skip_operator("|")) {
        value = one_filter(std::move(value));
      } else if (!block && is_word("is")) {
        value = test(std::move(value));
      } else if (!block && is_operator("(")) {
        const int line = now().line;
        value = expression(line, Call{std::move(value), arguments()});
      } else {
        return value;
      }
    }
  }

  bool at_test_argument() const {
    switch (now().kind) {
      case TokenKind::kName:
        return !is_word("else") && !is_word("or") && !is_word("and");
      case TokenKind::kString:
      case TokenKind::kInteger:
      case TokenKind::kFloat:
        return true;
      default:
        return is_operator("[") || is_operator("{");
    }
  }

  ExpressionPtr test(ExpressionPtr value) {
    const int line = take().line;
    Test made;
    made.value = std::move(value);
    made.negated = skip_word("not");
    made.name = expect_name("a test's name");
    if (!is_test(made.name)) fail_at(line, fmt::format("the test \"{}\" is not supported", made.name));
    if (is_operator("(")) {
      made.arguments = arguments();
    } else if (at_test_argument()) {
      if (is_word("is")) fail("tests cannot be chained with 'is'");
      ExpressionPtr argument = primary();
      made.arguments.positional.push_back(postfix(std::move(argument)));
    }
    return expression(line, std::move(made));
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int level_ = 0;
  int loops_ = 0;
};

}  // namespace

Body parse(std::string_view source) {
  return Parser(source).run();
}

}  // namespace understudy::jinja
