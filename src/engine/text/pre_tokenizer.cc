#include "engine/text/pre_tokenizer.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "engine/text/json_fields.h"

namespace understudy {

const char* const kGpt2Split = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const char* const kLlama3Split =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const char* const kQwen2Split =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const char* const kTekkenSplit = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
                                 R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
                                 R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

namespace {

using Sink = std::function<void(const Piece&)>;

constexpr std::string_view kMetaspace = "\xE2\x96\x81";  // U+2581

// Cuts `piece` at the matches as `behavior` says and gives every non-empty part to `sink`.
class Cutter {
 public:
  Cutter(const Piece& piece, SplitBehavior behavior, const Sink& sink)
      : piece_(piece), behavior_(behavior), sink_(sink) {}

  // The next stretch up to `end`; stretches follow each other without a gap.
  void stretch(size_t end, bool is_match) {
    if (end == at_) return;
    switch (behavior_) {
      case SplitBehavior::kRemoved:
        if (!is_match) emit(at_, end);
        break;
      case SplitBehavior::kIsolated:
        emit(at_, end);
        break;
      case SplitBehavior::kContiguous:
        if (open_ && last_was_match_ != is_match) flush(at_);
        keep_open();
        break;
      case SplitBehavior::kMergedWithPrevious:
        keep_open();
        if (is_match) flush(end);
        break;
      case SplitBehavior::kMergedWithNext:
        if (is_match || !last_was_match_) flush(at_);
        keep_open();
        break;
    }
    last_was_match_ = is_match;
    at_ = end;
  }
  void finish() { flush(at_); }

 private:
  void emit(size_t begin, size_t end) const {
    if (end > begin) sink_(piece_.part(begin, end));
  }
  void keep_open() {
    if (!open_) opened_at_ = at_;
    open_ = true;
  }
  void flush(size_t end) {
    if (open_) emit(opened_at_, end);
    open_ = false;
  }

  const Piece& piece_;
  SplitBehavior behavior_;
  const Sink& sink_;
  size_t at_ = 0;
  size_t opened_at_ = 0;
  bool open_ = false;
  bool last_was_match_ = false;
};

void cut(const Piece& piece, const Regex& pattern, SplitBehavior behavior, bool invert, const Sink& sink) {
  Cutter cutter(piece, behavior, sink);
  pattern.for_each_match(piece.text, [&](TextSpan match) {
    cutter.stretch(match.begin, invert);
    cutter.stretch(match.end, !invert);
  });
  cutter.stretch(piece.text.size(), invert);
  cutter.finish();
}

void apply_step(const SplitStep& step, const Piece& piece, const Sink& sink) {
  cut(piece, step.pattern, step.behavior, step.invert, sink);
}

void apply_step(const ByteLevelStep& step, const Piece& piece, const Sink& sink) {
  AlignedText with_space;
  Piece input = piece;
  if (step.add_prefix_space && (piece.text.empty() || piece.text.front() != ' ')) {
    const size_t at = piece.origin(0, 0).begin;
    with_space.append(" ", {at, at});
    with_space.append(piece, 0, piece.text.size());
    input = with_space.piece();
  }
  if (step.pattern) {
    cut(input, *step.pattern, SplitBehavior::kIsolated, false, sink);
  } else if (!input.text.empty()) {
    sink(input);
  }
}

void apply_step(const MetaspaceStep& step, const Piece& piece, const Sink& sink) {
  AlignedText replaced;
  const std::string& mark = step.replacement;
  const bool begins_with_mark =
      !piece.text.empty() && (piece.text.front() == ' ' || piece.text.substr(0, mark.size()) == mark);
  const size_t at = piece.origin(0, 0).begin;
  const bool prepend = step.prepend == PrependScheme::kAlways || (step.prepend == PrependScheme::kFirst && at == 0);
  if (prepend && !begins_with_mark) replaced.append(mark, {at, at});
  for (size_t i = 0; i < piece.text.size(); ++i) {
    if (piece.text[i] == ' ') {
      replaced.append(mark, piece.origin(i, i + 1));
    } else {
      replaced.append(piece, i, i + 1);
    }
  }
  const Piece whole = replaced.piece();
  if (whole.text.empty()) return;
  if (!step.split) return sink(whole);
  Cutter cutter(whole, SplitBehavior::kMergedWithNext, sink);
  for (size_t found = whole.text.find(mark); found != std::string_view::npos;
       found = whole.text.find(mark, found + mark.size())) {
    cutter.stretch(found, false);
    cutter.stretch(found + mark.size(), true);
  }
  cutter.stretch(whole.text.size(), false);
  cutter.finish();
}

SplitBehavior behavior_from(const std::string& word, std::string_view where) {
  if (word == "Removed") return SplitBehavior::kRemoved;
  if (word == "Isolated") return SplitBehavior::kIsolated;
  if (word == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (word == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (word == "Contiguous") return SplitBehavior::kContiguous;
  throw Error(ErrorCode::kInvalidInput, fmt::format("{}: the behavior \"{}\" is not supported", where, word));
}

SplitStep read_digits(const Json& value, std::string_view where) {
  const bool single = json_flag_or(value, "individual_digits", false, where);
  return {Regex("\\p{N}", where), single ? SplitBehavior::kIsolated : SplitBehavior::kContiguous, false};
}

ByteLevelStep read_byte_level(const Json& value, std::string_view where) {
  ByteLevelStep step;
  step.add_prefix_space = json_flag_or(value, "add_prefix_space", true, where);
  if (json_flag_or(value, "use_regex", true, where)) step.pattern = Regex(kGpt2Split, where);
  return step;
}

}  // namespace

MetaspaceStep read_metaspace(const Json& value, std::string_view where) {
  MetaspaceStep step;
  step.replacement = json_text_or(value, "replacement", kMetaspace, where);
  step.split = json_flag_or(value, "split", true, where);
  const bool legacy_prefix = json_flag_or(value, "add_prefix_space", true, where);
  const std::string scheme = json_text_or(value, "prepend_scheme", legacy_prefix ? "always" : "never", where);
  if (step.replacement.empty()) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: replacement: expected one character, got none", where));
  }
  if (scheme == "always") {
    step.prepend = PrependScheme::kAlways;
  } else if (scheme == "first") {
    step.prepend = PrependScheme::kFirst;
  } else if (scheme == "never") {
    step.prepend = PrependScheme::kNever;
  } else {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: prepend_scheme: expected always, first or never, got \"{}\"", where, scheme));
  }
  return step;
}

namespace {

void read_into(std::vector<PreTokenizerStep>& steps, const Json& value, std::string_view where) {
  const std::string type = json_text(value, "type", where);
  if (!steps.empty() && std::holds_alternative<ByteLevelStep>(steps.back())) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: \"{}\" after \"ByteLevel\" is not supported", where, type));
  }
  if (type == "Sequence") {
    for (const Json& step : json_list(value, "pretokenizers", where)) read_into(steps, step, where);
  } else if (type == "Split") {
    const SplitBehavior behavior = behavior_from(json_text(value, "behavior", where), where);
    steps.emplace_back(SplitStep{json_pattern(value, where), behavior, json_flag_or(value, "invert", false, where)});
  } else if (type == "Digits") {
    steps.emplace_back(read_digits(value, where));
  } else if (type == "ByteLevel") {
    steps.emplace_back(read_byte_level(value, where));
  } else if (type == "Metaspace") {
    steps.emplace_back(read_metaspace(value, where));
  } else if (type == "WhitespaceSplit") {
    steps.emplace_back(SplitStep{Regex("\\s", where), SplitBehavior::kRemoved, false});
  } else if (type == "Whitespace") {
    steps.emplace_back(SplitStep{Regex("\\w+|[^\\w\\s]+", where), SplitBehavior::kRemoved, true});
  } else {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: the type \"{}\" is not supported", where, type),
                "known are Sequence, Split, Digits, ByteLevel, Metaspace, Whitespace and WhitespaceSplit");
  }
}

}  // namespace

PreTokenizer PreTokenizer::read(const Json& value, std::string_view where) {
  std::vector<PreTokenizerStep> steps;
  if (!value.is_null()) read_into(steps, value, where);
  return PreTokenizer(std::move(steps));
}

void PreTokenizer::run(size_t step, const Piece& piece, const Sink& word) const {
  if (step == steps_.size()) {
    if (!piece.text.empty()) word(piece);
    return;
  }
  if (step + 1 == steps_.size()) {
    return std::visit([&](const auto& s) { apply_step(s, piece, word); }, steps_[step]);
  }
  const Sink next = [&](const Piece& part) { run(step + 1, part, word); };
  std::visit([&](const auto& s) { apply_step(s, piece, next); }, steps_[step]);
}

bool PreTokenizer::is_byte_level() const {
  return !steps_.empty() && std::holds_alternative<ByteLevelStep>(steps_.back());
}

std::optional<std::string> PreTokenizer::only_split() const {
  if (!is_byte_level() || steps_.size() > 2) return std::nullopt;
  const auto& last = std::get<ByteLevelStep>(steps_.back());
  if (last.add_prefix_space) return std::nullopt;
  if (steps_.size() == 1) return last.pattern ? std::optional(last.pattern->pattern()) : std::nullopt;
  const auto* split = std::get_if<SplitStep>(&steps_.front());
  if (split == nullptr || last.pattern) return std::nullopt;
  // Isolated keeps everything; Removed with invert keeps only matches, which for these patterns is everything too.
  const bool keeps_all =
      split->behavior == SplitBehavior::kIsolated || (split->behavior == SplitBehavior::kRemoved && split->invert);
  return keeps_all ? std::optional(split->pattern.pattern()) : std::nullopt;
}

const MetaspaceStep* PreTokenizer::only_metaspace() const {
  return steps_.size() == 1 ? std::get_if<MetaspaceStep>(&steps_.front()) : nullptr;
}

}  // namespace understudy
