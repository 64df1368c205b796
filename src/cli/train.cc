// understudy train CONFIG [--key=value ...]: an Axolotl config in, an adapter or a model out.
#include <fmt/format.h>

#include <memory>

#include "base/config_node.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/commands.h"
#include "workflow/train.h"

namespace understudy::cli {

namespace {

struct TrainFlags {
  std::string config;
  bool force = false;
  bool allow_no_stop = false;
  bool json = false;
  bool quiet = false;
  std::string compute;
};

TrainConfig read_config(const TrainFlags& flags, const std::vector<std::string>& overrides) {
  ConfigNode node = ConfigNode::read_file(flags.config);
  for (const auto& [key, value] : key_value_flags(overrides)) node.set(key, value, "--" + key);
  if (!flags.compute.empty()) node.set("bf16", flags.compute == "bf16" ? "true" : "false", "--compute");
  return read_train_config(node);
}

Json to_json(const TrainResult& result) {
  const auto number = [](const std::optional<double>& value) { return value ? Json(*value) : Json(); };
  return {{"output_dir", result.output_dir},
          {"steps", result.steps},
          {"planned_steps", result.planned_steps},
          {"train_examples", result.train_examples},
          {"validation_examples", result.validation_examples},
          {"trained_parameters", result.trained_parameters},
          {"tokens", result.tokens},
          {"seconds", result.seconds},
          {"last_loss", result.last_loss},
          {"first_eval_loss", number(result.first_eval_loss)},
          {"last_eval_loss", number(result.last_eval_loss)},
          {"best_eval_loss", number(result.best_eval_loss)},
          {"stop_reason", result.stop_reason}};
}

std::string summary(const TrainResult& result) {
  std::string text = fmt::format("{}: {} of {} steps, {} tokens in {}, last loss {:.4f}\n", result.output_dir,
                                 result.steps, result.planned_steps, format_count(static_cast<double>(result.tokens)),
                                 format_duration(std::chrono::nanoseconds(static_cast<int64_t>(result.seconds * 1e9))),
                                 result.last_loss);
  if (result.last_eval_loss) {
    text += fmt::format("evaluation loss: {}last {:.4f}{}\n",
                        result.first_eval_loss ? fmt::format("at the start {:.4f}, ", *result.first_eval_loss) : "",
                        *result.last_eval_loss,
                        result.best_eval_loss ? fmt::format(", best {:.4f}", *result.best_eval_loss) : "");
  }
  if (!result.stop_reason.empty()) text += result.stop_reason + "\n";
  return text;
}

}  // namespace

Command train_command() {
  return {"train", "Trains an adapter, or all weights, from an Axolotl config and labelled rows.",
          "  understudy train train.yml\n"
          "  understudy train train.yml --learning_rate=1e-3 --num_epochs=3 --output_dir=out\n"
          "  understudy train train.yml --auto_resume_from_checkpoints=true\n",
          [](CLI::App& app) -> std::function<int()> {
            auto flags = std::make_shared<TrainFlags>();
            app.add_option("config", flags->config,
                           "the YAML file; any of its keys may be given as --key=value, nested ones with dots")
                ->required();
            app.add_flag("--force", flags->force, "resume although config, data or base have changed since");
            app.add_flag("--allow_no_stop", flags->allow_no_stop, "train although answers do not end in a stop token");
            app.add_flag("--json", flags->json, "print the result as JSON");
            app.add_flag("--quiet", flags->quiet, "no progress line");
            app.add_option("--compute", flags->compute, "bf16 or f32; overrides the config's bf16")
                ->check(CLI::IsMember({"bf16", "f32"}));
            app.allow_extras();
            return [flags, &app] {
              const std::stop_token stop = interrupt_token();
              const TrainConfig config = read_config(*flags, app.remaining());
              TrainStepOptions options{.force = flags->force, .allow_no_stop = flags->allow_no_stop};
              options.progress.quiet = flags->quiet;
              const TrainResult result = train(config, options, stop);
              fmt::print("{}", flags->json ? dump_json(to_json(result)) + "\n" : summary(result));
              return 0;
            };
          }};
}

}  // namespace understudy::cli
