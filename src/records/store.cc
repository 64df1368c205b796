// The store over either database. An exchange is kept as records/exchange_bytes.h packs it, head and bodies apart; what
// is searched by stands beside it in columns, made fit for a database's text (UTF-8 without NUL).
//
// Two connections, one that writes and one that reads, each behind its own mutex, so that a write that waits for a
// locked database holds up no reader; a walk over many exchanges has a connection of its own, so that `each` may take
// its time and call the store again.
#include "records/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "base/json.h"
#include "base/mutex.h"
#include "base/utf8.h"
#include "records/exchange_bytes.h"
#include "records/sql_connection.h"

namespace understudy {

namespace {

// What leads from each version of the schema to the next. A published one is never changed: a new one is added.
const std::vector<std::vector<const char*>>& migrations() {
  static const std::vector<std::vector<const char*>> steps = {
      {
          "CREATE TABLE exchanges (id TEXT PRIMARY KEY, at_ms BIGINT NOT NULL, task TEXT NOT NULL, "
          "key_name TEXT NOT NULL, model TEXT NOT NULL, head BYTEA NOT NULL, bodies BYTEA)",
          "CREATE INDEX exchanges_by_time ON exchanges (at_ms, id)",
          "CREATE INDEX exchanges_by_task ON exchanges (task, at_ms, id)",
          "CREATE INDEX exchanges_by_key ON exchanges (key_name, at_ms, id)",
          "CREATE INDEX exchanges_with_bodies ON exchanges (task, at_ms) WHERE bodies IS NOT NULL",
          "CREATE TABLE log_position (only_row BIGINT PRIMARY KEY, segment BIGINT NOT NULL, place BIGINT NOT NULL)",
          "CREATE TABLE route_versions (task TEXT NOT NULL, version BIGINT NOT NULL, route TEXT NOT NULL, "
          "PRIMARY KEY (task, version))",
          "CREATE TABLE ledger_entries (id TEXT PRIMARY KEY, at_ms BIGINT NOT NULL, entry TEXT NOT NULL)",
      },
  };
  return steps;
}

int64_t newest_version() {
  return static_cast<int64_t>(migrations().size());
}

// Columns that are searched hold text that both databases take: what is no UTF-8, and NUL, becomes U+FFFD.
std::string column_text(std::string_view text) {
  std::string column;
  for (const char c : repair_utf8(text)) {
    if (c == '\0') {
      append_utf8(column, 0xFFFD);
    } else {
      column += c;
    }
  }
  return column;
}

int64_t single_number(SqlConnection& connection, const std::string& statement) {
  int64_t value = 0;
  connection.run(statement, {}, [&value](const SqlRow& row) {
    value = row.is_null(0) ? 0 : row.whole(0);
    return false;
  });
  return value;
}

// A SELECT with the conditions of a filter, and the values of its parameters.
class Conditions {
 public:
  // `condition` with {} for the parameter: "task = {}".
  void add(fmt::format_string<std::string> condition, SqlValue value) {
    values_.push_back(value);
    text_ += text_.empty() ? " WHERE " : " AND ";
    text_ += fmt::format(condition, fmt::format("${}", values_.size()));
  }
  std::string parameter(SqlValue value) {
    values_.push_back(value);
    return fmt::format("${}", values_.size());
  }
  const std::string& text() const { return text_; }
  const std::vector<SqlValue>& values() const { return values_; }

 private:
  std::string text_;
  std::vector<SqlValue> values_;
};

// Of the columns head, whether bodies are there, and bodies (which may have been left out).
Exchange exchange_of(const SqlRow& row) {
  Exchange exchange = unpack(row.bytes(0), row.is_null(2) ? std::string_view() : row.bytes(2));
  if (row.whole(1) == 0) exchange.sampled = false;
  return exchange;
}

constexpr const char* kIsKept = "CASE WHEN bodies IS NULL THEN 0 ELSE 1 END";

class SqlStore : public Store {
 public:
  explicit SqlStore(std::unique_ptr<SqlDatabase> database)
      : database_(std::move(database)), writer_(database_->connect()), reader_(database_->connect()) {
    MutexLock lock(write_mutex_);
    writer_->while_patient([this] { migrate(*writer_); });
  }

  void add(const std::vector<Exchange>& exchanges, LogPosition position) override {
    write([&](SqlConnection& connection) {
      for (const Exchange& exchange : exchanges) put_exchange(connection, exchange);
      const SqlValue values[] = {static_cast<int64_t>(position.segment), static_cast<int64_t>(position.offset)};
      connection.run(
          "INSERT INTO log_position (only_row, segment, place) VALUES (1, $1, $2) ON CONFLICT (only_row) DO UPDATE SET "
          "segment = excluded.segment, place = excluded.place",
          values);
    });
  }

  LogPosition position() const override {
    LogPosition position;
    read([&position](SqlConnection& connection) {
      connection.run("SELECT segment, place FROM log_position", {}, [&position](const SqlRow& row) {
        position = {static_cast<uint64_t>(row.whole(0)), static_cast<uint64_t>(row.whole(1))};
        return false;
      });
    });
    return position;
  }

  void each_exchange(const ExchangeFilter& filter, const std::function<bool(Exchange)>& each) const override {
    const std::string task = column_text(filter.task), key = column_text(filter.key), model = column_text(filter.model);
    Conditions conditions;
    if (!task.empty()) conditions.add("task = {}", task);
    if (!key.empty()) conditions.add("key_name = {}", key);
    if (!model.empty()) conditions.add("model = {}", model);
    if (filter.since_ms) conditions.add("at_ms >= {}", *filter.since_ms);
    if (filter.until_ms) conditions.add("at_ms < {}", *filter.until_ms);
    std::string statement = fmt::format("SELECT head, {}, {} FROM exchanges{} ORDER BY at_ms, id", kIsKept,
                                        filter.bodies ? "bodies" : "NULL", conditions.text());
    if (filter.limit > 0) statement += " LIMIT " + conditions.parameter(filter.limit);
    database_->connect()->run(statement, conditions.values(),
                              [&each](const SqlRow& row) { return each(exchange_of(row)); });
  }

  std::optional<Exchange> exchange(std::string_view id) const override {
    const std::string column = column_text(id);
    const SqlValue values[] = {column};
    std::optional<Exchange> found;
    const std::string statement = fmt::format("SELECT head, {}, bodies FROM exchanges WHERE id = $1", kIsKept);
    read([&](SqlConnection& connection) {
      connection.run(statement, values, [&found](const SqlRow& row) {
        found = exchange_of(row);
        return false;
      });
    });
    return found;
  }

  int64_t forget_bodies(std::string_view task, const std::vector<std::string>& except, int64_t before_ms) override {
    const std::string task_column = column_text(task);
    std::vector<std::string> others;
    std::transform(except.begin(), except.end(), std::back_inserter(others), column_text);
    Conditions conditions;
    conditions.add("bodies IS NOT NULL AND at_ms < {}", before_ms);
    if (!task.empty()) conditions.add("task = {}", task_column);
    for (const std::string& other : others) {
      if (task.empty()) conditions.add("task <> {}", other);
    }
    // In pieces, so that others get their turn between them.
    const std::string statement = fmt::format(
        "UPDATE exchanges SET bodies = NULL WHERE id IN (SELECT id FROM exchanges{} LIMIT 500)", conditions.text());
    int64_t total = 0;
    for (int64_t changed = 1; changed > 0; total += changed) {
      write([&](SqlConnection& connection) { changed = connection.run(statement, conditions.values()); });
    }
    return total;
  }

  std::optional<Route> route(std::string_view task) const override {
    std::vector<Route> routes = routes_of(task, "DESC LIMIT 1");
    return routes.empty() ? std::nullopt : std::optional<Route>(std::move(routes.front()));
  }

  std::vector<Route> route_history(std::string_view task) const override { return routes_of(task, "ASC"); }

  void add_route(const Route& route) override {
    const std::string task = column_text(route.task);
    const std::string text = dump_json(to_json(route));
    bool added = false;
    write([&](SqlConnection& connection) { added = put_route(connection, task, route.version, text); });
    if (added) return;
    throw Error(ErrorCode::kOverloaded,
                fmt::format("{}: version {} of the route of task \"{}\" is not the next one: somebody else changed it",
                            database_->name(), route.version, task),
                "look at the route as it is now, and change it again");
  }

  void add_entry(const LedgerEntry& entry) override {
    const std::string id = column_text(entry.id);
    const std::string text = dump_json(to_json(entry));
    bool added = false;
    write([&](SqlConnection& connection) { added = put_entry(connection, id, entry.at_ms, text); });
    if (added) return;
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: an entry \"{}\" with other contents is booked already", database_->name(), id),
                "give the entry an id of its own");
  }

  std::vector<LedgerEntry> entries() const override {
    std::vector<LedgerEntry> entries;
    read([&](SqlConnection& connection) {
      entries.clear();
      connection.run("SELECT entry FROM ledger_entries ORDER BY at_ms, id", {}, [&](const SqlRow& row) {
        entries.push_back(ledger_entry_from(parse_json(row.bytes(0), database_->name())));
        return true;
      });
    });
    return entries;
  }

 private:
  void migrate(SqlConnection& connection) const {
    if (version_of(connection) == newest_version()) return;  // the usual case writes nothing: others may hold the lock
    in_transaction(connection, [this, &connection] {
      connection.lock_schema();
      connection.run("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)");
      for (int64_t version = version_of(connection); version < newest_version(); ++version) {
        for (const char* statement : migrations()[static_cast<size_t>(version)]) connection.run(statement);
        connection.run("DELETE FROM schema_version");
        const SqlValue values[] = {version + 1};
        connection.run("INSERT INTO schema_version (version) VALUES ($1)", values);
      }
    });
  }

  int64_t version_of(SqlConnection& connection) const {
    if (!connection.has_table("schema_version")) return 0;
    const int64_t version = single_number(connection, "SELECT MAX(version) FROM schema_version");
    if (version < 0 || version > newest_version()) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: the store has schema version {}, this program knows versions up to {}",
                              database_->name(), version, newest_version()),
                  "use a newer understudy, or another store");
    }
    return version;
  }

  static void in_transaction(SqlConnection& connection, const std::function<void()>& work) {
    connection.begin();
    try {
      work();
      connection.run("COMMIT");
    } catch (...) {
      roll_back(connection);
      throw;
    }
  }

  // After a failure: where this fails too, the connection is broken and the database rolls back by itself.
  static void roll_back(SqlConnection& connection) {
    try {
      connection.run("ROLLBACK");
    } catch (const Error&) {
      return;
    }
  }

  void write(const std::function<void(SqlConnection&)>& work) EXCLUDES(write_mutex_) {
    MutexLock lock(write_mutex_);
    writer_->while_patient([&] { in_transaction(*writer_, [&] { work(*writer_); }); });
  }

  // For few rows. `work` is called again where the connection broke: it begins from nothing.
  void read(const std::function<void(SqlConnection&)>& work) const EXCLUDES(read_mutex_) {
    MutexLock lock(read_mutex_);
    reader_->while_patient([&] { work(*reader_); });
  }

  static void put_exchange(SqlConnection& connection, const Exchange& exchange) {
    const PackedExchange packed = pack(exchange);
    const std::string id = column_text(exchange.id), task = column_text(exchange.task);
    const std::string key = column_text(exchange.key), model = column_text(exchange.model);
    const SqlValue values[] = {id, exchange.at_ms, task, key, model, SqlBytes{packed.head}, SqlBytes{packed.bodies}};
    connection.run(
        "INSERT INTO exchanges (id, at_ms, task, key_name, model, head, bodies) VALUES ($1, $2, $3, $4, $5, $6, $7) "
        "ON CONFLICT (id) DO UPDATE SET at_ms = excluded.at_ms, task = excluded.task, key_name = excluded.key_name, "
        "model = excluded.model, head = excluded.head, bodies = excluded.bodies",
        values);
  }

  // Both: true where it was added, or where the very same is there: a commit whose success was not heard of is tried
  // again.
  static bool put_route(SqlConnection& connection, const std::string& task, int64_t version, const std::string& text) {
    int64_t newest = 0;
    std::string newest_text;
    const SqlValue key[] = {task};
    connection.run("SELECT version, route FROM route_versions WHERE task = $1 ORDER BY version DESC LIMIT 1", key,
                   [&](const SqlRow& row) {
                     newest = row.whole(0);
                     newest_text = row.bytes(1);
                     return false;
                   });
    if (version == newest && text == newest_text) return true;
    if (version != newest + 1) return false;
    const SqlValue values[] = {task, version, text};
    return connection.run(
               "INSERT INTO route_versions (task, version, route) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
               values) == 1;
  }

  static bool put_entry(SqlConnection& connection, const std::string& id, int64_t at_ms, const std::string& text) {
    const SqlValue values[] = {id, at_ms, text};
    if (connection.run("INSERT INTO ledger_entries (id, at_ms, entry) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                       values) == 1) {
      return true;
    }
    bool same = false;
    const SqlValue key[] = {id};
    connection.run("SELECT entry FROM ledger_entries WHERE id = $1", key, [&](const SqlRow& row) {
      same = row.bytes(0) == text;
      return false;
    });
    return same;
  }

  std::vector<Route> routes_of(std::string_view task, std::string_view order) const {
    const std::string column = column_text(task);
    const SqlValue values[] = {column};
    std::vector<Route> routes;
    const std::string statement =
        fmt::format("SELECT route FROM route_versions WHERE task = $1 ORDER BY version {}", order);
    read([&](SqlConnection& connection) {
      routes.clear();
      connection.run(statement, values, [&](const SqlRow& row) {
        routes.push_back(route_from(parse_json(row.bytes(0), database_->name())));
        return true;
      });
    });
    return routes;
  }

  const std::unique_ptr<SqlDatabase> database_;
  mutable Mutex write_mutex_;
  mutable Mutex read_mutex_;
  const std::unique_ptr<SqlConnection> writer_;  // used with write_mutex_ held
  const std::unique_ptr<SqlConnection> reader_;  // with read_mutex_
};

}  // namespace

std::unique_ptr<Store> open_store(const StoreAddress& address) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (address.url.starts_with(kSqlite) && address.url.size() > kSqlite.size()) {
    return std::make_unique<SqlStore>(sqlite_database(address.url.substr(kSqlite.size()), address.patience));
  }
  if (address.url.starts_with("postgresql://") || address.url.starts_with("postgres://")) {
    return std::make_unique<SqlStore>(postgres_database(address.url, address.password, address.patience));
  }
  // The address is not repeated: whatever it is, it may hold a password.
  throw Error(ErrorCode::kInvalidInput, "store: expected sqlite:PATH or postgresql://user@host/database",
              "write for example: store: sqlite:understudy.db");
}

}  // namespace understudy
