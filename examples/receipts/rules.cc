#include "receipts/rules.h"

#include <algorithm>
#include <optional>
#include <regex>

namespace understudy::examples {
namespace {

using Lines = std::vector<std::string>;

constexpr size_t kLongestLine = 500;  // no till prints more; std::regex recurses once a character

// Lines that are neither empty nor longer than any paper has.
Lines lines_of(const std::string& text) {
  Lines lines;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (end > at && end - at <= kLongestLine) lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::regex pattern(const char* text) {
  return std::regex(text, std::regex::icase | std::regex::optimize);
}

bool found(const std::string& text, const std::regex& expression) {
  return std::regex_search(text, expression);
}

const std::regex& date_pattern() {
  static const std::regex expression = pattern(
      R"(\b\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b|\b\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})\b|)"
      R"(\b\d{1,2}[- /]?(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Z]*[- /,']*\d{2,4}\b|)"
      R"(\b(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Z]*\.? \d{1,2}, ?\d{4}\b|\b20[12]\d(0[1-9]|1[0-2])([0-2]\d|3[01])\b)");
  return expression;
}

std::optional<std::string> first_date(const std::string& line) {
  std::smatch match;
  if (!std::regex_search(line, match, date_pattern())) return std::nullopt;
  return match.str();
}

std::string read_date(const Lines& lines) {
  static const std::regex label = pattern(R"(\bDATE|\bDATED\b|TARIKH)");
  for (const std::string& line : lines) {
    if (found(line, label)) {
      if (const auto date = first_date(line)) return *date;
    }
  }
  for (const std::string& line : lines) {
    if (const auto date = first_date(line)) return *date;
  }
  return "";
}

// A registration number at the end of a name, and stars around it.
std::string bare_name(const std::string& line) {
  static const std::regex number = pattern(
      R"(\s*\(? ?\b(CO\.? ?(REG)?\.? ?(NO)?\.? ?:? ?)?[A-Z]{0,3}\d{4,12} ?-? ?[A-Z]{1,2} ?\)?(\s*\([A-Z]+\))?\s*$)");
  static const std::regex stars = pattern(R"(^[\s*~=_.-]+|[\s*~=_-]+$)");
  return std::regex_replace(std::regex_replace(line, number, ""), stars, "");
}

int letters_in(const std::string& line) {
  return static_cast<int>(
      std::count_if(line.begin(), line.end(), [](unsigned char c) { return std::isalpha(c) != 0; }));
}

bool may_be_name(const std::string& line) {
  static const std::regex no_name = pattern(
      R"(^(WELCOME|THANK|GOODS|TAX INVOICE|INVOICE|RECEIPT|CASH|COPY|TEL|DATE|NO[.: ]|LOT |GST|REPRINT|DUPLICATE|TABLE|\*{3})|INVOICE|RECEIPT$)");
  return letters_in(line) >= 4 && !found(line, no_name) && !first_date(line);
}

// The line of the company's name: one of the first four with a legal form, else the first that can be a name.
size_t name_line(const Lines& lines) {
  static const std::regex form = pattern(R"(\bSDN\.? ?BHD|\bS/B\b|\bBHD\b|\bENTERPRISE|\bTRADING\b|\(M\)|\bSB$)");
  const size_t top = std::min<size_t>(lines.size(), 4);
  for (size_t i = 0; i < top; ++i) {
    if (found(lines[i], form) && may_be_name(lines[i])) return i;
  }
  for (size_t i = 0; i < lines.size(); ++i) {
    if (may_be_name(lines[i])) return i;
  }
  return 0;
}

// A name whose legal form or end was put in a line of its own: "CO. (M) SDN BHD" below "MORVEL PAPER".
std::string whole_name(const Lines& lines, size_t i) {
  static const std::regex rest = pattern(
      R"(^\W*(CO\.?|COMPANY|ENTERPRISE|TRADING|HOLDINGS?|RESOURCES|MARKETING|\(M\)|SDN\.? ?BHD\.?|S/B|BHD|\W)+$)");
  const std::string name = bare_name(lines[i]);
  if (i > 0 && found(name, rest) && may_be_name(lines[i - 1])) return bare_name(lines[i - 1]) + " " + name;
  return name;
}

bool is_number_line(const std::string& line) {
  static const std::regex number = pattern(
      R"(^\W*(CO\.?|COMPANY|REG|ROC|GST|SST|TIN|BRN|BUSINESS)\b.*\d{4}|^\W*[A-Z]{0,3}\d{4,12} ?-? ?[A-Z]{0,2}\W*$|^\W*\(.*\d{4,}.*\)\W*$)");
  return found(line, number);
}

bool ends_address(const std::string& line) {
  static const std::regex end = pattern(
      R"(\bTEL(EPHONE)?\b|\bT ?:|\bSITE ?:|\bFAX\b|\bPHONE|\bH/?P\b|\bGST\b|INVOICE|RECEIPT|\bCASH|\bDATE|\bTIME\b|@|WWW|HTTP|\.COM|\bDOC\b|\bBILL\b|\bTABLE\b|)"
      R"(\bCASHIER|\bMOBILE|\bEMAIL|^\+?6?0\d[- ]?\d{6,}|^0\d{1,2}[- ]\d{3,}|^\(?\+?60|\bOWNED BY|\bCOUNTER|\bQTY\b|\bOPERAT|\bREG(ISTRATION)?\b|\bSHOPPING HOURS|^\d+$)");
  return found(line, end) || first_date(line).has_value();
}

std::string read_address(const Lines& lines, size_t name) {
  std::string address;
  int taken = 0;
  for (size_t i = name + 1; i < lines.size() && taken < 6; ++i) {
    if (is_number_line(lines[i]) && !found(lines[i], pattern(R"(JALAN|JLN|LOT|LEVEL|FLOOR)"))) {
      if (taken == 0) continue;
      break;
    }
    if (ends_address(lines[i])) {
      if (taken == 0) continue;
      break;
    }
    if (taken == 0 && letters_in(lines[i]) < 4) continue;
    if (taken == 0 && !found(lines[i], pattern(R"(\d|,|JALAN|JLN|LEVEL|FLOOR|LOT)")))
      continue;  // a trade name, a slogan
    address += (taken++ > 0 ? " " : "") + lines[i];
  }
  return address;
}

std::optional<std::string> last_amount(const std::string& line) {
  static const std::regex amount = pattern(R"((RM ?|\$ ?)?-?\d{1,3}(,\d{3})+\.\d{2}\b|(RM ?|\$ ?)?-?\d*\.\d{2}\b)");
  std::optional<std::string> last;
  for (auto it = std::sregex_iterator(line.begin(), line.end(), amount); it != std::sregex_iterator(); ++it)
    last = it->str();
  return last;
}

// The amount beside a label, or alone in the line below or above it.
std::optional<std::string> amount_by(const Lines& lines, size_t i) {
  if (const auto amount = last_amount(lines[i])) return amount;
  for (const size_t j : {i + 1, i - 1}) {
    if (j < lines.size() && letters_in(lines[j]) <= 2) {
      if (const auto amount = last_amount(lines[j])) return amount;
    }
  }
  return std::nullopt;
}

std::string read_total(const Lines& lines) {
  static const std::regex others = pattern(
      R"(SUB ?-? ?TOTAL|\bQTY|QUANTITY|ITEM|DISC|SAVING|TOTAL GST|TOTAL TAX|GST TOTAL|EXCL|\(EX\)|POINT|BEFORE|TAXABLE|0% SUPPL|6% SUPPL)");
  // From the surest label to the least sure. Of several lines the last counts: sums before rounding come first.
  static const std::vector<std::regex> labels = {
      pattern(R"(ROUNDED|AFTER (ADJ|ROUND)|TOTAL PAYABLE|AMT PAYABLE|AMOUNT PAYABLE)"),
      pattern(R"(NETT?\.? ?(TOTAL|AMT|AMOUNT)|GRAND ?TOTAL|FINAL TOTAL)"),
      pattern(R"(TOTAL.*INC|TOTAL DUE|AMOUNT DUE|BALANCE DUE|TOTAL SALES)"),
      pattern(R"(TOTAL ?(AMOUNT|AMT|\(?RM|SALE|BILL)?)"), pattern(R"(\bAMOUNT\b|\bDUE\b|\bCASH\b|\bPAID\b)")};
  static const std::regex summary = pattern(R"(GST (SUMMARY|ANALYSIS)|TAX CODE|TAX SUMMARY|SUMMARY)");
  const auto end =
      std::find_if(lines.begin(), lines.end(), [](const std::string& line) { return found(line, summary); });
  const Lines before(lines.begin(), end);
  for (const std::regex& label : labels) {
    for (size_t i = before.size(); i-- > 0;) {
      if (!found(before[i], label) || found(before[i], others)) continue;
      if (const auto amount = amount_by(before, i)) return *amount;
    }
  }
  return "";
}

}  // namespace

ReceiptFields read_receipt_by_rules(const std::string& text) {
  const Lines lines = lines_of(text);
  if (lines.empty()) return {};
  const size_t name = name_line(lines);
  ReceiptFields fields;
  fields.company = whole_name(lines, name);
  fields.date = read_date(lines);
  fields.address = read_address(lines, name);
  fields.total = read_total(lines);
  return fields;
}

}  // namespace understudy::examples
