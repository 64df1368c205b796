// The system calls of the log's writer, so that tests can have a disk that fails. Thread-safe.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

struct iovec;

namespace understudy {

// Each returns what the call does and sets errno.
class LogDisk {  // thread-safe
 public:
  virtual ~LogDisk() = default;
  virtual int create(const std::string& path);  // a descriptor; fails where the file is there
  virtual ssize_t write(int descriptor, const iovec* pieces, int n_pieces);
  virtual int truncate(int descriptor, uint64_t size);  // and goes on writing there
  virtual int sync(int descriptor);
};
LogDisk& real_log_disk();

}  // namespace understudy
