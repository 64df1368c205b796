// One connection to a database, as the store (store.cc) needs it: the few things in which SQLite and PostgreSQL differ.
// Statements are the same text for both, with parameters $1, $2, ...; values always travel as parameters.
// store_sqlite.cc and store_postgres.cc have the two kinds. An object is used by one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace understudy {

struct SqlBytes {  // any bytes; a std::string_view among values is UTF-8 without NUL
  std::string_view bytes;
};
using SqlValue = std::variant<int64_t, std::string_view, SqlBytes>;  // borrowed for the call

class SqlRow {  // borrowed for the call of the row's function
 public:
  virtual ~SqlRow() = default;
  virtual bool is_null(int column) const = 0;
  virtual int64_t whole(int column) const = 0;
  virtual std::string_view bytes(int column) const = 0;  // of text too
};
using EachRow = std::function<bool(const SqlRow&)>;  // false: no more

class SqlConnection {
 public:
  virtual ~SqlConnection() = default;

  // Runs one statement, prepared once per connection; rows are handed over one by one as they come. Returns how many
  // rows it changed. Throws kUnavailable where the database is locked or away, kIo for anything else.
  virtual int64_t run(const std::string& statement, std::span<const SqlValue> values = {}, const EachRow& row = {}) = 0;
  // Begins a transaction that will write: waits for its turn.
  virtual void begin() = 0;
  // Until the end of this transaction nobody else makes or changes tables.
  virtual void lock_schema() = 0;
  virtual bool has_table(std::string_view name) = 0;
  // Runs `work`; where the connection broke on the way, connects and runs it again, until patience ends.
  virtual void while_patient(const std::function<void()>& work) = 0;
};

// A database that connections are made to. Immutable, thread-safe.
class SqlDatabase {
 public:
  virtual ~SqlDatabase() = default;
  virtual std::unique_ptr<SqlConnection> connect() const = 0;  // throws kUnavailable, kIo
  virtual const std::string& name() const = 0;                 // for errors: path or URL, without secrets
};

std::unique_ptr<SqlDatabase> sqlite_database(const std::string& path, std::chrono::milliseconds patience);
std::unique_ptr<SqlDatabase> postgres_database(const std::string& url, const std::string& password,
                                               std::chrono::milliseconds patience);  // throws kInvalidInput

}  // namespace understudy
