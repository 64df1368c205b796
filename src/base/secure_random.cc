#include "base/secure_random.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"

namespace understudy {

void fill_with_secure_random(std::span<uint8_t> bytes) {
  constexpr size_t kMost = 256;  // getentropy's own limit
  for (size_t at = 0; at < bytes.size(); at += kMost) {
    if (::getentropy(bytes.data() + at, std::min(kMost, bytes.size() - at)) != 0) {
      throw Error(ErrorCode::kInternal, "the system gives no random bytes");
    }
  }
}

std::string secure_random_word(size_t length) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr unsigned kFair = 256 / 62 * 62;  // bytes from here on would make some letters likelier
  std::string word;
  std::array<uint8_t, 64> bytes{};
  while (word.size() < length) {
    fill_with_secure_random(bytes);
    for (const uint8_t byte : bytes) {
      if (byte < kFair && word.size() < length) word += kLetters[byte % kLetters.size()];
    }
  }
  return word;
}

}  // namespace understudy
