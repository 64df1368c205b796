#include "gateway/capture/log_reader.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "gateway/capture/capture_folder.h"

namespace understudy {

LogReader::LogReader(std::filesystem::path folder, LogPosition from) : folder_(std::move(folder)), position_(from) {}

// Opens the first segment from `number` on; false where there is none.
bool LogReader::open_from(uint64_t number) {
  for (const uint64_t found : segments_in(folder_)) {
    if (found < number) continue;
    const uint64_t offset = found == position_.segment ? position_.offset : 0;
    try {
      segment_ = SegmentReader::open(segment_path(folder_, found), offset);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound) throw;
      continue;  // removed since the folder was listed
    }
    position_ = {found, offset};
    return true;
  }
  return false;
}

// Leaves the segment, whose last record has been read, for the next one; false where it is the newest.
bool LogReader::go_on() {
  const uint64_t tail_at = segment_->offset();
  const bool torn = segment_->has_tail();
  std::optional<SegmentReader> before = std::exchange(segment_, std::nullopt);
  if (!open_from(position_.segment + 1)) {
    segment_ = std::move(before);
    return false;
  }
  if (torn) damage_.push_back({before->name(), tail_at, 0, "the end is torn: its writer was stopped in the middle"});
  return true;
}

std::optional<LogRecord> LogReader::next() {
  if (!segment_ && !open_from(position_.segment)) return std::nullopt;
  for (;;) {
    std::optional<SegmentRecord> record = segment_->next();
    if (!record) {
      // Nobody writes a segment that is not the newest: what it has now, asked once more, is all.
      const std::vector<uint64_t> all = segments_in(folder_);
      if (all.empty() || all.back() <= position_.segment) return std::nullopt;
      record = segment_->next();
    }
    std::vector<SegmentDamage> damage = segment_->take_damage();
    std::move(damage.begin(), damage.end(), std::back_inserter(damage_));
    if (record) {
      position_.offset = record->after;
      return LogRecord{record->kind, segment_->run(), {position_.segment, record->offset}, record->payload};
    }
    if (!go_on()) return std::nullopt;
  }
}

std::vector<SegmentDamage> LogReader::take_damage() {
  return std::exchange(damage_, {});
}

}  // namespace understudy
