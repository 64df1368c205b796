// POST /tokenize and /detokenize, as llama.cpp's server has them: {"content", "add_special", "parse_special"} ->
// {"tokens": [...]} and {"tokens"} -> {"content"}. Both take "model" besides. Pure functions; read_* throw
// kInvalidInput with the field's name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace understudy::token_text {

struct TokenizeRequest {
  std::string model;  // may be empty: the only one there is
  std::string content;
  bool add_special = false;   // what the tokenizer adds in front (BOS)
  bool parse_special = true;  // special tokens written in the text are read as such
};
TokenizeRequest read_tokenize(std::string_view body);
std::string write_tokens(const std::vector<int32_t>& tokens);

struct DetokenizeRequest {
  std::string model;
  std::vector<int32_t> tokens;
};
DetokenizeRequest read_detokenize(std::string_view body);
std::string write_content(std::string_view content);

}  // namespace understudy::token_text
