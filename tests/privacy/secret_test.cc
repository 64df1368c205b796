#include "privacy/secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <functional>
#include <ostream>
#include <type_traits>

#include "base/error.h"
#include "tests/support/temporary_folder.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

template <class T>
concept Prints = requires(std::ostream& out, const T& value) {
  out << value;
};
static_assert(!Prints<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);

SecretSource source_of(const std::string& written) {
  SecretSource source;
  read_value(ConfigNode::parse("key: " + written, "gateway.yml")["key"], source);
  return source;
}

std::string fault_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
    return error.message() + " | " + error.hint();
  }
  return "nothing was refused";
}

TEST(SecretSource, ReadsAVariable) {
  ::setenv("UNDERSTUDY_TEST_SECRET", "s3cret", 1);
  EXPECT_EQ(source_of("env:UNDERSTUDY_TEST_SECRET").read().reveal(), "s3cret");
  ::unsetenv("UNDERSTUDY_TEST_SECRET");
  EXPECT_THAT(fault_of([] { (void)source_of("env:UNDERSTUDY_TEST_SECRET").read(); }),
              HasSubstr("gateway.yml:1: key: the environment variable UNDERSTUDY_TEST_SECRET is not set"));
}

TEST(SecretSource, ReadsAFile) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.write("key", "  s3cret\r\n").string();
  EXPECT_EQ(source_of("file:" + path).read().reveal(), "s3cret");
  folder.write("key", "s3cret\nX-Header: 1\n");
  EXPECT_THAT(fault_of([&] { (void)source_of("file:" + path).read(); }), Not(HasSubstr("s3cret")));
  folder.write("key", "\n");
  EXPECT_THAT(fault_of([&] { (void)source_of("file:" + path).read(); }), HasSubstr(path));
  EXPECT_THAT(fault_of([&] { (void)source_of("file:" + path + "-none").read(); }), HasSubstr("gateway.yml:1: key: "));
}

TEST(SecretSource, ASecretWrittenOutIsRefusedAndNotRepeated) {
  for (const char* written :
       {"s3cret-s3cret", "env:s3cret-s3cret", "\"env:\"", "\"file:\"", "\"s3cret s3cret\"", "ENV:s3cret"}) {
    const std::string fault = fault_of([written] { source_of(written); });
    EXPECT_THAT(fault, HasSubstr("gateway.yml:1: key: expected env:NAME or file:PATH"));
    EXPECT_THAT(fault, Not(HasSubstr("s3cret")));
  }
}

TEST(Secret, ComparesAndMoves) {
  Secret secret("s3cret");
  EXPECT_TRUE(secret.matches("s3cret"));
  EXPECT_FALSE(secret.matches("s3creT"));
  EXPECT_FALSE(secret.matches("s3cre"));
  Secret moved = std::move(secret);
  EXPECT_TRUE(secret.empty());  // NOLINT(bugprone-use-after-move): that nothing stays behind is the promise
  EXPECT_EQ(moved.reveal(), "s3cret");
  secret = moved;
  EXPECT_EQ(secret.reveal(), "s3cret");
  moved = Secret();
  EXPECT_TRUE(moved.empty());
}

TEST(Secret, LeavesNothingInMemory) {
  alignas(Secret) unsigned char place[sizeof(Secret)];
  auto* secret = new (place) Secret("s3cret-7");  // short enough to stand inside the object
  secret->~Secret();
  const std::string_view bytes(reinterpret_cast<const char*>(place), sizeof place);
  EXPECT_EQ(bytes.find("cret"), std::string_view::npos);
}

}  // namespace
}  // namespace understudy
