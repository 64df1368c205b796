// Gate B: whether a specialist's whole answer may leave the house. Checked before a byte goes to the client; what fails
// escalates to the teacher. Everything here is a rule that the config sets by hand: no statistical promise is made, and
// the limit on the value tokens says "not certified" wherever it shows.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/conversation.h"
#include "evaluation/field_tree.h"
#include "evaluation/schema.h"

namespace understudy {

// How sure an answer is, from 0 to 1. A scorer whose thresholds were calibrated on held-out data is certified.
// Immutable and thread-safe.
class Scorer {
 public:
  virtual ~Scorer() = default;
  virtual std::string_view name() const = 0;  // "value token"
  virtual bool is_certified() const = 0;
  virtual bool needs_logprobs() const = 0;
  // Nothing where the answer does not show it (no log-probabilities).
  virtual std::optional<double> score(const ChatChoice& choice) const = 0;
};

// The probability of the least probable token among those that make JSON values: strings' insides, numbers, true, false
// and null. Keys, quotes, brackets and commas are the skeleton, sure in every answer, and are left out. Of an answer
// that is no JSON every token counts.
std::unique_ptr<Scorer> least_value_token();

// Bytes [first, after) of the values in a JSON text, strings without their quotes. Of a text that is no JSON: all of
// it.
std::vector<std::pair<size_t, size_t>> value_spans(std::string_view json);

struct AnswerGate {                                        // immutable; may be shared between threads
  std::shared_ptr<const evaluation::AnswerSchema> schema;  // or none
  std::vector<std::string> grounded;                       // fields whose values must stand in the input
  std::shared_ptr<const evaluation::FieldNode> fields;     // kinds of fields, of the schema; or none
  std::shared_ptr<const Scorer> scorer;                    // or none

  bool needs_logprobs() const { return scorer && scorer->needs_logprobs(); }
};

// Why the answer is held back; empty where it may go. `at_least`: the scorer's limit, of the task's route; nothing: not
// asked. `input`: what the user's messages say. Reasons: "finish: length", "not JSON", "schema: total: ...", "grounded:
// total", "value token: 0.31 below 0.5 (not certified)", "value token: no log-probabilities".
std::vector<std::string> held_back_because(const AnswerGate& gate, const ChatAnswer& answer, std::string_view input,
                                           std::optional<double> at_least);

}  // namespace understudy
