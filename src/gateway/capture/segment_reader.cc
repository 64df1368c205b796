// A record that does not hold is either the last thing in the file (torn: its writer died, or is about to write the
// rest) or damage (a good record comes behind it). The reader finds out by looking for the run's number, which begins
// every record, and checking what stands there.
#include "gateway/capture/segment_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"

namespace understudy {

namespace {

constexpr size_t kWindowBytes = size_t{256} << 10;

std::string run_bytes(uint32_t run) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(run >> shift);
  return bytes;
}

class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ >= 0) return;
    if (errno == ENOENT) throw Error(ErrorCode::kNotFound, path + ": no such segment");
    throw io_error("open", path);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { ::close(descriptor_); }

  size_t read_at(uint64_t offset, char* into, size_t size) const {
    size_t n_read = 0;
    while (n_read < size) {
      const ssize_t n = ::pread(descriptor_, into + n_read, size - n_read, static_cast<off_t>(offset + n_read));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throw io_error("read", path_);
      if (n == 0) break;
      n_read += static_cast<size_t>(n);
    }
    return n_read;
  }
  // Without it a damaged length would have memory made for bytes that are not there.
  uint64_t size() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) throw io_error("stat", path_);
    return static_cast<uint64_t>(status.st_size);
  }

 private:
  std::string path_;
  int descriptor_;
};

}  // namespace

SegmentReader::SegmentReader(ReadAt read, std::string name, uint64_t offset)
    : read_(std::move(read)), name_(std::move(name)), offset_(offset) {
  read_head();
}

SegmentReader SegmentReader::open(const std::filesystem::path& file, uint64_t offset) {
  const auto opened = std::make_shared<const OpenFile>(file.string());
  return {[opened](uint64_t at, char* into, size_t size) {
            const uint64_t end = opened->size();
            return at >= end ? 0 : opened->read_at(at, into, std::min<uint64_t>(size, end - at));
          },
          file.string(), offset};
}

// The bytes of [offset, offset + size), fewer where the file ends before.
std::string_view SegmentReader::view(uint64_t offset, size_t size) {
  const bool begins_inside = offset >= window_at_ && offset <= window_at_ + window_.size();
  if (!begins_inside) {
    window_.clear();
    window_at_ = offset;
  }
  if (window_at_ + window_.size() < offset + size) {
    window_.erase(0, offset - window_at_);
    window_at_ = offset;
    // In steps, so that a damaged length costs no more memory than the file has bytes.
    while (window_.size() < size) {
      const size_t had = window_.size();
      const size_t step = std::max(kWindowBytes, std::min(had, size - had));
      window_.resize(had + step);
      const size_t n = read_(window_at_ + had, window_.data() + had, step);
      window_.resize(had + n);
      if (n < step) break;
    }
  }
  return std::string_view(window_).substr(offset - window_at_, size);
}

void SegmentReader::read_head() {
  const std::string_view bytes = view(0, kSegmentHeadBytes);
  if (const auto head = read_segment_head(bytes, name_)) {
    run_ = head->run;
  } else if (bytes.size() == kSegmentHeadBytes) {
    // The head is damaged: the first record, if that one is good, says whose it is.
    const auto record = read_record_head(view(kSegmentHeadBytes, kRecordHeadBytes));
    if (record && checksum_holds(*record, view(kSegmentHeadBytes, kRecordHeadBytes + record->length))) {
      run_ = record->run;
      damage_.push_back({name_, 0, kSegmentHeadBytes, "the segment's head is damaged"});
    }
  }
  if (run_ != 0) offset_ = std::max<uint64_t>(offset_, kSegmentHeadBytes);
}

std::optional<RecordHead> SegmentReader::record_at(uint64_t offset) {
  const auto head = read_record_head(view(offset, kRecordHeadBytes));
  if (!head || head->run != run_) return std::nullopt;
  return checksum_holds(*head, view(offset, kRecordHeadBytes + head->length)) ? head : std::nullopt;
}

std::optional<uint64_t> SegmentReader::find_record(uint64_t from) {
  const std::string wanted = run_bytes(run_);
  for (;;) {
    const std::string_view bytes = view(from, kWindowBytes);
    if (bytes.size() < kRecordHeadBytes) return std::nullopt;
    const size_t found = bytes.find(wanted);
    if (found == std::string_view::npos) {
      from += bytes.size() - (wanted.size() - 1);
    } else if (record_at(from + found)) {
      return from + found;
    } else {
      from += found + 1;
    }
  }
}

// Passes over what is no record where a good one follows; false where none does. A torn record may be cut off and
// another one written in its place at any time: what was read before is read again before it is called damage.
bool SegmentReader::pass_damage() {
  const std::optional<uint64_t> good = find_record(offset_ + 1);
  if (!good) return false;
  window_.clear();
  if (record_at(offset_)) return true;
  if (!record_at(*good)) return false;
  damage_.push_back({name_, offset_, *good - offset_, "no record begins here"});
  offset_ = *good;
  return true;
}

std::optional<SegmentRecord> SegmentReader::next() {
  if (run_ == 0) read_head();
  std::optional<RecordHead> head;
  if (run_ != 0) {
    head = record_at(offset_);
    if (!head && has_tail() && pass_damage()) head = record_at(offset_);
  }
  if (!head) {
    window_.clear();  // the next call reads these bytes again
    return std::nullopt;
  }
  const SegmentRecord record{head->kind, offset_, offset_ + kRecordHeadBytes + head->length,
                             view(offset_ + kRecordHeadBytes, head->length)};
  offset_ = record.after;
  return record;
}

bool SegmentReader::has_tail() {
  return !view(offset_, 1).empty();
}

std::vector<SegmentDamage> SegmentReader::take_damage() {
  return std::exchange(damage_, {});
}

}  // namespace understudy
