// One line to standard error: "warning: ...". Progress and results have their own ways (display/progress.h, standard
// output).
#pragma once

#include <string_view>

namespace understudy {

enum class LogLevel { kError, kWarning, kNotice, kDetail };

void set_log_level(LogLevel level);                       // before threads start; default kNotice
void log_line(LogLevel level, std::string_view message);  // thread-safe; whole lines
inline void log_warning(std::string_view message) {
  log_line(LogLevel::kWarning, message);
}
inline void log_notice(std::string_view message) {
  log_line(LogLevel::kNotice, message);
}

}  // namespace understudy
