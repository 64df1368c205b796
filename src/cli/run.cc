#include <fmt/format.h>

#include <new>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/nearest.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/main.h"

namespace understudy::cli {

namespace {

// "--max-tokens=5" is "--max_tokens=5": flags may be written either way, values stay as they are.
std::string with_underscores(std::string argument) {
  if (argument.size() < 3 || argument.compare(0, 2, "--") != 0) return argument;
  for (size_t i = 2; i < argument.size() && argument[i] != '='; ++i) {
    if (argument[i] == '-') argument[i] = '_';
  }
  return argument;
}

int report(const Error& error) {
  log_line(LogLevel::kError, error.message());
  if (!error.hint().empty()) log_line(LogLevel::kNotice, "  hint: " + error.hint());
  return exit_status(error.code());
}

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// Says which word of the command line is not known, and the nearest that is.
Error unknown_words(const CLI::App& root, const std::vector<std::string>& words) {
  const CLI::App* app = &root;
  std::vector<std::string> known;
  for (const CLI::App* sub : root.get_subcommands()) app = sub;
  for (const std::string& name : flags_of(*app)) known.push_back(name);
  if (app == &root) {
    for (const Command& command : all_commands()) known.push_back(command.name);
  }
  const std::string word = words.empty() ? "" : words.front().substr(0, words.front().find('='));
  const std::string nearest = nearest_word(word, known);
  return Error(ErrorCode::kUsage, fmt::format("unknown {} {}", word.rfind("--", 0) == 0 ? "flag" : "argument", word),
               nearest.empty() ? "see --help" : fmt::format("did you mean {}?", nearest));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> key_value_flags(const std::vector<std::string>& remaining) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (size_t i = 0; i < remaining.size(); ++i) {
    const std::string& word = remaining[i];
    if (word.compare(0, 2, "--") != 0) {
      throw Error(ErrorCode::kUsage, fmt::format("unknown argument {}", word), "settings are written --key=value");
    }
    const size_t equals = word.find('=');
    if (equals != std::string::npos) {
      pairs.emplace_back(word.substr(2, equals - 2), word.substr(equals + 1));
    } else if (i + 1 < remaining.size() && remaining[i + 1].compare(0, 2, "--") != 0) {
      pairs.emplace_back(word.substr(2), remaining[++i]);
    } else {
      pairs.emplace_back(word.substr(2), "true");
    }
  }
  return pairs;
}

int run(int argc, char** argv) {
  CLI::App app(
      "Moves work from a rented large model to a small one of your own: train, measure, export, serve, and the sum.",
      "understudy");
  app.set_version_flag("--version", std::string("understudy ") + kVersion);
  app.require_subcommand(1);
  app.get_formatter()->column_width(36);
  std::function<int()> chosen;
  for (const Command& command : all_commands()) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->footer("Examples:\n" + command.examples);
    std::function<int()> action = command.configure(*sub);
    sub->callback([&chosen, action] { chosen = action; });
  }
  std::vector<std::string> arguments;
  for (int i = argc - 1; i >= 1; --i) arguments.push_back(with_underscores(argv[i]));
  try {
    app.parse(std::move(arguments));
    return chosen();
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ExtrasError&) {
    return report(unknown_words(app, app.remaining(true)));
  } catch (const CLI::ParseError& fault) {
    return report(Error(ErrorCode::kUsage, fault.what(), "see --help"));
  } catch (const Error& error) {
    return report(error);
  } catch (const std::bad_alloc&) {
    return report(Error(ErrorCode::kOutOfMemory, "out of memory", "use a smaller batch, sequence_len or model"));
  } catch (const std::exception& fault) {
    return report(Error(ErrorCode::kInternal, fault.what(),
                        "this is a fault of the program: please report it with the command line"));
  }
}

}  // namespace understudy::cli
