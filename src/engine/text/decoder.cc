#include "engine/text/decoder.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "engine/text/byte_level.h"
#include "engine/text/json_fields.h"

namespace understudy {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// How many bytes from `position` could still have become one character; at least 1.
size_t maximal_subpart(std::string_view bytes, size_t position) {
  for (size_t length = 3; length > 1; --length) {
    if (position + length > bytes.size()) continue;
    if (incomplete_utf8_tail(bytes.substr(position, length)) == length) return length;
  }
  return 1;
}

std::string replaced(const std::string& token, const ReplaceDecoder& step) {
  std::string out;
  size_t done = 0;
  step.pattern.for_each_match(token, [&](TextSpan match) {
    out.append(token, done, match.begin - done);
    out += step.content;
    done = match.end;
  });
  return done == 0 ? token : out.append(token, done, std::string::npos);
}

std::string stripped(std::string_view token, const StripDecoder& step) {
  for (size_t i = 0; i < step.start && token.substr(0, step.content.size()) == step.content; ++i) {
    token.remove_prefix(step.content.size());
  }
  for (size_t i = 0; i < step.stop && token.size() >= step.content.size() &&
                     token.substr(token.size() - step.content.size()) == step.content;
       ++i) {
    token.remove_suffix(step.content.size());
  }
  return std::string(token);
}

std::string without_metaspace(std::string_view token, const MetaspaceStep& step, bool first) {
  std::string out;
  const bool drop = first && step.prepend != PrependScheme::kNever;
  for (size_t i = 0; i < token.size();) {
    if (token.substr(i, step.replacement.size()) == step.replacement) {
      if (!drop) out += ' ';
      i += step.replacement.size();
    } else {
      out += token[i++];
    }
  }
  return out;
}

std::string joined(const std::vector<std::string>& tokens, std::string_view separator = "") {
  std::string text;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) text += separator;
    text += tokens[i];
  }
  return text;
}

void apply_step(const ByteLevelDecoder&, std::vector<std::string>& tokens) {
  std::string bytes;
  for (const std::string& token : tokens) bytes += from_byte_level(token);
  tokens = {lossy_utf8(bytes)};
}

void apply_step(const ReplaceDecoder& step, std::vector<std::string>& tokens) {
  for (std::string& token : tokens) token = replaced(token, step);
}

void apply_step(const ByteFallbackDecoder&, std::vector<std::string>& tokens) {
  std::vector<std::string> out;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) return;
    if (is_valid_utf8(bytes)) {
      out.push_back(bytes);
    } else {
      out.insert(out.end(), bytes.size(), std::string(kReplacement));
    }
    bytes.clear();
  };
  for (std::string& token : tokens) {
    const int byte = byte_token_value(token);
    if (byte >= 0) {
      bytes += static_cast<char>(byte);
    } else {
      flush();
      out.push_back(std::move(token));
    }
  }
  flush();
  tokens = std::move(out);
}

void apply_step(const FuseDecoder&, std::vector<std::string>& tokens) {
  tokens = {joined(tokens)};
}

void apply_step(const StripDecoder& step, std::vector<std::string>& tokens) {
  for (std::string& token : tokens) token = stripped(token, step);
}

void apply_step(const MetaspaceDecoder& step, std::vector<std::string>& tokens) {
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = without_metaspace(tokens[i], step.step, i == 0);
}

// What a step makes of a single token whose neighbours are unknown.
std::string single(const ByteLevelDecoder&, std::string token, bool) {
  return from_byte_level(token);
}
std::string single(const ReplaceDecoder& step, std::string token, bool) {
  return replaced(token, step);
}
std::string single(const ByteFallbackDecoder&, std::string token, bool) {
  const int byte = byte_token_value(token);
  return byte >= 0 ? std::string(1, static_cast<char>(byte)) : token;
}
std::string single(const FuseDecoder&, std::string token, bool) {
  return token;
}
std::string single(const StripDecoder& step, std::string token, bool first) {
  return first ? stripped(token, {step.content, step.start, 0}) : token;
}
std::string single(const MetaspaceDecoder& step, std::string token, bool first) {
  return without_metaspace(token, step.step, first);
}

StripDecoder read_strip(const Json& value, std::string_view where) {
  const int64_t start = json_integer(value, "start", where);
  const int64_t stop = json_integer(value, "stop", where);
  const std::string content = json_text(value, "content", where);
  if (start < 0 || stop < 0 || content.empty()) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: expected start and stop from 0 and a content of one character", where));
  }
  return {content, static_cast<size_t>(start), static_cast<size_t>(stop)};
}

void read_into(std::vector<DecoderStep>& steps, const Json& value, std::string_view where) {
  const std::string type = json_text(value, "type", where);
  if (type == "Sequence") {
    for (const Json& step : json_list(value, "decoders", where)) read_into(steps, step, where);
  } else if (type == "ByteLevel") {
    steps.emplace_back(ByteLevelDecoder{});
  } else if (type == "Replace") {
    steps.emplace_back(ReplaceDecoder{json_pattern(value, where), json_text(value, "content", where)});
  } else if (type == "ByteFallback") {
    steps.emplace_back(ByteFallbackDecoder{});
  } else if (type == "Fuse") {
    steps.emplace_back(FuseDecoder{});
  } else if (type == "Strip") {
    steps.emplace_back(read_strip(value, where));
  } else if (type == "Metaspace") {
    steps.emplace_back(MetaspaceDecoder{read_metaspace(value, where)});
  } else {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: the type \"{}\" is not supported", where, type),
                "known are Sequence, ByteLevel, Replace, ByteFallback, Fuse, Strip and Metaspace");
  }
}

}  // namespace

std::string lossy_utf8(std::string_view bytes) {
  if (is_valid_utf8(bytes)) return std::string(bytes);
  std::string text;
  for (size_t position = 0; position < bytes.size();) {
    const size_t begin = position;
    const char32_t character = next_code_point(bytes, position);
    if (character == 0xFFFD && position == begin + 1) {
      position = begin + maximal_subpart(bytes, begin);
      text += kReplacement;
    } else {
      text += bytes.substr(begin, position - begin);
    }
  }
  return text;
}

int byte_token_value(std::string_view token) {
  if (token.size() != 6 || token.substr(0, 3) != "<0x" || token[5] != '>') return -1;
  int value = 0;
  for (const char c : token.substr(3, 2)) {
    int digit = 0;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'A' && c <= 'F') {
      digit = c - 'A' + 10;
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

std::string byte_token(uint8_t byte) {
  return fmt::format("<0x{:02X}>", byte);
}

Decoder Decoder::read(const Json& value, std::string_view where) {
  std::vector<DecoderStep> steps;
  if (!value.is_null()) read_into(steps, value, where);
  return Decoder(std::move(steps));
}

std::string Decoder::decode(std::vector<std::string> tokens) const {
  if (steps_.empty()) return joined(tokens, " ");
  for (const DecoderStep& step : steps_) std::visit([&](const auto& s) { apply_step(s, tokens); }, step);
  return joined(tokens);
}

std::string Decoder::bytes_of(std::string token, bool first) const {
  for (const DecoderStep& step : steps_) {
    token = std::visit([&](const auto& s) { return single(s, std::move(token), first); }, step);
  }
  return token;
}

std::string Decoder::bytes_of(const std::string& token) const {
  return bytes_of(token, false);
}
std::string Decoder::first_bytes_of(const std::string& token) const {
  return bytes_of(token, true);
}

}  // namespace understudy
