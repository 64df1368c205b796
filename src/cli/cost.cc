// understudy cost: reads cost.yml and flags, runs the sum of economics/rent_versus_buy.h, prints table or JSON and
// draws the chart. With --from-traffic it reads gateway.yml and does economics/traffic_cost.h's sum on what was
// captured; `cost book` books a one-time cost there.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>

#include "base/environment.h"
#include "base/files.h"
#include "base/json.h"
#include "base/random.h"
#include "base/timestamp.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/traffic.h"
#include "display/svg_chart.h"
#include "display/table.h"
#include "economics/ledger.h"
#include "economics/rent_versus_buy.h"
#include "economics/traffic_cost.h"

namespace understudy::cli {

namespace {

struct Flags {
  std::string config;
  bool json = false;
  std::string svg;
  std::map<std::string, std::string> keys;  // key of cost.yml to what the command line says of it
  bool from_traffic = false;
  bool reprice = false;
  std::string since;
};

struct BookFlags {
  std::string config;
  std::string task, kind, amount, note;
};

std::string days(double count) {
  return count == std::floor(count) ? fmt::format("{:.0f} days", count) : fmt::format("{:.1f} days", count);
}

std::string break_even(const RentVersusBuy& result) {
  if (!result.break_even_requests_per_day) return "nowhere";
  return format_whole(static_cast<int64_t>(std::min(std::ceil(*result.break_even_requests_per_day), 9e18))) +
         " requests a day";
}

std::string table_text(const CostInput& input, const RentVersusBuy& result) {
  const TableStyle style{.width = terminal_width(1), .color = wants_color(1)};
  Table costs({{"", Align::kLeft}, {"rented", Align::kRight}, {"owned", Align::kRight}, {"saved", Align::kRight}});
  costs.add_row({fmt::format("a day, {} requests", format_whole(input.requests_per_day.value)),
                 result.rented_per_day.display(), result.owned_per_day.display(),
                 (result.rented_per_day - result.owned_per_day).display()});
  if (result.running_per_year > Money()) {
    costs.add_row({"running costs a year", "-", result.running_per_year.display(), "-"});
  }
  costs.add_row(
      {"a year", result.rented_per_year.display(), result.owned_per_year.display(), result.savings_per_year.display()});

  Table figures({{"", Align::kLeft}, {"", Align::kRight}});
  figures.add_row({"one-time costs", result.one_time.display()});
  if (result.savings_share) figures.add_row({"savings", fmt::format("{:.1f}%", *result.savings_share * 100)});
  if (result.machines) figures.add_row({"machines", format_whole(*result.machines)});
  figures.add_row({"payback", result.payback_days ? days(*result.payback_days) : "never"});
  figures.add_row({"horizon", days(result.horizon_days)});
  figures.add_row({"break-even", break_even(result)});

  std::string text = costs.to_text(style) + "\n" + figures.to_text(style) + "\n";
  for (const std::string& reason : result.advice.reasons) {
    text += reason == result.advice.reasons.front() ? "Advice: " + reason + "\n" : "- " + reason + "\n";
  }
  return text;
}

std::string dollars(double amount) {
  const Money money = Money::nano_dollars(std::llround(amount * 1e9));
  return money == Money() ? "$0" : money.display();
}

// To well past the crossing where there is one, else over the horizon.
LineChart chart_of(const RentVersusBuy& result) {
  const double rented = result.rented_per_day.dollars();
  const double owned = result.owned_per_year.dollars() / 365;
  const double end = result.payback_days && *result.payback_days > 0 ? *result.payback_days * 2.5 : result.horizon_days;
  const double once = result.one_time.dollars();
  LineChart chart;
  chart.title = "Cumulative cost: rented against owned";
  chart.subtitle = result.payback_days ? fmt::format("payback after {}, horizon {}", days(*result.payback_days),
                                                     days(result.horizon_days))
                                       : "owning never costs less than renting";
  chart.x = {.title = "days"};
  chart.y = {.title = "US$ spent", .label = dollars};
  chart.y_from_zero = true;
  chart.series = {{.name = "rented", .points = {{0, 0}, {end, rented * end}}},
                  {.name = "owned, with one-time costs", .points = {{0, once}, {end, once + owned * end}}}};
  if (result.payback_days) {
    const double cost = rented * *result.payback_days;
    chart.marks = {{*result.payback_days, cost, fmt::format("day {:.1f}: {}", *result.payback_days, dollars(cost))}};
  }
  return chart;
}

// A flag for one way of hosting replaces what the file says of the other.
void drop_other_hosting(const Flags& flags, ConfigNode& config) {
  const auto given = [&](const char* key) { return !flags.keys.at(key).empty(); };
  const bool by_token = given("owned.per_million");
  if (by_token == given("owned.per_hour")) return;
  const auto drop = [&](const char* key) {
    if (!given(key)) config.set(key, "null", std::string("--") + key);
  };
  if (!by_token) return drop("owned.per_million");
  for (const char* key : {"owned.per_hour", "owned.tokens_per_second", "owned.utilisation"}) drop(key);
}

ConfigNode read_config(const Flags& flags) {
  ConfigNode config =
      flags.config.empty() ? ConfigNode::empty_map("the command line") : ConfigNode::read_file(flags.config);
  for (const auto& [key, text] : flags.keys) {
    if (!text.empty()) config.set(key, text, "--" + key);
  }
  drop_other_hosting(flags, config);
  return config;
}

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw io_error("write", "standard output");
}

// The keys of cost.yml that traffic does not answer itself.
void refuse_measured(const Flags& flags) {
  for (const auto& [key, text] : flags.keys) {
    const bool is_measured = key == "requests_per_day" || key.starts_with("rented.") || key == "owned.prompt_tokens" ||
                             key == "owned.output_tokens" || key == "owned.escalated";
    if (!text.empty() && is_measured)
      throw Error(ErrorCode::kUsage, fmt::format("--{}: --from-traffic measures it", key));
  }
  if (flags.config.empty())
    throw Error(ErrorCode::kUsage, "--from-traffic reads a gateway's captured traffic: the config is missing",
                "understudy cost --from-traffic --config gateway.yml");
  if (!flags.svg.empty()) throw Error(ErrorCode::kUsage, "--svg draws the sum of a cost.yml, not of --from-traffic");
}

TrafficQuestion read_question(const Flags& flags, const TrafficConfig& config) {
  ConfigNode given = ConfigNode::empty_map("the command line");
  for (const auto& [key, text] : flags.keys) {
    if (!text.empty()) given.set(key, text, "--" + key);
  }
  const CostInput input = cost_fields().read(given);
  check_hosting_or_none(given["owned"], input.owned);
  return {.parties = config.parties,
          .teachers = config.teachers,
          .hosting = input.owned,
          .one_time = input.one_time,
          .running = input.running,
          .horizon = input.horizon};
}

std::string traffic_text(const TrafficCostResult& result, const Ledger& ledger) {
  const TableStyle style{.width = terminal_width(1), .color = wants_color(1)};
  Table sums({{"", Align::kLeft}, {"captured", Align::kRight}, {"a day", Align::kRight}, {"a year", Align::kRight}});
  const auto row = [&](const char* name, Money total, Money day, Money year) {
    sums.add_row({name, total.display(), day.display(), year.display()});
  };
  row("rented as it is", result.rented, result.rented_per_day, result.rented_per_year);
  row("rented with caching", result.cached, result.cached_per_day, result.cached_per_year);
  row("rented with caching and batch", result.optimised, result.optimised_per_day, result.optimised_per_year);
  row("owned, escalations rented", result.owned, result.owned_per_day, result.owned_per_year);
  std::string text =
      fmt::format("{} requests were answered, {} spent; {} of one-time costs\n\n", format_whole(result.requests),
                  ledger.total().cost.display(), result.one_time.display());
  text += sums.to_text(style) + "\n";
  for (const std::string& reason : result.reasons) {
    text += reason == result.reasons.front() ? "Advice: " + reason + "\n" : "- " + reason + "\n";
  }
  return text;
}

int run_from_traffic(const Flags& flags) {
  refuse_measured(flags);
  const TrafficConfig config = read_traffic_config(flags.config);
  const std::unique_ptr<Store> store = open_store(config.store);
  TrafficCost cost(config.prices, read_question(flags, config));
  Ledger ledger(config.parties);
  ExchangeFilter filter;
  if (!flags.since.empty()) filter.since_ms = since_ms(flags.since, "--since");
  each_exchange(config, *store, filter, [&](const Exchange& captured, const PromptShape& shape) {
    const Exchange exchange = flags.reprice ? repriced(captured, config.prices, config.parties) : captured;
    cost.add(exchange, shape);
    ledger.add(exchange);
  });
  for (const LedgerEntry& entry : store->entries()) {
    cost.add(entry);
    ledger.add(entry);
  }
  const TrafficCostResult result = cost.result();
  if (!flags.json) {
    print(traffic_text(result, ledger));
    return 0;
  }
  Json json = to_json(result);
  json["spend"] = to_json(ledger);
  print(dump_json_pretty(json));
  return 0;
}

int run_book(const BookFlags& flags) {
  const TrafficConfig config = read_traffic_config(flags.config);
  LedgerEntry entry{.at_ms = now_ms(), .task = flags.task, .kind = flags.kind, .note = flags.note};
  entry.amount = Money::parse(flags.amount);
  if (entry.amount <= Money()) throw Error(ErrorCode::kUsage, "--amount: expected more than nothing");
  // Two entries booked in one millisecond with the same words are told apart by the clock's finest digits.
  const auto tick = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  entry.id = fmt::format("entry-{:016x}", Random(static_cast<uint64_t>(entry.at_ms), tick).next());
  open_store(config.store)->add_entry(entry);
  print(fmt::format("booked {} for {}{} as {}\n", entry.amount.display(), entry.kind,
                    entry.task.empty() ? "" : " of " + entry.task, entry.id));
  return 0;
}

void configure_book(CLI::App& app, BookFlags& flags) {
  app.add_option("--config", flags.config, "gateway.yml, whose store keeps the entry")->required();
  app.add_option("--kind", flags.kind, "what it was spent on")
      ->required()
      ->check(CLI::IsMember({"training", "review", "relabelling", "other"}));
  app.add_option("--amount", flags.amount, "such as \"12 USD\"")->required();
  app.add_option("--task", flags.task, "the task that it was spent for");
  app.add_option("--note", flags.note, "a word for those who read it later");
}

int run_cost(const Flags& flags) {
  if (flags.from_traffic) return run_from_traffic(flags);
  if (flags.reprice || !flags.since.empty())
    throw Error(ErrorCode::kUsage, "--since and --reprice belong to --from-traffic");
  const CostInput input = read_cost_input(read_config(flags));
  const RentVersusBuy result = rent_versus_buy(input);
  if (!flags.svg.empty()) write_file_atomically(flags.svg, render_svg(chart_of(result)));
  print(flags.json ? dump_json_pretty(to_json(result)) : table_text(input, result));
  return 0;
}

}  // namespace

Command cost_command() {
  return {.name = "cost",
          .summary = "The rent-versus-buy sum: yearly cost, savings, payback, break-even volume and advice",
          .examples =
              "  understudy cost cost.yml --svg cost.svg\n"
              "  understudy cost cost.yml --requests_per_day 100 --json\n"
              "  understudy cost cost.yml --rented.cached_share 60% --owned.escalated 20%\n"
              "  understudy cost --from-traffic --config gateway.yml --since 30d\n"
              "  understudy cost book --config gateway.yml --kind training --amount \"12 USD\" --task invoices",
          .configure = [](CLI::App& app) -> std::function<int()> {
            auto flags = std::make_shared<Flags>();
            app.add_option("config,--config", flags->config,
                           "cost.yml; without it every key comes from flags. With --from_traffic: gateway.yml");
            app.add_flag("--from_traffic", flags->from_traffic,
                         "the sum on what a gateway captured, with its own volumes and prices");
            app.add_option("--since", flags->since,
                           "with --from_traffic: from this day on (UTC), or so long ago (30d)");
            app.add_flag("--reprice", flags->reprice, "with --from_traffic: at the price book's present prices");
            auto book = std::make_shared<BookFlags>();
            CLI::App* booking = app.add_subcommand("book", "Book a one-time cost: training hours, review, relabelling");
            configure_book(*booking, *book);
            app.add_flag("--json", flags->json, "print one JSON object");
            app.add_option("--svg", flags->svg, "draw the cumulative cost, with the crossing, to this file");
            for (const FieldHelp& field : cost_fields().help())
              app.add_option("--" + field.key, flags->keys[field.key], field.help);
            return [flags, book, booking] { return booking->parsed() ? run_book(*book) : run_cost(*flags); };
          }};
}

}  // namespace understudy::cli
