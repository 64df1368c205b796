#include "gateway/routing/fingerprint_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/temporary_folder.h"

namespace understudy {
namespace {

using testing::bytes_of_file;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using Clock = FingerprintFile::Clock;

const Clock::time_point kStart = Clock::time_point() + std::chrono::hours(1);

class FingerprintFileTest : public ::testing::Test {
 protected:
  // As a gateway that is started sees it.
  KnownFingerprints& started() {
    file_.reset();
    known_ = std::make_unique<KnownFingerprints>();
    file_.emplace(path_, *known_);
    return *known_;
  }
  const TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_ / "state/fingerprints.json";
  std::unique_ptr<KnownFingerprints> known_;
  std::optional<FingerprintFile> file_;
};

TEST_F(FingerprintFileTest, WhatWasLearnedIsKnownAfterARestart) {
  KnownFingerprints& before = started();
  before.learn("one", "invoices");
  before.learn("both", "invoices");
  before.learn("both", "letters");
  before.learn("two", "letters \"quoted\"");
  KnownFingerprints& after = started();
  EXPECT_EQ(after.task_of("one"), "invoices");
  EXPECT_EQ(after.task_of("two"), "letters \"quoted\"");
  after.learn("both", "invoices");
  EXPECT_EQ(after.task_of("both"), "") << "that two tasks had it is known too";
}

TEST_F(FingerprintFileTest, IsWrittenAtOnceAndThenEveryTenSecondsAtMost) {
  KnownFingerprints& known = started();
  file_->keep_changes(kStart);
  EXPECT_FALSE(std::filesystem::exists(path_)) << "nothing was learned";
  known.learn("one", "invoices");
  file_->keep_changes(kStart);
  EXPECT_THAT(bytes_of_file(path_), HasSubstr("one"));
  known.learn("two", "invoices");
  file_->keep_changes(kStart + std::chrono::seconds(9));
  EXPECT_THAT(bytes_of_file(path_), Not(HasSubstr("two")));
  file_->keep_changes(kStart + std::chrono::seconds(10));
  EXPECT_THAT(bytes_of_file(path_), HasSubstr("two"));
  std::filesystem::remove(path_);
  file_->keep_changes(kStart + std::chrono::seconds(30));
  EXPECT_FALSE(std::filesystem::exists(path_)) << "nothing was learned since";
}

TEST_F(FingerprintFileTest, ADamagedFileIsBegunAnew) {
  for (const std::string text :
       {"", "{", "[]", R"({"format": 2, "fingerprints": []})", R"({"format": 1, "fingerprints": [["f"]]})",
        R"({"format": 1, "fingerprints": [["f", 7]]})", R"({"format": 1})"}) {
    folder_.write("state/fingerprints.json", text);
    KnownFingerprints& known = started();
    EXPECT_TRUE(known.all().empty()) << text;
    known.learn("new", "invoices");
    EXPECT_EQ(started().task_of("new"), "invoices") << text;
    std::filesystem::remove(path_);
    file_.reset();
  }
}

TEST_F(FingerprintFileTest, MoreThanTheMostAreNotTaken) {
  std::string text = R"({"format": 1, "fingerprints": [)";
  for (size_t i = 0; i < KnownFingerprints::kMost + 5; ++i) {
    text += (i == 0 ? "[\"f" : ", [\"f") + std::to_string(i) + "\", \"invoices\"]";
  }
  folder_.write("state/fingerprints.json", text + "]}");
  KnownFingerprints& known = started();
  EXPECT_EQ(known.all().size(), KnownFingerprints::kMost);
  EXPECT_EQ(known.all().front().fingerprint, "f0") << "those seen last are the ones that stay";
}

TEST_F(FingerprintFileTest, ADiskThatFailsStopsNothing) {
  folder_.write("state", "a file where the folder should be");
  KnownFingerprints& known = started();
  known.learn("one", "invoices");
  file_->keep_changes(kStart);
  std::filesystem::remove(folder_ / "state");
  file_->keep_changes(kStart + std::chrono::seconds(11));
  EXPECT_EQ(started().task_of("one"), "invoices");
}

}  // namespace
}  // namespace understudy
