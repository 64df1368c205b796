#include "cli/commands.h"

namespace understudy::cli {

const std::vector<Command>& all_commands() {
  static const std::vector<Command> commands = {
      cost_command(),    detokenize_command(), eval_command(),  exchanges_command(), export_command(),
      gateway_command(), generate_command(),   keys_command(),  logits_command(),    render_command(),
      routes_command(),  serve_command(),      tasks_command(), tokenize_command(),  train_command(),
  };
  return commands;
}

}  // namespace understudy::cli
