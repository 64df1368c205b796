// Reads the records of a capture folder from a position on, segment after segment, up to what has been written so far;
// the folder may be written meanwhile, and older segments may go. Belongs to one thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "gateway/capture/segment_reader.h"
#include "records/store.h"

namespace understudy {

struct LogRecord {
  RecordKind kind = RecordKind::kMark;
  uint32_t run = 0;  // of the process that wrote it
  LogPosition at;
  std::string_view payload;  // valid until the next call
};

class LogReader {
 public:
  // A position whose segment is gone goes on with the next one that is there.
  LogReader(std::filesystem::path folder, LogPosition from);

  // The next record, or nothing at the end of what is there: call again later. Throws kIo.
  std::optional<LogRecord> next();

  LogPosition position() const { return position_; }  // behind the last record
  // Of the newest segment that was begun to be read; 0 before that. Once it changes, the earlier process has written
  // its last.
  uint32_t run() const { return segment_ ? segment_->run() : 0; }
  // Damage in the middle since the last call, and torn ends of segments that nobody writes any more.
  std::vector<SegmentDamage> take_damage();

 private:
  bool open_from(uint64_t number);
  bool go_on();

  std::filesystem::path folder_;
  LogPosition position_;
  std::optional<SegmentReader> segment_;
  std::vector<SegmentDamage> damage_;
};

}  // namespace understudy
