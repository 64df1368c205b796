// A captured exchange as a row of OpenAI's chat JSONL, the form in which `understudy train` and others' fine-tuning
// take examples, with where it came from beside it. Pure function.
#pragma once

#include <optional>

#include "base/json_fwd.h"
#include "records/exchange.h"

namespace understudy::cli {

enum class LeftOut {
  kNoTraining,  // its provider's terms do not allow it
  kNotKept,     // sampling or retention took the bodies
  kUnanswered,  // refused, failed, broken off, cut at a limit
  kNoChat,      // an embedding, a plain completion, images: nothing that a chat row of text can say
};
std::string_view to_string(LeftOut reason);  // "whose provider's terms are no_training", ...

struct TrainingRow {
  std::optional<LeftOut> left_out;
  // {"messages": [..., {"role": "assistant", ...}], "tools": [...], "metadata": {"id", "model", "provider", "at"}};
  // tools only where the request had some.
  Json row;
};
// `pruned`: without system and developer messages, for a specialist that is to do without them.
TrainingRow training_row(const Exchange& exchange, bool pruned = false);

}  // namespace understudy::cli
