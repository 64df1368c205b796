// A PostgreSQL server of the tests' own, in a temporary folder, reachable through a Unix socket in it only, run as an
// unprivileged user. One per test program, begun with the first use; it ends with the program, however that ends.
#pragma once

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/run_command.h"
#include "tests/support/temporary_folder.h"

namespace understudy::testing {

class PostgresServer {
 public:
  // Null where no server is installed.
  static PostgresServer* shared() {
    static PostgresServer server;
    return server.programs_.empty() ? nullptr : &server;
  }

  std::string url() const { return "postgresql://understudy@/postgres?host=" + folder_.path().string(); }

  // From the program's main thread: the server ends with the thread that began it.
  void start() {
    const std::string socket = folder_.path().string();
    server_ =
        spawn({"postgres", "-D", (folder_ / "data").string(), "-c", "listen_addresses=", "-k", socket, "-c",
               "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=40", "-c", "shared_buffers=16MB"});
    for (int tries = 0; tries < 600; ++tries) {
      if (run_command({programs_ / "pg_isready", "-h", socket, "-q"}).status == 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    check_failed(__FILE__, __LINE__, "pg_isready", bytes_of_file(folder_ / "log"));
  }
  void stop() {
    if (server_ <= 0) return;
    ::kill(server_, SIGINT);  // "fast": clients are cut off
    wait_for(server_);
    server_ = 0;
  }

  // Statements by somebody else than the store; their output.
  std::string sql(const std::string& statements) const {
    const CommandResult result = run_command(
        {programs_ / "psql", "-h", folder_.path(), "-U", "understudy", "-d", "postgres", "-qAt", "-c", statements});
    CHECK(result.status == 0, result.errors);
    return result.output;
  }

 private:
  PostgresServer() : programs_(newest_programs()) {
    if (programs_.empty()) return;
    if (::geteuid() == 0) {
      const passwd* user = ::getpwnam("postgres");
      if (user == nullptr) user = ::getpwnam("nobody");
      CHECK(user != nullptr, "no unprivileged user");
      user_ = user->pw_uid;
      group_ = user->pw_gid;
      CHECK(::chown(folder_.path().c_str(), user_, group_) == 0, "the folder cannot be given away");
    }
    const int status = wait_for(spawn({"initdb", "-D", (folder_ / "data").string(), "-U", "understudy", "--auth=trust",
                                       "--no-sync", "-E", "UTF8", "--locale=C"}));
    CHECK(status == 0, bytes_of_file(folder_ / "log"));
    start();
  }
  ~PostgresServer() { stop(); }

  static std::filesystem::path newest_programs() {
    std::filesystem::path newest;
    std::error_code absent;
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", absent)) {
      const std::filesystem::path programs = version.path() / "bin";
      if (std::filesystem::exists(programs / "initdb") && programs > newest) newest = programs;
    }
    return newest;
  }

  // A child that ends with this program, as the unprivileged user; what it says goes to the log.
  pid_t spawn(std::vector<std::string> words) const {
    words[0] = programs_ / words[0];
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const std::string log = (folder_ / "log").string();
    const pid_t child = ::fork();
    if (child != 0) return child;
    if (user_ != 0 && (::setgroups(0, nullptr) != 0 || ::setgid(group_) != 0 || ::setuid(user_) != 0)) ::_exit(126);
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (file < 0 || ::dup2(file, 1) < 0 || ::dup2(file, 2) < 0 || ::chdir(folder_.path().c_str()) != 0) ::_exit(126);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  static int wait_for(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
  }

  TemporaryFolder folder_;
  std::filesystem::path programs_;
  uid_t user_ = 0;
  gid_t group_ = 0;
  pid_t server_ = 0;
};

}  // namespace understudy::testing
