// What the tests of the segment log share: exchanges as an application would send them, a folder, a disk that fails.
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "base/worker_pool.h"
#include "gateway/capture/assembler.h"
#include "gateway/capture/log_reader.h"
#include "gateway/capture/recorder.h"
#include "tests/support/run_awaitable.h"
#include "tests/support/temporary_folder.h"

namespace understudy::testing {

// As begin() gets it: no answer.
inline Exchange begun_exchange(const std::string& id, int64_t at_ms = 1'800'000'000'000) {
  Exchange exchange;
  exchange.id = id;
  exchange.at_ms = at_ms;
  exchange.endpoint = "/v1/chat/completions";
  exchange.model = "gpt-5";
  exchange.task = "invoices";
  exchange.stream = true;
  exchange.request = R"({"model":"gpt-5","messages":[{"role":"user","content":")" + id + R"("}]})";
  return exchange;
}

inline Exchange ended_exchange(const std::string& id, int64_t at_ms = 1'800'000'000'000) {
  Exchange exchange = begun_exchange(id, at_ms);
  exchange.provider = "openai";
  exchange.provider_model = "gpt-5";
  exchange.status = 200;
  exchange.answer = R"({"choices":[{"message":{"role":"assistant","content":"answer to )" + id + R"("}}]})";
  exchange.usage.input = 12;
  exchange.usage.output = 3;
  return exchange;
}

// Every exchange of the folder by id, the newest form of each.
inline std::map<std::string, Exchange> exchanges_in(const std::filesystem::path& folder, LogPosition from = {}) {
  LogReader reader(folder, from);
  Assembler assembler;
  std::vector<Exchange> done;
  while (const auto record = reader.next()) assembler.add(*record, done);
  std::map<std::string, Exchange> by_id;
  for (const Exchange& exchange : done) by_id.insert_or_assign(exchange.id, exchange);
  for (const Exchange& exchange : assembler.open()) by_id.insert_or_assign(exchange.id, exchange);
  return by_id;
}

// Takes only so many more bytes, then says what a full or a broken disk says.
class FaultyDisk : public LogDisk {
 public:
  std::atomic<int64_t> room{INT64_MAX};
  std::atomic<int> write_errno{ENOSPC};
  std::atomic<bool> sync_fails{false};
  std::atomic<bool> truncate_fails{false};
  std::atomic<int> n_syncs{0};
  std::atomic<int> n_writes{0};
  std::atomic<std::chrono::milliseconds> takes{std::chrono::milliseconds(0)};  // every write
  std::atomic<bool> stands_still{false};                                       // no write returns

  ssize_t write(int descriptor, const iovec* pieces, int n_pieces) override {
    ++n_writes;
    std::this_thread::sleep_for(takes.load());
    while (stands_still) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (room == INT64_MAX) return LogDisk::write(descriptor, pieces, n_pieces);
    const auto most = static_cast<size_t>(room.load());
    const iovec piece{pieces[0].iov_base, std::min(pieces[0].iov_len, most)};
    if (piece.iov_len == 0) {
      errno = write_errno;
      return -1;
    }
    room -= static_cast<int64_t>(piece.iov_len);
    return LogDisk::write(descriptor, &piece, 1);
  }
  int truncate(int descriptor, uint64_t size) override {
    if (truncate_fails) {
      errno = EIO;
      return -1;
    }
    return LogDisk::truncate(descriptor, size);
  }
  int sync(int descriptor) override {
    ++n_syncs;
    {
      const MutexLock lock(mutex_);
      syncing_threads_.insert(std::this_thread::get_id());
    }
    if (sync_fails) {
      errno = EIO;
      return -1;
    }
    return LogDisk::sync(descriptor);
  }
  std::set<std::thread::id> syncing_threads() const {
    const MutexLock lock(mutex_);
    return syncing_threads_;
  }

 private:
  mutable Mutex mutex_;
  std::set<std::thread::id> syncing_threads_;
};

inline bool comes_true(const std::function<bool()>& condition, std::chrono::seconds within = std::chrono::seconds(10)) {
  for (const auto end = std::chrono::steady_clock::now() + within; std::chrono::steady_clock::now() < end;) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return condition();
}

}  // namespace understudy::testing
