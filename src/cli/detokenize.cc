// understudy detokenize: ids in, texts out, a line each; special tokens are shown.
#include <fmt/format.h>

#include <iostream>

#include "base/error.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/json_lines.h"
#include "engine/text/tokenizer.h"

namespace understudy::cli {

namespace {

std::vector<TokenId> ids_of(const Json& line, const Tokenizer& tokenizer, const std::string& where) {
  if (!line.is_array()) throw Error(ErrorCode::kInvalidInput, where + ": expected a JSON array of token ids");
  std::vector<TokenId> ids;
  for (const Json& id : line) {
    const bool known = id.is_number_integer() && id.get<int64_t>() >= 0 &&
                       id.get<int64_t>() < static_cast<int64_t>(tokenizer.vocab_size());
    if (!known) {
      throw Error(ErrorCode::kInvalidInput, fmt::format("{}: expected token ids from 0 to {}, got {}", where,
                                                        tokenizer.vocab_size() - 1, dump_json(id)));
    }
    ids.push_back(id.get<TokenId>());
  }
  return ids;
}

int detokenize(const std::string& model) {
  const auto tokenizer = Tokenizer::load(model);
  for_each_json_line(std::cin, [&](const Json& line, const std::string& where) {
    fmt::print("{}\n", dump_json(Json(tokenizer->decode(ids_of(line, *tokenizer, where)))));
  });
  return 0;
}

}  // namespace

Command detokenize_command() {
  return {
      "detokenize", "Turn token ids into text, a line each",
      "  understudy detokenize model.gguf < ids.jsonl\n"
      "  echo '[1, 2, 3]' | understudy detokenize ./my-model",
      [](CLI::App& app) {
        auto model = std::make_shared<std::string>();
        app.add_option("model", *model, "Hugging Face folder, GGUF file, or a folder with tokenizer files")->required();
        return [model] { return detokenize(*model); };
      }};
}

}  // namespace understudy::cli
