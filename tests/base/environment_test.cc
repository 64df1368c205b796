#include "base/environment.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

namespace understudy {
namespace {

TEST(Environment, UnsetAndEmptyAreNothing) {
  ::setenv("UNDERSTUDY_TEST_VARIABLE", "x", 1);
  EXPECT_EQ(environment("UNDERSTUDY_TEST_VARIABLE"), "x");
  ::setenv("UNDERSTUDY_TEST_VARIABLE", "", 1);
  EXPECT_EQ(environment("UNDERSTUDY_TEST_VARIABLE"), std::nullopt);
  ::unsetenv("UNDERSTUDY_TEST_VARIABLE");
  EXPECT_EQ(environment("UNDERSTUDY_TEST_VARIABLE"), std::nullopt);
}

TEST(Environment, AFileIsNoTerminal) {
  const int file = ::open("/dev/null", O_WRONLY);
  EXPECT_FALSE(is_terminal(file));
  EXPECT_FALSE(wants_color(file));
  EXPECT_EQ(terminal_width(file), 100);
  ::close(file);
}

TEST(Environment, ATerminalHasColoursUnlessToldOtherwise) {
  const int leader = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (leader < 0 || ::grantpt(leader) != 0 || ::unlockpt(leader) != 0) GTEST_SKIP() << "no pseudo-terminals here";
  const int terminal = ::open(::ptsname(leader), O_RDWR | O_NOCTTY);
  if (terminal < 0) GTEST_SKIP() << "no pseudo-terminals here";
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "xterm", 1);
  EXPECT_TRUE(wants_color(terminal));
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(wants_color(terminal));
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "dumb", 1);
  EXPECT_FALSE(wants_color(terminal));
  ::close(terminal);
  ::close(leader);
}

}  // namespace
}  // namespace understudy
