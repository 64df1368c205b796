#include "gateway/capture/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <coroutine>
#include <deque>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/mutex.h"
#include "gateway/capture/capture_folder.h"
#include "gateway/capture/segment_format.h"
#include "gateway/capture/segment_writer.h"

namespace understudy {

namespace {

using Clock = std::chrono::steady_clock;

// Bytes of records that wait for the log's thread. Half a second of what a disk takes: beyond it begins wait, and
// beyond eight times that parts, for which nobody waits, are dropped.
constexpr size_t kQueueBytes = size_t{8} << 20;
constexpr size_t kPartsAtMost = 8 * kQueueBytes;
constexpr std::chrono::seconds kProbeEvery{1};
// A write takes some microseconds. After one that took this long, callers leave writing to the log's thread for a
// while.
constexpr std::chrono::milliseconds kSlowWrite{2};
constexpr std::chrono::seconds kLeaveToThread{1};

// Makes the folder ready to be written and gives the new writer its number.
uint32_t begin_run(const std::filesystem::path& folder) {
  if (const uint64_t n_bytes = cut_torn_tail(folder)) {
    log_notice(fmt::format("capture: {}: {} torn bytes of an earlier process cut off", folder.string(), n_bytes));
  }
  std::random_device device;
  for (;;) {
    if (const auto run = static_cast<uint32_t>(device())) return run;
  }
}

// A coroutine that waits for its record. Lives in the coroutine's frame. Without `coroutine` it has not been suspended:
// its own thread writes the record and takes the result.
struct Waiter {
  std::coroutine_handle<> coroutine;
  Executor* executor = nullptr;
  Recorded result = Recorded::kFailed;
};

struct Entry {
  std::string record;
  bool is_end = false;
  Waiter* waiter = nullptr;  // nothing: nobody waits
};

class InUse {
 public:
  explicit InUse(std::atomic<int>& users) : users_(users) { ++users_; }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;
  ~InUse() { --users_; }

 private:
  std::atomic<int>& users_;
};

void resume(const Waiter& waiter) {
  if (!waiter.coroutine) return;
  waiter.executor->post([coroutine = waiter.coroutine] { coroutine.resume(); });
}

}  // namespace

struct Recorder::Log {
  class Room;
  class Written;

  Log(const RecorderOptions& options, Metrics& metrics, LogDisk& disk);
  ~Log();

  // Nothing for an exchange that is too large to be kept.
  std::optional<Entry> entry_of(RecordKind kind, const Exchange& exchange);

  bool has_room() EXCLUDES(mutex_);
  bool wait_for_room(Waiter& waiter) EXCLUDES(mutex_);
  void push(Entry entry) EXCLUDES(mutex_);
  bool write_now(Entry& entry) EXCLUDES(mutex_);
  void push_or_write(Entry entry) EXCLUDES(mutex_);
  bool may_push_part() EXCLUDES(mutex_);
  void drop(size_t n_records) { dropped_.add(static_cast<double>(n_records)); }
  void set_fault(std::string Log::*which, std::string fault) EXCLUDES(mutex_);
  std::string fault() const EXCLUDES(mutex_);

  const RecorderOptions options_;
  const FolderLock lock_;
  const uint32_t run_;
  SegmentWriter writer_;  // of whoever has set is_writing_; its sync() of the sync thread
  GaugeMetric& pending_;
  CounterMetric& dropped_;
  std::atomic<bool> healthy_{true};
  std::atomic<int> users_{0};  // threads inside push() or write_now()

  mutable Mutex mutex_;
  CondVar ready_;     // there is something to write and nobody writes, or the end has come
  CondVar sync_due_;  // the end has come, for the sync thread
  std::deque<Entry> queue_ GUARDED_BY(mutex_);
  size_t queued_bytes_ GUARDED_BY(mutex_) = 0;
  bool is_writing_ GUARDED_BY(mutex_) = false;                   // some thread is at writer_
  Clock::time_point left_to_thread_until_ GUARDED_BY(mutex_){};  // the disk has been slow
  std::deque<Waiter*> without_room_ GUARDED_BY(mutex_);
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::string write_fault_ GUARDED_BY(mutex_);
  std::string sync_fault_ GUARDED_BY(mutex_);
  std::thread writer_thread_;
  std::thread sync_thread_;

 private:
  void write_until_stopped() EXCLUDES(mutex_);
  bool take_group(std::deque<Entry>& group) EXCLUDES(mutex_);
  Clock::duration write_group(std::deque<Entry>& group) EXCLUDES(mutex_);
  void end_writing(Clock::duration took) EXCLUDES(mutex_);
  void let_begins_in() EXCLUDES(mutex_);
  void sync_until_stopped() EXCLUDES(mutex_);
  bool sync_now() EXCLUDES(mutex_);
};

Recorder::Log::Log(const RecorderOptions& options, Metrics& metrics, LogDisk& disk)
    : options_(options),
      lock_(options.folder),
      run_(begin_run(options.folder)),
      writer_(options.folder, run_, options.segment_bytes, disk),
      pending_(metrics.gauge("understudy_capture_pending", "Records that wait to be written to the capture log.")),
      dropped_(metrics.counter("understudy_capture_dropped_total", "Records that could not be written.")) {
  dropped_.add(0);
  pending_.set(0);
  writer_thread_ = std::thread([this] { write_until_stopped(); });
  if (options_.sync == SyncMode::kInterval) sync_thread_ = std::thread([this] { sync_until_stopped(); });
}

Recorder::Log::~Log() {
  while (users_ > 0) std::this_thread::yield();
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    ready_.notify_all();
    sync_due_.notify_all();
  }
  writer_thread_.join();
  if (sync_thread_.joinable()) sync_thread_.join();
  if (options_.sync != SyncMode::kNever) sync_now();
}

std::optional<Entry> Recorder::Log::entry_of(RecordKind kind, const Exchange& exchange) {
  try {
    return Entry{exchange_record(kind, run_, exchange), kind == RecordKind::kEnd};
  } catch (const Error& error) {
    log_warning(fmt::format("capture: exchange {}: {}", exchange.id, error.message()));
    drop(1);
    return std::nullopt;
  }
}

bool Recorder::Log::has_room() {
  const MutexLock lock(mutex_);
  return queued_bytes_ < kQueueBytes;
}

// False where there is room by now.
bool Recorder::Log::wait_for_room(Waiter& waiter) {
  const MutexLock lock(mutex_);
  if (queued_bytes_ < kQueueBytes) return false;
  without_room_.push_back(&waiter);
  return true;
}

bool Recorder::Log::may_push_part() {
  const MutexLock lock(mutex_);
  return queued_bytes_ < kPartsAtMost;
}

// The log's thread is woken without the lock, which it would only wait for: on one processor that is two changes of
// threads more. What the record was pushed for may be over by then: the destructor waits for users_.
void Recorder::Log::push(Entry entry) {
  const InUse in_use(users_);
  bool wakes = false;
  {
    const MutexLock lock(mutex_);
    queued_bytes_ += entry.record.size();
    wakes = queue_.empty() && !is_writing_;  // who is writing wakes it afterwards
    queue_.push_back(std::move(entry));
  }
  if (wakes) ready_.notify_one();
}

// Writes the record and all that waits in this thread, unless another one is writing, the disk is slow or broken, or
// there is a sync to be waited for: then nothing happens, and the answer is false. Going to the log's thread and back
// costs four changes of threads an exchange, many times what the write does.
bool Recorder::Log::write_now(Entry& entry) {
  if (!healthy_ || (entry.is_end && options_.sync == SyncMode::kEveryAnswer)) return false;
  const InUse in_use(users_);
  const Clock::time_point began = Clock::now();
  std::deque<Entry> group;
  {
    const MutexLock lock(mutex_);
    const bool may_hold_ends = options_.sync == SyncMode::kEveryAnswer && !queue_.empty();
    if (is_writing_ || may_hold_ends || began < left_to_thread_until_) return false;
    is_writing_ = true;
    queued_bytes_ += entry.record.size();
    group.swap(queue_);
  }
  group.push_back(std::move(entry));
  end_writing(write_group(group));
  return true;
}

void Recorder::Log::push_or_write(Entry entry) {
  if (!write_now(entry)) push(std::move(entry));
}

void Recorder::Log::end_writing(Clock::duration took) {
  {
    const MutexLock lock(mutex_);
    is_writing_ = false;
    if (took > kSlowWrite) left_to_thread_until_ = Clock::now() + kLeaveToThread;
    if (!queue_.empty() || !healthy_) ready_.notify_all();
  }
  let_begins_in();
}

// Waits for records; on a disk that has failed not longer than a second, then the group is a mark that tries it. False
// once stopped and empty.
bool Recorder::Log::take_group(std::deque<Entry>& group) {
  const MutexLock lock(mutex_);
  const auto probe_at = Clock::now() + kProbeEvery;
  while (is_writing_ || (queue_.empty() && !stopped_)) {
    if (healthy_ || is_writing_) {
      ready_.wait(mutex_);
    } else if (const auto now = Clock::now(); now < probe_at) {
      ready_.wait_for(mutex_, probe_at - now);
    } else {
      group.push_back({mark_record(run_)});
      break;
    }
  }
  if (group.empty()) group.swap(queue_);
  is_writing_ = !group.empty();
  return !group.empty();
}

void Recorder::Log::write_until_stopped() {
  std::deque<Entry> group;
  while (take_group(group)) {
    const Clock::duration took = write_group(group);
    group.clear();
    end_writing(took);
  }
}

// How long the write took, without the sync.
Clock::duration Recorder::Log::write_group(std::deque<Entry>& group) {
  std::vector<const std::string*> records;
  records.reserve(group.size());
  bool has_end = false;
  size_t n_bytes = 0;
  for (const Entry& entry : group) {
    records.push_back(&entry.record);
    has_end = has_end || entry.is_end;
    n_bytes += entry.record.size();
  }
  const Clock::time_point began = Clock::now();
  const size_t n_written = writer_.append(records);
  const Clock::duration took = Clock::now() - began;
  set_fault(&Log::write_fault_, n_written < group.size() ? writer_.fault() : std::string());
  if (n_written < group.size()) drop(group.size() - n_written);
  {
    const MutexLock lock(mutex_);
    queued_bytes_ -= std::min(queued_bytes_, n_bytes);
    pending_.set(static_cast<double>(queue_.size()));
  }
  const bool waits_for_sync = has_end && options_.sync == SyncMode::kEveryAnswer;
  const auto resume_those = [&](bool ends, bool durable) {
    for (size_t i = 0; i < group.size(); ++i) {
      if (group[i].waiter == nullptr || (waits_for_sync && group[i].is_end != ends)) continue;
      group[i].waiter->result = i < n_written && durable ? Recorded::kWritten : Recorded::kFailed;
      resume(*group[i].waiter);
    }
  };
  resume_those(false, true);
  if (waits_for_sync) resume_those(true, sync_now());
  return took;
}

void Recorder::Log::let_begins_in() {
  std::deque<Waiter*> waiting;
  {
    const MutexLock lock(mutex_);
    if (queued_bytes_ < kQueueBytes) waiting.swap(without_room_);
  }
  for (const Waiter* waiter : waiting) resume(*waiter);
}

bool Recorder::Log::sync_now() {
  std::string fault = writer_.sync();
  const bool durable = fault.empty();
  set_fault(&Log::sync_fault_, std::move(fault));
  return durable;
}

void Recorder::Log::sync_until_stopped() {
  for (;;) {
    {
      const MutexLock lock(mutex_);
      if (!stopped_) sync_due_.wait_for(mutex_, options_.sync_interval);
      if (stopped_) return;
    }
    if (writer_.needs_sync()) sync_now();
  }
}

// `which`: write_fault_ or sync_fault_.
void Recorder::Log::set_fault(std::string Log::*which, std::string fault) {
  const MutexLock lock(mutex_);
  std::string& known = this->*which;
  if (known.empty() && !fault.empty()) log_warning("capture: " + fault);
  known = std::move(fault);
  healthy_ = write_fault_.empty() && sync_fault_.empty();
  if (!healthy_) ready_.notify_all();  // the log's thread may be waiting without an end
}

std::string Recorder::Log::fault() const {
  const MutexLock lock(mutex_);
  return write_fault_.empty() ? sync_fault_ : write_fault_;
}

// co_await: suspends while the queue is full.
class Recorder::Log::Room {
 public:
  Room(Log& log, Executor& executor) : log_(log) { waiter_.executor = &executor; }
  bool await_ready() const { return log_.has_room(); }
  bool await_suspend(std::coroutine_handle<> coroutine) {
    waiter_.coroutine = coroutine;
    return log_.wait_for_room(waiter_);
  }
  void await_resume() const noexcept {}

 private:
  Log& log_;
  Waiter waiter_;
};

// co_await: writes the record, or pushes it and suspends until its group has been written.
class Recorder::Log::Written {
 public:
  Written(Log& log, Executor& executor, Entry entry) : log_(log), entry_(std::move(entry)) {
    waiter_.executor = &executor;
    entry_.waiter = &waiter_;
  }
  bool await_ready() { return log_.write_now(entry_); }
  // The coroutine may be on its way elsewhere before push() returns: nothing of this object is touched after it.
  void await_suspend(std::coroutine_handle<> coroutine) {
    waiter_.coroutine = coroutine;
    log_.push(std::move(entry_));
  }
  Recorded await_resume() const noexcept { return waiter_.result; }

 private:
  Log& log_;
  Entry entry_;
  Waiter waiter_;
};

Recorder::Recorder(const RecorderOptions& options, Metrics& metrics, LogDisk& disk)
    : log_(std::make_unique<Log>(options, metrics, disk)) {}

Recorder::~Recorder() = default;

Awaitable<Recorded> Recorder::begin(const Exchange& exchange, Executor& executor) {
  while (!log_->has_room()) co_await Log::Room(*log_, executor);
  std::optional<Entry> entry = log_->entry_of(RecordKind::kBegin, exchange);
  if (!entry) co_return Recorded::kFailed;
  co_return co_await Log::Written(*log_, executor, std::move(*entry));
}

void Recorder::part(const std::string& id, std::string_view bytes, const Usage& usage) {
  if (!log_->may_push_part()) return log_->drop(1);
  log_->push_or_write({part_record(log_->run_, id, bytes, usage)});
}

Awaitable<Recorded> Recorder::end(const Exchange& exchange, Executor& executor) {
  std::optional<Entry> entry = log_->entry_of(RecordKind::kEnd, exchange);
  if (!entry) co_return Recorded::kFailed;
  co_return co_await Log::Written(*log_, executor, std::move(*entry));
}

void Recorder::end_later(const Exchange& exchange) {
  if (auto entry = log_->entry_of(RecordKind::kEnd, exchange)) log_->push_or_write(std::move(*entry));
}

bool Recorder::healthy() const {
  return log_->healthy_;
}

std::string Recorder::fault() const {
  return log_->fault();
}

}  // namespace understudy
