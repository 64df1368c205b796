#include "base/hash.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/temporary_folder.h"

namespace understudy {
namespace {

TEST(Sha256, GivesThePublishedValues) {  // FIPS 180-4 examples
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, AFileHasTheHashOfItsBytes) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(sha256_hex_of_file(folder.write("f", "abc")), sha256_hex("abc"));
  EXPECT_EQ(sha256_hex_of_file(folder.write("empty", "")), sha256_hex(""));
  EXPECT_THROW(sha256_hex_of_file(folder / "none"), Error);
}

}  // namespace
}  // namespace understudy
