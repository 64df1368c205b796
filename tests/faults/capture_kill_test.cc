// The capture log against kill -9 at any instant under load, a database that is locked, and a disk that is full: what
// an application was answered is there, once; what was under way is there as far as it came. UNDERSTUDY_FAULT_COUNT
// raises the number of kills.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <map>
#include <set>

#include "base/environment.h"
#include "base/random.h"
#include "gateway/capture/exchange_source.h"
#include "gateway/capture/feeder.h"
#include "tests/gateway/capture/capture_fixture.h"
#include "tests/gateway/capture/faulty_store.h"

namespace understudy::testing {
namespace {

using Clock = std::chrono::steady_clock;

int fault_count(int few) {
  const auto many = environment("UNDERSTUDY_FAULT_COUNT");
  return many ? std::atoi(many->c_str()) : few;
}

// What the child says of an exchange, one byte and its number, in one write: 'b' begun, 'p' a part handed over, 'e'
// answered.
struct Said {
  char what = 0;
  uint32_t number = 0;
};

class Child {
 public:
  Child(const std::filesystem::path& folder, const std::filesystem::path& store, uint32_t first) {
    int ends[2];
    CHECK(::pipe(ends) == 0, "no pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      live(folder, store, first, ends[1]);
    }
    ::close(ends[1]);
    reading_ = ends[0];
  }
  ~Child() { ::close(reading_); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Kills it after that time; what it had said by then.
  std::vector<Said> kill_after(std::chrono::microseconds time) {
    std::vector<Said> said;
    std::thread listening([&] {
      for (Said one; ::read(reading_, &one, sizeof one) == sizeof one;) said.push_back(one);
    });
    std::this_thread::sleep_for(time);
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    listening.join();
    return said;
  }

 private:
  static Awaitable<void> exchange_after_exchange(Recorder& log, Executor& executor, std::atomic<uint32_t>& numbers,
                                                 int pipe) {
    for (;;) {
      co_await resume_on(executor);
      const uint32_t number = numbers++;
      const std::string id = "x-" + std::to_string(number);
      Exchange exchange = begun_exchange(id);
      exchange.request += std::string(number * 37 % 3000, ' ');
      if (co_await log.begin(exchange, executor) != Recorded::kWritten) continue;
      say(pipe, 'b', number);
      if (number % 3 == 0) {
        // The second begin's record comes after the part's: once it is written, the part is.
        log.part(id, "part of " + id, {.output = 1});
        Exchange other = begun_exchange("after " + id);
        (void)co_await log.begin(other, executor);
        say(pipe, 'p', number);
      }
      if (number % 7 == 0) continue;  // its client is still listening when the end comes
      const Exchange ended = ended_exchange(id);
      if (co_await log.end(ended, executor) == Recorded::kWritten) say(pipe, 'e', number);
    }
  }
  static void say(int pipe, char what, uint32_t number) {
    const Said said{what, number};
    (void)!::write(pipe, &said, sizeof said);
  }
  [[noreturn]] static void live(const std::filesystem::path& folder, const std::filesystem::path& store_file,
                                uint32_t first, int pipe) {
    Metrics metrics;
    WorkerPool pool(2);
    FaultyStore store(store_file);
    Recorder log({.folder = folder, .sync = SyncMode::kNever, .segment_bytes = 1 << 18}, metrics);
    const Feeder feeding({.folder = folder, .look_every = std::chrono::milliseconds(1)}, store, metrics);
    std::atomic<uint32_t> numbers{first};
    for (int i = 0; i < 50; ++i) {
      start_detached(exchange_after_exchange(log, pool, numbers, pipe), [](const std::exception_ptr&) {});
    }
    for (;;) ::pause();
  }

  pid_t pid_ = -1;
  int reading_ = -1;
};

TEST(CaptureKill, AnsweredExchangesSurviveOnceAndBegunOnesAsFarAsTheyCame) {
  const TemporaryFolder temporary;
  const std::filesystem::path folder = temporary / "capture";
  const std::filesystem::path store_file = temporary / "store.db";
  Random random(23);
  std::set<uint32_t> begun, parted, answered;
  const int kills = fault_count(10);
  for (int kill = 0; kill < kills; ++kill) {
    Child child(folder, store_file, static_cast<uint32_t>(kill) * 1'000'000);
    for (const Said& said : child.kill_after(std::chrono::microseconds(random.between(20'000, 120'000)))) {
      (said.what == 'b' ? begun : said.what == 'p' ? parted : answered).insert(said.number);
    }
  }
  ASSERT_GT(answered.size(), static_cast<size_t>(kills));

  const FaultyStore store(store_file);
  std::map<std::string, Exchange> found;
  size_t n_twice = 0;
  ExchangeSource(folder, store).each_exchange({}, [&](const Exchange& exchange) {
    n_twice += found.emplace(exchange.id, exchange).second ? 0 : 1;
    return true;
  });
  EXPECT_EQ(n_twice, 0u);
  for (const uint32_t number : begun) {
    const auto at = found.find("x-" + std::to_string(number));
    ASSERT_NE(at, found.end()) << "begun and lost: " << number;
    const Exchange& exchange = at->second;
    if (answered.contains(number)) {
      EXPECT_FALSE(exchange.partial) << "answered, its end lost: " << number;
      EXPECT_EQ(exchange.answer, ended_exchange(exchange.id).answer);
    } else if (parted.contains(number) && exchange.partial) {
      EXPECT_EQ(exchange.answer, "part of " + exchange.id);
    }
  }
  std::printf("%d kills: %zu begun, %zu with parts, %zu answered; 0 lost, 0 twice\n", kills, begun.size(),
              parted.size(), answered.size());
}

// Sends one exchange after the other for that long; how long each took, begin and end together, in milliseconds.
std::vector<double> load(Recorder& log, Executor& executor, const std::string& name, std::chrono::milliseconds time) {
  std::vector<double> took;
  const auto stop_at = Clock::now() + time;
  for (int i = 0; Clock::now() < stop_at; ++i) {
    const std::string id = name + std::to_string(i);
    const auto began = Clock::now();
    EXPECT_EQ(run(log.begin(begun_exchange(id, 1'800'000'000'000 + i), executor)), Recorded::kWritten);
    EXPECT_EQ(run(log.end(ended_exchange(id, 1'800'000'000'000 + i), executor)), Recorded::kWritten);
    took.push_back(std::chrono::duration<double, std::milli>(Clock::now() - began).count());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::sort(took.begin(), took.end());
  return took;
}

TEST(CaptureKill, ALockedDatabaseHoldsNoRequestUpAndLosesNothing) {
  const TemporaryFolder temporary;
  const std::filesystem::path store_file = temporary / "store.db";
  FaultyStore store(store_file);
  Metrics metrics;
  WorkerPool pool(1);
  Recorder log({.folder = temporary / "capture", .sync = SyncMode::kNever}, metrics);
  const Feeder feeding({.folder = temporary / "capture", .look_every = std::chrono::milliseconds(2)}, store, metrics);
  const auto time = std::chrono::milliseconds(fault_count(0) > 0 ? 60'000 : 1500);

  const std::vector<double> free = load(log, pool, "free-", std::chrono::milliseconds(500));
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(store_file.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_busy_timeout(other, 5000), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  const std::vector<double> locked = load(log, pool, "locked-", time);
  const std::string last = "locked-" + std::to_string(locked.size() - 1);
  sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
  sqlite3_close(other);

  EXPECT_TRUE(comes_true([&] { return store.exchange(last).has_value(); }, std::chrono::seconds(30)));
  EXPECT_EQ(ids_in(store).size(), free.size() + locked.size());
  // None may have waited for the lock, which was held all the time: the slowest took a small part of that.
  EXPECT_LT(locked.back(), static_cast<double>(time.count()) / 2);
  std::printf("begin and end: free %.3f ms, locked %.3f ms (medians)\n", free[free.size() / 2],
              locked[locked.size() / 2]);
}

// A file system of 256 KiB, where this test may mount one.
TEST(CaptureKill, AFullDiskIsSaidAndGotOverOnceThereIsRoom) {
  const TemporaryFolder temporary;
  const std::filesystem::path disk = temporary / "disk";
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=256k") != 0) GTEST_SKIP() << "may not mount a small disk";
  std::set<std::string> written;
  {
    Metrics metrics;
    WorkerPool pool(1);
    Recorder log({.folder = disk / "capture", .sync = SyncMode::kInterval}, metrics);
    std::ofstream(disk / "ballast") << std::string(100'000, 'b');
    bool failed = false;
    for (int i = 0; i < 2000 && !failed; ++i) {
      const Exchange exchange = ended_exchange("x-" + std::to_string(i));
      failed = run(log.end(exchange, pool)) == Recorded::kFailed;
      if (!failed) written.insert(exchange.id);
    }
    EXPECT_TRUE(failed && !log.healthy());
    std::filesystem::remove(disk / "ballast");
    EXPECT_TRUE(comes_true([&] { return log.healthy(); }));
    EXPECT_EQ(run(log.end(ended_exchange("later"), pool)), Recorded::kWritten);
    written.insert("later");
    std::set<std::string> found;
    for (const auto& [id, exchange] : exchanges_in(disk / "capture")) found.insert(id);
    EXPECT_EQ(found, written);
  }
  ::umount(disk.c_str());
}

}  // namespace
}  // namespace understudy::testing
