// One set of tests on both databases. PostgreSQL's are skipped where no server is installed.
#include "records/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "base/error.h"
#include "tests/records/made_exchange.h"
#include "tests/support/postgres_server.h"
#include "tests/support/temporary_folder.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::made_exchange;
using ::testing::Not;
using testing::PostgresServer;
using testing::TemporaryFolder;
using namespace std::chrono_literals;

// Somebody else at the same database.
class Outsider {
 public:
  virtual ~Outsider() = default;
  virtual StoreAddress address() const = 0;
  virtual void sql(const std::string& statements) = 0;
  // Nobody else can write to `exchanges` from when this returns, for that long.
  virtual std::thread lock_for(std::chrono::milliseconds duration) = 0;
};

class SqliteOutsider : public Outsider {
 public:
  StoreAddress address() const override { return {.url = "sqlite:" + path(), .password = ""}; }
  void sql(const std::string& statements) override {
    sqlite3* database = open();
    EXPECT_EQ(sqlite3_exec(database, statements.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(database);
  }
  std::thread lock_for(std::chrono::milliseconds duration) override {
    sqlite3* database = open();
    EXPECT_EQ(sqlite3_exec(database, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
    return std::thread([database, duration] {
      std::this_thread::sleep_for(duration);
      sqlite3_close(database);
    });
  }
  std::string path() const { return (folder_ / "store.db").string(); }

 private:
  sqlite3* open() const {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open(path().c_str(), &database), SQLITE_OK);
    return database;
  }
  TemporaryFolder folder_;
};

class PostgresOutsider : public Outsider {
 public:
  explicit PostgresOutsider(PostgresServer& server) : server_(server) {
    server_.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
  }
  StoreAddress address() const override { return {.url = server_.url(), .password = ""}; }
  void sql(const std::string& statements) override { server_.sql(statements); }
  std::thread lock_for(std::chrono::milliseconds duration) override {
    std::thread holder([this, duration] {
      server_.sql(
          "BEGIN; LOCK TABLE exchanges IN ROW EXCLUSIVE MODE; LOCK TABLE exchanges IN SHARE ROW EXCLUSIVE MODE; "
          "SELECT pg_sleep(" +
          std::to_string(static_cast<double>(duration.count()) / 1000) + "); COMMIT");
    });
    while (server_.sql("SELECT count(*) FROM pg_locks WHERE mode = 'ShareRowExclusiveLock' AND granted AND relation = "
                       "'exchanges'::regclass") != "1\n") {
      std::this_thread::sleep_for(5ms);
    }
    return holder;
  }

 private:
  PostgresServer& server_;
};

class StoreTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (GetParam() == std::string("sqlite")) {
      outsider_ = std::make_unique<SqliteOutsider>();
    } else if (PostgresServer* server = PostgresServer::shared()) {
      outsider_ = std::make_unique<PostgresOutsider>(*server);
    } else {
      GTEST_SKIP() << "no PostgreSQL server is installed";
    }
  }
  std::unique_ptr<Store> open(std::chrono::milliseconds patience = 10s) const {
    StoreAddress address = outsider_->address();
    address.patience = patience;
    return open_store(address);
  }
  static std::vector<std::string> ids(const Store& store, const ExchangeFilter& filter) {
    std::vector<std::string> found;
    store.each_exchange(filter, [&found](const Exchange& exchange) {
      found.push_back(exchange.id);
      return true;
    });
    return found;
  }
  std::unique_ptr<Outsider> outsider_;
};

INSTANTIATE_TEST_SUITE_P(Both, StoreTest, ::testing::Values("sqlite", "postgresql"),
                         [](const auto& param) { return std::string(param.param); });

Exchange small(const std::string& id, int64_t at_ms, const std::string& task = "invoices") {
  Exchange exchange;
  exchange.id = id;
  exchange.at_ms = at_ms;
  exchange.task = task;
  exchange.request = "{\"q\":1}";
  exchange.answer = "{\"a\":1}";
  return exchange;
}

std::string fault_of(const std::function<void()>& work, ErrorCode code) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.message();
    return error.message() + " | " + error.hint();
  }
  ADD_FAILURE() << "nothing was refused";
  return {};
}

TEST_P(StoreTest, KeepsEveryByteOfAnExchange) {
  std::vector<Exchange> exchanges;
  for (uint64_t seed = 0; seed < 60; ++seed) exchanges.push_back(made_exchange(seed, true));
  open()->add(exchanges, {2, 77});
  const auto store = open();
  EXPECT_EQ(store->position(), (LogPosition{2, 77}));
  for (const Exchange& exchange : exchanges) EXPECT_EQ(store->exchange(exchange.id), exchange) << exchange.id;
  EXPECT_EQ(store->exchange("x-none"), std::nullopt);
}

TEST_P(StoreTest, BeginsEmpty) {
  const auto store = open();
  EXPECT_EQ(store->position(), LogPosition());
  EXPECT_THAT(ids(*store, {}), ElementsAre());
  EXPECT_EQ(store->route("invoices"), std::nullopt);
  EXPECT_TRUE(store->entries().empty());
}

TEST_P(StoreTest, LargeBodiesOfAnyBytes) {
  Exchange exchange = small("x-large", 5);
  exchange.request.assign(20 << 20, '\0');
  for (size_t i = 0; i < exchange.request.size(); i += 7) exchange.request[i] = static_cast<char>(i >> 3);
  exchange.answer = std::string("\xff\0\\x00'", 7);
  open()->add({exchange}, {});
  EXPECT_TRUE(open()->exchange("x-large") == exchange);
}

TEST_P(StoreTest, FeedingTwiceChangesNothing) {
  const auto store = open();
  store->add({small("x-1", 1), small("x-2", 2)}, {0, 100});
  store->add({small("x-1", 1), small("x-2", 2)}, {0, 100});
  EXPECT_THAT(ids(*store, {}), ElementsAre("x-1", "x-2"));
  Exchange whole = small("x-1", 1);
  whole.status = 200;
  store->add({whole}, {0, 200});
  EXPECT_EQ(store->exchange("x-1"), whole) << "the end of an exchange replaces its beginning";
  EXPECT_EQ(store->position(), (LogPosition{0, 200}));
}

TEST_P(StoreTest, FiltersByTaskKeyModelAndTime) {
  const auto store = open();
  std::vector<Exchange> exchanges;
  for (int i = 0; i < 8; ++i) {
    Exchange exchange = small("x-" + std::to_string(i), 100 - i, i % 2 == 0 ? "invoices" : "mail");
    exchange.key = i < 4 ? "billing-app" : "";
    exchange.model = i < 6 ? "gpt-5" : "small";
    exchanges.push_back(exchange);
  }
  store->add(exchanges, {});
  EXPECT_THAT(ids(*store, {.task = "mail"}), ElementsAre("x-7", "x-5", "x-3", "x-1")) << "in the order of time";
  EXPECT_THAT(ids(*store, {.task = "mail", .key = "billing-app"}), ElementsAre("x-3", "x-1"));
  EXPECT_THAT(ids(*store, {.model = "small"}), ElementsAre("x-7", "x-6"));
  EXPECT_THAT(ids(*store, {.since_ms = 94, .until_ms = 97}), ElementsAre("x-6", "x-5", "x-4"));
  EXPECT_THAT(ids(*store, {.task = "invoices", .limit = 2}), ElementsAre("x-6", "x-4"));
  EXPECT_THAT(ids(*store, {.task = "MAIL"}), ElementsAre());
}

TEST_P(StoreTest, WithoutBodiesTheFiguresAreThere) {
  const auto store = open();
  Exchange exchange = small("x-1", 1);
  store->add({exchange}, {});
  exchange.request.clear();
  exchange.answer.clear();
  store->each_exchange({.bodies = false}, [&](const Exchange& read) {
    EXPECT_EQ(read, exchange) << "it is still said to be kept";
    return true;
  });
}

TEST_P(StoreTest, AWalkCanEndEarlyThrowAndCallTheStore) {
  const auto store = open();
  std::vector<Exchange> exchanges;
  for (int i = 0; i < 50; ++i) exchanges.push_back(small("x-" + std::to_string(100 + i), i));
  store->add(exchanges, {});
  int seen = 0;
  store->each_exchange({}, [&](const Exchange& exchange) {
    store->add({exchange}, {9, 9});
    EXPECT_EQ(store->exchange(exchange.id), exchange);
    return ++seen < 3;
  });
  EXPECT_EQ(seen, 3);
  EXPECT_THROW(store->each_exchange({}, [](const Exchange&) -> bool { throw Error(ErrorCode::kIo, "full"); }), Error);
  EXPECT_EQ(ids(*store, {}).size(), 50U);
}

TEST_P(StoreTest, TextIsNeverAStatement) {
  const auto store = open();
  for (const std::string text :
       {"'; DROP TABLE exchanges; --", "\"", "\\'; DELETE FROM exchanges", "$1", "%s{}", "a\xff", "é"}) {
    Exchange exchange = small("id " + text, 1, text);
    exchange.key = exchange.model = text;
    exchange.tags = {{text, text}};
    store->add({exchange}, {});
    EXPECT_EQ(store->exchange("id " + text), exchange);
    EXPECT_THAT(ids(*store, {.task = text, .key = text, .model = text}), ElementsAre("id " + text));
    EXPECT_EQ(store->forget_bodies(text, {}, 0), 0);
    EXPECT_EQ(store->forget_bodies("", {text}, 0), 0);
    Route route{.task = text, .version = 1, .who = text, .why = text};
    store->add_route(route);
    store->add_entry({.id = text, .task = text, .kind = "other", .note = text});
  }
  EXPECT_EQ(ids(*store, {}).size(), 7U);
  EXPECT_EQ(store->entries().size(), 7U);
}

TEST_P(StoreTest, ATaskWithNulIsFoundByIt) {
  const auto store = open();
  const std::string task("a\0b", 3);
  store->add({small("x-1", 1, task), small("x-2", 1, "a")}, {});
  EXPECT_THAT(ids(*store, {.task = task}), ElementsAre("x-1"));
  EXPECT_EQ(store->exchange("x-1")->task, task);
}

TEST_P(StoreTest, ForgetsBodiesAndKeepsFigures) {
  const auto store = open();
  std::vector<Exchange> exchanges;
  for (int i = 0; i < 1100; ++i) exchanges.push_back(small("x-" + std::to_string(i), i, i % 2 == 0 ? "even" : "odd"));
  exchanges[0].attempts.resize(1);
  exchanges[0].attempts[0].answer = "held back";
  store->add(exchanges, {});
  EXPECT_EQ(store->forget_bodies("even", {}, 1050), 525) << "more than one piece";
  EXPECT_EQ(store->forget_bodies("even", {}, 1050), 0);
  const auto forgotten = store->exchange("x-0");
  EXPECT_EQ(forgotten->request, "");
  EXPECT_EQ(forgotten->attempts.at(0).answer, "");
  EXPECT_FALSE(forgotten->sampled);
  EXPECT_EQ(store->exchange("x-1050"), exchanges[1050]) << "not before the limit";
  EXPECT_EQ(store->exchange("x-1"), exchanges[1]);
  EXPECT_EQ(store->forget_bodies("", {"even"}, 10), 5) << "tasks without a limit of their own";
  EXPECT_EQ(store->forget_bodies("", {"even", "odd"}, 2000), 0);
}

TEST_P(StoreTest, RoutesAreVersions) {
  const auto store = open();
  Route first{.task = "invoices", .version = 1, .share = 0.8, .who = "ada", .at_ms = 5, .why = "measured"};
  Route second = first;
  second.version = 2;
  second.pinned = "teacher";
  second.min_value_token_probability = 0.5;
  store->add_route(first);
  store->add_route(first);  // the very same again: as after a commit that was not heard of
  store->add_route(second);
  EXPECT_EQ(store->route("invoices"), second);
  EXPECT_THAT(store->route_history("invoices"), ElementsAre(first, second));
  Route late = first;
  late.version = 2;
  EXPECT_THAT(fault_of([&] { store->add_route(late); }, ErrorCode::kOverloaded), HasSubstr("somebody else"));
  late.version = 4;
  EXPECT_THROW(store->add_route(late), Error) << "no gap";
  EXPECT_EQ(store->route("mail"), std::nullopt);
}

TEST_P(StoreTest, OfTwoWhoChangeARouteOneWins) {
  const auto store = open(), other = open();
  std::atomic<int> won = 0;
  const auto change = [&won](Store& by, const char* who) {
    for (int64_t version = 1; version <= 20; ++version) {
      try {
        by.add_route({.task = "invoices", .version = version, .who = who});
        ++won;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kOverloaded) << error.message();
        if (!by.route("invoices") || by.route("invoices")->version < version) --version;
      }
    }
  };
  std::thread first(change, std::ref(*store), "ada"), second(change, std::ref(*other), "bob");
  first.join();
  second.join();
  EXPECT_EQ(won, 20);
  EXPECT_EQ(store->route_history("invoices").size(), 20U);
}

TEST_P(StoreTest, EntriesAreBookedOnce) {
  const auto store = open();
  const LedgerEntry entry{.id = "e-1",
                          .at_ms = 9,
                          .task = "invoices",
                          .kind = "training",
                          .amount = Money::nano_dollars(12'500'000'001),
                          .note = "é"};
  const LedgerEntry earlier{.id = "e-2", .at_ms = 3, .kind = "review"};
  store->add_entry(entry);
  store->add_entry(entry);
  store->add_entry(earlier);
  EXPECT_THAT(open()->entries(), ElementsAre(earlier, entry));
  LedgerEntry other = entry;
  other.note = "another";
  EXPECT_THAT(fault_of([&] { store->add_entry(other); }, ErrorCode::kInvalidInput), HasSubstr("e-1"));
}

TEST_P(StoreTest, AWriteWaitsForTheLockAndLosesNothing) {
  const auto store = open();
  store->add({small("x-0", 0)}, {0, 1});
  std::thread holder = outsider_->lock_for(400ms);
  EXPECT_EQ(store->position(), (LogPosition{0, 1})) << "readers do not wait";
  store->add({small("x-1", 1)}, {0, 2});
  holder.join();
  EXPECT_THAT(ids(*store, {}), ElementsAre("x-0", "x-1"));
}

TEST_P(StoreTest, AWriteThatWaitedTooLongSaysSoAndChangesNothing) {
  const auto store = open(100ms);
  store->add({small("x-0", 0)}, {0, 1});
  std::thread holder = outsider_->lock_for(800ms);
  EXPECT_THAT(fault_of([&] { store->add({small("x-1", 1)}, {0, 2}); }, ErrorCode::kUnavailable), HasSubstr("lock"));
  EXPECT_EQ(store->position(), (LogPosition{0, 1}));
  EXPECT_NO_THROW(open(100ms)) << "a reader can open it all the same";
  holder.join();
  store->add({small("x-1", 1)}, {0, 2});
  EXPECT_THAT(ids(*store, {}), ElementsAre("x-0", "x-1"));
}

TEST_P(StoreTest, AnotherReadsWhileOneWrites) {
  const auto writer = open();
  std::atomic<bool> done = false;
  std::thread reading([&] {
    const auto reader = open();
    size_t before = 0;
    while (!done) {
      const size_t now = ids(*reader, {}).size();
      EXPECT_GE(now, before);
      EXPECT_EQ(now % 10, 0U) << "a transaction is seen whole or not at all";
      before = now;
    }
  });
  for (int i = 0; i < 10; ++i) {
    std::vector<Exchange> exchanges;
    for (int j = 0; j < 10; ++j) exchanges.push_back(small("x-" + std::to_string(10 * i + j), i));
    writer->add(exchanges, {0, static_cast<uint64_t>(i)});
  }
  done = true;
  reading.join();
  EXPECT_EQ(ids(*writer, {}).size(), 100U);
}

TEST_P(StoreTest, TwoCanMakeItAtOnce) {
  std::vector<std::thread> openers;
  for (int i = 0; i < 4; ++i)
    openers.emplace_back([this, i] { open()->add({small("x-" + std::to_string(i), i)}, {}); });
  for (std::thread& opener : openers) opener.join();
  EXPECT_EQ(ids(*open(), {}).size(), 4U);
}

TEST_P(StoreTest, ANewerSchemaIsRefused) {
  open();
  outsider_->sql("UPDATE schema_version SET version = 1000");
  EXPECT_THAT(fault_of([this] { open(); }, ErrorCode::kInvalidInput), HasSubstr("schema version 1000"));
}

TEST(StoreOnPostgres, GoesOnAfterTheServerWasStartedAgain) {
  PostgresServer* server = PostgresServer::shared();
  if (server == nullptr) GTEST_SKIP() << "no PostgreSQL server is installed";
  PostgresOutsider outsider(*server);
  StoreAddress address = outsider.address();
  address.patience = 300ms;
  const auto hasty = open_store(address);
  const auto store = open_store(outsider.address());
  store->add({small("x-0", 0)}, {0, 1});
  server->stop();
  EXPECT_THAT(fault_of(
                  [&] {
                    hasty->add({small("x-1", 1)}, {0, 2});
                  },
                  ErrorCode::kUnavailable),
              HasSubstr(address.url));
  std::thread adding([&store] { store->add({small("x-1", 1)}, {0, 2}); });  // begun while it is away
  std::this_thread::sleep_for(200ms);
  server->start();
  adding.join();
  EXPECT_EQ(store->position(), (LogPosition{0, 2}));
  EXPECT_EQ(hasty->position(), (LogPosition{0, 2}));
  server->stop();
  server->start();
  EXPECT_EQ(store->exchange("x-0"), small("x-0", 0));
  store->add({small("x-2", 2)}, {0, 3});
  int64_t n = 0;
  store->each_exchange({}, [&n](const Exchange&) { return ++n > 0; });
  EXPECT_EQ(n, 3);
}

TEST(StoreAddressTest, RefusesAPasswordAndNeverRepeatsIt) {
  for (const char* url :
       {"postgresql://user:hunter2@host/database", "postgresql://host/database?password=hunter2",
        "postgres://user:hunter2@host:99x/database", "postgresql://user:hunter2 @h/d%",
        "postgresql://host/d?sslpassword=hunter2", "mysql://user:hunter2@host/d", "hunter2", "sqlite:", ""}) {
    const std::string fault = fault_of([url] { open_store({.url = url, .password = ""}); }, ErrorCode::kInvalidInput);
    EXPECT_THAT(fault, Not(HasSubstr("hunter2"))) << url;
    EXPECT_THAT(fault, HasSubstr("store:"));
  }
}

TEST(StoreOnSqlite, SaysWhichFileCannotBeUsed) {
  const TemporaryFolder folder;
  const std::string absent = (folder / "none").string() + "/store.db";
  EXPECT_THAT(fault_of([&] { open_store({.url = "sqlite:" + absent, .password = ""}); }, ErrorCode::kNotFound),
              HasSubstr(absent));
  const std::string text = folder.write("notes.txt", std::string(5000, 'x')).string();
  EXPECT_THAT(fault_of([&] { open_store({.url = "sqlite:" + text, .password = ""}); }, ErrorCode::kInvalidInput),
              HasSubstr(text));
}

TEST(StoreOnSqlite, OthersCannotReadTheFile) {
  const SqliteOutsider outsider;
  open_store(outsider.address())->add({small("x-1", 1)}, {});
  struct stat status {};
  ASSERT_EQ(::stat(outsider.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0077, 0U);
}

}  // namespace
}  // namespace understudy
