#include "base/unicode.h"

#include <utf8proc.h>

#include "base/error.h"
#include "base/utf8.h"

namespace understudy {

namespace {

constexpr utf8proc_option_t options_of(CaseFold fold) {
  const int plain = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
  return static_cast<utf8proc_option_t>(fold == CaseFold::kYes ? plain | UTF8PROC_CASEFOLD : plain);
}

// utf8proc writes decomposed code points into a buffer and then composes them in place. It returns how many it needs
// where the buffer is too small.
std::u32string normalised(std::u32string_view cluster, CaseFold fold) {
  std::string bytes = to_utf8(cluster);
  std::vector<utf8proc_int32_t> buffer(cluster.size() * 4 + 4);
  const auto* source = reinterpret_cast<const utf8proc_uint8_t*>(bytes.data());
  const auto n_bytes = static_cast<utf8proc_ssize_t>(bytes.size());
  for (;;) {
    const auto room = static_cast<utf8proc_ssize_t>(buffer.size()) - 1;  // normalising may write one more
    utf8proc_ssize_t n = utf8proc_decompose(source, n_bytes, buffer.data(), room, options_of(fold));
    CHECK(n >= 0, "valid UTF-8 always has a normal form");
    if (n > room) {
      buffer.resize(static_cast<size_t>(n) + 1);
      continue;
    }
    n = utf8proc_normalize_utf32(buffer.data(), n, options_of(fold));
    return std::u32string(buffer.begin(), buffer.begin() + n);
  }
}

std::string normal_form(std::string_view text, CaseFold fold) {
  return to_utf8(normalised(to_utf32(text), fold));
}

utf8proc_category_t category(char32_t character) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(character));
}

char32_t ascii_fold(char32_t c, CaseFold fold) {
  return fold == CaseFold::kYes && c >= 'A' && c <= 'Z' ? c + 32 : c;
}

}  // namespace

std::string nfkc(std::string_view text) {
  return normal_form(text, CaseFold::kNo);
}
std::string nfkc_casefold(std::string_view text) {
  return normal_form(text, CaseFold::kYes);
}

MappedText map_nfkc(std::string_view text, CaseFold fold) {
  const std::u32string points = to_utf32(text);
  MappedText mapped;
  mapped.characters.reserve(points.size());
  mapped.first.reserve(points.size());
  mapped.after.reserve(points.size());
  const auto add = [&](char32_t character, size_t first, size_t after) {
    mapped.characters += character;
    mapped.first.push_back(static_cast<uint32_t>(first));
    mapped.after.push_back(static_cast<uint32_t>(after));
  };
  for (size_t i = 0; i < points.size();) {
    // Nothing below U+0300 combines with what stands before it.
    const bool alone = i + 1 == points.size() || points[i + 1] < 0x300;
    if (alone && points[i] < 0x80) {
      add(ascii_fold(points[i], fold), i, i + 1);
      ++i;
      continue;
    }
    size_t end = i + 1;
    utf8proc_int32_t state = 0;
    while (end < points.size() &&
           !utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(points[end - 1]),
                                             static_cast<utf8proc_int32_t>(points[end]), &state)) {
      ++end;
    }
    for (const char32_t c : normalised(std::u32string_view(points).substr(i, end - i), fold)) add(c, i, end);
    i = end;
  }
  return mapped;
}

bool is_letter_or_digit(char32_t c) {
  if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  switch (category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_MC:
      return true;
    case UTF8PROC_CATEGORY_MN:
      return c > 0x36F && !(c >= 0xFE00 && c <= 0xFE0F) && !(c >= 0xE0100 && c <= 0xE01EF);  // no variation selectors
    default:
      return false;
  }
}

bool is_letter(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const utf8proc_category_t kind = category(c);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool is_currency_sign(char32_t c) {
  return c == '$' || (c >= 0x80 && category(c) == UTF8PROC_CATEGORY_SC);
}

char32_t ascii_digit(char32_t c) {
  // Where the ten digits of a script begin; each set is contiguous in Unicode.
  constexpr char32_t kZeros[] = {0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66,
                                 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50, 0xED0};
  if (c < 0x660 || c > 0xED9) return c;
  for (const char32_t zero : kZeros) {
    if (c >= zero && c < zero + 10) return U'0' + (c - zero);
  }
  return c;
}

std::u32string to_utf32(std::string_view text) {
  std::u32string points;
  points.reserve(text.size());
  for (size_t position = 0; position < text.size();) points += next_code_point(text, position);
  return points;
}

std::string to_utf8(std::u32string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (const char32_t c : text) append_utf8(bytes, c);
  return bytes;
}

}  // namespace understudy
