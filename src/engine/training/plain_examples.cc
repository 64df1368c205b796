// Rows without a conversation: plain text (completion), segments with a label each (input_output), and token ids. These
// texts are written by hand for the model, special tokens included, so those are read as such here.
#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "engine/training/example_types.h"

namespace understudy {

namespace {

// BOS, the text, EOS, all of it targets; cut into pieces of sequence_len. Only the first has BOS, only the last EOS.
class CompletionType : public ExampleType {
 public:
  CompletionType(std::string field, const ExampleContext& context) : field_(std::move(field)), context_(context) {}

  void add(const Json& row, std::string_view where, ExampleOrigin origin, ExampleSet& set,
           ExampleCounts&) const override {
    std::vector<TokenId> ids = context_.tokenizer->encode(text_field(row, field_, where), {.add_special = true});
    if (context_.eos && (ids.empty() || ids.back() != *context_.eos)) ids.push_back(*context_.eos);
    const size_t piece = static_cast<size_t>(context_.sequence_len);
    const std::vector<uint8_t> trained(std::min(piece, ids.size()), 1);
    for (size_t begin = 0; begin < ids.size(); begin += piece) {
      const size_t n = std::min(piece, ids.size() - begin);
      set.add(std::span(ids).subspan(begin, n), std::span(trained).first(n), origin);
    }
  }

 private:
  std::string field_;
  ExampleContext context_;
};

// segments: [{"label": true, "text": "..."}]: tokenised each for itself and joined; nothing is added.
class SegmentsType : public ExampleType {
 public:
  explicit SegmentsType(const ExampleContext& context) : context_(context) {}

  void add(const Json& row, std::string_view where, ExampleOrigin origin, ExampleSet& set,
           ExampleCounts&) const override {
    const std::string field = row.contains("segments") || !row.contains("input_output") ? "segments" : "input_output";
    if (!row.contains(field) || !row[field].is_array()) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: segments: expected a list of {{\"label\", \"text\"}}", where));
    }
    std::vector<TokenId> ids;
    std::vector<uint8_t> trained;
    for (size_t i = 0; i < row[field].size(); ++i)
      add_segment(row[field][i], fmt::format("{}: {}[{}]", where, field, i), ids, trained);
    set.add(ids, trained, origin);
  }

 private:
  void add_segment(const Json& segment, const std::string& where, std::vector<TokenId>& ids,
                   std::vector<uint8_t>& trained) const {
    if (!segment.is_object() || !segment.contains("label") || !segment["label"].is_boolean()) {
      throw Error(ErrorCode::kInvalidInput, where + ": label: expected true or false");
    }
    const std::vector<TokenId> piece = context_.tokenizer->encode(text_field(segment, "text", where));
    ids.insert(ids.end(), piece.begin(), piece.end());
    trained.resize(ids.size(), segment["label"].get<bool>() || context_.train_on_inputs ? 1 : 0);
  }

  ExampleContext context_;
};

// input_ids, labels (-100 or the same id; absent: everything is a target), attention_mask (0: the token is left out).
class TokenisedType : public ExampleType {
 public:
  explicit TokenisedType(const ExampleContext& context)
      : vocab_size_(static_cast<int64_t>(context.tokenizer->vocab_size())) {}

  void add(const Json& row, std::string_view where, ExampleOrigin origin, ExampleSet& set,
           ExampleCounts&) const override {
    const std::vector<int64_t> given = whole_numbers(row, "input_ids", where);
    const std::vector<int64_t> labels = row.contains("labels") ? whole_numbers(row, "labels", where) : given;
    const std::vector<int64_t> mask = row.contains("attention_mask") ? whole_numbers(row, "attention_mask", where)
                                                                     : std::vector<int64_t>(given.size(), 1);
    if (labels.size() != given.size() || mask.size() != given.size()) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: input_ids has {} numbers, labels {}, attention_mask {}: expected as many", where,
                              given.size(), labels.size(), mask.size()));
    }
    std::vector<TokenId> ids;
    std::vector<uint8_t> trained;
    for (size_t i = 0; i < given.size(); ++i) {
      check(given[i], labels[i], i, where);
      if (mask[i] == 0) continue;
      ids.push_back(static_cast<TokenId>(given[i]));
      trained.push_back(labels[i] != kNoTarget ? 1 : 0);
    }
    set.add(ids, trained, origin);
  }

 private:
  static std::vector<int64_t> whole_numbers(const Json& row, const std::string& field, std::string_view where) {
    const Json list = row.contains(field) ? row[field] : Json();
    const bool fits = list.is_array() &&
                      std::all_of(list.begin(), list.end(), [](const Json& item) { return item.is_number_integer(); });
    if (!fits)
      throw Error(ErrorCode::kInvalidInput, fmt::format("{}: {}: expected a list of whole numbers", where, field));
    return list.get<std::vector<int64_t>>();
  }

  void check(int64_t id, int64_t label, size_t i, std::string_view where) const {
    if (id < 0 || id >= vocab_size_) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: input_ids[{}]: {} is outside the vocabulary of {}", where, i, id, vocab_size_));
    }
    if (label != kNoTarget && label != id) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: labels[{}]: expected -100 or the token itself ({}), got {}", where, i, id, label),
                  "labels are not shifted: labels[i] stands for input_ids[i]");
    }
  }

  int64_t vocab_size_;
};

}  // namespace

std::unique_ptr<ExampleType> make_completion_type(const DatasetConfig& entry, const ExampleContext& context) {
  return std::make_unique<CompletionType>(entry.field, context);
}
std::unique_ptr<ExampleType> make_segments_type(const DatasetConfig&, const ExampleContext& context) {
  return std::make_unique<SegmentsType>(context);
}
std::unique_ptr<ExampleType> make_tokenised_type(const ExampleContext& context) {
  return std::make_unique<TokenisedType>(context);
}

}  // namespace understudy
