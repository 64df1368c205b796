// A YAML or JSON value that knows its file, line and key path, so that every error about it can say where.
// Files are read here once and become a typed struct through base/config_fields.h; below the parse function there are
// no string keys. Cheap to copy: copies share one tree, and set() on one changes all. Thread-safe while nobody calls
// set().
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"

namespace understudy {

class ConfigNode {
 public:
  // Reads YAML (JSON is YAML too). Refuses: repeated keys (with both lines), aliases that expand without bound, several
  // documents, keys that are no plain words. An empty file is an empty map.
  static ConfigNode read_file(const std::filesystem::path& path);
  static ConfigNode parse(std::string_view text, std::string file_name);

  // An empty map under that name, to be filled by set() from the command line.
  static ConfigNode empty_map(std::string file_name);

  bool is_null() const;  // absent, or written with an empty value: "not set", as in Axolotl
  bool is_scalar() const;
  bool is_list() const;
  bool is_map() const;

  std::vector<std::string> keys() const;              // of a map, in the file's order
  ConfigNode operator[](std::string_view key) const;  // null node where absent
  std::vector<ConfigNode> items() const;              // of a list
  std::vector<std::pair<std::string, ConfigNode>> members() const;

  // Typed reading; throws kInvalidInput "file:line: key.path: expected a whole number, got "16a"". YAML 1.1 words (yes,
  // on) are booleans, and 2e-5 is a number, as Axolotl's users write them. A quoted scalar is no boolean and never
  // null; a quoted number is read as a number where one is expected, as Axolotl does.
  std::string as_text() const;
  bool as_bool() const;
  int64_t as_integer() const;
  double as_number() const;
  bool is_quoted() const;

  // As plain JSON: scalars typed by YAML's core rules.
  Json to_json() const;

  // Sets "a.b.c" (or "a.0.c": an item of a list that is there) to the scalar, list or map written in `yaml_text`,
  // making maps on the way. `origin` stands in errors instead of file and line ("--learning_rate").
  void set(std::string_view dotted_path, std::string_view yaml_text, std::string origin);

  std::string where() const;                                                         // "train.yml:14: datasets[0].type"
  std::string key_path() const;                                                      // "datasets[0].type"
  const std::string& file() const;                                                   // as given
  [[nodiscard]] Error error(std::string_view message, std::string hint = {}) const;  // message with where() before it

  struct Value;  // the tree behind it, in config_node.cc

 private:
  explicit ConfigNode(std::shared_ptr<Value> value, std::string path);
  [[nodiscard]] Error wrong_type(std::string_view expected) const;
  std::string path_of(std::string_view key) const;
  std::shared_ptr<Value> value_;
  std::string path_;
};

}  // namespace understudy
