#include "cli/model_flags.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"

namespace understudy::cli {

namespace {

TokenId parse_token_id(std::string_view word, int64_t vocab_size) {
  TokenId id = 0;
  const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), id);
  if (fault == std::errc() && end == word.data() + word.size() && id >= 0 && id < vocab_size) return id;
  throw Error(ErrorCode::kUsage,
              fmt::format("--tokens: expected token ids from 0 to {}, got \"{}\"", vocab_size - 1, word),
              "tokenize prints the ids of a text");
}

}  // namespace

std::vector<TokenId> parse_token_ids(std::string_view text, int64_t vocab_size) {
  constexpr std::string_view kSeparators = " ,\t\n";
  std::vector<TokenId> ids;
  for (size_t at = text.find_first_not_of(kSeparators); at != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(kSeparators, at), text.size());
    ids.push_back(parse_token_id(text.substr(at, end - at), vocab_size));
    at = text.find_first_not_of(kSeparators, end);
  }
  if (ids.empty()) throw Error(ErrorCode::kUsage, "--tokens: expected at least one token id", "--tokens \"1 2 3\"");
  return ids;
}

Compute parse_compute(std::string_view word) {
  if (word == "f32") return Compute::kF32;
  if (word == "bf16") return Compute::kBF16;
  throw Error(ErrorCode::kUsage, fmt::format("--compute: expected f32 or bf16, got \"{}\"", word));
}

LoadedModel load_model(const ModelFlags& flags) {
  LoadedModel loaded{.model = Model::load(flags.model, {.compute = parse_compute(flags.compute)})};
  if (!flags.adapter.empty()) loaded.adapter = Adapter::load(flags.adapter, loaded.model->config());
  return loaded;
}

}  // namespace understudy::cli
