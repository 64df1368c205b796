#include "base/environment.h"

#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace understudy {

std::optional<std::string> environment(const std::string& name) {
  const char* value =
      std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nobody sets variables once threads run
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

namespace {

// Started by /proc/self/exe a process is called "exe" in ps and top, and pkill does not find it.
void name_after(std::string_view program) {
#if defined(__linux__)
  constexpr size_t kLongest = 15;
  const std::string name(program.substr(program.rfind('/') + 1, kLongest));  // npos + 1 is 0
  (void)::pthread_setname_np(::pthread_self(), name.c_str());
#else
  (void)program;
#endif
}

}  // namespace

void start_again_with_default(const char* name, const char* value, char** argv) {
  if (environment(name) || environment("OMP_WAIT_POLICY")) {
    name_after(argv[0] == nullptr ? "" : argv[0]);
    return;
  }
  if (::setenv(name, value, 1) != 0) return;  // NOLINT(concurrency-mt-unsafe): before threads exist
  ::execv("/proc/self/exe", argv);
}

bool is_terminal(int descriptor) {
  return ::isatty(descriptor) == 1;
}

bool wants_color(int descriptor) {
  return is_terminal(descriptor) && !environment("NO_COLOR") && environment("TERM") != "dumb";
}

int terminal_width(int descriptor) {
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 100;
}

}  // namespace understudy
