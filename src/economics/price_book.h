// What a token costs, by vendor, model and date: rows of prices.yml (or of the book that ships with the program).
// Unknown is unknown, never 0. Immutable; a change is a new book, and re-pricing an exchange with the same book gives
// the same figure to the nano-dollar.
//
//   - {vendor: openai, model: gpt-5, from: 2025-08-07, input: 1.25, cached_input: 0.125, output: 10.00, batch: 50%}
//   - {vendor: example, model: [m, m-latest], from: 2026-01-01, bands: [{up_to: 200k, input: 1, output: 8}, {input: 2,
//   output: 9}]}
//
// Money is per million tokens. `model` is one name or several that cost the same, each whole or with one '*' at its
// end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/config_node.h"
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
  std::string model;    // whole, or with one '*' at its end
  int64_t from_ms = 0;  // effective from this instant (a day's begin, UTC)
  std::vector<TokenPrices> bands;
  std::optional<double> batch;  // share of the price that a batch call pays: 0.5
  std::string currency = "USD";
  std::string version;  // "openai/gpt-5@2025-08-07#<first digits of the row's hash>"
  bool operator==(const PriceRow&) const = default;

  // The band of a prompt of that many tokens, cached ones included.
  const TokenPrices& band_for(int64_t prompt_tokens) const;
};

struct Price {
  Money cost;
  std::string version;  // of the row
};

// The sum of the components, each rounded half up to nano-dollars on its own, so that sums agree with an invoice's
// lines. Nothing where a component that was used has no price: reasoning falls back to output, cached input and cache
// writes do not fall back.
std::optional<Money> cost_of(const Usage& usage, const TokenPrices& prices);

class PriceBook {  // immutable
 public:
  // A book without rows of the vendor "understudy" gets one that says 0 for every model: an own machine is not paid by
  // the token. What it costs by the hour belongs to the sum of `understudy cost`; a row of one's own overrules this.
  static PriceBook read_file(const std::filesystem::path& path);  // throws kInvalidInput with file, line and field
  static PriceBook read(const ConfigNode& node);                  // the same of a list read already
  static PriceBook shipped();                                     // data/prices.yml, compiled in

  // Of the rows of matching name whose `from` is not after `at_ms`, those of the longest name, and of them the latest.
  const PriceRow* row(std::string_view vendor, std::string_view model, int64_t at_ms) const;
  // Nothing where there is no row, where the row's currency is not USD, and as cost_of().
  std::optional<Price> price(std::string_view vendor, std::string_view model, int64_t at_ms, const Usage& usage) const;

  const std::vector<PriceRow>& rows() const { return rows_; }

 private:
  std::vector<PriceRow> rows_;
};

// The text of data/prices.yml; in a source that the build makes of it.
std::string_view shipped_prices();

}  // namespace understudy
