#include "engine/text/jinja_text.h"

#include <utf8proc.h>

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace understudy::jinja {

Text::Text(std::string bytes, Source source) : bytes_(std::move(bytes)) {
  if (source != kNoSource && !bytes_.empty()) origins_.push_back({0, bytes_.size(), source});
}

Source Text::source_at(size_t byte) const {
  const auto after = std::upper_bound(origins_.begin(), origins_.end(), byte,
                                      [](size_t at, const Origin& origin) { return at < origin.end; });
  return after != origins_.end() && after->begin <= byte ? after->source : kNoSource;
}

void Text::append(std::string_view bytes, Source source) {
  if (bytes.empty()) return;
  const size_t begin = bytes_.size();
  bytes_ += bytes;
  if (source == kNoSource) return;
  if (!origins_.empty() && origins_.back().end == begin && origins_.back().source == source) {
    origins_.back().end = bytes_.size();
  } else {
    origins_.push_back({begin, bytes_.size(), source});
  }
}

void Text::append(const Text& text) {
  const size_t shift = bytes_.size();
  bytes_ += text.bytes_;
  for (const Origin& origin : text.origins_) {
    const bool joins =
        !origins_.empty() && origins_.back().end == origin.begin + shift && origins_.back().source == origin.source;
    if (joins) {
      origins_.back().end = origin.end + shift;
    } else {
      origins_.push_back({origin.begin + shift, origin.end + shift, origin.source});
    }
  }
}

Text Text::part(size_t begin, size_t end) const {
  Text out;
  out.bytes_ = bytes_.substr(begin, end - begin);
  auto origin =
      std::upper_bound(origins_.begin(), origins_.end(), begin, [](size_t at, const Origin& o) { return at < o.end; });
  for (; origin != origins_.end() && origin->begin < end; ++origin) {
    out.origins_.push_back(
        {std::max(origin->begin, begin) - begin, std::min(origin->end, end) - begin, origin->source});
  }
  return out;
}

bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

TextSpan stripped(std::string_view text, const std::function<bool(char32_t)>& drop, bool left, bool right) {
  size_t begin = 0;
  while (left && begin < text.size()) {
    size_t next = begin;
    if (!drop(next_code_point(text, next))) break;
    begin = next;
  }
  size_t end = text.size();
  while (right && end > begin) {
    size_t start = end - 1;
    while (start > begin && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
    size_t position = start;
    if (!drop(next_code_point(text, position))) break;
    end = start;
  }
  return {begin, end};
}

std::vector<size_t> character_starts(std::string_view text) {
  std::vector<size_t> starts;
  starts.reserve(text.size() + 1);
  for (size_t position = 0; position < text.size();) {
    starts.push_back(position);
    next_code_point(text, position);
  }
  starts.push_back(text.size());
  return starts;
}

Text map_characters(const Text& text, const std::function<void(std::string& out, char32_t character)>& change) {
  Text out;
  std::string changed;
  const auto& origins = text.origins();
  size_t origin = 0;
  for (size_t position = 0; position < text.size();) {
    while (origin < origins.size() && origins[origin].end <= position) ++origin;
    const bool inside = origin < origins.size() && origins[origin].begin <= position;
    changed.clear();
    change(changed, next_code_point(text.bytes(), position));
    out.append(changed, inside ? origins[origin].source : kNoSource);
  }
  return out;
}

void append_upper(std::string& out, char32_t c) {
  if (c == 0xDF) {
    out += "SS";
  } else {
    append_utf8(out, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))));
  }
}

void append_lower(std::string& out, char32_t c) {
  if (c == 0x130) {
    out += "i\xCC\x87";
  } else {
    append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
}

void append_title(std::string& out, char32_t c) {
  if (c == 0xDF) {
    out += "Ss";
  } else {
    append_utf8(out, static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c))));
  }
}

bool is_cased(char32_t c) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL || category == UTF8PROC_CATEGORY_LT;
}

Text upper(const Text& text) {
  return map_characters(text, append_upper);
}
Text lower(const Text& text) {
  return map_characters(text, append_lower);
}

std::string lower(std::string_view text) {
  std::string out;
  for (size_t position = 0; position < text.size();) append_lower(out, next_code_point(text, position));
  return out;
}

Text capitalized(const Text& text) {
  bool first = true;
  return map_characters(text, [&](std::string& out, char32_t c) {
    first ? append_title(out, c) : append_lower(out, c);
    first = false;
  });
}

Text title_cased(const Text& text) {
  bool inside = false;
  return map_characters(text, [&](std::string& out, char32_t c) {
    inside ? append_lower(out, c) : append_title(out, c);
    inside = is_cased(c);
  });
}

Text replaced(const Text& text, const Text& from, const Text& to, long limit) {
  Text out;
  size_t done = 0;
  const auto copy_to = [&](size_t end) {
    out.append(text.part(done, end));
    done = end;
  };
  if (from.empty()) {  // between all characters, and at both ends
    for (const size_t start : character_starts(text.bytes())) {
      copy_to(start);
      if (limit-- == 0) break;
      out.append(to);
    }
    copy_to(text.size());
    return out;
  }
  for (size_t found = text.bytes().find(from.bytes()); found != std::string::npos && limit != 0;
       found = text.bytes().find(from.bytes(), done), --limit) {
    copy_to(found);
    out.append(to);
    done = found + from.size();
  }
  copy_to(text.size());
  return out;
}

std::vector<Text> split_lines(const Text& text) {
  std::vector<Text> lines;
  size_t begin = 0;
  for (size_t position = 0; position < text.size();) {
    const size_t end = position;
    const char32_t c = next_code_point(text.bytes(), position);
    const bool breaks = (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
    if (!breaks) continue;
    if (c == '\r' && position < text.size() && text.bytes()[position] == '\n') ++position;
    lines.push_back(text.part(begin, end));
    begin = position;
  }
  if (begin < text.size()) lines.push_back(text.part(begin, text.size()));
  return lines;
}

}  // namespace understudy::jinja
