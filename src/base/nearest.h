// The nearest known word to a misspelt one, for errors: "unknown key lora_rank; did you mean lora_r?".
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace understudy {

// The known word with the smallest Levenshtein distance, or an empty string where none is within half of the word's
// length. A word that begins the other, or is begun by it, counts as one change away.
std::string nearest_word(std::string_view word, std::span<const std::string> known);

}  // namespace understudy
