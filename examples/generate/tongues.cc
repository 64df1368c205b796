#include "generate/tongues.h"

namespace understudy::examples {

Tongue random_tongue(Random& random) {
  return static_cast<Tongue>(random.below(kTongues));
}

std::vector<std::string_view> parts_of(std::string_view list) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find('|', begin), list.size());
    parts.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string pick_part(Random& random, std::string_view list) {
  return std::string(random.pick(parts_of(list)));
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (size_t i = 0; i < result.size(); ++i) {
    if (result[i] >= 'a' && result[i] <= 'z') result[i] -= 32;
    if (i == 0 || result[i - 1] != '\xC3') continue;
    const auto byte = static_cast<unsigned char>(result[i]);
    if (byte >= 0xA0 && byte <= 0xBE && byte != 0xB7) result[i] = static_cast<char>(byte - 32);
  }
  return result;
}

std::string capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] -= 32;
  return text;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string result;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) result += separator;
    result += parts[i];
  }
  return result;
}

std::string digits(Random& random, int n) {
  std::string result;
  for (int i = 0; i < n; ++i) result += static_cast<char>('0' + random.between(i == 0 && n > 1 ? 1 : 0, 9));
  return result;
}

std::string number_between(Random& random, int low, int high) {
  return std::to_string(random.between(low, high));
}

}  // namespace understudy::examples
