// Reads one JSON object of our own making back into a value: absent and null members keep a default, a member of
// another type is an Error of kInvalidInput that names it. Borrows the object for the length of a call chain.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "base/money.h"

namespace understudy {

class JsonMembers {
 public:
  // `where` begins every message: "exchange", "exchange.attempts[2]". Throws where `object` is none.
  JsonMembers(const Json& object, std::string where);

  std::string text(const char* name) const;  // "" where absent
  int64_t whole(const char* name) const;     // 0
  int small(const char* name) const;         // 0; a status, a place in a list
  double number(const char* name) const;     // 0
  bool flag(const char* name, bool otherwise = false) const;
  std::optional<double> optional_number(const char* name) const;
  std::optional<Money> optional_money(const char* name) const;  // a decimal text
  std::vector<std::string> texts(const char* name) const;
  int64_t instant(const char* name) const;  // RFC 3339, needed

  const Json* find(const char* name) const;  // null where absent or null
  std::string place(const char* name) const;

  // What `from` makes of the text (an enum's reader); `otherwise` where absent.
  template <class T, class Reader>
  T word(const char* name, T otherwise, Reader from) const {
    if (find(name) == nullptr) return otherwise;
    const std::optional<T> value = from(text(name));
    if (!value) unknown_word(name);
    return *value;
  }

 private:
  [[noreturn]] void wrong(const char* name, const char* expected) const;
  [[noreturn]] void unknown_word(const char* name) const;

  const Json& object_;
  std::string where_;
};

}  // namespace understudy
