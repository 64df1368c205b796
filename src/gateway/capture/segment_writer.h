// Appends records to the newest segment of a capture folder and begins new ones. Nothing throws after construction: a
// disk that is full or broken is an outcome here. Belongs to one thread, except sync().
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "gateway/capture/log_disk.h"

struct iovec;

namespace understudy {

class SegmentWriter {
 public:
  // Begins a segment. Throws kIo where that fails.
  SegmentWriter(std::filesystem::path folder, uint32_t run, uint64_t segment_bytes, LogDisk& disk);
  ~SegmentWriter();

  // Appends the records in as few calls as possible and returns how many of them are wholly in the log, from the first
  // on. Fewer than all: fault() says why, and the bytes of the torn one are cut off again. Each call is a new try.
  size_t append(std::span<const std::string* const> records);
  const std::string& fault() const { return fault_; }

  // Makes all that append() has returned for durable, in any thread; an empty text, or what failed. After a failure the
  // next append() begins a new segment: what the kernel could not write once it may forget.
  std::string sync() EXCLUDES(mutex_);
  bool needs_sync() const EXCLUDES(mutex_);

 private:
  struct File;
  bool begin_segment();
  bool write_pieces(std::vector<iovec> pieces);
  void cut_back();
  bool fail(const char* what);

  const std::filesystem::path folder_;
  const uint32_t run_;
  const uint64_t segment_bytes_;
  LogDisk& disk_;
  uint64_t number_ = 0;
  std::shared_ptr<File> file_;
  uint64_t size_ = 0;     // of whole records and the head
  uint64_t written_ = 0;  // the file's bytes, size_ and what is torn
  std::string fault_;

  mutable Mutex mutex_;
  std::vector<std::shared_ptr<File>> unsynced_ GUARDED_BY(mutex_);
  bool begin_anew_ GUARDED_BY(mutex_) = false;
};

// Cuts a torn tail off the newest segment, for who is about to write the folder (and holds its lock). Returns how many
// bytes that were. Throws kIo.
uint64_t cut_torn_tail(const std::filesystem::path& folder);

}  // namespace understudy
