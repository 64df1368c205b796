#include "base/json.h"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "base/error.h"

namespace understudy {

namespace {

// Builds the value like nlohmann's own handler, but refuses what that one lets pass: a key twice in one object, and
// depth.
class CarefulReader : public nlohmann::detail::json_sax_dom_parser<Json> {
  using Base = nlohmann::detail::json_sax_dom_parser<Json>;

 public:
  CarefulReader(Json& result, JsonLimits limits) : Base(result, false), limits_(limits) {}

  bool start_object(std::size_t size) {
    keys_.emplace_back();
    return deeper() && Base::start_object(size);
  }
  bool end_object() {
    keys_.pop_back();
    --depth_;
    return Base::end_object();
  }
  bool start_array(std::size_t size) { return deeper() && Base::start_array(size); }
  bool end_array() {
    --depth_;
    return Base::end_array();
  }
  bool key(std::string& name) {
    if (!keys_.back().insert(name).second) {
      fault_ = fmt::format("the key \"{}\" stands twice in one object", name);
      return false;
    }
    if (keys_.back().size() > limits_.members) {
      fault_ = fmt::format("more than {} members in one object", limits_.members);
      return false;
    }
    return Base::key(name);
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) {
    const std::string text = error.what();
    const size_t colon = text.find(": ");
    fault_ = colon == std::string::npos ? text : text.substr(colon + 2);
    (void)position;
    return false;
  }

  const std::string& fault() const { return fault_; }

 private:
  bool deeper() {
    if (++depth_ <= limits_.depth) return true;
    fault_ = fmt::format("nested more than {} levels deep", limits_.depth);
    return false;
  }

  JsonLimits limits_;
  int depth_ = 0;
  std::vector<std::set<std::string>> keys_;
  std::string fault_;
};

bool read(std::string_view text, JsonLimits limits, Json& value, std::string& fault) {
  CarefulReader reader(value, limits);
  const bool ok = Json::sax_parse(text.begin(), text.end(), &reader);
  fault = reader.fault();
  return ok;
}

}  // namespace

Json parse_json(std::string_view text, std::string_view where, JsonLimits limits) {
  Json value;
  std::string fault;
  if (!read(text, limits, value, fault)) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: not valid JSON: {}", where, fault));
  }
  return value;
}

std::optional<Json> try_parse_json(std::string_view text, JsonLimits limits) {
  Json value;
  std::string fault;
  if (!read(text, limits, value, fault)) return std::nullopt;
  return value;
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string dump_json_pretty(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace understudy
