// What readers rely on: a whole record, once it can be read, is never taken away again; only torn bytes are cut.
#include "gateway/capture/segment_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>
#include <climits>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/timestamp.h"
#include "gateway/capture/capture_folder.h"
#include "gateway/capture/segment_format.h"
#include "gateway/capture/segment_reader.h"

namespace understudy {

struct SegmentWriter::File {
  File(std::string path, int descriptor) : path(std::move(path)), descriptor(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(descriptor); }
  const std::string path;
  const int descriptor;
  bool name_synced = false;  // used by sync() only
};

SegmentWriter::SegmentWriter(std::filesystem::path folder, uint32_t run, uint64_t segment_bytes, LogDisk& disk)
    : folder_(std::move(folder)), run_(run), segment_bytes_(segment_bytes), disk_(disk) {
  const std::vector<uint64_t> there = segments_in(folder_);
  if (!there.empty()) number_ = there.back();
  if (!begin_segment()) throw Error(ErrorCode::kIo, fault_, "capture.folder needs room and the right to write");
}

SegmentWriter::~SegmentWriter() = default;

bool SegmentWriter::fail(const char* what) {
  fault_ =
      fmt::format("{}: {}: {}", segment_path(folder_, number_).string(), what, std::generic_category().message(errno));
  return false;
}

// Numbers begin with the time, so that a folder that was emptied does not fall behind a store's position in it.
bool SegmentWriter::begin_segment() {
  number_ = std::max(number_ + 1, static_cast<uint64_t>(now_ms()));
  const std::string path = segment_path(folder_, number_).string();
  const int descriptor = disk_.create(path);
  if (descriptor < 0) return fail("create");
  file_ = std::make_shared<File>(path, descriptor);
  size_ = 0;
  written_ = 0;
  std::string head = write_segment_head({run_, number_});
  if (!write_pieces({{head.data(), head.size()}})) {
    ::unlink(path.c_str());
    file_.reset();
    return false;
  }
  size_ = written_;
  const MutexLock lock(mutex_);
  begin_anew_ = false;
  unsynced_.push_back(file_);
  return true;
}

// Writes all of them, however many calls that takes; false with fault_ set. written_ tells how far it came.
bool SegmentWriter::write_pieces(std::vector<iovec> pieces) {
  for (size_t first = 0; first < pieces.size();) {
    const int n_pieces = static_cast<int>(std::min<size_t>(pieces.size() - first, IOV_MAX));
    const ssize_t n = disk_.write(file_->descriptor, pieces.data() + first, n_pieces);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      if (n == 0) errno = ENOSPC;
      return fail("write");
    }
    written_ += static_cast<uint64_t>(n);
    for (auto left = static_cast<size_t>(n); left > 0;) {
      iovec& piece = pieces[first];
      const size_t taken = std::min(left, piece.iov_len);
      piece.iov_base = static_cast<char*>(piece.iov_base) + taken;
      piece.iov_len -= taken;
      left -= taken;
      if (piece.iov_len == 0) ++first;
    }
  }
  return true;
}

// The torn bytes go; where even that fails, a reader finds them at the end of a segment that is not written any more.
void SegmentWriter::cut_back() {
  if (written_ == size_) return;
  if (disk_.truncate(file_->descriptor, size_) == 0) {
    written_ = size_;
  } else {
    file_.reset();
  }
}

size_t SegmentWriter::append(std::span<const std::string* const> records) {
  bool begin_anew = false;
  {
    const MutexLock lock(mutex_);
    begin_anew = begin_anew_;
  }
  if ((!file_ || begin_anew || size_ >= segment_bytes_) && !begin_segment()) return 0;
  std::vector<iovec> pieces;
  pieces.reserve(records.size());
  for (const std::string* record : records) {
    pieces.push_back({const_cast<char*>(record->data()), record->size()});  // iovec has no const; write reads only
  }
  {
    const MutexLock lock(mutex_);
    if (std::find(unsynced_.begin(), unsynced_.end(), file_) == unsynced_.end()) unsynced_.push_back(file_);
  }
  const bool all = write_pieces(std::move(pieces));
  size_t n_whole = 0;
  while (n_whole < records.size() && size_ + records[n_whole]->size() <= written_) size_ += records[n_whole++]->size();
  if (all) {
    fault_.clear();
  } else {
    cut_back();
  }
  return n_whole;
}

std::string SegmentWriter::sync() {
  std::vector<std::shared_ptr<File>> files;
  {
    const MutexLock lock(mutex_);
    files.swap(unsynced_);
  }
  std::string fault;
  for (const std::shared_ptr<File>& file : files) {
    if (disk_.sync(file->descriptor) != 0)
      fault = fmt::format("{}: sync: {}", file->path, std::generic_category().message(errno));
    if (file->name_synced) continue;
    const int folder = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || ::fsync(folder) != 0)
      fault = fmt::format("{}: sync: {}", folder_.string(), std::generic_category().message(errno));
    if (folder >= 0) ::close(folder);
    file->name_synced = true;
  }
  if (!fault.empty()) {
    const MutexLock lock(mutex_);
    begin_anew_ = true;
  }
  return fault;
}

bool SegmentWriter::needs_sync() const {
  const MutexLock lock(mutex_);
  return !unsynced_.empty();
}

uint64_t cut_torn_tail(const std::filesystem::path& folder) {
  const std::vector<uint64_t> there = segments_in(folder);
  if (there.empty()) return 0;
  const std::filesystem::path path = segment_path(folder, there.back());
  SegmentReader reader = SegmentReader::open(path);
  while (reader.next()) {
  }
  const uint64_t size = std::filesystem::file_size(path);
  const bool is_ours = reader.run() != 0 || size < kSegmentHeadBytes;
  if (!is_ours || size <= reader.offset()) return 0;
  if (::truncate(path.c_str(), static_cast<off_t>(reader.offset())) != 0) throw io_error("truncate", path.string());
  return size - reader.offset();
}

}  // namespace understudy
