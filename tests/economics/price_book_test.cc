#include "economics/price_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "base/timestamp.h"
#include "tests/support/fuzz_count.h"

namespace understudy {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kBook = R"(
- {vendor: openai, model: gpt-5, from: 2025-08-07, input: 1.25, cached_input: 0.125, output: 10.00, batch: 50%}
- {vendor: openai, model: gpt-5, from: 2026-01-01, input: 1, cached_input: 0.1, output: 8}
- {vendor: openai, model: gpt-5-mini, from: 2025-08-07, input: 0.25, output: 2}
- {vendor: openai, model: "gpt-*", from: 2025-01-01, input: 3, output: 4, reasoning: 5}
- {vendor: example, model: banded, from: 2026-01-01, bands: [{up_to: 200k, input: 1.25, output: 10}, {input: 2.50, output: 15}]}
- {vendor: anthropic, model: claude, from: 2025-11-24, input: 5, cached_input: 0.5, cache_write: 6.25, cache_write_1h: 10, output: 25}
- {vendor: euro, model: m, from: 2025-01-01, input: 1, output: 1, currency: EUR}
)";

PriceBook book_of(std::string_view text) {
  return PriceBook::read(ConfigNode::parse(text, "prices.yml"));
}

int64_t day(std::string_view text) {
  return *parse_utc(text);
}

std::string error_of(std::string_view text) {
  try {
    book_of(text);
  } catch (const Error& error) {
    return error.message() + "; " + error.hint();
  }
  return "read";
}

std::string cost(const PriceBook& book, std::string_view vendor, std::string_view model, std::string_view at,
                 const Usage& usage) {
  const std::optional<Price> price = book.price(vendor, model, day(at), usage);
  return price ? price->cost.decimal() : "unknown";
}

TEST(PriceBook, PricesEveryComponentOnItsOwn) {
  const PriceBook book = book_of(kBook);
  EXPECT_EQ(cost(book, "openai", "gpt-5", "2025-09-01", {.input = 1'000'000}), "1.25");
  EXPECT_EQ(cost(book, "openai", "gpt-5", "2025-09-01", {.cached_input = 1'000'000}), "0.125");
  EXPECT_EQ(cost(book, "openai", "gpt-5", "2025-09-01", {.output = 1000, .reasoning = 2000}), "0.03");
  const Usage all{.input = 100, .cached_input = 1000, .cache_write = 200, .cache_write_1h = 300, .output = 50};
  // 100 · 5 + 1000 · 0.5 + 200 · 6.25 + 300 · 10 + 50 · 25 millionths
  EXPECT_EQ(cost(book, "anthropic", "claude", "2026-01-01", all), "0.0065");
}

TEST(PriceBook, RoundsEachComponentHalfUpToNanoDollars) {
  const PriceBook book =
      book_of("- {vendor: v, model: m, from: 2025-01-01, input: 0.0005, output: 0.0004, reasoning: 0.0005}");
  // 500 pico-dollars are one nano-dollar, 400 none; two components of 500 are two, not one.
  EXPECT_EQ(cost(book, "v", "m", "2025-01-01", {.input = 1}), "0.000000001");
  EXPECT_EQ(cost(book, "v", "m", "2025-01-01", {.output = 1}), "0.00");
  EXPECT_EQ(cost(book, "v", "m", "2025-01-01", {.input = 1, .reasoning = 1}), "0.000000002");
}

TEST(PriceBook, UnknownIsNeverNothing) {
  const PriceBook book = book_of(kBook);
  EXPECT_EQ(cost(book, "openai", "o9", "2026-01-01", {.input = 1}), "unknown");
  EXPECT_EQ(cost(book, "nobody", "gpt-5", "2026-01-01", {.input = 1}), "unknown");
  EXPECT_EQ(cost(book, "openai", "gpt-5", "2024-12-31", {.input = 1}), "unknown") << "no row is in effect yet";
  EXPECT_EQ(cost(book, "openai", "gpt-5-mini", "2026-01-01", {.cached_input = 1}), "unknown");
  EXPECT_EQ(cost(book, "openai", "gpt-5", "2026-01-01", {.cache_write = 1}), "unknown");
  EXPECT_EQ(cost(book, "euro", "m", "2026-01-01", {.input = 1}), "unknown");
}

TEST(PriceBook, TheLatestRowOfTheLongestNameHolds) {
  const PriceBook book = book_of(kBook);
  const auto version = [&](std::string_view model, std::string_view at) {
    const PriceRow* row = book.row("openai", model, day(at));
    return row == nullptr ? "" : row->version;
  };
  EXPECT_THAT(version("gpt-5", "2025-12-31T23:59:59.999Z"), StartsWith("openai/gpt-5@2025-08-07#"));
  EXPECT_THAT(version("gpt-5", "2026-01-01"), StartsWith("openai/gpt-5@2026-01-01#"));
  EXPECT_THAT(version("gpt-5", "2025-02-01"), StartsWith("openai/gpt-*@2025-01-01#"));
  EXPECT_THAT(version("gpt-7", "2026-02-01"), StartsWith("openai/gpt-*@2025-01-01#"));
  EXPECT_EQ(version("gpt-5", "2024-12-31"), "");
}

TEST(PriceBook, ABandHoldsUpToItsEndCachedTokensIncluded) {
  const PriceBook book = book_of(kBook);
  EXPECT_EQ(cost(book, "example", "banded", "2026-02-01", {.input = 200'000}), "0.25");
  EXPECT_EQ(cost(book, "example", "banded", "2026-02-01", {.input = 200'001}), "0.5000025");
  const PriceBook cached = book_of(
      "- {vendor: v, model: m, from: 2025-01-01, bands: [{up_to: 10, input: 1, cached_input: 1}, {input: 2, "
      "cached_input: 2}]}");
  EXPECT_EQ(cost(cached, "v", "m", "2025-01-01", {.input = 5, .cached_input = 6}), "0.000022");
}

TEST(PriceBook, OwnMachinesCostNothingByTheTokenUnlessARowSaysElse) {
  EXPECT_EQ(cost(book_of(kBook), "understudy", "invoices-v7", "2026-01-01", {.input = 500, .output = 20}), "0.00");
  const PriceBook said =
      book_of("- {vendor: understudy, model: invoices-v7, from: 2025-01-01, input: 0.1, output: 0.1}");
  EXPECT_EQ(cost(said, "understudy", "invoices-v7", "2026-01-01", {.input = 500, .output = 500}), "0.0001");
  EXPECT_EQ(cost(said, "understudy", "other", "2026-01-01", {.input = 500}), "unknown");
}

TEST(PriceBook, AVersionIsTheRowsContent) {
  const std::string row = "- {vendor: v, model: m, from: 2025-01-01, input: 1, output: 2}";
  const std::string changed = "- {vendor: v, model: m, from: 2025-01-01, input: 1, output: 3}";
  EXPECT_EQ(book_of(row).rows()[0].version,
            book_of(row + "\n- {vendor: w, model: m, from: 2025-01-01, input: 1}").rows()[0].version);
  EXPECT_NE(book_of(row).rows()[0].version, book_of(changed).rows()[0].version);
}

TEST(PriceBook, RefusesWhatItDoesNotUnderstandWithLineAndKey) {
  EXPECT_THAT(error_of("- {vendor: v, model: m, from: 2025-01-01, input: 1}\n- {vendor: v, model: n, from: 2025-01-01, "
                       "cache_input: 1}"),
              AllOf(HasSubstr("prices.yml:2"), HasSubstr("cached_input")));
  EXPECT_THAT(error_of("- {vendor: v, model: m, input: 1}"), HasSubstr("the key from is missing"));
  EXPECT_THAT(error_of("- {vendor: v, model: m, from: soon, input: 1}"), HasSubstr("expected a day such as"));
  EXPECT_THAT(error_of("- {vendor: v, model: m, from: 2025-02-30, input: 1}"), HasSubstr("expected a day such as"));
  EXPECT_THAT(error_of("- {vendor: v, model: m, from: 2025-01-01}"), HasSubstr("expected a price"));
  EXPECT_THAT(error_of("- {vendor: v, model: m, from: 2025-01-01, input: -1}"), HasSubstr("0 or more"));
  EXPECT_THAT(error_of("- {vendor: v, model: m, from: 2025-01-01, input: 0.0000001}"),
              HasSubstr("finer than a pico-dollar"));
  EXPECT_THAT(error_of("- {vendor: v, model: \"a*b\", from: 2025-01-01, input: 1}"), HasSubstr("at the end of a name"));
  EXPECT_THAT(error_of("- {vendor: v, model: m, from: 2025-01-01, input: 1, currency: euros}"),
              HasSubstr("currency such as USD"));
  EXPECT_THAT(error_of("- {vendor: v, model: m, from: 2025-01-01, input: 1, bands: [{input: 1}]}"),
              HasSubstr("beside bands"));
  EXPECT_THAT(error_of("- {vendor: v, model: m, from: 2025-01-01, bands: [{input: 1}, {input: 2}]}"),
              HasSubstr("up_to is missing"));
  EXPECT_THAT(error_of("- {vendor: v, model: m, from: 2025-01-01, bands: [{up_to: 5, input: 1}]}"),
              HasSubstr("last band"));
  EXPECT_THAT(error_of("- {vendor: v, model: m, from: 2025-01-01, input: 1}\n- {vendor: v, model: [n, m], from: "
                       "2025-01-01, input: 2}"),
              AllOf(HasSubstr("prices.yml:2"), HasSubstr("v/m has a price from this day on already (prices.yml:1")));
  EXPECT_THAT(error_of("vendor: v"), HasSubstr("expected a list"));
}

TEST(PriceBook, TheShippedBookHasTheMainModels) {
  const PriceBook book = PriceBook::shipped();
  EXPECT_GT(book.rows().size(), 40U);
  EXPECT_EQ(cost(book, "openai", "gpt-5", "2026-11-25", {.input = 2400, .output = 220}), "0.0052");
  EXPECT_EQ(cost(book, "anthropic", "claude-opus-4-5", "2026-11-25", {.cache_write = 1'000'000}), "6.25");
  EXPECT_EQ(cost(book, "gemini", "gemini-2.5-pro", "2026-11-25", {.input = 300'000}), "0.75");
  EXPECT_EQ(cost(book, "groq", "llama-3.1-8b-instant", "2026-11-25", {.output = 1'000'000}), "0.08");
  for (const PriceRow& row : book.rows()) {
    EXPECT_TRUE(row.bands.front().input) << row.version;
    const bool sells_batches = row.vendor == "openai" || row.vendor == "anthropic";
    EXPECT_TRUE(row.batch || !sells_batches) << row.version;
  }
}

TEST(PriceBook, ChangedBytesAreReadOrRefused) {
  Random random(7);
  for (int i = testing::fuzz_count(300); i > 0; --i) {
    const std::string text = testing::mutated(kBook, random);
    try {
      const PriceBook book = book_of(text);
      book.price("openai", "gpt-5", day("2026-02-01"), {.input = 10, .output = 10});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidInput) << text;
    }
  }
}

}  // namespace
}  // namespace understudy
