#include "records/example.h"

#include <fmt/format.h>

#include <unordered_map>

#include "base/error.h"
#include "base/json.h"
#include "records/json_lines.h"

namespace understudy {

namespace {

// A message's content: a text, or a list of parts of which the texts count here.
std::string content_text(const Json& message, const std::string& where) {
  const auto content = message.find("content");
  if (content == message.end()) throw field_error(where, "content", "a text or a list of parts", Json());
  if (content->is_null()) return "";
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) throw field_error(where, "content", "a text or a list of parts", *content);
  std::string text;
  for (const Json& part : *content) {
    if (part.is_object() && part.contains("text") && part["text"].is_string()) text += part["text"].get<std::string>();
  }
  return text;
}

std::vector<Message> read_messages(const Json& list, const std::string& where) {
  std::vector<Message> messages;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string place = fmt::format("{}[{}]", where, i);
    const Json& item = list[i];
    if (!item.is_object()) throw field_error(place, "", "a message with role and content", item);
    const std::string word = text_field(item, "role", place);
    const std::optional<Role> role = role_from(word);
    if (!role) throw field_error(place, "role", "system, developer, user, assistant or tool", item["role"]);
    messages.push_back(Message::of(*role, content_text(item, place)));
  }
  return messages;
}

std::string user_text(const std::vector<Message>& messages) {
  std::string text;
  for (const Message& message : messages) {
    if (message.role != Role::kUser) continue;
    if (!text.empty()) text += '\n';
    text += message.text();
  }
  return text;
}

void read_chat_row(const Json& row, const std::string& where, Example& example) {
  const Json& list = row["messages"];
  if (!list.is_array() || list.empty()) throw field_error(where, "messages", "a list of messages", list);
  example.messages = read_messages(list, where + ": messages");
  if (example.messages.back().role != Role::kAssistant) {
    throw Error(ErrorCode::kInvalidInput, where + ": messages: the last one has to be the assistant's right answer");
  }
  example.output = example.messages.back().text();
  example.messages.pop_back();
  example.input = user_text(example.messages);
}

void read_pair_row(const Json& row, const std::string& where, Example& example) {
  const auto input = row.find("input");
  if (input == row.end()) throw field_error(where, "input", "a text or a list of messages", Json());
  if (input->is_array()) {
    example.messages = read_messages(*input, where + ": input");
    example.input = user_text(example.messages);
  } else {
    example.input = text_field(row, "input", where);
  }
  const auto output = row.find("output");
  const bool is_value = output != row.end() && (output->is_object() || output->is_array());
  example.output = is_value ? dump_json(*output) : text_field(row, "output", where);
}

}  // namespace

Example example_from_json(const Json& row, const std::string& where, int line) {
  if (!row.is_object()) throw field_error(where, "", "an object with input and output, or with messages", row);
  Example example;
  example.line = line;
  example.id = row.contains("id") ? id_field(row, where) : std::to_string(line);
  if (row.contains("messages")) {
    read_chat_row(row, where, example);
  } else {
    read_pair_row(row, where, example);
  }
  for (const auto& [key, value] : row.items()) {
    if (key == "id" || key == "input" || key == "output" || value.is_structured() || value.is_null()) continue;
    example.columns[key] = value.is_string() ? value.get<std::string>() : dump_json(value);
  }
  return example;
}

std::vector<Example> read_examples(const std::filesystem::path& path, size_t limit) {
  std::vector<Example> examples;
  std::unordered_map<std::string, int> lines;
  for_each_json_line(path, [&](const Json& row, const std::string& where, int line) {
    examples.push_back(example_from_json(row, where, line));
    const auto [other, fresh] = lines.emplace(examples.back().id, line);
    if (!fresh) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: id: \"{}\" stands on line {} already", where, examples.back().id, other->second));
    }
    return limit == 0 || examples.size() < limit;
  });
  return examples;
}

}  // namespace understudy
