#include "economics/price_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/config_fields.h"
#include "base/hash.h"
#include "base/timestamp.h"
#include "base/units.h"

namespace understudy {

// "1.25": money per million tokens, in the row's currency.
void read_value(const ConfigNode& node, TokenPrice& value) {
  Money money;
  read_value(node, money);
  if (money < Money()) throw node.error(fmt::format("expected 0 or more, got {}", money.decimal()));
  try {
    value = TokenPrice::per_million(money);
  } catch (const Error& error) {
    throw node.error(error.message(), "a price a million tokens has at most six decimals");
  }
}

namespace {

constexpr std::string_view kOwnMachines = "understudy";
constexpr size_t kHashDigits = 8;

// A row as the file writes it, before it is one for each of its names.
struct WrittenRow {
  std::string vendor;
  std::vector<std::string> models;
  std::optional<int64_t> from_ms;
  TokenPrices flat;
  std::vector<TokenPrices> bands;
  std::optional<Share> batch;
  std::string currency = "USD";
};

void read_up_to(const ConfigNode& node, TokenPrices& band) {
  Count tokens;
  read_value(node, tokens);
  if (tokens.value < 1) throw node.error("expected 1 token or more");
  band.up_to = tokens.value;
}

const Fields<TokenPrices>& band_fields() {
  static const Fields<TokenPrices> fields =
      Fields<TokenPrices>()
          .special("up_to", "prompt tokens up to which the band holds; the last band has none", read_up_to)
          .field("input", &TokenPrices::input, "price of a million prompt tokens")
          .field("cached_input", &TokenPrices::cached_input, "price of a million prompt tokens read from a cache")
          .field("cache_write", &TokenPrices::cache_write, "price of a million tokens written to a cache of minutes")
          .field("cache_write_1h", &TokenPrices::cache_write_1h,
                 "price of a million tokens written to a cache of an hour")
          .field("output", &TokenPrices::output, "price of a million output tokens")
          .field("reasoning", &TokenPrices::reasoning, "price of a million reasoning tokens (default: as output)");
  return fields;
}

}  // namespace

// A band of a row: found by Fields as the reader of a list's items.
void read_value(const ConfigNode& node, TokenPrices& value) {
  value = band_fields().read(node);
}

namespace {

void read_flat(const ConfigNode& node, std::optional<TokenPrice>& price) {
  TokenPrice value;
  read_value(node, value);
  price = value;
}

void read_from(const ConfigNode& node, WrittenRow& row) {
  const std::string text = node.as_text();
  row.from_ms = parse_utc(text);
  if (!row.from_ms) throw node.error(fmt::format("expected a day such as 2026-01-31 (UTC), got \"{}\"", text));
}

void check_name(const ConfigNode& node, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (name.empty()) throw node.error("expected a model's name");
    if (const size_t star = name.find('*'); star != std::string::npos && star + 1 != name.size())
      throw node.error(fmt::format("\"{}\": a * may stand at the end of a name only", name));
  }
}

void check_currency(const ConfigNode& node, const std::string& currency) {
  const bool three_letters = currency.size() == 3 &&
                             std::all_of(currency.begin(), currency.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!three_letters) throw node.error(fmt::format("expected a currency such as USD, got \"{}\"", currency));
}

Fields<WrittenRow> make_row_fields() {
  const auto flat = [](std::optional<TokenPrice> TokenPrices::*price) {
    return [price](const ConfigNode& node, WrittenRow& row) { read_flat(node, row.flat.*price); };
  };
  return Fields<WrittenRow>()
      .field("vendor", &WrittenRow::vendor, "a row of the vendor table: openai, anthropic, ...")
      .field("model", &WrittenRow::models,
             "the vendor's name of the model, or several; a * at the end stands for any rest", check_name)
      .special("from", "the first day of this price, UTC", read_from)
      .special("input", "price of a million prompt tokens", flat(&TokenPrices::input))
      .special("cached_input", "of those read from a cache", flat(&TokenPrices::cached_input))
      .special("cache_write", "of those written to a cache of minutes", flat(&TokenPrices::cache_write))
      .special("cache_write_1h", "of those written to a cache of an hour", flat(&TokenPrices::cache_write_1h))
      .special("output", "price of a million output tokens", flat(&TokenPrices::output))
      .special("reasoning", "price of a million reasoning tokens (default: as output)", flat(&TokenPrices::reasoning))
      .field("batch", &WrittenRow::batch, "share of the price that a batch call pays, such as 50%")
      .field("currency", &WrittenRow::currency, "default USD; a price in another currency is unknown", check_currency)
      .field("bands", &WrittenRow::bands, "prices by the prompt's length instead: up_to and the prices of each band");
}

const Fields<WrittenRow>& row_fields() {
  static const Fields<WrittenRow> fields = make_row_fields();
  return fields;
}

bool has_price(const TokenPrices& prices) {
  return prices.input || prices.cached_input || prices.cache_write || prices.cache_write_1h || prices.output ||
         prices.reasoning;
}

void check_bands(const ConfigNode& node, const std::vector<TokenPrices>& bands) {
  for (size_t i = 0; i < bands.size(); ++i) {
    const bool is_last = i + 1 == bands.size();
    if (!has_price(bands[i])) throw node.error(fmt::format("band {} has no price", i + 1));
    if (is_last && bands[i].up_to) throw node.error("the last band holds for every longer prompt: expected no up_to");
    if (!is_last && !bands[i].up_to) throw node.error(fmt::format("band {}: the key up_to is missing", i + 1));
    if (i > 0 && !is_last && *bands[i].up_to <= *bands[i - 1].up_to)
      throw node.error(fmt::format("band {}: expected up_to above {}", i + 1, *bands[i - 1].up_to));
  }
}

WrittenRow read_row(const ConfigNode& node) {
  WrittenRow row = row_fields().read(node);
  for (const std::string_view key : {"vendor", "model", "from"}) {
    if (node[key].is_null()) throw node.error(fmt::format("the key {} is missing", key));
  }
  if (row.bands.empty()) {
    if (!has_price(row.flat)) throw node.error("expected a price: input, output or bands");
    row.bands = {row.flat};
    return row;
  }
  if (has_price(row.flat)) throw node["bands"].error("the row has prices beside bands; expected one of both");
  check_bands(node["bands"], row.bands);
  return row;
}

std::string price_text(const std::optional<TokenPrice>& price) {
  return price ? fmt::format("{}", price->pico_per_token) : "-";
}

// Everything that a price depends on: two rows of one version price alike.
std::string digest_of(const PriceRow& row) {
  std::string text = fmt::format("{}\n{}\n{}\n{}\n", row.vendor, row.model, row.from_ms, row.currency);
  for (const TokenPrices& band : row.bands) {
    text += fmt::format("{} {} {} {} {} {} {}\n", band.up_to.value_or(0), price_text(band.input),
                        price_text(band.cached_input), price_text(band.cache_write), price_text(band.cache_write_1h),
                        price_text(band.output), price_text(band.reasoning));
  }
  return sha256_hex(text).substr(0, kHashDigits);
}

PriceRow row_for(const WrittenRow& written, const std::string& model) {
  PriceRow row{.vendor = written.vendor,
               .model = model,
               .from_ms = *written.from_ms,
               .bands = written.bands,
               .currency = written.currency};
  if (written.batch) row.batch = written.batch->value;
  row.version =
      fmt::format("{}/{}@{}#{}", row.vendor, row.model, format_utc(row.from_ms).substr(0, 10), digest_of(row));
  return row;
}

PriceRow own_machines() {
  const TokenPrice nothing;
  const TokenPrices prices{.input = nothing,
                           .cached_input = nothing,
                           .cache_write = nothing,
                           .cache_write_1h = nothing,
                           .output = nothing,
                           .reasoning = nothing};
  return row_for({.vendor = std::string(kOwnMachines), .from_ms = 0, .bands = {prices}}, "*");
}

bool matches(const PriceRow& row, std::string_view vendor, std::string_view model) {
  if (row.vendor != vendor) return false;
  if (row.model.back() != '*') return row.model == model;
  return model.starts_with(std::string_view(row.model).substr(0, row.model.size() - 1));
}

// A whole name is longer than a beginning of the same length.
size_t name_length(const PriceRow& row) {
  return row.model.size() * 2 - (row.model.back() == '*' ? 2 : 0);
}

// Adds what `tokens` of one component cost; false where they have no price.
bool add_component(int64_t tokens, const std::optional<TokenPrice>& price, Money& sum) {
  if (tokens == 0) return true;
  if (!price) return false;
  sum += price->of(tokens);
  return true;
}

}  // namespace

const TokenPrices& PriceRow::band_for(int64_t prompt_tokens) const {
  for (const TokenPrices& band : bands) {
    if (!band.up_to || prompt_tokens <= *band.up_to) return band;
  }
  return bands.back();
}

std::optional<Money> cost_of(const Usage& usage, const TokenPrices& prices) {
  Money sum;
  const bool is_known = add_component(usage.input, prices.input, sum) &&
                        add_component(usage.cached_input, prices.cached_input, sum) &&
                        add_component(usage.cache_write, prices.cache_write, sum) &&
                        add_component(usage.cache_write_1h, prices.cache_write_1h, sum) &&
                        add_component(usage.output, prices.output, sum) &&
                        add_component(usage.reasoning, prices.reasoning ? prices.reasoning : prices.output, sum);
  if (!is_known) return std::nullopt;
  return sum;
}

PriceBook PriceBook::read(const ConfigNode& node) {
  PriceBook book;
  std::map<std::tuple<std::string, std::string, int64_t>, std::string> seen;  // to where it stands
  bool has_own = false;
  for (const ConfigNode& item : node.items()) {
    const WrittenRow written = read_row(item);
    has_own |= written.vendor == kOwnMachines;
    for (const std::string& model : written.models) {
      const auto [other, is_new] = seen.emplace(std::tuple(written.vendor, model, *written.from_ms), item.where());
      if (!is_new) {
        throw item.error(
            fmt::format("{}/{} has a price from this day on already ({})", written.vendor, model, other->second));
      }
      book.rows_.push_back(row_for(written, model));
    }
  }
  if (!has_own) book.rows_.push_back(own_machines());
  return book;
}

PriceBook PriceBook::read_file(const std::filesystem::path& path) {
  return read(ConfigNode::read_file(path));
}

PriceBook PriceBook::shipped() {
  return read(ConfigNode::parse(shipped_prices(), "the shipped prices.yml"));
}

const PriceRow* PriceBook::row(std::string_view vendor, std::string_view model, int64_t at_ms) const {
  const PriceRow* best = nullptr;
  const auto rank = [](const PriceRow& row) { return std::pair(name_length(row), row.from_ms); };
  for (const PriceRow& row : rows_) {
    if (row.from_ms > at_ms || !matches(row, vendor, model)) continue;
    if (best == nullptr || rank(row) > rank(*best)) best = &row;
  }
  return best;
}

std::optional<Price> PriceBook::price(std::string_view vendor, std::string_view model, int64_t at_ms,
                                      const Usage& usage) const {
  const PriceRow* found = row(vendor, model, at_ms);
  if (found == nullptr || found->currency != "USD") return std::nullopt;
  const std::optional<Money> cost = cost_of(usage, found->band_for(usage.prompt_tokens()));
  if (!cost) return std::nullopt;
  return Price{*cost, found->version};
}

}  // namespace understudy
