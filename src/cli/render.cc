// understudy render: conversations in, the text that the model's chat template makes of them out, a line each.
#include <fmt/format.h>

#include <iostream>

#include "base/error.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/json_lines.h"
#include "engine/text/chat_template.h"

namespace understudy::cli {

namespace {

// A row's keys beside messages, add_generation_prompt and tools are variables of the template (enable_thinking, ...).
RenderOptions options_of(const Json& row, const std::string& where) {
  RenderOptions options;
  options.variables = Json::object();
  for (const auto& [key, value] : row.items()) {
    if (key == "messages") continue;
    if (key == "tools") {
      options.tools = value;
    } else if (key == "add_generation_prompt") {
      if (!value.is_boolean())
        throw Error(ErrorCode::kInvalidInput, where + ": add_generation_prompt: expected true or false");
      options.add_generation_prompt = value.get<bool>();
    } else {
      options.variables[key] = value;
    }
  }
  return options;
}

int render(const std::string& model) {
  const auto tokenizer = Tokenizer::load(model);
  const ChatTemplate chat_template = ChatTemplate::of(*tokenizer);
  for_each_json_line(std::cin, [&](const Json& row, const std::string& where) {
    if (!row.is_object() || !row.contains("messages")) {
      throw Error(ErrorCode::kInvalidInput, where + ": expected an object with \"messages\"");
    }
    const RenderedChat chat = chat_template.render(row["messages"], options_of(row, where));
    fmt::print("{}\n", dump_json(Json(chat.text)));
  });
  return 0;
}

}  // namespace

Command render_command() {
  return {
      "render", "Show what a chat template makes of conversations, a line each",
      "  understudy render model.gguf < rows.jsonl\n"
      "  echo '{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}], \"add_generation_prompt\": true}' | "
      "understudy render "
      "./my-model",
      [](CLI::App& app) {
        auto model = std::make_shared<std::string>();
        app.add_option("model", *model, "Hugging Face folder, GGUF file, or a folder with tokenizer files")->required();
        return [model] { return render(*model); };
      }};
}

}  // namespace understudy::cli
