#include "gateway/api/keyring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/hash.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kKey = "usk-very-secret";

VirtualKey billing() {
  VirtualKey key;
  key.name = "billing";
  key.sha256 = sha256_hex(kKey);
  key.tags = {{"team", "billing"}};
  key.expires_ms = 1000;
  return key;
}

HttpRequest request_with(std::string header, std::string value) {
  HttpRequest http;
  http.peer = "10.0.0.9";
  if (!header.empty()) http.headers.emplace_back(std::move(header), std::move(value));
  return http;
}

std::string refusal(const Keyring& keyring, const HttpRequest& http, int64_t now_ms = 0) {
  try {
    (void)keyring.identify(http, now_ms);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnauthorized);
    EXPECT_EQ(error.reason(), "invalid_api_key");
    return error.message() + error.hint();
  }
  return "";
}

TEST(KeyringTest, TakesTheKeyInEachProtocolsHeader) {
  const Keyring keyring({billing()});
  for (const auto& [header, value] :
       std::vector<std::pair<std::string, std::string>>{{"Authorization", "Bearer " + std::string(kKey)},
                                                        {"authorization", "bearer " + std::string(kKey)},
                                                        {"X-Api-Key", std::string(kKey)},
                                                        {"x-goog-api-key", std::string(kKey)}}) {
    EXPECT_EQ(keyring.identify(request_with(header, value), 0).key, "billing") << header;
  }
}

TEST(KeyringTest, RefusesWithoutRepeatingTheKey) {
  const Keyring keyring({billing()});
  const std::string unknown = refusal(keyring, request_with("Authorization", "Bearer usk-other"));
  EXPECT_THAT(unknown, HasSubstr("none of this gateway's"));
  EXPECT_THAT(unknown, Not(HasSubstr("usk-other")));
  EXPECT_THAT(refusal(keyring, request_with("", "")), HasSubstr("no key"));
  EXPECT_THAT(refusal(keyring, request_with("Authorization", "Basic abc")), HasSubstr("no key"));
}

TEST(KeyringTest, AKeyEndsWithItsLastDay) {
  const Keyring keyring({billing()});
  const HttpRequest http = request_with("x-api-key", std::string(kKey));
  EXPECT_EQ(keyring.identify(http, 999).key, "billing");
  EXPECT_THAT(refusal(keyring, http, 1000), HasSubstr("billing has expired"));
}

TEST(KeyringTest, WithoutKeysOnlyThisMachineIsServed) {
  const Keyring keyring({});
  HttpRequest http = request_with("", "");
  EXPECT_THAT(refusal(keyring, http), HasSubstr("its own machine only"));
  for (const char* peer : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
    http.peer = peer;
    EXPECT_EQ(keyring.identify(http, 0).key, "") << peer;
  }
  for (const char* peer : {"1.127.0.0", "::ffff:10.0.0.1", "fe80::1", ""}) {
    http.peer = peer;
    EXPECT_NE(refusal(keyring, http), "") << peer;
  }
}

TEST(KeyringTest, TagsOfTheKeyWinOverThoseOfHeaders) {
  const Keyring keyring({billing()});
  HttpRequest http = request_with("x-api-key", std::string(kKey));
  http.headers.emplace_back("X-Understudy-Tag-Team", "somebody else");
  http.headers.emplace_back("x-understudy-tag-Run", "Nightly");
  http.headers.emplace_back("X-Understudy-Task", "invoices");
  const Caller caller = keyring.identify(http, 0);
  EXPECT_EQ(caller.tags, (std::map<std::string, std::string>{{"team", "billing"}, {"run", "Nightly"}}));
  EXPECT_EQ(caller.task, "invoices");
}

TEST(KeyringTest, RefusesTooManyTags) {
  const Keyring keyring({});
  HttpRequest http = request_with("", "");
  http.peer = "127.0.0.1";
  for (int i = 0; i < 33; ++i) http.headers.emplace_back("X-Understudy-Tag-" + std::to_string(i), "x");
  EXPECT_THROW((void)keyring.identify(http, 0), Error);
}

TEST(KeyringTest, RefusesHashesThatAreNoneAndTwins) {
  VirtualKey odd = billing();
  odd.sha256 = "7F83";
  EXPECT_THROW(Keyring({odd}), Error);
  VirtualKey twin = billing();
  twin.name = "other";
  EXPECT_THROW(Keyring({billing(), twin}), Error);
}

}  // namespace
}  // namespace understudy
