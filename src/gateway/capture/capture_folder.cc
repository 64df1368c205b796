#include "gateway/capture/capture_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace understudy {

namespace {

constexpr std::string_view kBefore = "segment-";
constexpr std::string_view kAfter = ".log";

std::optional<uint64_t> number_in(std::string_view name) {
  if (!name.starts_with(kBefore) || !name.ends_with(kAfter)) return std::nullopt;
  name.remove_prefix(kBefore.size());
  name.remove_suffix(kAfter.size());
  uint64_t number = 0;
  const auto [end, fault] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (fault != std::errc() || end != name.data() + name.size() || name.size() != 20) return std::nullopt;
  return number;
}

}  // namespace

std::filesystem::path segment_path(const std::filesystem::path& folder, uint64_t number) {
  return folder / fmt::format("{}{:020}{}", kBefore, number, kAfter);
}

std::vector<uint64_t> segments_in(const std::filesystem::path& folder) {
  std::vector<uint64_t> numbers;
  std::error_code fault;
  std::filesystem::directory_iterator entry(folder, fault);
  if (fault == std::errc::no_such_file_or_directory) return numbers;
  for (; !fault && entry != std::filesystem::directory_iterator(); entry.increment(fault)) {
    if (const auto number = number_in(entry->path().filename().string())) numbers.push_back(*number);
  }
  if (fault) throw Error(ErrorCode::kIo, fmt::format("{}: list: {}", folder.string(), fault.message()));
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

FolderLock::FolderLock(const std::filesystem::path& folder) {
  std::error_code fault;
  std::filesystem::create_directories(folder, fault);
  if (fault)
    throw Error(ErrorCode::kIo, fmt::format("{}: cannot make the folder: {}", folder.string(), fault.message()));
  const std::string path = (folder / "lock").string();
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor_ < 0) throw io_error("open", path);
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  const bool is_held = errno == EWOULDBLOCK;
  const Error error = is_held ? Error(ErrorCode::kUnavailable, folder.string() + ": another process writes this folder",
                                      "stop that gateway, or give this one a capture.folder of its own")
                              : io_error("lock", path);
  ::close(descriptor_);
  throw error;
}

FolderLock::~FolderLock() {
  ::close(descriptor_);
}

}  // namespace understudy
