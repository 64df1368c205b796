#include "evaluation/date.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/unicode.h"

namespace understudy::evaluation {

namespace {

// Month names, case-folded, a row a month: English, German, French, Spanish, Italian, Portuguese, Dutch, Polish,
// Swedish and Danish, Turkish, Malay and Indonesian, Russian; with usual short forms and with accents left off, as OCR
// has them.
constexpr std::array<std::string_view, 12> kMonths = {
    "january jan januar jän jan jänner janvier janv enero ene gennaio gen janeiro januari stycznia styczeń sty ocak "
    "oca "
    "января янв",
    "february feb februar février fevrier févr fevr fév febrero febbraio fevereiro fev februari lutego luty lut şubat "
    "subat şub pebruari февраля фев",
    "march mar märz maerz mrz mär mars marzo março marco maart mrt marca marzec mart mac maret marts марта мар",
    "april apr avril avr abril abr aprile kwietnia kwiecień kwi nisan nis апреля апр",
    "may mai mayo maggio mag maio mei maja maj mayıs mayis мая май",
    "june jun juni juin junio giugno giu junho czerwca czerwiec cze haziran haz июня июн",
    "july jul juli juillet juil julio luglio lug julho lipca lipiec lip temmuz tem julai июля июл",
    "august aug août aout aoû agosto ago augustus sierpnia sierpień sie augusti ağustos agustos ağu ogos ogo agustus "
    "agu "
    "августа авг",
    "september sep sept septembre septiembre settembre set setembro września wrzesień wrz eylül eylul eyl сентября сен",
    "october oct oktober okt octobre octubre ottobre ott outubro out października październik paź paz ekim eki октября "
    "окт",
    "november nov novembre noviembre novembro listopada listopad lis kasım kasim kas ноября ноя",
    "december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro grudnia grudzień gru aralık "
    "aralik "
    "ara disember dis desember des декабря дек"};

// Words that may stand beside a date without being part of it.
constexpr std::string_view kBeside =
    "mon monday tue tues tuesday wed wednesday thu thur thurs thursday fri friday sat saturday sun sunday montag mo "
    "dienstag "
    "di mittwoch mi donnerstag do freitag fr samstag sa sonntag so lundi lun mardi mercredi mer jeudi jeu vendredi ven "
    "samedi "
    "sam dimanche dim lunes martes miércoles miercoles jueves viernes sábado sabado domingo lunedì martedì mercoledì "
    "giovedì "
    "venerdì domenica isnin selasa rabu khamis jumaat sabtu ahad am pm hrs h uhr t z utc gmt";

constexpr std::string_view kOrdinals = "st nd rd th er ro º ª";
constexpr std::string_view kFillers = "of de del di";

std::vector<std::string> words_of(std::string_view list) {
  std::vector<std::string> words;
  for (size_t i = 0; i < list.size();) {
    size_t end = list.find(' ', i);
    if (end == std::string_view::npos) end = list.size();
    words.emplace_back(list.substr(i, end - i));
    i = end + 1;
  }
  return words;
}

bool is_one_of(std::string_view word, std::string_view list) {
  for (size_t i = list.find(word); i != std::string_view::npos && !word.empty(); i = list.find(word, i + 1)) {
    const bool begins = i == 0 || list[i - 1] == ' ';
    const size_t end = i + word.size();
    if (begins && (end == list.size() || list[end] == ' ')) return true;
  }
  return false;
}

int month_named(std::string_view word) {
  static const std::unordered_map<std::string, int> months = [] {
    std::unordered_map<std::string, int> names;
    for (size_t i = 0; i < kMonths.size(); ++i) {
      for (const std::string& name : words_of(kMonths[i])) names.emplace(nfkc_casefold(name), static_cast<int>(i) + 1);
    }
    return names;
  }();
  const auto found = months.find(std::string(word));
  return found == months.end() ? 0 : found->second;
}

bool is_real(const Date& date) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (date.month < 1 || date.month > 12 || date.day < 1 || date.year < 1000 || date.year > 2999) return false;
  const bool leap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0);
  return date.day <= kDays[static_cast<size_t>(date.month - 1)] + (date.month == 2 && leap ? 1 : 0);
}

bool is_digit(char32_t c) {
  return c >= U'0' && c <= U'9';
}

// A run of digits or of letters.
struct Token {
  size_t begin = 0;
  size_t end = 0;
  bool digits = false;
  int value = -1;  // of up to eight digits
  std::string word;
  size_t size() const { return end - begin; }
};

std::vector<Token> tokens_of(std::u32string_view text) {
  std::vector<Token> tokens;
  for (size_t i = 0; i < text.size();) {
    Token token;
    token.begin = i;
    token.digits = is_digit(text[i]);
    if (token.digits) {
      while (i < text.size() && is_digit(text[i])) ++i;
      token.end = i;
      if (token.size() <= 8) {
        token.value = 0;
        for (size_t k = token.begin; k < i; ++k) token.value = token.value * 10 + static_cast<int>(text[k] - U'0');
      }
    } else if (is_letter_or_digit(text[i]) || text[i] == U'º' || text[i] == U'ª') {
      while (i < text.size() && !is_digit(text[i]) && is_letter_or_digit(text[i])) ++i;
      if (i == token.begin) ++i;
      token.end = i;
      if (token.size() <= 12) token.word = to_utf8(text.substr(token.begin, token.size()));
    } else {
      ++i;
      continue;
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

class DateFinder {
 public:
  DateFinder(std::u32string_view text, const DateFormat& format)
      : text_(text), format_(format), tokens_(tokens_of(text)) {
    if (format_.orders.empty()) {
      format_.orders = {DateOrder::kDayMonthYear, DateOrder::kMonthDayYear, DateOrder::kYearMonthDay};
    }
  }

  std::vector<FoundDate> find() {
    for (size_t i = 0; i < tokens_.size(); ++i) {
      if (tokens_[i].digits) {
        if (!add_figures(i) && !add_day_month_year(i) && !add_east_asian(i)) add_compact(i);
      } else {
        add_month_day_year(i);
      }
    }
    return std::move(found_);
  }

  const std::vector<Token>& tokens() const { return tokens_; }

 private:
  // What stands between token i and the next: one separator (with spaces around it), ' ' for spaces alone, 0 for
  // nothing; 1 for anything else. A line's end parts dates.
  char32_t gap(size_t i) const {
    if (i + 1 >= tokens_.size()) return 1;
    char32_t separator = 0;
    const size_t begin = tokens_[i].end;
    const size_t end = tokens_[i + 1].begin;
    if (end - begin > 4) return 1;
    for (size_t k = begin; k < end; ++k) {
      char32_t c = text_[k];
      if (c == U'\u2013' || c == U'\u2010' || c == U'\u2212') c = U'-';
      if (c == U'\u2019') c = U'\'';
      if (c == U' ') {
        if (separator == 0) separator = U' ';
      } else if (separator == 0 || separator == U' ') {
        separator = c;
      } else {
        return 1;
      }
    }
    return separator == U'\n' ? 1 : separator;
  }

  static bool may_join(char32_t gap) {  // a day, a month's name and a year
    return gap == 0 || gap == U' ' || gap == U'-' || gap == U'/' || gap == U'.' || gap == U',' || gap == U'\'';
  }

  // 12-25-2018 inside of 5-12-25-2018 is a telephone number.
  bool goes_on(const Token& first, const Token& last, char32_t separator) const {
    if (separator == U' ') return false;
    const size_t b = first.begin;
    const size_t e = last.end;
    return (b >= 2 && text_[b - 1] == separator && is_digit(text_[b - 2])) ||
           (e + 1 < text_.size() && text_[e] == separator && is_digit(text_[e + 1]));
  }

  std::optional<int> year_of(const Token& token) const {
    if (token.size() == 4) return token.value;
    if (token.size() == 2) return token.value + (token.value >= format_.pivot ? 1900 : 2000);
    return std::nullopt;
  }

  bool add(std::optional<int> year, int month, int day, const Token& first, const Token& last) {
    if (!year) return false;
    const Date date{*year, month, day};
    if (!is_real(date)) return false;
    found_.push_back({date, first.begin, last.end});
    return true;
  }

  bool add_figures(size_t i) {
    if (i + 2 >= tokens_.size() || !tokens_[i + 1].digits || !tokens_[i + 2].digits) return false;
    const Token &a = tokens_[i], &b = tokens_[i + 1], &c = tokens_[i + 2];
    const char32_t separator = gap(i);
    if (separator != gap(i + 1) || goes_on(a, c, separator) || b.size() > 2) return false;
    const bool year_in_full = a.size() == 4 || c.size() == 4;
    if (separator == U' ' ? !year_in_full : separator != U'/' && separator != U'-' && separator != U'.') return false;
    if (a.size() == 4) return c.size() <= 2 && add(a.value, b.value, c.value, a, c);
    if (a.size() > 2 || (c.size() != 2 && c.size() != 4 && c.size() != 1)) return false;
    bool any = false;
    for (const DateOrder order : format_.orders) {
      if (order == DateOrder::kDayMonthYear) any = add(year_of(c), b.value, a.value, a, c) || any;
      if (order == DateOrder::kMonthDayYear) any = add(year_of(c), a.value, b.value, a, c) || any;
      if (order == DateOrder::kYearMonthDay && c.size() <= 2) any = add(year_of(a), b.value, c.value, a, c) || any;
    }
    return any;
  }

  // The token after i, past an ordinal's ending or a filler ("4th of", "4 de").
  size_t past_words(size_t i) const {
    if (i + 1 < tokens_.size() && gap(i) == 0 && is_one_of(tokens_[i + 1].word, kOrdinals)) ++i;
    if (i + 1 < tokens_.size() && gap(i) == U' ' && is_one_of(tokens_[i + 1].word, kFillers)) ++i;
    return i + 1;
  }

  bool add_day_month_year(size_t i) {
    const size_t m = past_words(i);
    if (m >= tokens_.size() || tokens_[m].digits || !may_join(gap(m - 1))) return false;
    const int month = month_named(tokens_[m].word);
    if (month == 0) return false;
    size_t y = m + 1;
    if (y < tokens_.size() && gap(m) == U' ' && is_one_of(tokens_[y].word, kFillers)) ++y;
    if (y >= tokens_.size() || !tokens_[y].digits || !may_join(gap(y - 1))) return false;
    const Token &first = tokens_[i], &last = tokens_[y];
    const bool year_first = first.size() == 4 || (format_.orders.front() == DateOrder::kYearMonthDay &&
                                                  first.size() == 2 && last.size() == 2);
    if (year_first) return last.size() <= 2 && add(year_of(first), month, last.value, first, last);
    return first.size() <= 2 && add(year_of(last), month, first.value, first, last);
  }

  bool add_month_day_year(size_t i) {
    const int month = month_named(tokens_[i].word);
    if (month == 0 || i + 1 >= tokens_.size() || !tokens_[i + 1].digits || !may_join(gap(i))) return false;
    const size_t y = past_words(i + 1);
    if (y >= tokens_.size() || !tokens_[y].digits || gap(y - 1) == 0 || !may_join(gap(y - 1))) return false;
    return tokens_[i + 1].size() <= 2 && add(year_of(tokens_[y]), month, tokens_[i + 1].value, tokens_[i], tokens_[y]);
  }

  bool add_east_asian(size_t i) {
    if (i + 5 >= tokens_.size() || tokens_[i].size() != 4) return false;
    static constexpr std::array<std::string_view, 3> kHan = {"年", "月", "日"};
    static constexpr std::array<std::string_view, 3> kHangul = {"년", "월", "일"};
    for (size_t k = 0; k < 3; ++k) {
      const Token& word = tokens_[i + 2 * k + 1];
      if (!tokens_[i + 2 * k].digits || (word.word != kHan[k] && word.word != kHangul[k])) return false;
    }
    return add(tokens_[i].value, tokens_[i + 2].value, tokens_[i + 4].value, tokens_[i], tokens_[i + 5]);
  }

  void add_compact(size_t i) {
    const Token& token = tokens_[i];
    if (token.size() != 8) return;
    const int v = token.value;
    if (add(v / 10000, v / 100 % 100, v % 100, token, token) && v / 10000 >= 1900 && v / 10000 < 2100) return;
    for (const DateOrder order : format_.orders) {
      if (order == DateOrder::kDayMonthYear) add(v % 10000, v / 10000 % 100, v / 1000000, token, token);
      if (order == DateOrder::kMonthDayYear) add(v % 10000, v / 1000000, v / 10000 % 100, token, token);
    }
  }

  std::u32string_view text_;
  DateFormat format_;
  std::vector<Token> tokens_;
  std::vector<FoundDate> found_;
};

// A figure of a time of day: a colon stands right before or behind it.
bool is_of_time(std::u32string_view text, const Token& token) {
  return (token.end < text.size() && text[token.end] == U':') || (token.begin > 0 && text[token.begin - 1] == U':') ||
         (token.begin > 2 && text[token.begin - 1] == U'.' && is_digit(text[token.begin - 2]));
}

}  // namespace

std::string Date::text() const {
  return fmt::format("{:04}-{:02}-{:02}", year, month, day);
}

std::optional<DateOrder> date_order_from(std::string_view word) {
  if (word == "dmy") return DateOrder::kDayMonthYear;
  if (word == "mdy") return DateOrder::kMonthDayYear;
  if (word == "ymd") return DateOrder::kYearMonthDay;
  return std::nullopt;
}

std::optional<Date> parse_date(std::string_view text, const DateFormat& format) {
  if (text.size() > 128) return std::nullopt;
  std::u32string folded = to_utf32(nfkc_casefold(text));
  for (char32_t& c : folded) c = ascii_digit(c);
  DateFinder finder(folded, format);
  const std::vector<FoundDate> found = finder.find();
  if (found.empty()) return std::nullopt;
  for (const Token& token : finder.tokens()) {
    const bool inside = token.begin >= found[0].begin && token.end <= found[0].end;
    const bool beside = token.digits ? is_of_time(folded, token) : is_one_of(token.word, kBeside);
    if (!inside && !beside) return std::nullopt;
  }
  return found[0].date;
}

std::vector<FoundDate> find_dates(std::u32string_view text, const DateFormat& format) {
  return DateFinder(text, format).find();
}

}  // namespace understudy::evaluation
