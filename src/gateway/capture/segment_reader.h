// Reads the records of one segment, also while it is being written. Safe on any bytes: what is no record is never taken
// for one, and no length is believed before the bytes are there. Belongs to one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/capture/segment_format.h"

namespace understudy {

struct SegmentRecord {
  RecordKind kind = RecordKind::kMark;
  uint64_t offset = 0;       // where it begins
  uint64_t after = 0;        // where the next one begins
  std::string_view payload;  // valid until the next call
};

// A place in the middle of a segment that holds no record although good ones follow.
struct SegmentDamage {
  std::string file;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::string reason;  // "no record begins here", or why a record means nothing
};

class SegmentReader {
 public:
  // Reads up to `size` bytes at `offset` into `into`; returns how many there were. Throws kIo.
  using ReadAt = std::function<size_t(uint64_t offset, char* into, size_t size)>;

  // `name` begins errors. `offset`: 0, or where a record begins. Throws kIo; kInvalidInput for a newer version.
  SegmentReader(ReadAt read, std::string name, uint64_t offset = 0);
  // kNotFound where the file is not there.
  static SegmentReader open(const std::filesystem::path& file, uint64_t offset = 0);

  // The next record, or nothing where none is whole yet: call again once the file has grown.
  std::optional<SegmentRecord> next();

  // After next() returned nothing: where the bytes begin that are no record and behind which none comes. They are a
  // record that is just being written, or a torn one.
  uint64_t offset() const { return offset_; }
  bool has_tail();

  const std::string& name() const { return name_; }
  // Whose records these are; 0 as long as that cannot be told.
  uint32_t run() const { return run_; }
  // What was passed over since the last call.
  std::vector<SegmentDamage> take_damage();

 private:
  std::string_view view(uint64_t offset, size_t size);
  void read_head();
  std::optional<RecordHead> record_at(uint64_t offset);
  std::optional<uint64_t> find_record(uint64_t from);
  bool pass_damage();

  ReadAt read_;
  std::string name_;
  uint64_t offset_;
  uint32_t run_ = 0;
  std::string window_;  // the file's bytes from window_at_ on
  uint64_t window_at_ = 0;
  std::vector<SegmentDamage> damage_;
};

}  // namespace understudy
