#include "engine/text/jinja_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "engine/text/jinja_evaluator.h"

namespace understudy::jinja {

namespace {

constexpr int kDepthLimit = 200;

class Writer {
 public:
  Writer(Evaluator& evaluator, const JsonStyle& style) : evaluator_(evaluator), style_(style) {}

  void write(const Value& value, Source inherited) {
    if (++depth_ > kDepthLimit) evaluator_.fail(fmt::format("tojson: nested more than {} levels deep", kDepthLimit));
    evaluator_.step();
    const Source source = inherited != kNoSource ? inherited : value.source();
    if (const Text* text = value.as_text()) {
      write_string(*text, source);
    } else if (const List* list = value.as_list()) {
      write_list(*list, source);
    } else if (const Dict* dict = value.as_dict()) {
      write_dict(*dict, source);
    } else {
      out_.append(scalar(value), source);
    }
    --depth_;
  }
  Text take() { return evaluator_.made(std::move(out_)); }

 private:
  std::string scalar(const Value& value) const {
    if (value.is_none()) return "null";
    if (const auto* flag = std::get_if<bool>(&value.data())) return *flag ? "true" : "false";
    if (const auto* number = std::get_if<Integer>(&value.data())) return to_string(*number);
    if (const auto* number = std::get_if<double>(&value.data())) {
      if (std::isnan(*number)) return "NaN";
      if (std::isinf(*number)) return *number < 0 ? "-Infinity" : "Infinity";
      return repr_of(*number);
    }
    evaluator_.fail(fmt::format("tojson: {} cannot be written as JSON", type_name(value)));
  }

  void append_escaped(std::string& out, char32_t c) const {
    switch (c) {
      case '"':
        out += "\\\"";
        return;
      case '\\':
        out += "\\\\";
        return;
      case '\n':
        out += "\\n";
        return;
      case '\r':
        out += "\\r";
        return;
      case '\t':
        out += "\\t";
        return;
      case '\f':
        out += "\\f";
        return;
      case '\b':
        out += "\\b";
        return;
      default:
        break;
    }
    if (c < 0x20 || (style_.ensure_ascii && c >= 0x7F && c < 0x10000)) {
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    } else if (style_.ensure_ascii && c >= 0x10000) {
      const uint32_t rest = static_cast<uint32_t>(c) - 0x10000;
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
    } else {
      append_utf8(out, c);
    }
  }

  void write_string(const Text& text, Source inherited) {
    evaluator_.count(text.size());
    const Text escaped = map_characters(text, [&](std::string& out, char32_t c) { append_escaped(out, c); });
    Source source = inherited;
    const bool from_one =
        text.origins().size() == 1 && text.origins().front().begin == 0 && text.origins().front().end == text.size();
    if (source == kNoSource && from_one) source = text.any_source();
    out_.append("\"", source);
    if (source != kNoSource) {
      out_.append(escaped.bytes(), source);
    } else {
      out_.append(escaped);
    }
    out_.append("\"", source);
  }

  void new_line(size_t level, Source source) {
    if (!style_.indent) return;
    std::string line = "\n";
    for (size_t i = 0; i < level; ++i) line += *style_.indent;
    out_.append(line, source);
  }

  void separate(bool first, Source source) {
    if (!first) out_.append(style_.item_separator, source);
    new_line(level_, source);
  }

  void write_list(const List& list, Source source) {
    if (list.items.empty()) return out_.append("[]", source);
    out_.append("[", source);
    ++level_;
    for (size_t i = 0; i < list.items.size(); ++i) {
      separate(i == 0, source);
      write(list.items[i], source);
    }
    new_line(--level_, source);
    out_.append("]", source);
  }

  // A key that is no string becomes one, as in Python.
  Value key_text(const Value& key) const {
    if (key.is_text()) return key;
    if (key.is_none() || key.is_number()) return Text(scalar(key), key.source());
    evaluator_.fail(fmt::format("tojson: {} cannot be a key", type_name(key)));
  }

  void write_dict(const Dict& dict, Source source) {
    if (dict.items().empty()) return out_.append("{}", source);
    std::vector<std::pair<Value, Value>> items;
    for (const auto& [key, value] : dict.items()) items.emplace_back(key_text(key), value);
    if (style_.sort_keys) {
      std::stable_sort(items.begin(), items.end(),
                       [](const auto& a, const auto& b) { return *compare(a.first, b.first) < 0; });
    }
    out_.append("{", source);
    ++level_;
    for (size_t i = 0; i < items.size(); ++i) {
      separate(i == 0, source);
      write(items[i].first, source);
      out_.append(style_.key_separator, source);
      write(items[i].second, source);
    }
    new_line(--level_, source);
    out_.append("}", source);
  }

  Evaluator& evaluator_;
  const JsonStyle& style_;
  Text out_;
  size_t level_ = 0;
  int depth_ = 0;
};

}  // namespace

Text to_json(Evaluator& evaluator, const Value& value, const JsonStyle& style) {
  Writer writer(evaluator, style);
  writer.write(value, kNoSource);
  return writer.take();
}

}  // namespace understudy::jinja
