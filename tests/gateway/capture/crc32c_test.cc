#include "gateway/capture/crc32c.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"

namespace understudy {
namespace {

// RFC 3720, B.4, and the check value of the catalogues.
TEST(Crc32c, HasThePublishedValues) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
  std::string ascending;
  for (char c = 0; c < 32; ++c) ascending += c;
  EXPECT_EQ(crc32c(ascending), 0x46DD794Eu);
}

TEST(Crc32c, IsTheSameInPiecesAndByTables) {
  Random random(1);
  std::string text;
  for (int i = 0; i < 100; ++i) text += static_cast<char>(random.below(256));
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(crc32c(text.substr(cut), crc32c(text.substr(0, cut))), crc32c(text)) << cut;
    EXPECT_EQ(crc32c_by_tables(text.substr(cut), 7), crc32c(text.substr(cut), 7)) << cut;
  }
}

}  // namespace
}  // namespace understudy
