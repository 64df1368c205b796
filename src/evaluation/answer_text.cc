#include "evaluation/answer_text.h"

namespace understudy::evaluation {

namespace {

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// What stands between ``` (with a language's name) and ```; empty where the text is no single fence.
std::string_view inside_fence(std::string_view text) {
  constexpr std::string_view kFence = "```";
  text = trimmed(text);
  if (text.size() < 2 * kFence.size() || text.substr(0, 3) != kFence || text.substr(text.size() - 3) != kFence)
    return {};
  std::string_view inside = text.substr(3, text.size() - 6);
  if (inside.find(kFence) != std::string_view::npos) return {};
  const size_t word_end = inside.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
  return word_end == std::string_view::npos ? std::string_view() : inside.substr(word_end);
}

// One past the brace that closes the one at `begin`, strings and escapes minded; npos where it never closes.
size_t end_of_object(std::string_view text, size_t begin) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

// The only balanced object of a text; empty where there is none or a second brace opens after it.
std::string_view only_object(std::string_view text) {
  const size_t begin = text.find('{');
  if (begin == std::string_view::npos) return {};
  const size_t end = end_of_object(text, begin);
  if (end == std::string_view::npos || text.find('{', end) != std::string_view::npos) return {};
  return text.substr(begin, end - begin);
}

}  // namespace

ParsedAnswer parse_answer(std::string_view text) {
  if (text.size() > kMaxAnswerBytes) return {};
  if (std::optional<Json> whole = try_parse_json(text)) return {AnswerState::kValid, std::move(*whole)};
  for (const std::string_view part : {inside_fence(text), only_object(text)}) {
    if (part.empty()) continue;
    if (std::optional<Json> value = try_parse_json(part)) return {AnswerState::kRecovered, std::move(*value)};
  }
  return {};
}

}  // namespace understudy::evaluation
