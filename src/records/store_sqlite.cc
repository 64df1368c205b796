// SQLite. WAL, so that readers of other processes and the one writer do not wait for each other; every commit is
// synced. A database that is locked is tried again by SQLite's own busy handler until patience ends. What is forgotten
// is overwritten in the file (secure_delete): retention is a promise about personal data.
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <thread>

#include "base/error.h"
#include "records/sql_connection.h"

namespace understudy {

namespace {

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

class SqliteRow : public SqlRow {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  bool is_null(int column) const override { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  int64_t whole(int column) const override { return sqlite3_column_int64(statement_, column); }
  std::string_view bytes(int column) const override {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return {data, data == nullptr ? 0 : static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3_stmt* statement_;
};

class SqliteConnection : public SqlConnection {
 public:
  SqliteConnection(const std::string& path, std::chrono::milliseconds patience) : path_(path) {
    make_private_file();
    sqlite3* database = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    database_.reset(database);
    if (code != SQLITE_OK) throw failure(code, "open");
    sqlite3_busy_timeout(database, static_cast<int>(patience.count()));
    // Pages of 8 KiB, in databases that are new: most exchanges fit in one, where 4 KiB take a chain of three.
    run("PRAGMA page_size = 8192");
    turn_to_wal(patience);
    for (const char* pragma :
         {"PRAGMA synchronous = FULL", "PRAGMA secure_delete = ON", "PRAGMA trusted_schema = OFF"}) {
      run(pragma);
    }
  }

  int64_t run(const std::string& text, std::span<const SqlValue> values, const EachRow& row) override {
    sqlite3_stmt* statement = prepared(text);
    // However this call ends, the statement is ready for the next one and holds no borrowed bytes and no lock.
    const std::unique_ptr<sqlite3_stmt, void (*)(sqlite3_stmt*)> in_use(statement, [](sqlite3_stmt* used) {
      sqlite3_reset(used);
      sqlite3_clear_bindings(used);
    });
    for (size_t i = 0; i < values.size(); ++i) bind(statement, i, values[i]);
    int code = sqlite3_step(statement);
    for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
      if (row && !row(SqliteRow(statement))) return 0;
    }
    if (code != SQLITE_DONE) throw failure(code, "run a statement");
    return sqlite3_changes64(database_.get());
  }

  void begin() override { run("BEGIN IMMEDIATE", {}, {}); }
  void lock_schema() override {}  // who may write is the only one who may

  bool has_table(std::string_view name) override {
    bool found = false;
    const SqlValue values[] = {name};
    run("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1", values, [&found](const SqlRow&) {
      found = true;
      return false;
    });
    return found;
  }

  void while_patient(const std::function<void()>& work) override { work(); }

 private:
  void run(const char* text) { run(text, {}, {}); }

  // Where two open a new database at once, one of them is told that it is locked without SQLite's busy handler being
  // asked: waiting while both hold a read lock could last for ever.
  void turn_to_wal(std::chrono::milliseconds patience) {
    constexpr std::chrono::milliseconds kPause{5};
    const auto give_up = std::chrono::steady_clock::now() + patience;
    for (;;) {
      try {
        run("PRAGMA journal_mode = WAL");
        return;
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kUnavailable || std::chrono::steady_clock::now() >= give_up) throw;
      }
      std::this_thread::sleep_for(kPause);
    }
  }

  // SQLite makes its file by the umask; what stands in it is nobody else's to read. WAL and index take over its mode.
  void make_private_file() const {
    const int file = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) throw io_error("open", path_);
    ::close(file);
  }

  sqlite3_stmt* prepared(const std::string& text) {
    Statement& statement = statements_[text];
    if (!statement) {
      sqlite3_stmt* made = nullptr;
      const int code = sqlite3_prepare_v3(database_.get(), text.c_str(), static_cast<int>(text.size() + 1),
                                          SQLITE_PREPARE_PERSISTENT, &made, nullptr);
      statement.reset(made);
      if (code != SQLITE_OK) throw failure(code, "prepare a statement");
    }
    return statement.get();
  }

  // Parameters are named $1, $2, ...: SQLite numbers them in the order in which it meets them.
  void bind(sqlite3_stmt* statement, size_t i, const SqlValue& value) {
    const int place = sqlite3_bind_parameter_index(statement, fmt::format("${}", i + 1).c_str());
    CHECK(place > 0, "a value without its parameter");
    int code = SQLITE_OK;
    if (const auto* whole = std::get_if<int64_t>(&value)) {
      code = sqlite3_bind_int64(statement, place, *whole);
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
      code = sqlite3_bind_text64(statement, place, text->empty() ? "" : text->data(), text->size(), SQLITE_STATIC,
                                 SQLITE_UTF8);
    } else {
      const std::string_view bytes = std::get<SqlBytes>(value).bytes;
      code = sqlite3_bind_blob64(statement, place, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC);
    }
    if (code != SQLITE_OK) throw failure(code, "bind a value");
  }

  [[nodiscard]] Error failure(int code, const char* verb) const {
    const char* reason = database_ ? sqlite3_errmsg(database_.get()) : sqlite3_errstr(code);
    const std::string message = fmt::format("{}: {}: {}", path_, verb, reason);
    const int kind = code & 0xFF;
    if (kind == SQLITE_BUSY || kind == SQLITE_LOCKED) {
      return Error(ErrorCode::kUnavailable, message,
                   "another process has held the store's lock for too long; try again");
    }
    if (kind == SQLITE_NOTADB) return Error(ErrorCode::kInvalidInput, message, "name another file as the store");
    return Error(ErrorCode::kIo, message, "look at the disk that holds the store");
  }

  const std::string path_;
  std::unique_ptr<sqlite3, CloseDatabase> database_;
  std::map<std::string, Statement> statements_;  // by their text; ends before the database
};

class SqliteDatabase : public SqlDatabase {
 public:
  SqliteDatabase(const std::string& path, std::chrono::milliseconds patience)
      : path_(std::filesystem::absolute(path).string()),
        patience_(patience) {}  // absolute: no name means memory or URI
  std::unique_ptr<SqlConnection> connect() const override {
    return std::make_unique<SqliteConnection>(path_, patience_);
  }
  const std::string& name() const override { return path_; }

 private:
  const std::string path_;
  const std::chrono::milliseconds patience_;
};

}  // namespace

std::unique_ptr<SqlDatabase> sqlite_database(const std::string& path, std::chrono::milliseconds patience) {
  return std::make_unique<SqliteDatabase>(path, patience);
}

}  // namespace understudy
