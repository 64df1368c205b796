#include "engine/training/dataset_config.h"

#include <fmt/format.h>

#include "engine/training/foreign_keys.h"

namespace understudy {

namespace {

const std::vector<std::pair<std::string, TurnEnds>>& turn_end_words() {
  static const std::vector<std::pair<std::string, TurnEnds>> words = {
      {"turn", TurnEnds::kTurn}, {"all", TurnEnds::kAll}, {"last", TurnEnds::kLast}, {"none", TurnEnds::kNone}};
  return words;
}

const Fields<InstructionFormat>& format_fields() {
  static const Fields<InstructionFormat> fields =
      Fields<InstructionFormat>()
          .field("field_system", &InstructionFormat::field_system, "the row's field with the system text")
          .field("field_instruction", &InstructionFormat::field_instruction, "the row's field with the instruction")
          .field("field_input", &InstructionFormat::field_input, "the row's field with the input")
          .field("field_output", &InstructionFormat::field_output, "the row's field with the answer")
          .field("system_prompt", &InstructionFormat::system_prompt, "system text of rows that have none")
          .field("system_format", &InstructionFormat::system_format, "how the system text is written: {system}")
          .field("format", &InstructionFormat::format, "how a row is written: {instruction} {input}")
          .field("no_input_format", &InstructionFormat::no_input_format, "how a row without input is written")
          .special("type", "accepted without effect", [](const ConfigNode&, InstructionFormat&) {})
          .special("field", "accepted without effect", [](const ConfigNode&, InstructionFormat&) {});
  return fields;
}

void read_type(const ConfigNode& node, DatasetConfig& entry) {
  if (!node.is_map()) {
    entry.type = node.as_text();
    return;
  }
  entry.format.emplace();
  read_value(node, *entry.format);
}

void read_json_type(const ConfigNode& node, DatasetConfig&) {
  const std::string type = node.as_text();
  if (type == "json" || type == "jsonl") return;
  throw node.error(fmt::format("\"{}\" files are not read", type), "convert the data to JSONL and write ds_type: json");
}

void read_properties(const ConfigNode& node, DatasetConfig& entry) {
  for (const auto& [property, field] : node.members()) entry.message_properties[property] = field.as_text();
}

// roles: {assistant: [gpt, model], user: [human]}: the template's role and the words that rows use for it.
void read_roles(const ConfigNode& node, DatasetConfig& entry) {
  for (const auto& [role, words] : node.members()) {
    std::vector<std::string> list;
    read_value(words, list);
    for (const std::string& word : list) entry.roles[word] = role;
  }
}

void read_thinking_field(const ConfigNode& node, DatasetConfig& entry) {
  entry.message_properties["reasoning_content"] = node.as_text();
}

auto renamed_property(std::string property) {
  return [property](const ConfigNode& node, DatasetConfig& entry) {
    entry.message_properties[property] = node.as_text();
    entry.notices.push_back(
        fmt::format("{}: now written message_property_mappings: {{{}: {}}}", node.where(), property, node.as_text()));
  };
}

}  // namespace

void read_value(const ConfigNode& node, TurnEnds& value) {
  const std::string word = node.as_text();
  for (const auto& [name, ends] : turn_end_words()) {
    if (name == word) {
      value = ends;
      return;
    }
  }
  throw node.error(fmt::format("\"{}\" is not one of turn, all, last, none", word));
}

std::string to_string(TurnEnds ends) {
  for (const auto& [name, value] : turn_end_words()) {
    if (value == ends) return name;
  }
  return {};
}

void read_value(const ConfigNode& node, InstructionFormat& value) {
  format_fields().read_into(node, value);
}

void read_value(const ConfigNode& node, DatasetConfig& value) {
  if (!node.is_map()) throw node.error("expected a map with path and type");
  dataset_fields().read_into(node, value);
  value.where = node.where();
  if (value.path.empty()) throw node.error("path is missing", "path: train.jsonl");
}

const Fields<DatasetConfig>& dataset_fields() {
  static const Fields<DatasetConfig> fields = with_foreign_keys(
      Fields<DatasetConfig>()
          .field("path", &DatasetConfig::path, "a JSONL file, a folder of them, or json together with data_files")
          .field("data_files", &DatasetConfig::data_files, "files, in the folder of path or in the working folder")
          .special("ds_type", "json", read_json_type)
          .special("type", "chat_template, alpaca, completion, input_output, or a mapping with formats", read_type)
          .field("split", &DatasetConfig::split, "a part of the rows: train[:20%], train[100:]")
          .field("field", &DatasetConfig::field, "the row's field with the text (completion)")
          .field("field_messages", &DatasetConfig::field_messages, "the row's field with the list of messages")
          .field("field_tools", &DatasetConfig::field_tools, "the row's field with the list of tools")
          .special("message_property_mappings", "how rows name role and content: {role: from, content: value}",
                   read_properties)
          .special("message_field_role", "old name", renamed_property("role"))
          .special("message_field_content", "old name", renamed_property("content"))
          .special("field_thinking", "the message's field with the reasoning", read_thinking_field)
          .special("roles", "the template's roles and the rows' words for them: {assistant: [gpt]}", read_roles)
          .field("roles_to_train", &DatasetConfig::roles_to_train, "whose turns are targets")
          .field("train_on_eos", &DatasetConfig::train_on_eos, "which turn ends are targets: turn, all, last, none")
          .field("train_on_eot", &DatasetConfig::train_on_eot, "the same for turn ends that are not the EOS")
          .field("message_field_training", &DatasetConfig::message_field_training,
                 "a message's field that switches its turn on or off")
          .field("chat_template", &DatasetConfig::chat_template, "the template of this entry")
          .field("chat_template_jinja", &DatasetConfig::chat_template_jinja, "its Jinja text or file")
          .field("drop_system_message", &DatasetConfig::drop_system_message, "leaves out system turns"),
      dataset_foreign_keys());
  return fields;
}

}  // namespace understudy
