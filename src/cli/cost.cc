// understudy cost: reads cost.yml and flags, runs the sum of economics/rent_versus_buy.h, prints table or JSON and
// draws the chart.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>

#include "base/environment.h"
#include "base/files.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "display/svg_chart.h"
#include "display/table.h"
#include "economics/rent_versus_buy.h"

namespace understudy::cli {

namespace {

struct Flags {
  std::string config;
  bool json = false;
  std::string svg;
  std::map<std::string, std::string> keys;  // key of cost.yml to what the command line says of it
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

int run_cost(const Flags& flags) {
  const CostInput input = read_cost_input(read_config(flags));
  const RentVersusBuy result = rent_versus_buy(input);
  if (!flags.svg.empty()) write_file_atomically(flags.svg, render_svg(chart_of(result)));
  const std::string text = flags.json ? dump_json_pretty(to_json(result)) : table_text(input, result);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw io_error("write", "standard output");
  return 0;
}

}  // namespace

Command cost_command() {
  return {.name = "cost",
          .summary = "The rent-versus-buy sum: yearly cost, savings, payback, break-even volume and advice",
          .examples =
              "  understudy cost cost.yml --svg cost.svg\n"
              "  understudy cost cost.yml --requests_per_day 100 --json\n"
              "  understudy cost cost.yml --rented.cached_share 60% --owned.escalated 20%",
          .configure = [](CLI::App& app) -> std::function<int()> {
            auto flags = std::make_shared<Flags>();
            app.add_option("config", flags->config, "cost.yml; without it every key comes from flags");
            app.add_flag("--json", flags->json, "print one JSON object");
            app.add_option("--svg", flags->svg, "draw the cumulative cost, with the crossing, to this file");
            for (const FieldHelp& field : cost_fields().help())
              app.add_option("--" + field.key, flags->keys[field.key], field.help);
            return [flags] { return run_cost(*flags); };
          }};
}

}  // namespace understudy::cli
