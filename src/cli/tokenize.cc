// understudy tokenize: texts in, ids out, a line each.
#include <fmt/format.h>

#include <iostream>

#include "base/error.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/json_lines.h"
#include "engine/text/tokenizer.h"

namespace understudy::cli {

namespace {

struct Flags {
  std::string model;
  bool special = false;
};

int tokenize(const Flags& flags) {
  const auto tokenizer = Tokenizer::load(flags.model);
  for_each_json_line(std::cin, [&](const Json& line, const std::string& where) {
    if (!line.is_string()) throw Error(ErrorCode::kInvalidInput, where + ": expected a JSON string");
    const auto ids = tokenizer->encode(line.get_ref<const std::string&>(), {.add_special = flags.special});
    fmt::print("{}\n", dump_json(Json(ids)));
  });
  return 0;
}

}  // namespace

Command tokenize_command() {
  return {"tokenize", "Turn texts into token ids, a line each",
          "  understudy tokenize model.gguf --special < texts.jsonl\n"
          "  echo '\"Total: 12.50\"' | understudy tokenize ./my-model",
          [](CLI::App& app) {
            auto flags = std::make_shared<Flags>();
            app.add_option("model", flags->model, "Hugging Face folder, GGUF file, or a folder with tokenizer files")
                ->required();
            app.add_flag("--special", flags->special, "with what the tokenizer adds (BOS)");
            return [flags] { return tokenize(*flags); };
          }};
}

}  // namespace understudy::cli
