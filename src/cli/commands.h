// Every command's factory; cli/commands.cc has the table.
#pragma once

#include <vector>

#include "cli/command.h"

namespace understudy::cli {

const std::vector<Command>& all_commands();

Command cost_command();
Command detokenize_command();
Command eval_command();
Command exchanges_command();
Command export_command();
Command gateway_command();
Command generate_command();
Command keys_command();
Command logits_command();
Command render_command();
Command routes_command();
Command serve_command();
Command tasks_command();
Command tokenize_command();
Command train_command();

}  // namespace understudy::cli
