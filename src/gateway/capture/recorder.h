// The room's page. gateway/capture is what must not be lost: every exchange goes into an append-only log of segments,
// from there into the store. Three records: `begin` before the request goes upstream, `part` while a stream runs (at
// least every second or 64 KiB), `end` before the last byte leaves to the client. A begin without an end is a partial
// exchange with what its parts hold.
//
// Whoever brings a record writes it, and with it those that wait, in one write() into the page cache: some
// microseconds. While another one writes, while the disk is slow (a write took 2 ms) or broken, and where an answer has
// to wait for its sync, a thread, "log", does it for all, and coroutines wait for their record without a thread: a disk
// that stands still costs one thread of its callers, once. With kEveryAnswer that thread also syncs, once for all
// answers of a group; with kInterval a thread of its own syncs, so that no record waits for the disk. What is written
// has been redacted (privacy/). The format is described in segment_format.h; feeder.h carries the log into the store,
// exchange_source.h reads both.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/awaitable.h"
#include "base/executor.h"
#include "base/metrics.h"
#include "gateway/capture/log_disk.h"
#include "records/exchange.h"

namespace understudy {

enum class SyncMode { kNever, kInterval, kEveryAnswer };
enum class OnCaptureFailure { kRefuse, kServe };

struct RecorderOptions {
  std::filesystem::path folder;
  SyncMode sync = SyncMode::kInterval;
  std::chrono::milliseconds sync_interval{50};
  uint64_t segment_bytes = UINT64_C(64) << 20;  // a new segment is begun beyond it
};

enum class Recorded { kWritten, kFailed };  // kFailed: the disk is full or gone; the reason is in Recorder::fault()

class Recorder {  // thread-safe
 public:
  // Cuts a torn tail of the newest segment. Throws kIo; kUnavailable where another process writes this folder;
  // kInvalidInput where a newer version wrote it. Metrics:
  // understudy_capture_pending (records not written yet), understudy_capture_dropped_total (records that never will
  // be).
  Recorder(const RecorderOptions& options, Metrics& metrics, LogDisk& disk = real_log_disk());
  ~Recorder();  // writes and syncs what is waiting

  // The exchange as it is known so far: request and route, no answer. Waits, without a thread, while the queue is full.
  Awaitable<Recorded> begin(const Exchange& exchange, Executor& executor);
  // The next bytes of the answer as they went to the client, and the usage seen so far. Does not wait; on
  // a disk that has stood still for 64 MiB it is dropped and counted.
  void part(const std::string& id, std::string_view bytes, const Usage& usage);
  // The whole exchange. With kEveryAnswer it returns after the group's sync.
  Awaitable<Recorded> end(const Exchange& exchange, Executor& executor);
  // The same for a coroutine that is already gone (a client that hung up): does not wait.
  void end_later(const Exchange& exchange);

  bool healthy() const;       // false after a failure, until a write succeeds again; tried every second by itself
  std::string fault() const;  // for /readyz: what failed

 private:
  struct Log;
  std::unique_ptr<Log> log_;
};

}  // namespace understudy
