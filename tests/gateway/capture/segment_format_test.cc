#include "gateway/capture/segment_format.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "gateway/capture/crc32c.h"
#include "tests/records/made_exchange.h"
#include "tests/support/file_faults.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;

TEST(SegmentFormat, AHeadComesBack) {
  const std::string bytes = write_segment_head({7, 1'800'000'000'000});
  ASSERT_EQ(bytes.size(), kSegmentHeadBytes);
  EXPECT_EQ(read_segment_head(bytes, "s"), (SegmentHead{7, 1'800'000'000'000}));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string other = bytes;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_EQ(read_segment_head(other, "s"), std::nullopt) << i;
    EXPECT_EQ(read_segment_head(bytes.substr(0, i), "s"), std::nullopt) << i;
  }
}

TEST(SegmentFormat, ANewerVersionIsRefusedByName) {
  std::string bytes = write_segment_head({7, 1});
  bytes[8] = 2;
  const uint32_t checksum = crc32c(bytes.substr(0, 24));
  for (int i = 0; i < 4; ++i) bytes[24 + i] = static_cast<char>(checksum >> (8 * i));
  const Error error = error_of([&] { (void)read_segment_head(bytes, "capture/segment-1.log"); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
  EXPECT_THAT(error.message(), HasSubstr("capture/segment-1.log: a capture segment of version 2, expected 1"));
}

TEST(SegmentFormat, ExchangesComeBackWithEveryByte) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const Exchange exchange = made_exchange(seed, true);
    const std::string record = exchange_record(RecordKind::kEnd, 9, exchange);
    const auto head = read_record_head(record);
    ASSERT_TRUE(head && checksum_holds(*head, record)) << seed;
    EXPECT_EQ(head->run, 9u);
    EXPECT_EQ(head->kind, RecordKind::kEnd);
    EXPECT_EQ(read_exchange_payload(std::string_view(record).substr(kRecordHeadBytes)), exchange) << seed;
  }
}

TEST(SegmentFormat, PartsComeBackWithTheirUsage) {
  const Usage usage{1, 2, 3, 4, 5, INT64_MAX, true};
  const std::string record = part_record(9, "x-1", std::string("a\0b", 3), usage);
  const PartPayload part = read_part_payload(std::string_view(record).substr(kRecordHeadBytes));
  EXPECT_EQ(part.id, "x-1");
  EXPECT_EQ(part.usage, usage);
  EXPECT_EQ(part.bytes, std::string_view("a\0b", 3));
}

TEST(SegmentFormat, AChangedBitAnywhereShows) {
  const std::string good = part_record(9, "x-1", "bytes", {});
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string record = good;
    record[bit / 8] = static_cast<char>(record[bit / 8] ^ (1 << (bit % 8)));
    const auto head = read_record_head(record);
    EXPECT_FALSE(head && checksum_holds(*head, record)) << bit;
  }
}

TEST(SegmentFormat, PayloadsThatMeanNothingAreRefused) {
  EXPECT_EQ(error_of([] { (void)read_exchange_payload("abc"); }).code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(error_of([] { (void)read_exchange_payload("\xFF\xFF\xFF\x7F"); }).code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(error_of([] { (void)read_part_payload(std::string_view("\1\0\0\0x123", 8)); }).code(),
            ErrorCode::kInvalidInput);
}

}  // namespace
}  // namespace understudy::testing
