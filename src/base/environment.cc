#include "base/environment.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace understudy {

std::optional<std::string> environment(const std::string& name) {
  const char* value =
      std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nobody sets variables once threads run
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

void start_again_with_default(const char* name, const char* value, char** argv) {
  if (environment(name) || environment("OMP_WAIT_POLICY")) return;
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
