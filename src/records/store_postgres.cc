// PostgreSQL over libpq. A connection that breaks (the server was started again) is made anew and the work repeated,
// until patience ends; the store's writes can be repeated without harm. Rows come one by one (single-row mode), so that
// a walk over everything holds one in memory. Values travel in binary where they are bytes, never inside a statement's
// text.
#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <map>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "records/sql_connection.h"

namespace understudy {

namespace {

using Clock = std::chrono::steady_clock;

struct FinishConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Connection = std::unique_ptr<PGconn, FinishConnection>;
using Result = std::unique_ptr<PGresult, ClearResult>;

std::string one_line(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  std::string line(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

class PostgresRow : public SqlRow {
 public:
  explicit PostgresRow(const PGresult* result) : result_(result) {}
  bool is_null(int column) const override { return PQgetisnull(result_, 0, column) == 1; }
  int64_t whole(int column) const override {  // in binary: two's complement, high byte first, of four or eight bytes
    const std::string_view number = bytes(column);
    uint64_t value = !number.empty() && (number.front() & 0x80) != 0 ? UINT64_MAX : 0;
    for (const char byte : number) value = value << 8 | static_cast<unsigned char>(byte);
    return static_cast<int64_t>(value);
  }
  std::string_view bytes(int column) const override {
    return {PQgetvalue(result_, 0, column), static_cast<size_t>(PQgetlength(result_, 0, column))};
  }

 private:
  const PGresult* result_;
};

// The values of a statement as libpq takes them; borrows what it was made of.
class Parameters {
 public:
  explicit Parameters(std::span<const SqlValue> values) {
    texts_.reserve(values.size());
    for (const SqlValue& value : values) add(value);
  }
  int size() const { return static_cast<int>(data_.size()); }
  const char* const* data() const { return data_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  // As text a value ends with NUL: it is copied. As bytes it has a length.
  void add(const SqlValue& value) {
    if (const auto* bytes = std::get_if<SqlBytes>(&value)) {
      CHECK(bytes->bytes.size() < (size_t{1} << 30), "a value that PostgreSQL cannot hold");
      return put(bytes->bytes.empty() ? "" : bytes->bytes.data(), static_cast<int>(bytes->bytes.size()), 1);
    }
    const auto* text = std::get_if<std::string_view>(&value);
    texts_.push_back(text == nullptr ? fmt::format("{}", std::get<int64_t>(value)) : std::string(*text));
    put(texts_.back().c_str(), 0, 0);
  }
  void put(const char* data, int length, int format) {
    data_.push_back(data);
    lengths_.push_back(length);
    formats_.push_back(format);
  }

  std::vector<std::string> texts_;
  std::vector<const char*> data_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

struct PostgresAddress {
  std::string url;
  std::string password;
  std::string name;  // the URL, for errors
  std::chrono::milliseconds patience;
};

class PostgresConnection : public SqlConnection {
 public:
  explicit PostgresConnection(const PostgresAddress& address) : address_(address) {
    while_patient([this] { connect(); });
  }

  int64_t run(const std::string& text, std::span<const SqlValue> values, const EachRow& row) override {
    connect();
    const std::string& name = prepared(text);
    const Parameters parameters(values);
    const int sent = PQsendQueryPrepared(connection_.get(), name.c_str(), parameters.size(), parameters.data(),
                                         parameters.lengths(), parameters.formats(), 1);
    if (sent == 0 || PQsetSingleRowMode(connection_.get()) == 0) throw failure(nullptr);
    return take_results(row);
  }

  void begin() override { run("BEGIN", {}, {}); }

  void lock_schema() override {
    constexpr int64_t kLock = 0x756E646572737475;  // any number of our own: the letters "understu"
    const SqlValue values[] = {kLock};
    run("SELECT pg_advisory_xact_lock($1)", values, {});
  }

  bool has_table(std::string_view name) override {
    bool found = false;
    const SqlValue values[] = {name};
    run("SELECT 1 FROM pg_class WHERE oid = to_regclass($1)", values, [&found](const SqlRow&) {
      found = true;
      return false;
    });
    return found;
  }

  void while_patient(const std::function<void()>& work) override {
    const Clock::time_point end = Clock::now() + address_.patience;
    for (std::chrono::milliseconds pause{20};; pause = std::min(pause * 2, std::chrono::milliseconds(1000))) {
      try {
        return work();
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kUnavailable || is_connected() || Clock::now() + pause > end) throw;
      }
      std::this_thread::sleep_for(pause);
    }
  }

 private:
  bool is_connected() const { return connection_ && PQstatus(connection_.get()) == CONNECTION_OK; }

  void connect() {
    if (is_connected()) return;
    statements_.clear();
    const std::string seconds = std::to_string(std::max<int64_t>(2, address_.patience.count() / 1000));
    const std::string ms = std::to_string(std::max<int64_t>(1, address_.patience.count()));
    // The URL is `dbname`: libpq takes it apart, and the values after it win. A server that vanishes is noticed.
    const char* const keys[] = {"dbname",          "password",         "client_encoding", "application_name",
                                "connect_timeout", "tcp_user_timeout", "keepalives_idle", nullptr};
    const char* const values[] = {address_.url.c_str(),
                                  address_.password.c_str(),
                                  "UTF8",
                                  "understudy",
                                  seconds.c_str(),
                                  ms.c_str(),
                                  "30",
                                  nullptr};
    connection_.reset(PQconnectdbParams(keys, values, 1));
    if (!is_connected()) throw failure(nullptr);
    PQsetNoticeProcessor(
        connection_.get(), [](void*, const char*) {}, nullptr);  // standard error is the log's
    const Result set(PQexec(connection_.get(), ("SET lock_timeout = " + ms).c_str()));
    if (PQresultStatus(set.get()) != PGRES_COMMAND_OK) throw failure(set.get());
  }

  const std::string& prepared(const std::string& text) {
    const auto known = statements_.find(text);
    if (known != statements_.end()) return known->second;
    const std::string name = fmt::format("s{}", statements_.size());
    const Result result(PQprepare(connection_.get(), name.c_str(), text.c_str(), 0, nullptr));
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) throw failure(result.get());
    return statements_[text] = name;
  }

  // To the last one, whatever happens: only then the connection takes the next statement. Where rows come that nobody
  // wants any more, the server is asked to stop.
  int64_t take_results(const EachRow& row) {
    int64_t changed = 0;
    bool wanted = true, stopped = false;
    std::optional<Error> fault;
    while (const Result result{PQgetResult(connection_.get())}) {
      const ExecStatusType status = PQresultStatus(result.get());
      if (status == PGRES_SINGLE_TUPLE) {
        if (!wanted && !std::exchange(stopped, true)) stop_rows();
        if (wanted) wanted = !row || give(row, result.get());
      } else if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        const std::string count = PQcmdTuples(result.get());
        changed = count.empty() ? 0 : std::stoll(count);
      } else if (!stopped && !fault) {
        fault = failure(result.get());
      }
    }
    if (fault) throw *fault;
    return changed;
  }

  // A row's function that throws ends the connection: the rows that are still to come are not read.
  bool give(const EachRow& row, const PGresult* result) {
    try {
      return row(PostgresRow(result));
    } catch (...) {
      connection_.reset();
      throw;
    }
  }

  void stop_rows() {
    char ignored[256];
    if (PGcancel* cancel = PQgetCancel(connection_.get())) {
      PQcancel(cancel, ignored, sizeof ignored);
      PQfreeCancel(cancel);
    }
  }

  // What the server says of a result, or the library of the connection. Neither repeats the password.
  [[nodiscard]] Error failure(const PGresult* result) const {
    const char* state = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char* primary = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const std::string reason = one_line(primary != nullptr ? primary : PQerrorMessage(connection_.get()));
    const std::string message = fmt::format("{}: {}", address_.name, reason);
    const std::string_view code = state == nullptr ? "" : state;
    // Locked, out of turn, no room for another connection, shutting down, starting up.
    const bool passes = code == "55P03" || code.starts_with("40") || code == "53300" || code.starts_with("57P");
    if (passes || !is_connected()) {
      return Error(ErrorCode::kUnavailable, message, "see that PostgreSQL runs and nothing holds its tables locked");
    }
    return Error(ErrorCode::kIo, message, "look at PostgreSQL's log");
  }

  const PostgresAddress& address_;
  Connection connection_;
  std::map<std::string, std::string> statements_;  // their text to their name
};

class PostgresDatabase : public SqlDatabase {
 public:
  explicit PostgresDatabase(PostgresAddress address) : address_(std::move(address)) {}
  std::unique_ptr<SqlConnection> connect() const override { return std::make_unique<PostgresConnection>(address_); }
  const std::string& name() const override { return address_.name; }

 private:
  const PostgresAddress address_;
};

// Throws where libpq cannot read the URL or a password stands in it; the error repeats nothing of it.
void refuse_password(const std::string& url) {
  char* fault = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(PQconninfoParse(url.c_str(), &fault));
  PQfreemem(fault);  // it quotes the URL
  if (!options) {
    throw Error(ErrorCode::kInvalidInput, "store: expected an address such as postgresql://user@host:5432/database",
                "special characters in it are written %41");
  }
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    const std::string_view keyword = option->keyword;
    if (option->val == nullptr || (keyword != "password" && keyword != "sslpassword")) continue;
    throw Error(ErrorCode::kInvalidInput, "store: the address has a password in it",
                "take it out and write store_password: env:NAME beside it");
  }
}

}  // namespace

std::unique_ptr<SqlDatabase> postgres_database(const std::string& url, const std::string& password,
                                               std::chrono::milliseconds patience) {
  refuse_password(url);
  return std::make_unique<PostgresDatabase>(PostgresAddress{url, password, url, patience});
}

}  // namespace understudy
