// The members of a stranger's JSON object, taken one by one with type and range; what nobody took is refused by
// finish(). Every fault is an Error of kInvalidInput that names the field with its whole path
// ("messages[2].content[0].text") in message and Error::field. A member that is null counts as absent, as OpenAI's
// clients mean it. Used by one thread, for one request.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace understudy {

struct NumberRange {
  double from = std::numeric_limits<double>::lowest();
  double to = std::numeric_limits<double>::max();
};

// "temperature: expected a number from 0 to 2, got 3"
Error field_error(const std::string& path, std::string_view expected, const Json& got);
// "response_format.type: "json_schema" is not supported: ..."; for what is valid, but asks for something that we do not
// do.
Error unsupported_field(const std::string& path, std::string_view why);

class ObjectReader {
 public:
  // `value` must outlive the reader. `path` is empty for the request itself. Throws where it is not an object.
  ObjectReader(const Json& value, std::string path);

  std::string path_of(std::string_view key) const;
  const Json* take(std::string_view key);  // nullptr when absent or null
  const Json& require(std::string_view key);

  std::optional<double> number(std::string_view key, NumberRange range = {});
  std::optional<int64_t> integer(std::string_view key, int64_t from, int64_t to);
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::string> text(std::string_view key);
  std::string require_text(std::string_view key);
  const Json* list(std::string_view key);

  void accept(std::initializer_list<std::string_view> keys);  // changes nothing in the answer: any value will do
  void refuse(std::string_view key, std::string_view why);    // when it is there and not null
  void finish();                                              // throws for the first member that nobody took

 private:
  const Json& object_;
  std::string path_;
  std::vector<std::string> known_;  // some dozens, short: looking through them is quicker than any index
};

}  // namespace understudy
