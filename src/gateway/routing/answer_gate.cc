#include "gateway/routing/answer_gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/json.h"
#include "evaluation/answer_text.h"
#include "evaluation/grounding.h"
#include "evaluation/leaf_pairs.h"

namespace understudy {

namespace {

using evaluation::FieldNode;
using evaluation::LeafPair;
using Span = std::pair<size_t, size_t>;

// A valid JSON text, walked once: which strings are keys is known by what stands behind them.
class ValueFinder {
 public:
  explicit ValueFinder(std::string_view text) : text_(text) {}

  std::vector<Span> spans() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        string();
      } else if (is_skeleton(c)) {
        ++at_;
      } else {
        word();
      }
    }
    return std::move(spans_);
  }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  static bool is_skeleton(char c) {
    return is_space(c) || c == '{' || c == '}' || c == '[' || c == ']' || c == ',' || c == ':';
  }
  void string() {
    const size_t first = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    const size_t after = std::min(at_, text_.size());
    at_ = after + 1;
    size_t next = at_;
    while (next < text_.size() && is_space(text_[next])) ++next;
    const bool is_key = next < text_.size() && text_[next] == ':';
    if (!is_key) spans_.emplace_back(first, after);
  }
  void word() {
    const size_t first = at_;
    while (at_ < text_.size() && text_[at_] != '"' && !is_skeleton(text_[at_])) ++at_;
    spans_.emplace_back(first, at_);
  }

  const std::string_view text_;
  size_t at_ = 0;
  std::vector<Span> spans_;
};

class LeastValueToken : public Scorer {
 public:
  std::string_view name() const override { return "value token"; }
  bool is_certified() const override { return false; }
  bool needs_logprobs() const override { return true; }
  std::optional<double> score(const ChatChoice& choice) const override {
    if (choice.logprobs.empty()) return std::nullopt;
    const std::vector<Span> spans = value_spans(choice.text);
    double least = 0;
    size_t begin = 0;
    auto span = spans.begin();
    for (const TokenLogprobs& token : choice.logprobs) {
      const size_t end = begin + token.chosen.token.size();
      while (span != spans.end() && span->second <= begin) ++span;
      if (span != spans.end() && span->first < end) least = std::min(least, token.chosen.logprob);
      begin = end;
    }
    return std::exp(least);
  }
};

std::string finish_fault(const ChatChoice& choice) {
  const bool is_proper = choice.reason == FinishReason::kStop || choice.reason == FinishReason::kToolCalls;
  return is_proper ? std::string() : fmt::format("finish: {}", to_string(choice.reason));
}

// A field's own values and, of an object or array that is named as a whole, all that is in it.
bool is_named(const std::vector<std::string>& names, const std::string& field) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    if (field == name) return true;
    const bool is_inside = field.size() > name.size() && field.compare(0, name.size(), name) == 0;
    return is_inside && (field[name.size()] == '.' || field[name.size()] == '[');
  });
}

void add_ungrounded(const AnswerGate& gate, const Json& value, std::string_view input,
                    std::vector<std::string>& reasons) {
  const FieldNode nothing_known;
  const FieldNode& tree = gate.fields ? *gate.fields : nothing_known;
  const evaluation::AbsentWords absent({""});
  evaluation::Grounding grounding(input);
  for (const LeafPair& leaf : evaluation::pair_leaves(value, nullptr, tree, absent)) {
    if (leaf.gold == nullptr || absent.is_absent(leaf.gold) || !is_named(gate.grounded, leaf.field)) continue;
    if (!leaf.rule.is_judged_by_grounding() || grounding.find(*leaf.gold, leaf.rule)) continue;
    reasons.push_back("grounded: " + leaf.path);
  }
}

void add_content_faults(const AnswerGate& gate, const std::string& text, std::string_view input,
                        std::vector<std::string>& reasons) {
  if (!gate.schema && gate.grounded.empty()) return;
  const evaluation::ParsedAnswer parsed = evaluation::parse_answer(text);
  // A fence or words around the object would go to the client as they are: only the document itself will do.
  if (parsed.state != AnswerState::kValid) {
    reasons.emplace_back("not JSON");
    return;
  }
  if (gate.schema) {
    if (const std::string fault = gate.schema->fault(parsed.value); !fault.empty())
      reasons.push_back("schema: " + fault);
  }
  if (!gate.grounded.empty()) add_ungrounded(gate, parsed.value, input, reasons);
}

void add_score_fault(const Scorer& scorer, const ChatChoice& choice, double at_least,
                     std::vector<std::string>& reasons) {
  const std::optional<double> score = scorer.score(choice);
  if (!score) {
    reasons.push_back(fmt::format("{}: no log-probabilities", scorer.name()));
  } else if (*score < at_least) {
    const std::string_view promise = scorer.is_certified() ? "" : " (not certified)";
    reasons.push_back(fmt::format("{}: {:.2g} below {:g}{}", scorer.name(), *score, at_least, promise));
  }
}

}  // namespace

std::unique_ptr<Scorer> least_value_token() {
  return std::make_unique<LeastValueToken>();
}

std::vector<Span> value_spans(std::string_view json) {
  if (!try_parse_json(json)) return {{0, json.size()}};
  return ValueFinder(json).spans();
}

std::vector<std::string> held_back_because(const AnswerGate& gate, const ChatAnswer& answer, std::string_view input,
                                           std::optional<double> at_least) {
  std::vector<std::string> reasons;
  if (answer.choices.empty()) reasons.emplace_back("finish: no answer");
  for (const ChatChoice& choice : answer.choices) {
    if (std::string fault = finish_fault(choice); !fault.empty()) reasons.push_back(std::move(fault));
    // A call of a tool has no text to judge; its arguments are the tool's own affair.
    if (choice.text.empty() && !choice.tool_calls.empty()) continue;
    add_content_faults(gate, choice.text, input, reasons);
    if (gate.scorer && at_least) add_score_fault(*gate.scorer, choice, *at_least, reasons);
  }
  return reasons;
}

}  // namespace understudy
