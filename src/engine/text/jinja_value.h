// The values of a template's evaluation, with Python's meaning of truth, equality, order and str(). Lists and dicts
// never change once made (the sandbox of the Python original forbids it too); only a namespace does. One thread at a
// time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/json_fwd.h"
#include "engine/text/jinja_text.h"

namespace understudy::jinja {

class Evaluator;
class Value;
struct CallArguments;

// Wide enough for every integer of a JSON document (int64 and uint64), so that none changes when it is printed.
using Integer = __int128;
std::string to_string(Integer value);

struct Undefined {
  std::string what;  // "'tools' is undefined": said where it is used as if it were there
};
struct None {};

// How large a value is with all that it holds: levels of nesting, and about how many bytes str() makes of it. A
// template can hold the same list many times over in another; both numbers count it every time. They saturate.
struct Extent {
  int depth = 0;
  uint64_t weight = 1;
  void take_in(const Extent& part);
};

struct List {
  std::vector<Value> items;
  bool is_tuple = false;
  Extent extent;  // of the items; set when it becomes a value
};

// Whether Python could use the value as a key of a dict: lists and dicts are none.
bool is_hashable(const Value& value);

class Dict {
 public:
  void set(const Value& key, Value value);    // only while it is being made; the key is hashable
  const Value* find(const Value& key) const;  // null for a key that is not hashable
  const Value* find(std::string_view key) const;
  const std::vector<std::pair<Value, Value>>& items() const { return items_; }
  const Extent& extent() const { return extent_; }

 private:
  Extent extent_;
  std::vector<std::pair<Value, Value>> items_;     // in the order of insertion
  std::unordered_map<std::string, size_t> index_;  // by a key's writing
};

struct Namespace {
  std::vector<std::pair<std::string, Value>> members;
};

// A macro, a method bound to its object, or one of the global functions.
struct Function {
  std::string name;
  std::function<Value(Evaluator&, CallArguments&)> call;
  Extent extent;  // of what it is bound to
};

// The variable `loop` of a for statement.
struct Loop;

class Value {
 public:
  using Data = std::variant<Undefined, None, bool, Integer, double, std::shared_ptr<const Text>,
                            std::shared_ptr<const List>, std::shared_ptr<const Dict>, std::shared_ptr<Namespace>,
                            std::shared_ptr<const Function>, std::shared_ptr<Loop>>;

  Value() = default;  // undefined
  Value(Undefined value) : data_(std::move(value)) {}
  Value(None value) : data_(value) {}
  Value(bool value) : data_(value) {}
  Value(Integer value) : data_(value) {}
  Value(double value) : data_(value) {}
  Value(Text value) : data_(std::make_shared<const Text>(std::move(value))) {}
  Value(List value);
  Value(Dict value) : data_(std::make_shared<const Dict>(std::move(value))) {}
  Value(std::shared_ptr<Namespace> value) : data_(std::move(value)) {}
  Value(Function value) : data_(std::make_shared<const Function>(std::move(value))) {}
  Value(std::shared_ptr<Loop> value) : data_(std::move(value)) {}
  static Value text(std::string_view bytes, Source source = kNoSource) { return Text(std::string(bytes), source); }
  static Value integer(int64_t value) { return static_cast<Integer>(value); }

  // A JSON value whose every string, number and container comes from `source`.
  static Value from_json(const Json& json, Source source);

  template <class T>
  bool is() const {
    return std::holds_alternative<T>(data_);
  }
  bool is_undefined() const { return is<Undefined>(); }
  bool is_none() const { return is<None>(); }
  bool is_text() const { return is<std::shared_ptr<const Text>>(); }
  bool is_list() const { return is<std::shared_ptr<const List>>(); }
  bool is_dict() const { return is<std::shared_ptr<const Dict>>(); }
  bool is_number() const { return is<bool>() || is<Integer>() || is<double>(); }

  // Null where the value is something else. The pointers live as long as the value.
  const Text* as_text() const { return pointer<const Text>(); }
  const List* as_list() const { return pointer<const List>(); }
  const Dict* as_dict() const { return pointer<const Dict>(); }
  const Function* as_function() const { return pointer<const Function>(); }
  Namespace* as_namespace() const { return pointer<Namespace>(); }
  Loop* as_loop() const { return pointer<Loop>(); }
  std::optional<Integer> as_integer() const;  // bool counts, as in Python
  std::optional<double> as_double() const;    // any number

  const Data& data() const { return data_; }
  Extent extent() const;
  // Where a number or a container came from; a text's parts know it themselves.
  Source source() const { return source_; }
  Value& with_source(Source source) {
    source_ = source;
    return *this;
  }

 private:
  template <class T>
  T* pointer() const {
    const auto* held = std::get_if<std::shared_ptr<T>>(&data_);
    return held == nullptr ? nullptr : held->get();
  }
  Data data_;
  Source source_ = kNoSource;
};

struct Loop {
  std::shared_ptr<const List> items;
  size_t index = 0;
  int depth = 1;  // of loops in each other
};

// Arguments of a call, taken one by one; what is left over at the end is an error of the template.
struct CallArguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  // The argument at `index` or of that name; nothing where it was not given.
  std::optional<Value> take(size_t index, std::string_view name);
  Value take_or(size_t index, std::string_view name, Value fallback);
  // The first argument that no take() asked for, in words; an empty string where there is none.
  std::string left_over(size_t n_positional) const;
};

bool is_true(const Value& value);
bool equal(const Value& a, const Value& b);
// Below zero, zero, above zero; nothing where Python cannot order the two.
std::optional<int> compare(const Value& a, const Value& b);
std::string type_name(const Value& value);  // Python's word, for errors
Text to_text(const Value& value);           // str()
Text to_repr(const Value& value);           // repr()
std::string repr_of(double value);

}  // namespace understudy::jinja
