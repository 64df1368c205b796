#include "base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <thread>

#include "base/error.h"
#include "tests/support/temporary_folder.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::bytes_of_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_FALSE(error.message().empty());
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::kInternal;
}

// Files may not grow beyond `bytes` while it lives: a disk that fills up.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) {
    before_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit small = before_;
    small.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, before_handler_);
  }

 private:
  rlimit before_{};
  void (*before_handler_)(int) = nullptr;
};

TEST(Files, AFileIsReadWhole) {
  const testing::TemporaryFolder folder;
  const std::string bytes = std::string(200'000, 'x') + '\0' + "end";
  EXPECT_EQ(read_file(folder.write("a", bytes)), bytes);
  EXPECT_EQ(read_file(folder.write("empty", "")), "");
}

TEST(Files, AWrongPathIsWrongInputAndALargeFileIsTooLarge) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(code_of([&] { read_file(folder / "none"); }), ErrorCode::kNotFound);
  EXPECT_EQ(code_of([&] { read_file(folder.path()); }), ErrorCode::kInvalidInput);
  EXPECT_EQ(code_of([&] { read_file(folder.write("f", "12345"), 4); }), ErrorCode::kTooLarge);
  EXPECT_EQ(read_file(folder / "f", 5), "12345");
}

TEST(Files, WritingReplacesAndMakesFolders) {
  const testing::TemporaryFolder folder;
  write_file_atomically(folder / "deep/er/f", "one");
  write_file_atomically(folder / "deep/er/f", "two");
  EXPECT_EQ(bytes_of_file(folder / "deep/er/f"), "two");
  EXPECT_THAT(names_in(folder / "deep/er"), ElementsAre("f")) << "no temporary file stays";
}

TEST(Files, AFullDiskLeavesTheOldFileAndNothingElse) {
  const testing::TemporaryFolder folder;
  const fs::path path = folder.write("f", "old");
  {
    const SmallDisk disk(1000);
    EXPECT_EQ(code_of([&] { write_file_atomically(path, std::string(5000, 'x')); }), ErrorCode::kIo);
  }
  EXPECT_EQ(bytes_of_file(path), "old");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("f"));
}

TEST(Files, NoSpaceLeftIsNamedWithWhatToDo) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  LineAppender appender("/dev/full");
  try {
    appender.append("line");
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_THAT(error.message(), HasSubstr("/dev/full: cannot write: No space left on device"));
    EXPECT_THAT(error.hint(), HasSubstr("free some space"));
  }
}

TEST(Files, TwoThreadsThatWriteOneFileLeaveOneWhole) {
  const testing::TemporaryFolder folder;
  const fs::path path = folder / "f";
  const auto writer = [&](char letter) {
    for (int i = 0; i < 20; ++i) write_file_atomically(path, std::string(50'000, letter));
  };
  std::thread other(writer, 'b');
  writer('a');
  other.join();
  const std::string bytes = bytes_of_file(path);
  EXPECT_EQ(bytes, std::string(50'000, bytes.at(0)));
}

TEST(FileWriter, AppearsOnlyWithCommit) {
  const testing::TemporaryFolder folder;
  {
    FileWriter writer(folder / "f");
    writer.write("abc");
    EXPECT_EQ(writer.size(), 3U);
    EXPECT_FALSE(fs::exists(folder / "f"));
  }
  EXPECT_TRUE(names_in(folder.path()).empty()) << "without commit nothing stays";
  FileWriter writer(folder / "f");
  writer.write("abc");
  const std::byte more[] = {std::byte{'d'}};
  writer.write(std::span<const std::byte>(more));
  writer.commit();
  EXPECT_EQ(bytes_of_file(folder / "f"), "abcd");
}

TEST(FolderWriter, AppearsWholeAndReplacesTheOlder) {
  const testing::TemporaryFolder folder;
  folder.write("out/stale", "x");
  {
    FolderWriter writer(folder.path() / "out/");
    write_file_atomically(writer.staging() / "sub/new", "y");
    EXPECT_TRUE(fs::exists(folder / "out/stale"));
    writer.commit();
  }
  EXPECT_THAT(names_in(folder / "out"), ElementsAre("sub"));
  EXPECT_EQ(bytes_of_file(folder / "out/sub/new"), "y");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("out"));
}

TEST(FolderWriter, WithoutCommitTheOlderStays) {
  const testing::TemporaryFolder folder;
  folder.write("out/old", "x");
  {
    const FolderWriter writer(folder / "out");
    write_file_atomically(writer.staging() / "new", "y");
  }
  EXPECT_THAT(names_in(folder.path()), ElementsAre("out"));
  EXPECT_THAT(names_in(folder / "out"), ElementsAre("old"));
}

// A process that begins to write and is killed with SIGKILL in the middle.
void be_killed_while_writing(const std::function<void()>& write) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    write();
    ::_exit(1);  // not reached: write() ends with the kill
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(FolderWriter, WhatAKilledWriterLeftIsRemovedByTheNext) {
  const testing::TemporaryFolder folder;
  be_killed_while_writing([&] {
    const FolderWriter writer(folder / "out");
    write_file_atomically(writer.staging() / "sub/half", "x");
    ::raise(SIGKILL);
  });
  ASSERT_THAT(names_in(folder.path()), ElementsAre(HasSubstr("out.tmp-"))) << "the kill left nothing to remove";
  FolderWriter writer(folder / "out");
  write_file_atomically(writer.staging() / "whole", "y");
  writer.commit();
  EXPECT_THAT(names_in(folder.path()), ElementsAre("out"));
  EXPECT_THAT(names_in(folder / "out"), ElementsAre("whole"));
}

TEST(FileWriter, WhatAKilledWriterLeftIsRemovedByTheNext) {
  const testing::TemporaryFolder folder;
  be_killed_while_writing([&] {
    FileWriter writer(folder / "f");
    writer.write("half");
    ::raise(SIGKILL);
  });
  ASSERT_THAT(names_in(folder.path()), ElementsAre(HasSubstr("f.tmp-"))) << "the kill left nothing to remove";
  write_file_atomically(folder / "f", "whole");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("f"));
}

TEST(FolderWriter, WhatALivingWriterHasIsLeftAlone) {
  const testing::TemporaryFolder folder;
  FolderWriter first(folder / "out");
  write_file_atomically(first.staging() / "first", "x");
  {
    FolderWriter second(folder / "out");
    EXPECT_NE(second.staging(), first.staging());
    second.commit();
  }
  remove_abandoned(first.staging());
  first.commit();
  EXPECT_THAT(names_in(folder / "out"), ElementsAre("first"));
  FileWriter file(folder / "f");
  write_file_atomically(folder / "f", "other");
  file.write("this");
  file.commit();
  EXPECT_EQ(bytes_of_file(folder / "f"), "this");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("f", "out"));
}

TEST(FolderWriter, WhatOthersNamedAlikeStays) {
  const testing::TemporaryFolder folder;
  for (const char* name :
       {"out.tmp-", "out.tmp-1", "out.tmp-1-b", "out.tmp-1-2-3", "out2.tmp-1-2", "out.bak.tmp-1-2"}) {
    folder.write(name, "x");
  }
  fs::create_symlink(folder / "out2.tmp-1-2", folder / "out.tmp-1-2");
  FolderWriter(folder / "out").commit();
  EXPECT_EQ(names_in(folder.path()).size(), 8U) << ::testing::PrintToString(names_in(folder.path()));
}

// Killed between the two renames of commit(): only the folder that stepped aside is there.
TEST(FolderWriter, TheFolderThatSteppedAsideStaysUntilItIsReplaced) {
  const testing::TemporaryFolder folder;
  folder.write("out.old/only", "x");
  {
    FolderWriter writer(folder / "out");
    EXPECT_EQ(bytes_of_file(folder / "out.old/only"), "x");
    writer.commit();
  }
  EXPECT_THAT(names_in(folder.path()), ElementsAre("out"));
}

TEST(LineAppender, AppendsAndCutsBack) {
  const testing::TemporaryFolder folder;
  const fs::path path = folder / "log.jsonl";
  uint64_t after_one = 0;
  {
    LineAppender appender(path);
    appender.append("one");
    after_one = appender.size();
    appender.append("two");
    appender.sync();
  }
  LineAppender resumed(path, after_one);
  resumed.append("three");
  EXPECT_EQ(bytes_of_file(path), "one\nthree\n");
}

TEST(LineAppender, AFullDiskLeavesNoHalfLine) {
  const testing::TemporaryFolder folder;
  LineAppender appender(folder / "log");
  appender.append("whole");
  {
    const SmallDisk disk(10);
    EXPECT_THROW(appender.append("a line that does not fit"), Error);
  }
  EXPECT_EQ(bytes_of_file(folder / "log"), "whole\n");
  appender.append("next");
  EXPECT_EQ(bytes_of_file(folder / "log"), "whole\nnext\n");
}

TEST(MappedFile, ShowsTheBytes) {
  const testing::TemporaryFolder folder;
  const MappedFile file(folder.write("f", "abc"));
  ASSERT_EQ(file.bytes().size(), 3U);
  EXPECT_EQ(file.bytes()[2], std::byte{'c'});
  EXPECT_TRUE(MappedFile(folder.write("empty", "")).bytes().empty());
  EXPECT_EQ(code_of([&] { MappedFile none(folder / "none"); }), ErrorCode::kNotFound);
  EXPECT_EQ(code_of([&] { MappedFile directory(folder.path()); }), ErrorCode::kInvalidInput);
}

}  // namespace
}  // namespace understudy
