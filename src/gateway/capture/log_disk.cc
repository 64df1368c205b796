#include "gateway/capture/log_disk.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

namespace understudy {

int LogDisk::create(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}
ssize_t LogDisk::write(int descriptor, const iovec* pieces, int n_pieces) {
  return ::writev(descriptor, pieces, n_pieces);
}
int LogDisk::truncate(int descriptor, uint64_t size) {
  if (::ftruncate(descriptor, static_cast<off_t>(size)) != 0) return -1;
  return ::lseek(descriptor, static_cast<off_t>(size), SEEK_SET) < 0 ? -1 : 0;
}
int LogDisk::sync(int descriptor) {
  return ::fdatasync(descriptor);
}

LogDisk& real_log_disk() {
  static LogDisk disk;
  return disk;
}

}  // namespace understudy
