#include "base/log.h"

#include <gtest/gtest.h>

#include <thread>

namespace understudy {
namespace {

TEST(Log, PrintsWholeLinesUpToItsLevel) {
  ::testing::internal::CaptureStderr();
  log_line(LogLevel::kError, "broken");
  log_warning("careful");
  log_notice("done");
  log_line(LogLevel::kDetail, "unseen");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "error: broken\nwarning: careful\ndone\n");
}

TEST(Log, TheLevelDecides) {
  ::testing::internal::CaptureStderr();
  set_log_level(LogLevel::kError);
  log_warning("unseen");
  set_log_level(LogLevel::kDetail);
  log_line(LogLevel::kDetail, "seen");
  set_log_level(LogLevel::kNotice);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "seen\n");
}

TEST(Log, LinesOfTwoThreadsDoNotMix) {
  ::testing::internal::CaptureStderr();
  const auto speak = [](char letter) {
    for (int i = 0; i < 100; ++i) log_notice(std::string(200, letter));
  };
  std::thread other(speak, 'b');
  speak('a');
  other.join();
  const std::string text = ::testing::internal::GetCapturedStderr();
  size_t n_lines = 0;
  for (size_t start = 0; start < text.size(); start += 201) {
    EXPECT_EQ(text.substr(start, 201), std::string(200, text[start]) + "\n");
    ++n_lines;
  }
  EXPECT_EQ(n_lines, 200U);
}

}  // namespace
}  // namespace understudy
