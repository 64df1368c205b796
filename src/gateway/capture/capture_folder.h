// The folder of the segment log: names of segments, which ones are there, and the lock that keeps a second process from
// writing. Functions are thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace understudy {

std::filesystem::path segment_path(const std::filesystem::path& folder, uint64_t number);
// Numbers of the segments, ascending; none where the folder is not there. Throws kIo where it cannot be read.
std::vector<uint64_t> segments_in(const std::filesystem::path& folder);

// Held by the one process that writes the folder, which it makes where it is not there. The kernel lets go of it when
// the process ends, however it ends.
class FolderLock {
 public:
  // Throws kUnavailable where another holds it, kIo where the folder cannot be made or written.
  explicit FolderLock(const std::filesystem::path& folder);
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  int descriptor_ = -1;
};

}  // namespace understudy
