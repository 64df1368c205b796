#include "privacy/redaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "base/json.h"
#include "base/utf8.h"
#include "tests/privacy/planted.h"
#include "tests/support/fuzz_count.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string redacted(std::string_view text, std::string_view label = {}) {
  return Redactor(PrivateKindSet::all()).redact(text, label);
}

TEST(FindPrivate, FindsPlantedValuesAndLeavesNearMisses) {
  const testing::Planted made = testing::planted(2026, 1000);
  const std::vector<PrivateFinding> found = find_private(made.text, PrivateKindSet::all());
  std::array<int, kPrivateKinds> missed{}, wrong{};
  size_t right = 0;
  for (const PrivateFinding& value : made.values) {
    const bool is_found = std::find(found.begin(), found.end(), value) != found.end();
    right += is_found ? 1 : 0;
    missed[static_cast<size_t>(value.kind)] += is_found ? 0 : 1;
    if (!is_found)
      std::printf("missed: %s\n", made.text.substr(value.begin - 20, value.end - value.begin + 40).c_str());
  }
  for (const PrivateFinding& finding : found) {
    if (std::find(made.values.begin(), made.values.end(), finding) != made.values.end()) continue;
    ++wrong[static_cast<size_t>(finding.kind)];
    std::printf("wrong %s: %s\n", std::string(to_string(finding.kind)).c_str(),
                made.text.substr(finding.begin - std::min<size_t>(finding.begin, 30), finding.end - finding.begin + 40)
                    .c_str());
  }
  const double recall = static_cast<double>(right) / static_cast<double>(made.values.size());
  const double precision = static_cast<double>(right) / static_cast<double>(found.size());
  for (size_t kind = 0; kind < kPrivateKinds; ++kind) {
    std::printf("%-6s missed %d of 200, wrong %d\n", std::string(to_string(static_cast<PrivateKind>(kind))).c_str(),
                missed[kind], wrong[kind]);
  }
  std::printf("recall %.4f, precision %.4f of %zu planted values\n", recall, precision, made.values.size());
  EXPECT_GE(recall, 0.99);
  EXPECT_GE(precision, 0.95);
}

TEST(FindPrivate, Secrets) {
  EXPECT_EQ(redacted("use sk-abcdEFGH1234ijklMNOP5678 now"), "use [secret-1] now");
  EXPECT_EQ(redacted("Authorization: Bearer a1B2c3D4e5F6g7H8i9"), "Authorization: Bearer [secret-1]");
  EXPECT_EQ(redacted("x-api-key: a1B2c3D4e5F6g7H8i9"), "x-api-key: [secret-1]");
  EXPECT_EQ(redacted("redis://default:hunter2@cache:6379"), "redis://default:[secret-1]@cache:6379");
  EXPECT_EQ(redacted("https://x.de/?token=a1B2c3D4e5F6g7H8i9&page=2"), "https://x.de/?token=[secret-1]&page=2");
  EXPECT_EQ(redacted("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r"), "[secret-1]");
  EXPECT_EQ(redacted("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1"), "[secret-1]") << "a block that is cut off";
  EXPECT_EQ(redacted("a1B2c3D4e5F6g7H8i9", "api_key"), "[secret-1]");
  EXPECT_EQ(redacted("hunter2", "password"), "[secret-1]");
  EXPECT_EQ(redacted("a1B2c3D4e5F6g7H8i9", "id"), "a1B2c3D4e5F6g7H8i9");
  for (const char* text :
       {"password: ********", "token: <your token>", "redis://user:$PASSWORD@cache", "max_tokens=4096",
        "-----BEGIN CERTIFICATE-----\nMIIB", "api_key = env:OPENAI_API_KEY_2", "key: the-first-of-many-2024",
        "sk-learn-is-a-library-for-python", "public_key=a1B2c3D4e5F6g7H8i9"}) {
    EXPECT_EQ(redacted(text), text);
  }
}

TEST(FindPrivate, Emails) {
  EXPECT_EQ(redacted("<a.b+c@example.co.uk>, mailto:x@y.de."), "<[email-1]>, mailto:[email-2].");
  EXPECT_EQ(redacted("to=søren@münchen.de"), "to=[email-1]");
  for (const char* text : {"@handle", "user@host", "a@b..com", "react@18.2.0", "icon@2x.png", "git@github.com:a/b",
                           "a @ b.com", "x.@y.de", "https://me@host.de/"}) {
    EXPECT_EQ(redacted(text), text);
  }
}

TEST(FindPrivate, Phones) {
  EXPECT_EQ(redacted("+49 (0)30 1234567 or +14155550123"), "[phone-1] or [phone-2]");
  EXPECT_EQ(redacted("Tel.: 030/1234567"), "Tel.: [phone-1]");
  EXPECT_EQ(redacted("0301234567", "phone_number"), "[phone-1]");
  EXPECT_EQ(redacted("0301234567", "customerPhone"), "[phone-1]");
  EXPECT_EQ(redacted("0049 30 1234567 89"), "[phone-1]");
  EXPECT_EQ(redacted("(212) 555-0123"), "[phone-1]");
  for (const char* text : {"0301234567", "order 212-555-0123", "call on 2024-01-15", "phone 192.168.100.200",
                           "1+1234567", "call 12345", "tel 12345678901234567", "555-0123"}) {
    EXPECT_EQ(redacted(text), text);
  }
  EXPECT_EQ(redacted("0301234567", "text"), "0301234567") << "a part of a message is no text message";
}

TEST(FindPrivate, Ibans) {
  EXPECT_EQ(redacted("DE89 3704 0044 0532 0130 00, GB82WEST12345698765432"), "[iban-1], [iban-2]");
  EXPECT_EQ(redacted("iban:de89370400440532013000!"), "iban:[iban-1]!");
  for (const char* text : {"DE88370400440532013000", "DE893704004405320130001", "XDE89370400440532013000",
                           "ZZ89370400440532013000", "DE8937040044053201300", "DE89 3704  0044 0532 0130 00"}) {
    EXPECT_EQ(redacted(text), text);
  }
}

TEST(FindPrivate, Cards) {
  EXPECT_EQ(redacted("4111 1111 1111 1111 and 3782-822463-10005"), "[card-1] and [card-2]");
  EXPECT_EQ(redacted("order 7: paid with card 4111111111111111"), "order 7: paid with card [card-1]");
  EXPECT_EQ(redacted("4111111111111111", "card_number"), "[card-1]");
  for (const char* text : {"4111111111111112", "order 4111111111111111", "0.4111111111111111", "41111111111111110000",
                           "4111 1111-1111 1111", "x4111111111111111", "9111111111111111"}) {
    EXPECT_EQ(redacted(text), text);
  }
  EXPECT_EQ(redacted("4111111111111111", "order_id"), "4111111111111111");
}

TEST(Redactor, OnlyTheKindsThatWereAskedFor) {
  Redactor redactor({PrivateKind::kCard});
  EXPECT_EQ(redactor.redact("a@b.de 4111111111111111"), "a@b.de [card-1]");
  Redactor none{PrivateKindSet()};
  EXPECT_EQ(none.redact_body("{\"a\":\"a@b.de\"}"), "{\"a\":\"a@b.de\"}");
  EXPECT_EQ(private_kind_from("iban"), PrivateKind::kIban);
  EXPECT_EQ(private_kind_from("name"), std::nullopt);
}

TEST(Redactor, TheSameValueHasTheSamePlaceholder) {
  Redactor redactor(PrivateKindSet::all());
  EXPECT_EQ(redactor.redact_body(R"({"q":"Card 4111 1111 1111 1111 of ann@x.de, bob@x.de"})"),
            R"({"q":"Card [card-1] of [email-1], [email-2]"})");
  EXPECT_EQ(redactor.redact_body(R"({"a":"bob@x.de pays with 4111-1111-1111-1111, Ann@X.de"})"),
            R"({"a":"[email-2] pays with [card-1], [email-1]"})");
  EXPECT_EQ(redactor.redact("+49 30 1234567, 0049 30 1234567"), "[phone-1], [phone-1]");
  EXPECT_EQ(redactor.redact("DE89370400440532013000 DE89 3704 0044 0532 0130 00"), "[iban-1] [iban-1]");
  EXPECT_EQ(redactor.redact("[card-1] [email-2]"), "[card-1] [email-2]") << "placeholders stay what they are";
  EXPECT_EQ(redactor.replaced(), 10);
}

TEST(Redactor, ABodyStaysJson) {
  Redactor redactor(PrivateKindSet::all());
  EXPECT_EQ(redactor.redact_body(R"( {"ann@x.de" : [1e5, 4111111111111111, "\n4111111111111111 \u00e9\"", true]} )"),
            R"( {"[email-1]" : [1e5, 4111111111111111, "\n[card-1] \u00e9\"", true]} )")
      << "numbers, spaces and escapes are as they were";
  EXPECT_EQ(redactor.redact_body(R"({"a":"\u0061nn@x.d\u0065"})"), R"({"a":"[email-1]"})") << "escaped, it is the same";
  EXPECT_EQ(redactor.redact_body(R"({"arguments":"{\"card\":4111111111111111,\"to\":\"ann@x.de\"}"})"),
            R"({"arguments":"{\"card\":4111111111111111,\"to\":\"[email-1]\"}"})")
      << "JSON in a string of JSON stays JSON too";
  EXPECT_EQ(redactor.redact_body(R"({"api_key":"a1B2c3D4e5F6g7H8i9","phone":"0301234567"})"),
            R"({"api_key":"[secret-1]","phone":"[phone-1]"})");
  EXPECT_EQ(redactor.redact_body(R"({"a":"ann@x.de")"), R"({"a":"[email-1]")") << "a body that was cut off is a text";
  EXPECT_EQ(redactor.redact_body("ann@x.de \xff\xfe"), "[email-1] \xff\xfe");
}

TEST(Redactor, MutationsStayJsonAndUtf8) {
  Random random(5);
  for (int i = 0; i < testing::fuzz_count(300); ++i) {
    const std::string text = testing::mutated(testing::planted(static_cast<uint64_t>(i), 5).text, random);
    Redactor redactor(PrivateKindSet::all());
    EXPECT_TRUE(!is_valid_utf8(text) || is_valid_utf8(redactor.redact(text))) << "seed " << i;
    const std::string inner = dump_json(Json{{"note", text}});
    const std::string body = testing::mutated(dump_json(Json{{"content", text}, {"arguments", inner}}), random);
    const bool was_json = try_parse_json(body).has_value();
    const std::string after = redactor.redact_body(body);
    EXPECT_TRUE(!was_json || try_parse_json(after)) << "seed " << i << "\n" << body << "\n" << after;
  }
}

// Texts that make a scanner which looks back or ahead without a limit run for hours.
TEST(FindPrivate, HostileTextsAreReadInOneGo) {
  for (const std::string piece : {"@",           "a@",    "+",       "((",     "1",
                                  "1 ",          "1-",    "DE89",    "DE89 ",  "eyJ.",
                                  "eyJ.eyJ",     "://a:", "key=",    "key:::", "-----BEGIN PRIVATE KEY",
                                  "-----BEGIN ", "sk-",   "bearer ", "a.",     "a@b.",
                                  "4111 ",       "{",     "[\"",     "\\",     "\""}) {
    std::string text;
    while (text.size() < 200'000) text += piece;
    Redactor redactor(PrivateKindSet::all());
    EXPECT_FALSE(redactor.redact(text).empty());
    EXPECT_FALSE(redactor.redact_body(dump_json(Json{{"a", text}})).empty());
  }
}

}  // namespace
}  // namespace understudy
