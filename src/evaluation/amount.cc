#include "evaluation/amount.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "base/unicode.h"

namespace understudy::evaluation {

namespace {

constexpr size_t kMaxDigits = 60;  // longer runs are serial numbers, not quantities

// Words that stand beside an amount and say the currency, case-folded: ISO 4217 codes in use in trade, and local
// writing.
constexpr std::array<std::string_view, 78> kCurrencyWords = {
    "usd", "eur", "gbp", "jpy", "cny", "rmb",  "chf",   "cad",    "aud",     "nzd", "hkd",     "sgd", "myr",
    "idr", "inr", "thb", "vnd", "php", "krw",  "twd",   "rub",    "pln",     "czk", "huf",     "ron", "bgn",
    "sek", "nok", "dkk", "isk", "try", "ils",  "aed",   "sar",    "qar",     "kwd", "bhd",     "omr", "egp",
    "zar", "ngn", "kes", "brl", "mxn", "ars",  "clp",   "cop",    "pen",     "uah", "kzt",     "rm",  "rp",
    "rs",  "r",   "kr",  "fr",  "sfr", "ft",   "zł",    "zl",     "kč",      "kc",  "lei",     "tl",  "us",
    "s",   "a",   "c",   "nt",  "hk",  "euro", "euros", "dollar", "dollars", "yen", "ringgit", "руб", "лв"};

bool is_digit(char32_t c) {
  return c >= U'0' && c <= U'9';
}
bool is_space(char32_t c) {
  return c == U' ' || c == U'\t' || c == U'\u00A0' || c == U'\u202F' || c == U'\u2009';
}
bool is_minus(char32_t c) {
  return c == U'-' || c == U'\u2212' || c == U'\u2013' || c == U'\u2010';
}
bool is_apostrophe(char32_t c) {
  return c == U'\'' || c == U'\u2019';
}
bool is_mark(char32_t c) {
  return c == U'.' || c == U',' || is_apostrophe(c);
}

bool is_currency_word(std::u32string_view word) {
  const std::string text = to_utf8(word);
  return std::find(kCurrencyWords.begin(), kCurrencyWords.end(), text) != kCurrencyWords.end();
}

Decimal normal_form(std::string digits, int scale, bool negative) {
  while (scale > 0 && !digits.empty() && digits.back() == '0') {
    digits.pop_back();
    --scale;
  }
  const size_t first = digits.find_first_not_of('0');
  digits.erase(0, first == std::string::npos ? digits.size() : first);
  if (digits.empty()) return {};
  return {negative, std::move(digits), scale};
}

struct Mark {
  size_t position;
  char32_t sign;  // apostrophes and spaces in one form each
};

std::vector<Mark> marks_of(std::u32string_view body) {
  std::vector<Mark> marks;
  for (size_t i = 0; i < body.size(); ++i) {
    if (is_digit(body[i])) continue;
    marks.push_back({i, is_apostrophe(body[i]) ? U'\'' : is_space(body[i]) ? U' ' : body[i]});
  }
  return marks;
}

size_t count(const std::vector<Mark>& marks, char32_t sign) {
  return static_cast<size_t>(std::count_if(marks.begin(), marks.end(), [&](const Mark& m) { return m.sign == sign; }));
}

// Which mark is the decimal one where the task does not say; 0: none is.
char32_t guessed_decimal(const std::vector<Mark>& marks, std::u32string_view body) {
  const size_t points = count(marks, U'.');
  const size_t commas = count(marks, U',');
  if (points == 0 && commas == 0) return 0;
  if (points > 0 && commas > 0) {
    for (size_t i = marks.size(); i-- > 0;) {
      if (marks[i].sign == U'.' || marks[i].sign == U',') return marks[i].sign;
    }
  }
  const char32_t sign = points > 0 ? U'.' : U',';
  if (points + commas > 1) return 0;
  const Mark& mark = *std::find_if(marks.begin(), marks.end(), [&](const Mark& m) { return m.sign == sign; });
  const bool groups_three = body.size() - mark.position - 1 == 3 && mark.position >= 1 && mark.position <= 3;
  return groups_three && body[0] != U'0' ? 0 : sign;
}

// Whole numbers parted into groups: all by one mark, the last of three digits, those between of two or three.
bool groups_are_right(std::u32string_view whole) {
  const std::vector<Mark> marks = marks_of(whole);
  if (marks.empty()) return true;
  if (marks.front().position < 1 || marks.front().position > 3) return false;
  for (size_t i = 0; i < marks.size(); ++i) {
    if (marks[i].sign != marks[0].sign) return false;
    const size_t next = i + 1 < marks.size() ? marks[i + 1].position : whole.size();
    const size_t length = next - marks[i].position - 1;
    if (i + 1 == marks.size() ? length != 3 : length != 3 && length != 2) return false;
  }
  return true;
}

// `body`: digits, marks and spaces between them.
std::optional<Decimal> read_body(std::u32string_view body, NumberFormat format, bool negative) {
  const std::vector<Mark> marks = marks_of(body);
  const char32_t decimal = format.decimal != 0 ? static_cast<char32_t>(format.decimal) : guessed_decimal(marks, body);
  size_t point = body.size();
  if (decimal != 0 && count(marks, decimal) > 0) {
    if (count(marks, decimal) > 1 || marks.back().sign != decimal) return std::nullopt;
    point = marks.back().position;
  }
  const std::u32string_view whole = body.substr(0, point);
  const std::u32string_view fraction = point < body.size() ? body.substr(point + 1) : std::u32string_view();
  if (!groups_are_right(whole)) return std::nullopt;
  std::string digits;
  for (const char32_t c : whole) {
    if (is_digit(c)) digits += static_cast<char>(c);
  }
  for (const char32_t c : fraction) digits += static_cast<char>(c);
  if (digits.empty() || digits.size() > kMaxDigits) return std::nullopt;
  return normal_form(std::move(digits), static_cast<int>(fraction.size()), negative);
}

// What is left of an amount's text when the currency is gone.
struct Stripped {
  std::u32string body;
  bool negative = false;
};

// Reads what stands before and after the digits: currency, signs, spaces. False where anything else does.
class AmountText {
 public:
  explicit AmountText(std::string_view text) {
    text_ = to_utf32(nfkc_casefold(text));
    for (char32_t& c : text_) c = ascii_digit(c);
  }

  std::optional<Stripped> strip(bool with_currency) {
    if (!find_body()) return std::nullopt;
    Stripped stripped;
    stripped.body = text_.substr(begin_, end_ - begin_);
    const std::u32string before = text_.substr(0, begin_);
    std::u32string after = text_.substr(end_);
    // "12,-" and "500/-" say that there are no cents.
    if (after.size() >= 2 && (after[0] == U',' || after[0] == U'.' || after[0] == U'/') && is_minus(after[1]))
      after.erase(0, 2);
    if (after == U"." || after == U",") after.clear();
    int opened = 0;
    int minuses = 0;
    if (!read_side(before, with_currency, opened, minuses) || !read_side(after, with_currency, opened, minuses)) {
      return std::nullopt;
    }
    if (opened != 0 || minuses > 1) return std::nullopt;
    stripped.negative = minuses == 1 || parentheses_;
    return stripped;
  }

 private:
  bool find_body() {
    begin_ = 0;
    while (begin_ < text_.size() && !is_digit(text_[begin_])) ++begin_;
    if (begin_ == text_.size()) return false;
    end_ = begin_;
    for (size_t i = begin_; i < text_.size() && (is_digit(text_[i]) || is_mark(text_[i]) || is_space(text_[i])); ++i) {
      if (is_digit(text_[i])) end_ = i + 1;
    }
    const bool bare_fraction = begin_ > 0 && (text_[begin_ - 1] == U'.' || text_[begin_ - 1] == U',') &&
                               (begin_ == 1 || !is_letter(text_[begin_ - 2]));
    if (bare_fraction) --begin_;
    return true;
  }

  bool read_side(std::u32string_view side, bool with_currency, int& opened, int& minuses) {
    for (size_t i = 0; i < side.size();) {
      const char32_t c = side[i];
      if (is_letter(c)) {
        const size_t first = i;
        while (i < side.size() && is_letter(side[i])) ++i;
        if (!with_currency || !is_currency_word(side.substr(first, i - first))) return false;
        if (i < side.size() && side[i] == U'.') ++i;  // "kr.", "Rs."
        continue;
      }
      if (is_minus(c)) {
        ++minuses;
      } else if (c == U'(') {
        ++opened;
        parentheses_ = true;
      } else if (c == U')') {
        --opened;
      } else if (!is_space(c) && c != U'\n' && c != U'+' && !(with_currency && is_currency_sign(c))) {
        return false;
      }
      ++i;
    }
    return true;
  }

  std::u32string text_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool parentheses_ = false;
};

std::optional<Decimal> parse(std::string_view text, NumberFormat format, bool with_currency) {
  if (text.size() > 256) return std::nullopt;
  const std::optional<Stripped> stripped = AmountText(text).strip(with_currency);
  if (!stripped) return std::nullopt;
  return read_body(stripped->body, format, stripped->negative);
}

// "1.5e3": only with a point, as JSON writes it.
std::optional<Decimal> parse_exponent(std::string_view text) {
  const size_t e = text.find_first_of("eE");
  if (e == std::string_view::npos || e + 1 == text.size() || text.size() > 64) return std::nullopt;
  if (text.find_first_not_of("+-.0123456789eE") != std::string_view::npos) return std::nullopt;
  const std::string power(text.substr(e + 1));
  char* end = nullptr;
  const long shift = std::strtol(power.c_str(), &end, 10);
  if (*end != '\0' || std::labs(shift) > 40) return std::nullopt;
  std::optional<Decimal> number = parse(text.substr(0, e), {'.'}, false);
  if (!number || number->digits.empty()) return number;
  number->scale -= static_cast<int>(shift);
  if (number->scale < 0) {
    number->digits.append(static_cast<size_t>(-number->scale), '0');
    number->scale = 0;
  }
  return normal_form(number->digits, number->scale, number->negative);
}

// A run of digits and marks in a text, without spaces: begins and ends with a digit (or begins with a bare decimal
// mark).
struct Chunk {
  size_t begin;
  size_t end;
  bool plain;  // only digits
};

std::vector<Chunk> chunks_of(std::u32string_view text) {
  std::vector<Chunk> chunks;
  for (size_t i = 0; i < text.size();) {
    if (!is_digit(text[i])) {
      ++i;
      continue;
    }
    Chunk chunk{i, i, true};
    while (i < text.size() &&
           (is_digit(text[i]) || (is_mark(text[i]) && i + 1 < text.size() && is_digit(text[i + 1])))) {
      chunk.plain = chunk.plain && is_digit(text[i]);
      chunk.end = ++i;
    }
    const size_t b = chunk.begin;
    if (b > 0 && (text[b - 1] == U'.' || text[b - 1] == U',') &&
        (b == 1 || is_space(text[b - 2]) || text[b - 2] == U'\n')) {
      --chunk.begin;
      chunk.plain = false;
    }
    chunks.push_back(chunk);
  }
  return chunks;
}

class NumberFinder {
 public:
  NumberFinder(std::u32string_view text, NumberFormat format) : text_(text), format_(format) {}

  std::vector<FoundNumber> find() {
    const std::vector<Chunk> chunks = chunks_of(text_);
    for (size_t i = 0; i < chunks.size(); ++i) {
      if (!add_readings(chunks[i].begin, chunks[i].end)) add_pieces(chunks[i]);
      add_spaced(chunks, i);
    }
    return std::move(found_);
  }

 private:
  // Every reading of one run; false where there is none.
  bool add_readings(size_t begin, size_t end) {
    const std::u32string_view body = text_.substr(begin, end - begin);
    if (format_.decimal != 0) return add(read_body(body, format_, false), begin, end);
    const std::optional<Decimal> with_point = read_body(body, {'.'}, false);
    const std::optional<Decimal> with_comma = read_body(body, {','}, false);
    if (with_point == with_comma) return add(with_point, begin, end);
    const bool first = add(with_point, begin, end);
    return add(with_comma, begin, end) || first;
  }

  // "55,57" with a decimal point is two numbers.
  void add_pieces(const Chunk& chunk) {
    for (size_t i = chunk.begin; i < chunk.end;) {
      if (!is_digit(text_[i])) {
        ++i;
        continue;
      }
      const size_t first = i;
      while (i < chunk.end && is_digit(text_[i])) ++i;
      add(read_body(text_.substr(first, i - first), format_, false), first, i);
    }
  }

  // "1 234 567.80" from `start` on: each further run begins with exactly three digits after one space.
  void add_spaced(const std::vector<Chunk>& chunks, size_t start) {
    if (!chunks[start].plain || chunks[start].end - chunks[start].begin > 3) return;
    for (size_t i = start + 1; i < chunks.size(); ++i) {
      const Chunk& chunk = chunks[i];
      const bool follows = chunk.begin == chunks[i - 1].end + 1 && is_space(text_[chunk.begin - 1]);
      const size_t length = chunk.end - chunk.begin;
      if (!follows || length < 3 || (length > 3 && is_digit(text_[chunk.begin + 3]))) return;
      add_readings(chunks[start].begin, chunk.end);
      if (!chunk.plain) return;
    }
  }

  bool add(std::optional<Decimal> value, size_t begin, size_t end) {
    if (!value) return false;
    found_.push_back({std::move(*value), sign_stands_by(begin, end), begin, end});
    return true;
  }

  // A minus or parenthesis before the number, with at most a currency and a space between, or behind it.
  bool sign_stands_by(size_t begin, size_t end) const {
    if (end < text_.size() && (is_minus(text_[end]) || text_[end] == U')')) return true;
    for (size_t i = begin, seen = 0; i > 0 && seen < 5; --i, ++seen) {
      const char32_t c = text_[i - 1];
      if (is_minus(c) || c == U'(') return true;
      if (!is_letter(c) && !is_space(c) && !is_currency_sign(c)) return false;
    }
    return false;
  }

  std::u32string_view text_;
  NumberFormat format_;
  std::vector<FoundNumber> found_;
};

}  // namespace

double Decimal::value() const {
  return std::strtod(text().c_str(), nullptr);
}

std::string Decimal::text() const {
  if (digits.empty()) return "0";
  std::string whole = digits;
  const auto fraction = static_cast<size_t>(scale);
  if (whole.size() <= fraction) whole.insert(0, fraction + 1 - whole.size(), '0');
  if (fraction > 0) whole.insert(whole.size() - fraction, 1, '.');
  return negative ? "-" + whole : whole;
}

std::optional<Decimal> parse_amount(std::string_view text, NumberFormat format) {
  return parse(text, format, true);
}

std::optional<Decimal> parse_number(std::string_view text, NumberFormat format) {
  if (std::optional<Decimal> number = parse(text, format, false)) return number;
  return parse_exponent(text);
}

std::vector<FoundNumber> find_numbers(std::u32string_view text, NumberFormat format) {
  return NumberFinder(text, format).find();
}

}  // namespace understudy::evaluation
