// What a token costs, by vendor, model and date: rows of prices.yml (or of the book that ships with the program).
// Unknown is unknown, never 0. Immutable; a change is a new book, and re-pricing an exchange with the same book gives the
// same figure to the nano-dollar.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.h"
#include "chat/conversation.h"

namespace understudy {

struct TokenPrices {
  std::optional<int64_t> up_to;  // prompt tokens up to which the band holds, inclusive; nothing: the last band
  std::optional<TokenPrice> input, cached_input, cache_write, cache_write_1h, output, reasoning;
  bool operator==(const TokenPrices&) const = default;
};

struct PriceRow {
  std::string vendor;
  std::string model;      // whole, or with one '*' at its end
  int64_t from_ms = 0;    // effective from this instant (a day's begin, UTC)
  std::vector<TokenPrices> bands;
  std::optional<double> batch;  // share of the price that a batch call pays: 0.5
  std::string currency = "USD";
  std::string version;    // "openai/gpt-5@2025-08-07#<first digits of the row's hash>"
  bool operator==(const PriceRow&) const = default;
};

struct Price {
  Money cost;
  std::string version;  // of the row
};

class PriceBook {  // immutable
 public:
  static PriceBook read_file(const std::filesystem::path& path);  // throws kInvalidInput with file, line and field
  static PriceBook shipped();                                     // data/prices.yml, compiled in

  // The row of the longest matching name whose `from` is the latest not after `at_ms`.
  const PriceRow* row(std::string_view vendor, std::string_view model, int64_t at_ms) const;
  // Each component rounded half up to nano-dollars on its own, so that sums agree with an invoice's lines. Nothing where
  // there is no row, where a component that was used has no price (reasoning falls back to output, cached input and cache
  // writes do not fall back), or where the row's currency is not USD.
  std::optional<Price> price(std::string_view vendor, std::string_view model, int64_t at_ms, const Usage& usage) const;

  const std::vector<PriceRow>& rows() const { return rows_; }

 private:
  std::vector<PriceRow> rows_;
};

}  // namespace understudy
