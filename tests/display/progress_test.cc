#include "display/progress.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/utf8.h"
#include "tests/support/temporary_folder.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace std::chrono_literals;

class ProgressLineTest : public ::testing::Test {
 protected:
  ProgressLineTest() { descriptor_ = ::open((folder_ / "out").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600); }
  ~ProgressLineTest() override { ::close(descriptor_); }
  ProgressOptions options(bool terminal) {
    ProgressOptions options;
    options.descriptor = descriptor_;
    options.terminal = terminal;
    options.color = false;
    options.width = 70;
    options.now = [this] { return now_; };
    return options;
  }
  std::string printed() const { return testing::bytes_of_file(folder_ / "out"); }

  testing::TemporaryFolder folder_;
  int descriptor_ = -1;
  std::chrono::steady_clock::time_point now_{};
};

TEST_F(ProgressLineTest, ATerminalLineIsRewrittenInPlace) {
  ProgressLine progress("training", 100, options(true));
  progress.update(0, {{"loss", "3.1"}});
  now_ += 10s;
  progress.update(50, {{"loss", "2.0"}});
  EXPECT_THAT(printed(), HasSubstr("\r\033[Ktraining ██████████"));
  EXPECT_THAT(printed(), HasSubstr(" 50%  10.0 s left  loss 2.0"));
  EXPECT_THAT(printed(), Not(HasSubstr("\n")));
  progress.finish({{"loss", "1.0"}});
  EXPECT_EQ(printed().back(), '\n');
}

TEST_F(ProgressLineTest, DrawsOnlyWhenItIsTime) {
  ProgressLine progress("training", 100, options(true));
  progress.update(1, {});
  const size_t once = printed().size();
  now_ += 50ms;
  progress.update(2, {});
  EXPECT_EQ(printed().size(), once);
  now_ += 50ms;
  progress.update(3, {});
  EXPECT_GT(printed().size(), once);
}

TEST_F(ProgressLineTest, ALogGetsPlainLinesNowAndThen) {
  ProgressLine progress("training", 100, options(false));
  for (int step = 0; step < 100; ++step) {
    progress.update(step, {{"loss", "1"}});
    now_ += 1s;
  }
  progress.finish({{"loss", "1"}});
  const std::string text = printed();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 11) << "ten of every ten seconds, and the last";
  EXPECT_THAT(text, Not(HasSubstr("\r")));
  EXPECT_THAT(text, Not(HasSubstr("\033")));
}

TEST_F(ProgressLineTest, NeverWiderThanTheTerminal) {
  ProgressOptions narrow = options(true);
  narrow.width = 40;
  ProgressLine progress("a rather long label", 10, narrow);
  progress.update(5, {{"field", "value"}, {"another", "value"}});
  std::string line = printed().substr(4);
  EXPECT_LT(count_columns(line), 40U);
}

TEST_F(ProgressLineTest, AResumedRunDoesNotCountWhatWasDoneBefore) {
  ProgressLine progress("training", 100, options(false));
  progress.resumed_from(80);
  now_ += 10s;
  progress.update(90, {});
  EXPECT_THAT(printed(), HasSubstr("90%  10.0 s left"));
}

TEST_F(ProgressLineTest, NotesStandAboveTheLine) {
  ProgressLine progress("training", 100, options(true));
  progress.update(10, {});
  progress.note("checkpoint written");
  EXPECT_THAT(printed(), HasSubstr("\r\033[Kcheckpoint written\ntraining"));
}

TEST_F(ProgressLineTest, WithoutATotalThereIsNoBar) {
  ProgressLine progress("reading", 0, options(true));
  now_ += 5s;
  progress.update(1234, {{"rows", "1,234"}});
  EXPECT_THAT(printed(), HasSubstr("reading  rows 1,234"));
  EXPECT_THAT(printed(), Not(HasSubstr("%")));
}

TEST_F(ProgressLineTest, QuietPrintsNothing) {
  ProgressOptions quiet = options(true);
  quiet.quiet = true;
  {
    ProgressLine progress("training", 100, quiet);
    progress.update(1, {});
    progress.note("something");
    progress.finish({});
  }
  EXPECT_THAT(printed(), IsEmpty());
}

TEST_F(ProgressLineTest, AnUnfinishedLineIsLeftStanding) {
  { ProgressLine(" training", 100, options(true)).update(1, {}); }
  EXPECT_EQ(printed().back(), '\n');
}

TEST_F(ProgressLineTest, AClosedOutputDoesNotEndTheWork) {
  ProgressOptions closed = options(true);
  closed.descriptor = 9999;
  ProgressLine progress("training", 100, closed);
  EXPECT_NO_THROW(progress.update(1, {}));
}

}  // namespace
}  // namespace understudy
