// What the tests of file formats share: a folder that goes away, a disk that is full, and damage to good files.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/environment.h"
#include "base/error.h"
#include "base/random.h"

namespace understudy::testing {

class ScratchFolder {
 public:
  ScratchFolder() {
    static std::atomic<int> n_made{0};
    path_ = std::filesystem::temp_directory_path() /
            ("understudy-test-" + std::to_string(::getpid()) + "-" + std::to_string(n_made++));
    std::filesystem::create_directories(path_);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      names.push_back(entry.path().filename().string());
    return names;
  }

 private:
  std::filesystem::path path_;
};

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

inline int fuzz_count(int otherwise) {
  const std::optional<std::string> given = environment("UNDERSTUDY_FUZZ_COUNT");
  return given ? std::atoi(given->c_str()) : otherwise;
}

// A few bytes of a good file changed, cut out, or put in; the same for the same number.
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
