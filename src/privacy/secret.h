// Secrets of a config: where one is to be found, and what was found there. A Secret's text never prints: there is no
// operator<<, no JSON form, and who wants the text has to say reveal(). Values; thread-safe while nobody assigns.
#pragma once

#include <string>
#include <string_view>

#include "base/config_node.h"

namespace understudy {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;  // wipes what the other leaves behind
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();  // overwrites the text in memory

  const std::string& reveal() const { return text_; }  // for the one place that sends it
  bool empty() const { return text_.empty(); }
  // Takes as long for any text of this length, wherever they differ.
  bool matches(std::string_view text) const;

 private:
  std::string text_;
};

// env:NAME or file:PATH, as it stands in the config. Commands that need no secret never read() it.
struct SecretSource {
  enum class Kind { kNone, kEnvironment, kFile };
  Kind kind = Kind::kNone;
  std::string place;  // the variable's name or the file's path
  std::string where;  // "gateway.yml:14: providers.openai.keys[0]", for errors

  bool is_set() const { return kind != Kind::kNone; }
  // Throws kInvalidInput where the variable is unset, the file is absent, or what is there is empty, longer than 64 KiB
  // or holds what no HTTP header may (a line break inside). Space and line breaks around a file's text are no part of
  // it.
  Secret read() const;
  bool operator==(const SecretSource&) const = default;
};

// Throws kInvalidInput for anything else, above all for a secret written out; the error does not repeat it.
void read_value(const ConfigNode& node, SecretSource& source);

}  // namespace understudy
