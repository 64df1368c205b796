#include "base/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace understudy {
namespace {

using ::testing::HasSubstr;

TEST(Error, EveryCodeHasItsMeaningOutside) {
  EXPECT_EQ(exit_status(ErrorCode::kInvalidInput), 2);
  EXPECT_EQ(exit_status(ErrorCode::kUsage), 2);
  EXPECT_EQ(exit_status(ErrorCode::kNotFound), 2);
  EXPECT_EQ(exit_status(ErrorCode::kIo), 3);
  EXPECT_EQ(exit_status(ErrorCode::kNetwork), 3);
  EXPECT_EQ(exit_status(ErrorCode::kOutOfMemory), 3);
  EXPECT_EQ(exit_status(ErrorCode::kInternal), 3);
  EXPECT_EQ(exit_status(ErrorCode::kCancelled), 130);
  EXPECT_EQ(http_status(ErrorCode::kNotFound), 404);
  EXPECT_EQ(http_status(ErrorCode::kTooLarge), 413);
  EXPECT_EQ(http_status(ErrorCode::kOverloaded), 429);
  EXPECT_EQ(http_status(ErrorCode::kUnauthorized), 401);
  EXPECT_EQ(openai_error_type(ErrorCode::kInvalidInput), "invalid_request_error");
  EXPECT_EQ(openai_error_type(ErrorCode::kUnauthorized), "authentication_error");
}

TEST(Error, ASystemCallsFaultSaysWhatAndWhere) {
  errno = ENOENT;
  const Error missing = io_error("open", "a/b");
  EXPECT_EQ(missing.code(), ErrorCode::kNotFound);
  EXPECT_EQ(missing.message(), "a/b: cannot open: No such file or directory");
  errno = ENOSPC;
  const Error full = io_error("write", "a");
  EXPECT_EQ(full.code(), ErrorCode::kIo);
  EXPECT_FALSE(full.hint().empty());
  errno = EISDIR;
  EXPECT_EQ(io_error("read", "a").code(), ErrorCode::kInvalidInput);
}

TEST(Check, NamesThePlaceAndTheSentence) {
  EXPECT_NO_THROW(CHECK(1 + 1 == 2, "sums work"));
  try {
    CHECK(1 + 1 == 3, "sums do not work");
    FAIL() << "the check let it pass";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInternal);
    EXPECT_THAT(error.message(), HasSubstr("error_test.cc:"));
    EXPECT_THAT(error.message(), HasSubstr("sums do not work (1 + 1 == 3)"));
  }
}

}  // namespace
}  // namespace understudy
