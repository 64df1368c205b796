// The position that is saved is where the oldest open exchange begins, or else where the reader stands: so a new start
// reads every begin again whose end has not been seen. What ends in between is fed twice.
#include "gateway/capture/feeder.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <future>
#include <system_error>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/timestamp.h"
#include "base/worker_pool.h"
#include "gateway/capture/assembler.h"
#include "gateway/capture/capture_folder.h"
#include "gateway/capture/log_reader.h"

namespace understudy {

namespace {

using Clock = std::chrono::steady_clock;

// One transaction: large enough that its commit is shared, small enough to hold in memory.
constexpr size_t kBatchExchanges = 500;
constexpr size_t kBatchBytes = size_t{8} << 20;
constexpr uint64_t kBehindAtMost = UINT64_C(256) << 20;
constexpr std::chrono::seconds kLateAtMost{5};
// Longer than any request may take (timeouts.total): its end was lost on a disk that was full.
constexpr std::chrono::milliseconds kOpenAtMost = std::chrono::hours(1);

size_t size_of(const Exchange& exchange) {
  size_t size = exchange.request.size() + exchange.answer.size();
  for (const ExchangeAttempt& attempt : exchange.attempts) size += attempt.answer.size();
  return size;
}

// Of segments from `position` on.
uint64_t bytes_behind(const std::filesystem::path& folder, LogPosition position) {
  uint64_t bytes = 0;
  for (const uint64_t number : segments_in(folder)) {
    std::error_code gone;
    const uint64_t size = std::filesystem::file_size(segment_path(folder, number), gone);
    if (gone || number < position.segment) continue;
    bytes += number > position.segment ? size : size - std::min(size, position.offset);
  }
  return bytes;
}

// A thread that runs when no other wants to. A thread cannot come back from there without a privilege, so that the work
// goes to it and back, and not the thread.
class IdleThread {
 public:
  IdleThread() {
    pool_.post([] {
      const sched_param none{};
      (void)::sched_setscheduler(0, SCHED_IDLE, &none);  // of this thread; refused, it is only an ordinary one
    });
  }
  // What `work` returns or throws.
  bool run(const std::function<bool()>& work) {
    const auto task = std::make_shared<std::packaged_task<bool()>>(work);
    pool_.post([task] { (*task)(); });
    return task->get_future().get();
  }

 private:
  WorkerPool pool_{1};
};

}  // namespace

struct Feeder::Work {
  Work(const FeederOptions& options, Store& store, Metrics& metrics)
      : options_(options),
        store_(store),
        behind_(metrics.gauge("understudy_capture_behind_bytes", "Bytes of the capture log not yet in the store.")),
        failures_(metrics.counter("understudy_capture_store_failures_total", "Writes to the store that failed.")),
        damage_(metrics.counter("understudy_capture_damage_total", "Damaged places found in the capture log.")),
        retention_(options.retention) {
    thread_ = std::thread([this] { run(); });
  }
  ~Work() {
    {
      const MutexLock lock(mutex_);
      stopped_ = true;
      woken_.notify_all();
    }
    thread_.join();
  }

  void run();
  bool feed_batch();
  void measure_lag();
  void feed();
  bool read_batch();
  void take(const LogRecord& record);
  void report_damage();
  void report_damage(const SegmentDamage& damage);
  void hand_over();
  void remove_segments();
  void forget_when_due();
  void wait(std::chrono::milliseconds duration) EXCLUDES(mutex_);
  bool stopped() const EXCLUDES(mutex_);

  const FeederOptions options_;
  Store& store_;
  GaugeMetric& behind_;
  CounterMetric& failures_;
  CounterMetric& damage_;

  // Of the thread, or of the idle one while it works for that.
  std::unique_ptr<LogReader> reader_;
  Assembler assembler_;
  std::vector<Exchange> batch_;
  size_t batch_bytes_ = 0;
  LogPosition fed_;  // as the store has it
  uint64_t behind_bytes_ = 0;
  Clock::time_point at_end_ = Clock::now();  // when the store last had all of the log
  Clock::time_point forget_at_ = Clock::now();

  mutable Mutex mutex_;
  CondVar woken_;
  bool stopped_ GUARDED_BY(mutex_) = false;
  RetentionRules retention_ GUARDED_BY(mutex_);
  IdleThread idle_;
  std::thread thread_;
};

bool Feeder::Work::stopped() const {
  const MutexLock lock(mutex_);
  return stopped_;
}

void Feeder::Work::wait(std::chrono::milliseconds duration) {
  const MutexLock lock(mutex_);
  if (!stopped_) woken_.wait_for(mutex_, duration);
}

// A failure of the store or of reading leaves batch and reader as they are: the same is tried again.
void Feeder::Work::run() {
  constexpr int kNice = 10;
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);  // of this thread
  std::chrono::milliseconds pause = options_.retry_at_first;
  bool was_told = false;
  while (!stopped()) {
    try {
      feed();
      forget_when_due();
      if (was_told) log_notice("capture: the store takes exchanges again");
      was_told = false;
      pause = options_.retry_at_first;
      wait(options_.look_every);
    } catch (const std::exception& fault) {
      failures_.add(1);
      if (!was_told) log_warning(fmt::format("capture: {}; tried again until it works, nothing is lost", fault.what()));
      was_told = true;
      wait(pause);
      pause = std::min(2 * pause, options_.retry_at_most);
    }
  }
}

// Hands over until the log's end. Whoever waits for an answer comes first where there is too little processor for both:
// the store may be late, until it is so much or so long that it has to keep up.
void Feeder::Work::feed() {
  measure_lag();  // also while the store takes nothing
  for (bool more = true; more && !stopped();) {
    const bool may_be_late = behind_bytes_ < kBehindAtMost && Clock::now() - at_end_ < kLateAtMost;
    more = may_be_late ? idle_.run([this] { return feed_batch(); }) : feed_batch();
    if (!more) at_end_ = Clock::now();
    measure_lag();
  }
}

bool Feeder::Work::feed_batch() {
  if (!reader_) {
    fed_ = store_.position();
    reader_ = std::make_unique<LogReader>(options_.folder, fed_);
  }
  const bool more = read_batch();
  hand_over();
  return more;
}

void Feeder::Work::measure_lag() {
  behind_bytes_ = bytes_behind(options_.folder, fed_);
  behind_.set(static_cast<double>(behind_bytes_));
}

// Fills the batch; false at the log's end.
bool Feeder::Work::read_batch() {
  bool more = true;
  while (more && batch_.size() < kBatchExchanges && batch_bytes_ < kBatchBytes) {
    const size_t had = batch_.size();
    if (const std::optional<LogRecord> record = reader_->next()) {
      take(*record);
    } else {
      assembler_.run(reader_->run(), batch_);
      assembler_.close_before(now_ms() - kOpenAtMost.count(), batch_);
      more = false;
    }
    report_damage();
    for (size_t i = had; i < batch_.size(); ++i) batch_bytes_ += size_of(batch_[i]);
  }
  return more;
}

void Feeder::Work::take(const LogRecord& record) {
  try {
    assembler_.add(record, batch_);
  } catch (const Error& error) {
    report_damage({segment_path(options_.folder, record.at.segment).string(), record.at.offset, record.payload.size(),
                   error.message()});
  }
}

void Feeder::Work::report_damage() {
  for (const SegmentDamage& damage : reader_->take_damage()) report_damage(damage);
}

void Feeder::Work::report_damage(const SegmentDamage& damage) {
  damage_.add(1);
  log_warning(fmt::format("capture: {}: offset {}, {} bytes passed over: {}", damage.file, damage.offset, damage.bytes,
                          damage.reason));
}

void Feeder::Work::hand_over() {
  const LogPosition position = assembler_.oldest_open().value_or(reader_->position());
  if (batch_.empty() && position.segment == fed_.segment) return;
  store_.add(batch_, position);
  batch_.clear();
  batch_bytes_ = 0;
  fed_ = position;
  remove_segments();
}

void Feeder::Work::remove_segments() {
  for (const uint64_t number : segments_in(options_.folder)) {
    if (number >= fed_.segment) return;
    std::error_code ignored;  // tried again with the next batch
    std::filesystem::remove(segment_path(options_.folder, number), ignored);
  }
}

void Feeder::Work::forget_when_due() {
  if (Clock::now() < forget_at_) return;
  RetentionRules rules;
  {
    const MutexLock lock(mutex_);
    rules = retention_;
  }
  forget_old_bodies(store_, rules, now_ms());
  forget_at_ = Clock::now() + options_.forget_every;
}

Feeder::Feeder(const FeederOptions& options, Store& store, Metrics& metrics)
    : work_(std::make_unique<Work>(options, store, metrics)) {}

Feeder::~Feeder() = default;

void Feeder::set_retention(RetentionRules rules) {
  const MutexLock lock(work_->mutex_);
  work_->retention_ = std::move(rules);
}

}  // namespace understudy
