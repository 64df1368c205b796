// One entry of a training config's `datasets` list, with Axolotl's keys: where the rows lie and how they become
// examples. Plain values and their table of fields.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/config_fields.h"

namespace understudy {

// Which turn ends the model learns to write: that of each trained turn, of every turn, of the last trained one, of
// none.
enum class TurnEnds { kTurn, kAll, kLast, kNone };
void read_value(const ConfigNode& node, TurnEnds& value);
std::string to_string(TurnEnds ends);

// A mapping under `type:` ("user defined"): texts around the fields of a row.
struct InstructionFormat {
  std::string field_system = "system";
  std::string field_instruction = "instruction";
  std::string field_input = "input";
  std::string field_output = "output";
  std::string system_prompt;
  std::string system_format = "{system}";
  std::string format = "{instruction} {input} ";
  std::string no_input_format = "{instruction} ";
};
void read_value(const ConfigNode& node, InstructionFormat& value);

struct DatasetConfig {
  std::string where;  // of the entry in the config, for errors: "train.yml:14: datasets[0]"
  std::string path;   // a file, a folder, or "json" with data_files
  std::vector<std::string> data_files;
  std::string type;                         // empty: recognised by the rows' columns
  std::optional<InstructionFormat> format;  // `type:` given as a mapping
  std::string split = "train";              // "train[:20%]", "train[100:]"
  std::string field = "text";               // completion
  std::string field_messages = "messages";
  std::string field_tools = "tools";
  std::map<std::string, std::string> message_properties = {{"role", "role"},
                                                           {"content", "content"}};      // template's: row's
  std::map<std::string, std::string> roles = {{"human", "user"}, {"gpt", "assistant"}};  // row's word: template's
  std::vector<std::string> roles_to_train = {"assistant"};
  TurnEnds train_on_eos = TurnEnds::kTurn;
  std::optional<TurnEnds> train_on_eot;  // absent: as train_on_eos
  std::string message_field_training;    // of a message: true or false, wins over its role
  std::string chat_template;             // of this entry alone; empty: the config's
  std::string chat_template_jinja;
  bool drop_system_message = false;
  std::vector<std::string> notices;
};
void read_value(const ConfigNode& node, DatasetConfig& value);

const Fields<DatasetConfig>& dataset_fields();

}  // namespace understudy
