#include "base/config_node.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <sstream>

#include "base/files.h"
#include "base/json.h"

namespace understudy {

struct ConfigNode::Value {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string file;
  std::string origin;  // set on the command line: stands instead of file and line
  int line = 0;        // from 1; 0 where there is none
  std::string text;    // of a scalar
  bool quoted = false;
  std::vector<std::shared_ptr<Value>> items;
  std::vector<std::pair<std::string, std::shared_ptr<Value>>> members;
};

namespace {

using Value = ConfigNode::Value;

constexpr int kMaxDepth = 64;
constexpr size_t kMaxNodes = 1'000'000;  // what aliases may expand to
constexpr uint64_t kMaxConfigBytes = 64 << 20;

bool is_null_word(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

// Copies yaml-cpp's tree into ours: it alone knows lines, and repeated keys are visible only while walking it.
class Converter {
 public:
  explicit Converter(std::string file) : file_(std::move(file)) {}

  std::shared_ptr<Value> convert(const YAML::Node& node, int depth = 0) {
    auto value = std::make_shared<Value>();
    value->file = file_;
    value->line = node.Mark().is_null() ? 0 : node.Mark().line + 1;
    if (depth > kMaxDepth) throw fault(value->line, fmt::format("nested more than {} levels deep", kMaxDepth));
    if (++n_nodes_ > kMaxNodes) throw fault(value->line, "too many values (aliases that expand?)");
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        break;
      case YAML::NodeType::Scalar:
        value->text = node.Scalar();
        value->quoted = node.Tag() == "!";
        value->kind = !value->quoted && is_null_word(value->text) ? Value::Kind::kNull : Value::Kind::kScalar;
        break;
      case YAML::NodeType::Sequence:
        value->kind = Value::Kind::kList;
        for (const YAML::Node& item : node) value->items.push_back(convert(item, depth + 1));
        break;
      case YAML::NodeType::Map:
        value->kind = Value::Kind::kMap;
        convert_members(node, *value, depth);
        break;
    }
    return value;
  }

 private:
  void convert_members(const YAML::Node& node, Value& value, int depth) {
    std::map<std::string, int> seen;  // key to line
    for (const auto& member : node) {
      const int line = member.first.Mark().line + 1;
      if (!member.first.IsScalar()) throw fault(line, "a key has to be a plain word");
      const std::string key = member.first.Scalar();
      const auto [other, is_new] = seen.emplace(key, line);
      if (!is_new)
        throw fault(line, fmt::format("{}: stands twice, on line {} and on line {}", key, other->second, line));
      std::shared_ptr<Value> child = convert(member.second, depth + 1);
      if (child->line == 0 || child->kind == Value::Kind::kNull || child->kind == Value::Kind::kMap) child->line = line;
      value.members.emplace_back(key, std::move(child));
    }
  }

  Error fault(int line, const std::string& message) const {
    return Error(ErrorCode::kInvalidInput, fmt::format("{}:{}: {}", file_, line, message));
  }

  std::string file_;
  size_t n_nodes_ = 0;
};

// Takes a document's events and keeps nothing.
class DocumentCounter : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// Not with YAML::LoadAll: it finds documents without end in ", {a: 1}" and fills the memory with them.
void refuse_several_documents(const std::string& text, const std::string& file) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentCounter counter;
  if (!parser.HandleNextDocument(counter) || !parser.HandleNextDocument(counter)) return;
  throw Error(ErrorCode::kInvalidInput, fmt::format("{}: holds several YAML documents, expected one", file));
}

std::shared_ptr<Value> parse_value(std::string_view written, const std::string& file) {
  const std::string text(written);
  try {
    refuse_several_documents(text, file);
    return Converter(file).convert(YAML::Load(text));
  } catch (const YAML::Exception& fault) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}:{}: not valid YAML: {}", file, fault.mark.line + 1, fault.msg));
  }
}

std::optional<bool> word_as_bool(std::string_view text) {
  for (const char* word : {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"}) {
    if (text == word) return true;
  }
  for (const char* word : {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"}) {
    if (text == word) return false;
  }
  return std::nullopt;
}

std::string without_underscores(const std::string& text) {  // YAML 1.1: 10_000
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_' || i == 0) digits += text[i];
  }
  return digits;
}

std::optional<int64_t> text_as_integer(const std::string& written) {
  const std::string text = without_underscores(written);
  if (text.empty() || text.find_first_not_of("+-0123456789") != std::string::npos) return std::nullopt;
  errno = 0;
  char* end = nullptr;
  const int64_t value = std::strtoll(text.c_str(), &end, 10);
  if (*end != '\0' || end == text.c_str() || errno == ERANGE) return std::nullopt;
  return value;
}

std::optional<double> text_as_number(const std::string& written) {
  const std::string text = without_underscores(written);
  if (text.empty() || text.find_first_not_of("+-.0123456789eE") != std::string::npos) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (*end != '\0' || end == text.c_str() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

ConfigNode::ConfigNode(std::shared_ptr<Value> value, std::string path)
    : value_(std::move(value)), path_(std::move(path)) {}

ConfigNode ConfigNode::read_file(const std::filesystem::path& path) {
  return parse(understudy::read_file(path, kMaxConfigBytes), path.string());
}

ConfigNode ConfigNode::parse(std::string_view text, std::string file_name) {
  std::shared_ptr<Value> value = parse_value(text, file_name);
  if (value->kind == Value::Kind::kNull) return empty_map(std::move(file_name));
  return ConfigNode(std::move(value), "");
}

ConfigNode ConfigNode::empty_map(std::string file_name) {
  auto value = std::make_shared<Value>();
  value->kind = Value::Kind::kMap;
  value->file = std::move(file_name);
  return ConfigNode(std::move(value), "");
}

bool ConfigNode::is_null() const {
  return value_->kind == Value::Kind::kNull;
}
bool ConfigNode::is_scalar() const {
  return value_->kind == Value::Kind::kScalar;
}
bool ConfigNode::is_list() const {
  return value_->kind == Value::Kind::kList;
}
bool ConfigNode::is_map() const {
  return value_->kind == Value::Kind::kMap;
}
bool ConfigNode::is_quoted() const {
  return value_->quoted;
}
const std::string& ConfigNode::file() const {
  return value_->file;
}
std::string ConfigNode::key_path() const {
  return path_;
}

std::vector<std::string> ConfigNode::keys() const {
  std::vector<std::string> names;
  for (const auto& member : value_->members) names.push_back(member.first);
  return names;
}

std::string ConfigNode::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

ConfigNode ConfigNode::operator[](std::string_view key) const {
  const std::string path = path_of(key);
  for (const auto& [name, child] : value_->members) {
    if (name == key) return ConfigNode(child, path);
  }
  auto absent = std::make_shared<Value>();
  absent->file = value_->file;
  absent->line = value_->line;
  absent->origin = value_->origin;
  return ConfigNode(std::move(absent), path);
}

std::vector<ConfigNode> ConfigNode::items() const {
  if (!is_list()) throw wrong_type("a list");
  std::vector<ConfigNode> nodes;
  for (size_t i = 0; i < value_->items.size(); ++i) {
    nodes.push_back(ConfigNode(value_->items[i], fmt::format("{}[{}]", path_, i)));
  }
  return nodes;
}

std::vector<std::pair<std::string, ConfigNode>> ConfigNode::members() const {
  if (!is_map()) throw wrong_type("a map of keys to values");
  std::vector<std::pair<std::string, ConfigNode>> nodes;
  for (const auto& [name, child] : value_->members) nodes.emplace_back(name, ConfigNode(child, path_of(name)));
  return nodes;
}

std::string ConfigNode::as_text() const {
  if (!is_scalar()) throw wrong_type("a text");
  return value_->text;
}

bool ConfigNode::as_bool() const {
  const std::optional<bool> value = is_scalar() && !value_->quoted ? word_as_bool(value_->text) : std::nullopt;
  if (!value) throw wrong_type("true or false");
  return *value;
}

int64_t ConfigNode::as_integer() const {
  const std::optional<int64_t> value = is_scalar() ? text_as_integer(value_->text) : std::nullopt;
  if (!value) throw wrong_type("a whole number");
  return *value;
}

double ConfigNode::as_number() const {
  const std::optional<double> value = is_scalar() ? text_as_number(value_->text) : std::nullopt;
  if (!value) throw wrong_type("a number");
  return *value;
}

Json ConfigNode::to_json() const {
  switch (value_->kind) {
    case Value::Kind::kNull:
      return nullptr;
    case Value::Kind::kScalar:
      if (value_->quoted) return value_->text;
      if (const auto flag = word_as_bool(value_->text)) return *flag;
      if (const auto whole = text_as_integer(value_->text)) return *whole;
      if (const auto number = text_as_number(value_->text)) return *number;
      return value_->text;
    case Value::Kind::kList: {
      Json list = Json::array();
      for (const ConfigNode& item : items()) list.push_back(item.to_json());
      return list;
    }
    case Value::Kind::kMap: {
      Json map = Json::object();
      for (const auto& [key, member] : members()) map[key] = member.to_json();
      return map;
    }
  }
  return nullptr;
}

void ConfigNode::set(std::string_view dotted_path, std::string_view yaml_text, std::string origin) {
  std::shared_ptr<Value> node = value_;
  std::string_view rest = dotted_path;
  std::shared_ptr<Value> leaf = parse_value(yaml_text, origin);
  leaf->origin = origin;
  for (;;) {
    if (node->kind == Value::Kind::kNull) node->kind = Value::Kind::kMap;
    const size_t dot = rest.find('.');
    const std::string key(rest.substr(0, dot));
    std::shared_ptr<Value>* child = nullptr;
    if (node->kind == Value::Kind::kList) {  // "datasets.0.path": an item that is there
      const std::optional<int64_t> index = text_as_integer(key);
      if (!index || *index < 0 || *index >= static_cast<int64_t>(node->items.size())) {
        throw Error(ErrorCode::kInvalidInput,
                    fmt::format("{}: {}: the file has a list of {} there, expected 0 to {}", origin, dotted_path,
                                node->items.size(), std::ssize(node->items) - 1));
      }
      child = &node->items[static_cast<size_t>(*index)];
    } else if (node->kind != Value::Kind::kMap) {
      throw Error(ErrorCode::kInvalidInput, fmt::format("{}: {}: the file has no map there", origin, dotted_path));
    }
    for (auto& member : node->members) {
      if (member.first == key) child = &member.second;
    }
    if (child == nullptr) {
      auto fresh = std::make_shared<Value>();
      fresh->file = value_->file;
      fresh->origin = origin;
      node->members.emplace_back(key, std::move(fresh));
      child = &node->members.back().second;
    }
    if (dot == std::string_view::npos) {
      leaf->file = value_->file;
      *child = std::move(leaf);
      return;
    }
    node = *child;
    rest = rest.substr(dot + 1);
  }
}

std::string ConfigNode::where() const {
  std::string place = !value_->origin.empty() ? value_->origin
                      : value_->line > 0      ? fmt::format("{}:{}", value_->file, value_->line)
                                              : value_->file;
  if (!path_.empty() && value_->origin.empty()) place += ": " + path_;
  return place;
}

Error ConfigNode::error(std::string_view message, std::string hint) const {
  return Error(ErrorCode::kInvalidInput, fmt::format("{}: {}", where(), message), std::move(hint));
}

Error ConfigNode::wrong_type(std::string_view expected) const {
  std::string got = is_null()   ? "nothing"
                    : is_list() ? "a list"
                    : is_map()  ? "a map of keys"
                                : fmt::format("\"{}\"", value_->text.substr(0, 80));
  return error(fmt::format("expected {}, got {}", expected, got));
}

}  // namespace understudy
