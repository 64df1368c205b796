// What can go wrong with files, for tests: a disk that is full, bytes that end at once, damage to good files.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"

namespace understudy::testing {

inline std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// While it lives no file of this process can grow beyond that many bytes: writing fails as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit old_{};
  void (*old_handler_)(int);
};

// The Error that `action` throws; a test failure where it throws none.
inline Error error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error was thrown";
  return Error(ErrorCode::kInternal, "");
}

// Bytes at an address as a mapped file has it, with nothing readable behind them (a sanitizer sees every step too far).
class Bytes {
 public:
  explicit Bytes(const std::string& text)
      : memory_(new std::byte[text.size()], std::default_delete<std::byte[]>()), size_(text.size()) {
    for (size_t i = 0; i < size_; ++i) memory_.get()[i] = static_cast<std::byte>(text[i]);
  }
  std::span<const std::byte> span() const { return {memory_.get(), size_}; }

 private:
  std::shared_ptr<std::byte> memory_;
  size_t size_;
};

// A few bytes of a good binary file changed, cut out, put in, or a whole length made 0 or huge; the same for the same
// number.
inline std::string damaged(const std::string& good, uint64_t number) {
  Random random(number, 17);
  std::string bytes = good;
  const int n_changes = static_cast<int>(random.between(1, 4));
  for (int i = 0; i < n_changes && !bytes.empty(); ++i) {
    const size_t at = random.below(bytes.size());
    switch (random.below(5)) {
      case 0:
        bytes[at] = static_cast<char>(random.next());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8)));
        break;
      case 2:
        bytes.erase(at, random.below(16));
        break;
      case 3:
        bytes.insert(at, random.below(9), static_cast<char>(random.next()));
        break;
      default:
        bytes.replace(at, std::min<size_t>(8, bytes.size() - at), std::string(8, random.chance(0.5) ? '\xFF' : '\0'));
    }
  }
  return bytes;
}

}  // namespace understudy::testing
