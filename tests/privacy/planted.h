// Texts with private values planted in them, and with values that only look like some; made from a seed.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "privacy/redaction.h"

namespace understudy::testing {

struct Planted {
  std::string text;
  std::vector<PrivateFinding> values;
};

inline std::string of_chars(Random& random, std::string_view chars, int64_t n) {
  std::string text;
  for (; n > 0; --n) text += chars[random.below(chars.size())];
  return text;
}
inline constexpr std::string_view kDigitChars = "0123456789";
inline constexpr std::string_view kHexChars = "0123456789abcdef";
inline constexpr std::string_view kTokenChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

inline std::string with_luhn(std::string digits) {
  int sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    const int digit = digits[digits.size() - 1 - i] - '0';
    sum += i % 2 == 1 ? digit : digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
  }
  return digits + static_cast<char>('0' + (10 - sum % 10) % 10);
}

inline std::string in_groups(const std::string& text, std::vector<size_t> sizes, const std::string& separator) {
  std::string grouped;
  size_t at = 0;
  for (const size_t size : sizes) {
    if (at >= text.size()) break;
    grouped += (at == 0 ? "" : separator) + text.substr(at, size);
    at += size;
  }
  return grouped;
}

inline std::string made_card(Random& random) {
  static const std::vector<std::pair<std::string, size_t>> kSchemes = {
      {"4", 16},  {"4929", 16}, {"51", 16},   {"55", 16}, {"2221", 16},
      {"34", 15}, {"37", 15},   {"6011", 16}, {"65", 16}, {"3530", 16}};
  const auto& [prefix, length] = random.pick(kSchemes);
  const std::string card =
      with_luhn(prefix + of_chars(random, kDigitChars, static_cast<int64_t>(length - 1 - prefix.size())));
  const std::string separator = random.chance(0.5) ? " " : "-";
  if (random.chance(0.4)) return card;
  return length == 15 ? in_groups(card, {4, 6, 5}, separator) : in_groups(card, {4, 4, 4, 4}, separator);
}

// The check digits by the definition: 98 less the number, with 00 in their place, mod 97.
inline std::string made_iban(Random& random, bool right) {
  struct Form {
    const char* country;
    int letters;
    int digits;
  };
  static const std::vector<Form> kForms = {{"DE", 0, 18}, {"FR", 0, 23}, {"GB", 4, 14}, {"NL", 4, 10}, {"ES", 0, 20},
                                           {"CH", 0, 17}, {"AT", 0, 16}, {"IT", 1, 22}, {"NO", 0, 11}, {"MT", 4, 23}};
  const Form& form = random.pick(kForms);
  const std::string account =
      of_chars(random, "ABCDEFGHKLMNPQRSTUVWXYZ", form.letters) + of_chars(random, kDigitChars, form.digits);
  int remainder = 0;
  for (const char c : account + form.country + "00") {
    const int value = c >= 'A' ? c - 'A' + 10 : c - '0';
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  const int check = right ? 98 - remainder : 2 + (98 - remainder + 7) % 97;
  const std::string iban = fmt::format("{}{:02}{}", form.country, check, account);
  return random.chance(0.5) ? iban : in_groups(iban, std::vector<size_t>(9, 4), " ");
}

inline std::string made_email(Random& random) {
  static const std::vector<std::string> kNames = {"anna.kovacs", "j.smith+shop", "o'brien",        "bob_42", "søren",
                                                  "x",           "info",         "first.last-name"};
  static const std::vector<std::string> kHosts = {"example.com", "mail.example.co.uk", "münchen.de",
                                                  "a-b.io",      "t-online.de",        "sub.dom.travel"};
  return random.pick(kNames) + (random.chance(0.3) ? of_chars(random, kDigitChars, 2) : "") + "@" + random.pick(kHosts);
}

inline std::string made_phone(Random& random, std::string& before) {
  const auto digits = [&](int64_t n) { return of_chars(random, kDigitChars, n); };
  const auto from_two = [&] { return of_chars(random, "23456789", 1) + of_chars(random, kDigitChars, 2); };
  static const std::vector<std::string> kWords = {"Phone: ",   "call me at ", "Tel. ",       "my mobile is ",
                                                  "Telefon: ", "fax ",        "reach us on "};
  switch (random.below(7)) {
    case 0:
      return "+49 " + digits(3) + " " + digits(7);
    case 1:
      return "+1 (" + from_two() + ") " + from_two() + "-" + digits(4);
    case 2:
      return "+44" + of_chars(random, "123456789", 10);
    case 3:
      return "(" + from_two() + ") " + from_two() + "-" + digits(4);
    case 4:
      return from_two() + "-" + from_two() + "-" + digits(4);
    case 5:
      before = random.pick(kWords);
      return "0" + of_chars(random, "123456789", 3) + "/" + digits(7);
    default:
      before = random.pick(kWords);
      return "0" + of_chars(random, "123456789", 1) + " " + digits(2) + " " + digits(2) + " " + digits(2) + " " +
             digits(2);
  }
}

inline std::string made_secret(Random& random, std::string& before, std::string& after) {
  const auto token = [&](int64_t n) { return of_chars(random, kTokenChars, n); };
  switch (random.below(11)) {
    case 0:
      return "sk-proj-" + token(48);
    case 1:
      return "sk-ant-api03-" + token(60) + "-" + token(8);
    case 2:
      return "ghp_" + token(36);
    case 3:
      return "AKIA" + of_chars(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16);
    case 4:
      return "AIza" + token(35);
    case 5:
      before = "Authorization: Bearer ";
      return token(40);
    case 6:
      before = "postgres://app:";
      after = "@db.internal:5432/app";
      return token(12);
    case 7:
      before = random.chance(0.5) ? "OPENAI_API_KEY=" : "client_secret: \"";
      return token(32);
    case 8:
      before = random.chance(0.5) ? "password: " : "PASSWORD=";
      return token(6) + of_chars(random, "!$%#", 1) + of_chars(random, kDigitChars, 2);
    case 9:
      return "-----BEGIN RSA PRIVATE KEY-----\n" + token(64) + "\n" + token(30) + "==\n-----END RSA PRIVATE KEY-----";
    default:
      before = "key=";
      return of_chars(random, kHexChars, 40);
  }
}

inline std::string made_near_miss(Random& random) {
  const auto digits = [&](int64_t n) { return of_chars(random, kDigitChars, n); };
  static const std::vector<std::string> kOrders = {"order ",      "Order no. ", "invoice ", "tracking number ",
                                                   "Bestellung ", "ticket #",   "IMEI "};
  switch (random.below(20)) {
    case 0:
      return random.pick(kOrders) + with_luhn("4" + digits(14));
    case 1:
      return "card number 4" + std::string("11111111111111") + digits(random.between(5, 7));  // too long
    case 2:
      return "IBAN " + made_iban(random, false);
    case 3:
      return "react@18." + digits(1) + "." + digits(2) + " and left-pad@1.0.0-beta.next";
    case 4:
      return "git@github.com:team/project.git";
    case 5:
      return "logo@2x.png, @handle, user@localhost, a@b";
    case 6:
      return fmt::format("2024-{:02}-{:02} 12:30:{}", random.between(1, 12), random.between(1, 28), digits(2));
    case 7:
      return fmt::format("{}.{}.{}.{}", random.between(10, 255), random.between(100, 255), random.between(100, 255),
                         random.between(1, 255));
    case 8:
      return of_chars(random, kHexChars, 8) + "-" + of_chars(random, kHexChars, 4) + "-4" +
             of_chars(random, kHexChars, 3) + "-a" + of_chars(random, kHexChars, 3) + "-" +
             of_chars(random, kHexChars, 12);
    case 9:
      return "commit " + of_chars(random, kHexChars, 40);
    case 10:
      return "max_tokens: 4096, token_count=123456789012";
    case 11:
      return "password: required, password=" + std::string(8, '*') + ", the password is wrong";
    case 12:
      return "api_key: ${OPENAI_API_KEY}, api_key=os.environ[\"KEY_2\"], key: value";
    case 13:
      return "timestamp 17" + digits(11) + ", amount " + digits(5) + "." + digits(2) + " EUR";
    case 14:
      return "https://example.com/a/" + digits(8) + "?page=" + digits(2) + "#part-3";
    case 15:
      return "sk-learn-pipeline-with-many-steps and task-force-one-two-three";
    case 16:
      return random.pick(kOrders) + digits(3) + "-" + digits(7);
    case 17:
      return "ISBN 978-3-16-" + digits(6) + "-0, version 10." + digits(4) + "." + digits(4);
    case 18:
      return "1,234,567.89 and 0.4111111111111111 and 3.14159265358979";
    default:
      return "bearer of good news, basic understanding, -----BEGIN PUBLIC KEY-----";
  }
}

// `n` values among about as many near misses, in sentences of several languages.
inline Planted planted(uint64_t seed, int n) {
  static const std::vector<std::string> kSentences = {"Please look at ", "Bitte prüfen: ", "Données: ", "He wrote ",
                                                      "値は ",           "\n- ",           "\t"};
  static const std::vector<std::string> kEnds = {". ", ", thanks\n", "\n", " ; ", ")\n", " — ok. "};
  Random random(seed);
  Planted made;
  for (int i = 0; i < n; ++i) {
    if (random.chance(0.5))
      made.text += random.pick(kSentences) + made_near_miss(random) + random.pick(kEnds) +
                   "Next line of the letter, without anything.\n";
    std::string before, after, value;
    const auto kind = static_cast<PrivateKind>(i % static_cast<int>(kPrivateKinds));
    switch (kind) {
      case PrivateKind::kSecret:
        value = made_secret(random, before, after);
        break;
      case PrivateKind::kEmail:
        value = made_email(random);
        break;
      case PrivateKind::kPhone:
        value = made_phone(random, before);
        break;
      case PrivateKind::kIban:
        value = made_iban(random, true);
        break;
      case PrivateKind::kCard:
        before = random.chance(0.5) ? "Visa " : "";
        value = made_card(random);
        break;
    }
    made.text += random.pick(kSentences) + before;
    made.values.push_back({made.text.size(), made.text.size() + value.size(), kind});
    made.text += value + after + (before.ends_with('"') ? "\"" : "") + random.pick(kEnds) +
                 "And so the letter goes on, for one more line.\n";
  }
  return made;
}

}  // namespace understudy::testing
