#include "engine/text/normalizer.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "engine/text/json_fields.h"

namespace understudy {

namespace {

utf8proc_option_t options_of(UnicodeForm form) {
  const int stable = UTF8PROC_STABLE;
  switch (form) {
    case UnicodeForm::kNfc:
      return static_cast<utf8proc_option_t>(stable | UTF8PROC_COMPOSE);
    case UnicodeForm::kNfd:
      return static_cast<utf8proc_option_t>(stable | UTF8PROC_DECOMPOSE);
    case UnicodeForm::kNfkc:
      return static_cast<utf8proc_option_t>(stable | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
    case UnicodeForm::kNfkd:
      return static_cast<utf8proc_option_t>(stable | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
  }
  return static_cast<utf8proc_option_t>(stable);
}

struct FreeText {
  void operator()(utf8proc_uint8_t* text) const { std::free(text); }
};

std::string normalized(std::string_view text, UnicodeForm form) {
  utf8proc_uint8_t* out = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                             static_cast<utf8proc_ssize_t>(text.size()), &out, options_of(form));
  const std::unique_ptr<utf8proc_uint8_t, FreeText> owner(out);
  if (size < 0) throw Error(ErrorCode::kInternal, fmt::format("Unicode normalisation: {}", utf8proc_errmsg(size)));
  return std::string(reinterpret_cast<const char*>(out), static_cast<size_t>(size));
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Whether text may be cut before this character without a change of what normalisation does to either side: an ASCII
// character other than a combining base's successor is enough, because no composition and no reordering crosses one.
bool is_boundary(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

// The end of the stretch from `begin` that normalises on its own.
size_t stretch_end(std::string_view text, size_t begin) {
  size_t end = begin + 1;
  while (end < text.size() && !is_boundary(text[end])) ++end;
  return end;
}

bool apply_step(UnicodeForm form, const Piece& piece, AlignedText& out) {
  if (is_ascii(piece.text) || normalized(piece.text, form) == piece.text) return false;
  out.reserve(piece.text.size());
  for (size_t begin = 0; begin < piece.text.size();) {
    const size_t end = stretch_end(piece.text, begin);
    const std::string_view before = piece.text.substr(begin, end - begin);
    const std::string after = normalized(before, form);
    if (after == before) {
      out.append(piece, begin, end);
    } else {
      out.append(after, piece.origin(begin, end));
    }
    begin = end;
  }
  return true;
}

bool apply_step(const PrependText& step, const Piece& piece, AlignedText& out) {
  if (piece.text.empty() || step.text.empty()) return false;
  out.reserve(piece.text.size() + step.text.size());
  const size_t at = piece.origin(0, 0).begin;
  out.append(step.text, {at, at});
  out.append(piece, 0, piece.text.size());
  return true;
}

bool apply_step(const ReplaceText& step, const Piece& piece, AlignedText& out) {
  size_t done = 0;
  step.pattern.for_each_match(piece.text, [&](TextSpan match) {
    if (done == 0) out.reserve(piece.text.size() + piece.text.size() / 4);
    out.append(piece, done, match.begin);
    out.append(step.content, piece.origin(match.begin, match.end));
    done = match.end;
  });
  if (done == 0) return false;
  out.append(piece, done, piece.text.size());
  return true;
}

void read_into(std::vector<NormalizerStep>& steps, const Json& value, std::string_view where) {
  const std::string type = json_text(value, "type", where);
  if (type == "Sequence") {
    for (const Json& step : json_list(value, "normalizers", where)) read_into(steps, step, where);
  } else if (type == "NFC") {
    steps.emplace_back(UnicodeForm::kNfc);
  } else if (type == "NFD") {
    steps.emplace_back(UnicodeForm::kNfd);
  } else if (type == "NFKC") {
    steps.emplace_back(UnicodeForm::kNfkc);
  } else if (type == "NFKD") {
    steps.emplace_back(UnicodeForm::kNfkd);
  } else if (type == "Prepend") {
    steps.emplace_back(PrependText{json_text(value, "prepend", where)});
  } else if (type == "Replace") {
    steps.emplace_back(ReplaceText{json_pattern(value, where), json_text(value, "content", where)});
  } else {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: the type \"{}\" is not supported", where, type),
                "known are Sequence, NFC, NFD, NFKC, NFKD, Prepend and Replace");
  }
}

}  // namespace

Normalizer Normalizer::read(const Json& value, std::string_view where) {
  std::vector<NormalizerStep> steps;
  if (!value.is_null()) read_into(steps, value, where);
  return Normalizer(std::move(steps));
}

bool Normalizer::apply(const Piece& piece, AlignedText& out) const {
  bool changed = false;
  for (const NormalizerStep& step : steps_) {
    AlignedText before = std::move(out);
    const Piece input = changed ? before.piece() : piece;
    out = {};
    if (std::visit([&](const auto& s) { return apply_step(s, input, out); }, step)) {
      changed = true;
    } else {
      out = std::move(before);
    }
  }
  return changed;
}

std::string Normalizer::apply(std::string_view text) const {
  AlignedText out;
  return apply(Piece{text}, out) ? out.text() : std::string(text);
}

bool Normalizer::has(UnicodeForm form) const {
  return std::any_of(steps_.begin(), steps_.end(), [&](const NormalizerStep& step) {
    const auto* unicode = std::get_if<UnicodeForm>(&step);
    return unicode != nullptr && *unicode == form;
  });
}

std::string Normalizer::prepended() const {
  for (const NormalizerStep& step : steps_) {
    if (const auto* prepend = std::get_if<PrependText>(&step)) return prepend->text;
  }
  return "";
}

bool Normalizer::rewrites() const {
  return std::any_of(steps_.begin(), steps_.end(),
                     [](const NormalizerStep& step) { return !std::holds_alternative<UnicodeForm>(step); });
}

}  // namespace understudy
