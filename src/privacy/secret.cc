#include "privacy/secret.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/environment.h"
#include "base/error.h"
#include "base/files.h"

namespace understudy {

namespace {

constexpr uint64_t kLongest = 64 << 10;
constexpr std::string_view kEnvironment = "env:";
constexpr std::string_view kFile = "file:";

// Writes that the compiler may not leave out, over the whole capacity: a short string's buffer too.
void wipe(std::string& text) {
  text.resize(text.capacity());
  volatile char* bytes = text.data();
  for (size_t i = 0; i < text.size(); ++i) bytes[i] = 0;
  text.clear();
}

bool is_variable_name(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !is_letter(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string text_of_file(const SecretSource& source) {
  std::string text;
  try {
    text = read_file(source.place, kLongest);
  } catch (const Error& error) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: {}", source.where, error.message()), error.hint());
  }
  while (!text.empty() && is_space(text.back())) text.pop_back();
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_space));
  return text;
}

std::string text_of_variable(const SecretSource& source) {
  std::optional<std::string> text = environment(source.place);
  if (text) return std::move(*text);
  throw Error(ErrorCode::kInvalidInput,
              fmt::format("{}: the environment variable {} is not set", source.where, source.place),
              fmt::format("set {} before the program starts", source.place));
}

}  // namespace

Secret::Secret(Secret&& other) noexcept : text_(std::move(other.text_)) {
  wipe(other.text_);
}

Secret& Secret::operator=(const Secret& other) {
  if (this == &other) return *this;
  wipe(text_);
  text_ = other.text_;
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe(text_);
  text_ = std::move(other.text_);
  wipe(other.text_);
  return *this;
}

Secret::~Secret() {
  wipe(text_);
}

bool Secret::matches(std::string_view text) const {
  if (text.size() != text_.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < text.size(); ++i) difference |= static_cast<unsigned char>(text[i] ^ text_[i]);
  return difference == 0;
}

Secret SecretSource::read() const {
  CHECK(is_set(), "a secret that the config does not name");
  std::string text = kind == Kind::kFile ? text_of_file(*this) : text_of_variable(*this);
  const bool is_sendable =
      std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; });
  Secret secret(std::move(text));
  if (secret.empty() || !is_sendable || secret.reveal().size() > kLongest) {
    throw Error(
        ErrorCode::kInvalidInput,
        fmt::format("{}: expected one line of text in {}, which is empty, too long or has more in it", where, place));
  }
  return secret;
}

void read_value(const ConfigNode& node, SecretSource& source) {
  const std::string text = node.as_text();
  if (text.starts_with(kEnvironment) && is_variable_name(std::string_view(text).substr(kEnvironment.size()))) {
    source = {SecretSource::Kind::kEnvironment, text.substr(kEnvironment.size()), node.where()};
  } else if (text.starts_with(kFile) && text.size() > kFile.size()) {
    source = {SecretSource::Kind::kFile, text.substr(kFile.size()), node.where()};
  } else {
    throw node.error("expected env:NAME or file:PATH; a secret is not written into a config",
                     "put it into an environment variable and write env: and its name here");
  }
}

}  // namespace understudy
