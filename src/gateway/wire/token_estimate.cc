#include "gateway/wire/token_estimate.h"

#include <algorithm>

#include "base/utf8.h"

namespace understudy {

namespace {

constexpr int64_t kLettersPerToken = 8;
constexpr int64_t kDigitsPerToken = 3;
constexpr int64_t kOtherLettersPerToken = 2;
constexpr int64_t kSignsPerToken = 3;
constexpr int64_t kFramePerMessage = 4;  // role, begin, end
constexpr int64_t kFramePerCall = 8;     // as JSON around name and arguments
constexpr int64_t kFramePerTool = 8;
// An image of 1000 x 1000 pixels: 1,334 at Anthropic (width * height / 750), 765 at OpenAI in high detail, 258 to 1,032
// at Gemini.
constexpr int64_t kTokensPerImage = 1000;
constexpr int64_t kTokensPerPage = 750;
constexpr int64_t kBytesPerPage = 3000;       // of a document; the text of a page
constexpr int64_t kBytesPerAudioToken = 500;  // 16 kB of compressed sound a second, 32 tokens a second (Gemini)

enum class Kind { kLetter, kDigit, kBlank, kBreak, kSign, kOtherLetter, kWide };

Kind kind_of(char32_t c) {
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  if (is_letter) return Kind::kLetter;
  if (c >= '0' && c <= '9') return Kind::kDigit;
  if (c == ' ' || c == '\t') return Kind::kBlank;
  if (c == '\n' || c == '\r') return Kind::kBreak;
  if (c < 0x80) return Kind::kSign;
  // Up to here stand the alphabets of Europe, the Near East and India.
  constexpr char32_t kFirstWide = 0x1100;
  return c < kFirstWide ? Kind::kOtherLetter : Kind::kWide;
}

int64_t begun(int64_t n, int64_t per_token) {
  return (n + per_token - 1) / per_token;
}

int64_t tokens_of_run(Kind kind, int64_t length) {
  switch (kind) {
    case Kind::kLetter:
      return begun(length, kLettersPerToken);
    case Kind::kDigit:
      return begun(length, kDigitsPerToken);
    case Kind::kBlank:
      return length > 1 ? 1 : 0;
    case Kind::kOtherLetter:
      return begun(length, kOtherLettersPerToken);
    case Kind::kBreak:
      return 1;
    case Kind::kSign:
      return begun(length, kSignsPerToken);
    case Kind::kWide:
      return begun(length * 3, 4);
  }
  return length;
}

int64_t tokens_of(const Media& media) {
  constexpr int64_t kBase64Group = 4;
  const int64_t bytes = static_cast<int64_t>(media.data.size()) / kBase64Group * 3;
  switch (media.kind) {
    case Media::Kind::kImage:
      return kTokensPerImage;
    case Media::Kind::kAudio:
      return bytes / kBytesPerAudioToken;
    case Media::Kind::kDocument:
      return std::max<int64_t>(1, begun(bytes, kBytesPerPage)) * kTokensPerPage;
  }
  return 0;
}

int64_t tokens_of(const ContentPart& part) {
  if (const auto* media = std::get_if<Media>(&part.other)) return tokens_of(*media);
  if (const auto* reasoning = std::get_if<Reasoning>(&part.other)) return estimate_tokens(reasoning->text);
  if (const auto* native = std::get_if<Native>(&part.other)) return estimate_tokens(dump_json(native->value));
  return estimate_tokens(part.text);
}

int64_t tokens_of(const std::vector<ToolCall>& calls) {
  int64_t tokens = 0;
  for (const ToolCall& call : calls) {
    tokens += kFramePerCall + estimate_tokens(call.name) + estimate_tokens(call.arguments);
  }
  return tokens;
}

int64_t tokens_of(const Message& message) {
  int64_t tokens = kFramePerMessage + tokens_of(message.tool_calls) + estimate_tokens(message.name);
  for (const ContentPart& part : message.content) tokens += tokens_of(part);
  return tokens;
}

int64_t tokens_of(const Tool& tool) {
  if (tool.native) return kFramePerTool + estimate_tokens(dump_json(tool.native->value));
  return kFramePerTool + estimate_tokens(tool.name) + estimate_tokens(tool.description) +
         estimate_tokens(dump_json(tool.parameters));
}

}  // namespace

int64_t estimate_tokens(std::string_view text) {
  int64_t tokens = 0;
  int64_t length = 0;
  Kind run = Kind::kBlank;
  for (size_t at = 0; at < text.size();) {
    Kind kind = kind_of(next_code_point(text, at));
    const bool is_indent = kind == Kind::kBlank && run == Kind::kBreak;  // belongs to the line break before it
    if (is_indent) kind = Kind::kBreak;
    if (kind != run) {
      tokens += tokens_of_run(run, length);
      length = 0;
      run = kind;
    }
    ++length;
  }
  return tokens + tokens_of_run(run, length);
}

int64_t estimate_prompt_tokens(const ChatRequest& request) {
  int64_t tokens = request.prompt ? estimate_tokens(*request.prompt) : 0;
  for (const Message& message : request.messages) tokens += tokens_of(message);
  for (const Tool& tool : request.tools) tokens += tokens_of(tool);
  if (request.response_format.kind == ResponseFormat::Kind::kJsonSchema) {
    tokens += estimate_tokens(dump_json(request.response_format.schema));
  }
  return tokens;
}

Usage estimate_answer_usage(const ChatAnswer& answer) {
  Usage usage;
  usage.estimated = true;
  for (const ChatChoice& choice : answer.choices) {
    usage.output += estimate_tokens(choice.text) + estimate_tokens(choice.refusal) + tokens_of(choice.tool_calls);
    for (const Native& native : choice.natives) usage.output += estimate_tokens(dump_json(native.value));
    for (const Reasoning& reasoning : choice.reasoning) usage.reasoning += estimate_tokens(reasoning.text);
  }
  return usage;
}

Usage estimate_usage(const ChatRequest& request, const ChatAnswer& answer) {
  Usage usage = estimate_answer_usage(answer);
  usage.input = estimate_prompt_tokens(request);
  return usage;
}

}  // namespace understudy
