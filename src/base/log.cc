#include "base/log.h"

#include <unistd.h>

#include <atomic>
#include <string>

#include "base/environment.h"

namespace understudy {

namespace {
std::atomic<LogLevel> g_level{LogLevel::kNotice};
}

void set_log_level(LogLevel level) {
  g_level = level;
}

void log_line(LogLevel level, std::string_view message) {
  if (level > g_level.load()) return;
  static const bool color = wants_color(2);
  std::string line;
  if (level == LogLevel::kError) line = color ? "\033[1;31merror:\033[0m " : "error: ";
  if (level == LogLevel::kWarning) line = color ? "\033[1;33mwarning:\033[0m " : "warning: ";
  line += message;
  line += '\n';
  (void)!::write(2, line.data(), line.size());  // nobody is left to tell where standard error is closed
}

}  // namespace understudy
