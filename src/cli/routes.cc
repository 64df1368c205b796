// understudy routes: which model answers a task, as it stands now, and changes of it: each a version in the store with
// who, when and why. Works with the gateway up or down; a running one sees the change within a second of its next look.
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <cstdlib>

#include "base/environment.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "cli/commands.h"
#include "display/table.h"
#include "gateway/routing/build_snapshot.h"
#include "gateway/routing/route_table.h"

namespace understudy::cli {

namespace {

struct Flags {
  std::string config;
  std::string task;
  bool json = false;
  std::optional<double> share;
  std::optional<double> sentinel;
  std::optional<double> limit;
  std::optional<bool> shadow;
  std::optional<std::string> pinned;
  std::optional<int64_t> version;
  std::string who;
  std::string why;
};

class OpenRoutes {
 public:
  explicit OpenRoutes(const std::string& path) : config_(GatewayConfig::read_file(path)) {
    table_.configure(first_routes(config_));
  }
  RouteTable& table() { return table_; }

 private:
  const GatewayConfig config_;
  const std::unique_ptr<Store> store_ =
      open_store({.url = config_.store,
                  .password = config_.store_password.is_set() ? config_.store_password.read().reveal() : ""});
  RouteTable table_{*store_};
};

std::string percent(double share) {
  return fmt::format("{:g}%", 100 * share);
}

void print_routes(const std::vector<Route>& routes, bool json) {
  if (json) {
    Json list = Json::array();
    for (const Route& route : routes) list.push_back(to_json(route));
    fmt::print("{}\n", dump_json(list));
    return;
  }
  fmt::print("{:<20} {:>7} {:>7} {:>8} {:>7} {:<10} {:<24} {}\n", "task", "version", "share", "sentinel", "shadow",
             "pinned", "when", "who, why");
  for (const Route& route : routes) {
    fmt::print("{:<20} {:>7} {:>7} {:>8} {:>7} {:<10} {:<24} {}{}{}\n", route.task, route.version, percent(route.share),
               percent(route.sentinel), route.shadow ? "yes" : "no", route.pinned.empty() ? "-" : route.pinned,
               route.at_ms == 0 ? "-" : format_utc(route.at_ms), route.who, route.why.empty() ? "" : ": ", route.why);
    if (route.min_value_token_probability) {
      fmt::print("{:<20} least probable value token at least {:g} (not certified)\n", "",
                 *route.min_value_token_probability);
    }
  }
}

RouteAuthor author_of(const Flags& flags) {
  std::string who = flags.who.empty() ? environment("USER").value_or("command line") : flags.who;
  return {std::move(who), flags.why, now_ms()};
}

void apply(const Flags& flags, Route& route) {
  if (flags.share) route.share = *flags.share;
  if (flags.sentinel) route.sentinel = *flags.sentinel;
  if (flags.limit) route.min_value_token_probability = *flags.limit;
  if (flags.shadow) route.shadow = *flags.shadow;
  if (flags.pinned) route.pinned = *flags.pinned == "none" ? "" : *flags.pinned;
}

int change(const std::string& what, const Flags& flags) {
  OpenRoutes open(flags.config);
  RouteTable& table = open.table();
  if (what == "list") {
    print_routes(table.routes(), flags.json);
  } else if (what == "show") {
    print_routes(table.history(flags.task), flags.json);
  } else if (what == "set") {
    print_routes({table.set(
                     flags.task, [&flags](Route& route) { apply(flags, route); }, author_of(flags))},
                 flags.json);
  } else if (what == "rollback") {
    print_routes({table.rollback(flags.task, flags.version, author_of(flags))}, flags.json);
  } else {
    print_routes({table.reset(flags.task, author_of(flags))}, flags.json);
  }
  return 0;
}

// "80%" or 0.8.
std::optional<double> share_of(const std::string& text, const char* flag) {
  if (text.empty()) return std::nullopt;
  const bool is_percent = text.back() == '%';
  char* end = nullptr;
  const std::string digits = is_percent ? text.substr(0, text.size() - 1) : text;
  const double number = std::strtod(digits.c_str(), &end);
  const double share = is_percent ? number / 100 : number;
  if (end == digits.c_str() || *end != 0 || !(share >= 0 && share <= 1)) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: expected a share such as 80%, got \"{}\"", flag, text));
  }
  return share;
}

struct Texts {
  std::string share, sentinel, shadow, pinned;
};

void add_common(CLI::App& command, Flags& flags) {
  command.add_option("--config", flags.config, "gateway.yml")->required();
  command.add_flag("--json", flags.json, "as JSON");
}
void add_author(CLI::App& command, Flags& flags) {
  command.add_option("task", flags.task, "a task of the config")->required();
  command.add_option("--who", flags.who, "who changes it; default: the user's name");
  command.add_option("--why", flags.why, "kept with the version");
}

}  // namespace

Command routes_command() {
  return {"routes", "Show and change which model answers a task",
          "  understudy routes list --config gateway.yml\n"
          "  understudy routes show invoices --config gateway.yml\n"
          "  understudy routes set invoices --config gateway.yml --share 80% --why \"evaluation of 12 May\"\n"
          "  understudy routes rollback invoices --config gateway.yml\n"
          "  understudy routes reset invoices --config gateway.yml",
          [](CLI::App& app) {
            auto flags = std::make_shared<Flags>();
            auto texts = std::make_shared<Texts>();
            app.require_subcommand(1);
            CLI::App* list = app.add_subcommand("list", "all routes as they stand");
            CLI::App* show = app.add_subcommand("show", "one route's versions");
            CLI::App* set = app.add_subcommand("set", "a new version");
            CLI::App* rollback = app.add_subcommand("rollback", "what an earlier version said, as a new one");
            CLI::App* reset = app.add_subcommand("reset", "what the config says, as a new version");
            for (CLI::App* command : {list, show, set, rollback, reset}) add_common(*command, *flags);
            show->add_option("task", flags->task, "a task of the config")->required();
            for (CLI::App* command : {set, rollback, reset}) add_author(*command, *flags);
            set->add_option("--share", texts->share, "to the specialist: 80%");
            set->add_option("--sentinel", texts->sentinel, "pinned to the teacher for good: 2%");
            set->add_option("--shadow", texts->shadow, "true or false")->check(CLI::IsMember({"true", "false"}));
            set->add_option("--pinned", texts->pinned, "teacher, specialist or none")
                ->check(CLI::IsMember({"teacher", "specialist", "none"}));
            set->add_option("--min_value_token_probability", flags->limit, "0 to 1")->check(CLI::Range(0.0, 1.0));
            rollback->add_option("--to", flags->version, "a version; default: the one before");
            return [flags, texts, &app] {
              flags->share = share_of(texts->share, "--share");
              flags->sentinel = share_of(texts->sentinel, "--sentinel");
              if (!texts->shadow.empty()) flags->shadow = texts->shadow == "true";
              if (!texts->pinned.empty()) flags->pinned = texts->pinned;
              return change(app.get_subcommands().front()->get_name(), *flags);
            };
          }};
}

}  // namespace understudy::cli
