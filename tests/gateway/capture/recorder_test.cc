#include "gateway/capture/recorder.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "gateway/capture/capture_folder.h"
#include "tests/gateway/capture/capture_fixture.h"
#include "tests/support/file_faults.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;

class RecorderTest : public ::testing::Test {
 protected:
  std::unique_ptr<Recorder> recorder(SyncMode sync = SyncMode::kNever) {
    return std::make_unique<Recorder>(
        RecorderOptions{.folder = folder_.path(), .sync = sync, .sync_interval = std::chrono::milliseconds(1)},
        metrics_, disk_);
  }

  TemporaryFolder folder_;
  Metrics metrics_;
  FaultyDisk disk_;
  WorkerPool pool_{2};
};

TEST_F(RecorderTest, WhatItSaidIsWrittenIsThere) {
  const auto log = recorder();
  EXPECT_EQ(run(log->begin(begun_exchange("a"), pool_)), Recorded::kWritten);
  EXPECT_EQ(exchanges_in(folder_.path()).at("a").partial, true);
  EXPECT_EQ(run(log->end(ended_exchange("a"), pool_)), Recorded::kWritten);
  EXPECT_EQ(exchanges_in(folder_.path()).at("a"), ended_exchange("a"));
  EXPECT_TRUE(log->healthy());
}

TEST_F(RecorderTest, ABeginWithoutAnEndHasWhatItsPartsHold) {
  {
    const auto log = recorder();
    run(log->begin(begun_exchange("a"), pool_));
    log->part("a", "data: one\n\n", {.output = 1});
    log->part("a", "data: two\n\n", {.output = 2, .estimated = true});
  }
  Exchange expected = begun_exchange("a");
  expected.answer = "data: one\n\ndata: two\n\n";
  expected.usage = {.output = 2, .estimated = true};
  expected.partial = true;
  expected.estimated = true;
  EXPECT_EQ(exchanges_in(folder_.path()).at("a"), expected);
}

TEST_F(RecorderTest, TheEndOfAClientThatLeftIsWrittenToo) {
  {
    const auto log = recorder();
    run(log->begin(begun_exchange("a"), pool_));
    log->end_later(ended_exchange("a"));
  }
  EXPECT_EQ(exchanges_in(folder_.path()).at("a"), ended_exchange("a"));
}

// Without a change of threads, which would cost more than the write.
TEST_F(RecorderTest, WhoBringsARecordWritesIt) {
  const auto log = recorder();
  const auto work = [](Recorder& to) -> Awaitable<bool> {
    const Exchange begun = begun_exchange("a");
    WorkerPool never(1);  // would take the coroutine over
    const std::thread::id before = std::this_thread::get_id();
    const Recorded recorded = co_await to.begin(begun, never);
    co_return recorded == Recorded::kWritten&& std::this_thread::get_id() == before;
  };
  EXPECT_TRUE(run(work(*log)));
}

TEST_F(RecorderTest, ASlowDiskIsLeftToTheLogsThread) {
  const auto log = recorder();
  disk_.takes = std::chrono::milliseconds(10);
  EXPECT_EQ(run(log->begin(begun_exchange("a"), pool_)), Recorded::kWritten);  // finds out
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) log->part("a", "x", {});
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(400)) << "50 writes take 500 ms";
  EXPECT_EQ(run(log->end(ended_exchange("a"), pool_)), Recorded::kWritten);
  EXPECT_EQ(exchanges_in(folder_.path()).at("a"), ended_exchange("a"));
}

// One caller is caught by it; the others go on, and get what is theirs once it moves again.
TEST_F(RecorderTest, ADiskThatStandsStillHoldsOneCaller) {
  const auto log = recorder();
  std::atomic<int> n_done{0};
  const auto work = [](Recorder& to, Executor& executor, std::string id) -> Awaitable<void> {
    const Exchange begun = begun_exchange(id);
    EXPECT_EQ(co_await to.begin(begun, executor), Recorded::kWritten);
  };
  const auto start = [&](const std::string& id) {
    start_detached(work(*log, pool_, id), [&](const std::exception_ptr&) { ++n_done; });
  };
  disk_.stands_still = true;
  const int before = disk_.n_writes;
  std::thread caught([&] { start("a"); });
  ASSERT_TRUE(comes_true([&] { return disk_.n_writes > before; }));
  for (const char* id : {"b", "c", "d"}) start(id);
  log->part("a", "x", {});
  EXPECT_EQ(n_done, 0);
  disk_.stands_still = false;
  caught.join();
  EXPECT_TRUE(comes_true([&] { return n_done == 4; }));
  EXPECT_EQ(exchanges_in(folder_.path()).size(), 4u);
}

TEST_F(RecorderTest, ManyAtOnceShareWritesAndEachGetsItsOwnAnswer) {
  constexpr int kExchanges = 2000;
  disk_.takes = std::chrono::milliseconds(3);
  std::atomic<int> n_done{0};
  const auto log = recorder();
  const auto work = [](Recorder& to, Executor& executor, int i) -> Awaitable<void> {
    const std::string id = "x-" + std::to_string(i);
    co_await resume_on(executor);
    const Exchange begun = begun_exchange(id);
    const Exchange ended = ended_exchange(id);
    EXPECT_EQ(co_await to.begin(begun, executor), Recorded::kWritten);
    EXPECT_EQ(co_await to.end(ended, executor), Recorded::kWritten);
  };
  for (int i = 0; i < kExchanges; ++i) {
    start_detached(work(*log, pool_, i), [&](const std::exception_ptr& fault) {
      EXPECT_EQ(fault, nullptr);
      ++n_done;
    });
  }
  ASSERT_TRUE(comes_true([&] { return n_done == kExchanges; }));
  const auto exchanges = exchanges_in(folder_.path());
  EXPECT_EQ(exchanges.size(), static_cast<size_t>(kExchanges));
  for (const auto& [id, exchange] : exchanges) EXPECT_EQ(exchange, ended_exchange(id));
  EXPECT_LT(disk_.n_writes, kExchanges) << "groups of records share a write";
}

TEST_F(RecorderTest, MoreThanTheQueueHoldsWaitsForRoomAndIsWritten) {
  std::atomic<int> n_done{0};
  const auto log = recorder();
  const auto work = [](Recorder& to, Executor& executor, int i) -> Awaitable<void> {
    co_await resume_on(executor);
    Exchange exchange = begun_exchange("x-" + std::to_string(i));
    exchange.request = std::string(1 << 20, 'r');
    EXPECT_EQ(co_await to.begin(exchange, executor), Recorded::kWritten);
  };
  for (int i = 0; i < 40; ++i) start_detached(work(*log, pool_, i), [&](const std::exception_ptr&) { ++n_done; });
  ASSERT_TRUE(comes_true([&] { return n_done == 40; }));
  EXPECT_EQ(exchanges_in(folder_.path()).size(), 40u);
}

TEST_F(RecorderTest, AFullDiskIsSaidAndGotOver) {
  const auto log = recorder();
  disk_.room = 100;
  EXPECT_EQ(run(log->begin(begun_exchange("a"), pool_)), Recorded::kFailed);
  EXPECT_FALSE(log->healthy());
  EXPECT_THAT(log->fault(), HasSubstr("No space left on device"));
  EXPECT_THAT(metrics_.text(), HasSubstr("understudy_capture_dropped_total 1"));
  disk_.room = INT64_MAX;
  EXPECT_EQ(run(log->begin(begun_exchange("b"), pool_)), Recorded::kWritten);
  EXPECT_TRUE(log->healthy());
  EXPECT_EQ(log->fault(), "");
  const auto exchanges = exchanges_in(folder_.path());
  EXPECT_EQ(exchanges.size(), 1u);
  EXPECT_TRUE(exchanges.contains("b"));
}

// Who refuses requests while the log cannot be written sends it nothing to try the disk with.
TEST_F(RecorderTest, ItFindsOutByItselfThatTheDiskIsBack) {
  const auto log = recorder();
  disk_.room = 0;
  disk_.write_errno = EIO;
  EXPECT_EQ(run(log->begin(begun_exchange("a"), pool_)), Recorded::kFailed);
  EXPECT_THAT(log->fault(), HasSubstr("Input/output error"));
  disk_.room = INT64_MAX;
  EXPECT_TRUE(comes_true([&] { return log->healthy(); }));
  EXPECT_TRUE(exchanges_in(folder_.path()).empty());
}

TEST_F(RecorderTest, ARealLimitOfTheFileSystemIsSurvived) {
  const auto log = recorder();
  run(log->begin(begun_exchange("a"), pool_));
  {
    const FullDisk full(2000);
    Exchange large = begun_exchange("b");
    large.request = std::string(5000, 'r');
    EXPECT_EQ(run(log->begin(large, pool_)), Recorded::kFailed);
  }
  EXPECT_EQ(run(log->end(ended_exchange("a"), pool_)), Recorded::kWritten);
  const auto exchanges = exchanges_in(folder_.path());
  EXPECT_EQ(exchanges.size(), 1u);
  EXPECT_EQ(exchanges.at("a"), ended_exchange("a"));
}

TEST_F(RecorderTest, EveryAnswerWaitsForItsSync) {
  const auto log = recorder(SyncMode::kEveryAnswer);
  run(log->begin(begun_exchange("a"), pool_));
  EXPECT_EQ(disk_.n_syncs, 0);
  EXPECT_EQ(run(log->end(ended_exchange("a"), pool_)), Recorded::kWritten);
  EXPECT_GE(disk_.n_syncs, 1);
  disk_.sync_fails = true;
  EXPECT_EQ(run(log->end(ended_exchange("b"), pool_)), Recorded::kFailed);
  EXPECT_THAT(log->fault(), HasSubstr("sync"));
  disk_.sync_fails = false;
  EXPECT_EQ(run(log->end(ended_exchange("b"), pool_)), Recorded::kWritten);
  EXPECT_TRUE(log->healthy());
}

// A begin that finds an end in the queue leaves both to the log's thread: no caller waits for a disk's sync.
TEST_F(RecorderTest, OnlyTheLogsThreadSyncsAnswers) {
  constexpr int kExchanges = 300;
  std::atomic<int> n_done{0};
  const auto log = recorder(SyncMode::kEveryAnswer);
  const auto work = [](Recorder& to, Executor& executor, int i) -> Awaitable<void> {
    co_await resume_on(executor);
    const std::string id = "x-" + std::to_string(i);
    const Exchange begun = begun_exchange(id);
    const Exchange ended = ended_exchange(id);
    EXPECT_EQ(co_await to.begin(begun, executor), Recorded::kWritten);
    EXPECT_EQ(co_await to.end(ended, executor), Recorded::kWritten);
  };
  for (int i = 0; i < kExchanges; ++i)
    start_detached(work(*log, pool_, i), [&](const std::exception_ptr&) { ++n_done; });
  ASSERT_TRUE(comes_true([&] { return n_done == kExchanges; }));
  EXPECT_EQ(disk_.syncing_threads().size(), 1U);
}

TEST_F(RecorderTest, AnIntervalSyncsWithoutAnybodyWaiting) {
  const auto log = recorder(SyncMode::kInterval);
  EXPECT_EQ(run(log->end(ended_exchange("a"), pool_)), Recorded::kWritten);
  EXPECT_TRUE(comes_true([&] { return disk_.n_syncs > 0; }));
  disk_.sync_fails = true;
  EXPECT_EQ(run(log->end(ended_exchange("b"), pool_)), Recorded::kWritten);
  EXPECT_TRUE(comes_true([&] { return !log->healthy(); }));
  disk_.sync_fails = false;
  EXPECT_TRUE(comes_true([&] { return log->healthy(); }));
}

TEST_F(RecorderTest, NeverSyncsNever) {
  {
    const auto log = recorder(SyncMode::kNever);
    run(log->end(ended_exchange("a"), pool_));
  }
  EXPECT_EQ(disk_.n_syncs, 0);
}

TEST_F(RecorderTest, ATornTailIsCutAtStartAndASecondWriterRefused) {
  {
    const auto log = recorder();
    run(log->begin(begun_exchange("a"), pool_));
  }
  const auto path = segment_path(folder_.path(), segments_in(folder_.path()).back());
  const uint64_t whole = std::filesystem::file_size(path);
  std::ofstream(path, std::ios::app) << "torn";
  const auto log = recorder();
  EXPECT_EQ(std::filesystem::file_size(path), whole);
  EXPECT_EQ(error_of([&] { recorder(); }).code(), ErrorCode::kUnavailable);
}

TEST_F(RecorderTest, AFolderThatCannotBeMadeIsAnErrorAtStart) {
  folder_.write("file", "");
  EXPECT_EQ(error_of([&] { const Recorder log({.folder = folder_ / "file/capture"}, metrics_); }).code(),
            ErrorCode::kIo);
}

}  // namespace
}  // namespace understudy::testing
