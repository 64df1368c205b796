// understudy keys: virtual keys of the gateway. Writes no file: the key is shown once, its row is for gateway.yml.
#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/secure_random.h"
#include "cli/commands.h"
#include "gateway/routing/gateway_config.h"

namespace understudy::cli {

namespace {

struct Flags {
  std::string name;
  std::string config;
};

constexpr size_t kLetters = 43;  // 256 bits

void check_name(const std::string& name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  if (!name.empty() && std::all_of(name.begin(), name.end(), is_plain)) return;
  throw Error(ErrorCode::kUsage, fmt::format("NAME: expected letters, digits, -, _ and ., got \"{}\"", name));
}

int create(const Flags& flags) {
  check_name(flags.name);
  const GatewayConfig config = GatewayConfig::read_file(flags.config);
  if (config.key(flags.name) != nullptr) {
    throw Error(ErrorCode::kUsage, fmt::format("{} has a key {} already", flags.config, flags.name),
                "take another name, or remove its row first");
  }
  const std::string key = "usk-" + secure_random_word(kLetters);
  fmt::print("{}\n\n# the row for {}, under `keys:`; the key above is shown this once\n  {}:\n    sha256: {}\n", key,
             flags.config, flags.name, sha256_hex(key));
  return 0;
}

}  // namespace

Command keys_command() {
  return {"keys", "Make virtual keys for the gateway's callers",
          "  understudy keys create billing-app --config gateway.yml\n"
          "Prints the key, which is shown this once, and its row for the config; writes no file.",
          [](CLI::App& app) {
            auto flags = std::make_shared<Flags>();
            app.require_subcommand(1);
            CLI::App* command = app.add_subcommand("create", "a new key");
            command->add_option("name", flags->name, "what exchanges and bills call it")->required();
            command->add_option("--config", flags->config, "gateway.yml")->required();
            return [flags] { return create(*flags); };
          }};
}

}  // namespace understudy::cli
