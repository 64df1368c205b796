#include "records/exchange_bytes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "tests/records/made_exchange.h"
#include "tests/support/fuzz_count.h"

namespace understudy {
namespace {

TEST(ExchangeBytes, EveryByteComesBack) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    const Exchange exchange = testing::made_exchange(seed, true);
    EXPECT_EQ(exchange_from_bytes(to_bytes(exchange)), exchange) << "seed " << seed;
    const PackedExchange packed = pack(exchange);
    EXPECT_EQ(unpack(packed.head, packed.bodies), exchange) << "seed " << seed;
  }
}

TEST(ExchangeBytes, ExtremesComeBack) {
  Exchange exchange;
  exchange.at_ms = INT64_MIN;
  exchange.cost = Money::nano_dollars(INT64_MAX);
  exchange.usage.input = INT64_MAX;
  exchange.status = INT32_MIN;
  exchange.total_ms = -0.0;
  exchange.first_token_ms = 0.0;
  const Exchange back = exchange_from_bytes(to_bytes(exchange));
  EXPECT_EQ(back, exchange);
  EXPECT_TRUE(std::signbit(back.total_ms));
  exchange.cost = Money();
  exchange.sampled = false;
  exchange.attempts.resize(2);
  EXPECT_EQ(exchange_from_bytes(to_bytes(exchange)), exchange);
}

TEST(ExchangeBytes, TheHeadAloneHasEverythingButBodies) {
  Exchange exchange = testing::made_exchange(3, true);
  exchange.attempts.resize(2);
  exchange.attempts[1].answer = "held back";
  const PackedExchange packed = pack(exchange);
  exchange.request.clear();
  exchange.answer.clear();
  for (ExchangeAttempt& attempt : exchange.attempts) attempt.answer.clear();
  EXPECT_EQ(unpack(packed.head, ""), exchange);
  EXPECT_EQ(pack(exchange).bodies, "");
}

TEST(ExchangeBytes, WhatANewerVersionAddsIsPassedOver) {
  const Exchange exchange = testing::made_exchange(5, true);
  const PackedExchange packed = pack(exchange);
  EXPECT_EQ(unpack(packed.head + "\x7F\x03new", packed.bodies), exchange);
}

TEST(ExchangeBytes, DamageIsRefused) {
  const std::string bytes = to_bytes(testing::made_exchange(6, true));
  EXPECT_THROW(exchange_from_bytes(""), Error);
  EXPECT_THROW(exchange_from_bytes("\xFF"), Error);
  EXPECT_THROW(exchange_from_bytes(std::string_view(bytes).substr(0, bytes.size() / 2)), Error);
  EXPECT_THROW(unpack("\x04\x01\x40", ""), Error) << "protocol 32";
  EXPECT_THROW(unpack("\x13\x03"
                      "abc",
                      ""),
               Error)
      << "a double of three bytes";
  EXPECT_THROW(unpack("\x0c\x06\xff\xff\xff\xff\xff\x0f", ""), Error) << "a status of 40 bits";
  EXPECT_THROW(unpack("", "\x03\x01x"), Error) << "an attempt's answer without the attempt";
}

TEST(ExchangeBytes, MutationsAreReadOrRefused) {
  Random random(11);
  for (int i = 0; i < testing::fuzz_count(500); ++i) {
    const std::string bytes =
        testing::mutated(to_bytes(testing::made_exchange(static_cast<uint64_t>(i), true)), random);
    try {
      const Exchange exchange = exchange_from_bytes(bytes);
      EXPECT_EQ(to_bytes(exchange_from_bytes(to_bytes(exchange))), to_bytes(exchange)) << "mutation " << i;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidInput) << "mutation " << i;
    }
  }
}

}  // namespace
}  // namespace understudy
