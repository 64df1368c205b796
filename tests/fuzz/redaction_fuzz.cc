// Any text: findings are in order, inside it, none over another; a body that was an object or a list of JSON stays one,
// UTF-8 stays UTF-8.
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "privacy/redaction.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t end = 0;
  for (const PrivateFinding& finding : find_private(text, PrivateKindSet::all())) {
    CHECK(finding.begin >= end && finding.end > finding.begin && finding.end <= size, "findings out of order");
    end = finding.end;
  }
  Redactor redactor(PrivateKindSet::all());
  const std::string body = redactor.redact_body(text);
  if (is_valid_utf8(text)) CHECK(is_valid_utf8(body), "a character was cut");
  const std::optional<Json> value = try_parse_json(text, {.depth = 100});
  if (value && value->is_structured()) CHECK(try_parse_json(body), "JSON was broken");
  return 0;
}
