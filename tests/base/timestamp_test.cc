#include "base/timestamp.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/random.h"

namespace understudy {
namespace {

TEST(Timestamp, WritesMilliseconds) {
  EXPECT_EQ(format_utc(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_utc(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format_utc(951'827'696'789), "2000-02-29T12:34:56.789Z");
  EXPECT_EQ(format_utc(253'402'300'799'999), "9999-12-31T23:59:59.999Z");
  EXPECT_THROW(format_utc(253'402'300'800'000), Error);
  EXPECT_THROW(format_utc(INT64_MIN), Error);
  EXPECT_THROW(format_utc(INT64_MAX), Error);
}

TEST(Timestamp, ReadsWhatItWrote) {
  Random random(7);
  for (int i = 0; i < 1000; ++i) {
    const int64_t ms = random.between(-62'167'219'200'000, 253'402'300'799'999);
    EXPECT_EQ(parse_utc(format_utc(ms)), ms);
  }
}

TEST(Timestamp, ReadsOffsetsFractionsAndDays) {
  EXPECT_EQ(parse_utc("2026-11-25"), 1'795'564'800'000);
  EXPECT_EQ(parse_utc("2026-11-25T01:00:00+01:00"), 1'795'564'800'000);
  EXPECT_EQ(parse_utc("2026-11-24T18:30:00-05:30"), 1'795'564'800'000);
  EXPECT_EQ(parse_utc("2026-11-25T00:00:00.1239999z"), 1'795'564'800'123);
  EXPECT_EQ(parse_utc("2026-11-25 00:00:00.5Z"), 1'795'564'800'500);
  EXPECT_EQ(parse_utc("2016-12-31T23:59:60Z"), parse_utc("2017-01-01T00:00:00Z"));
}

TEST(Timestamp, RefusesWhatNoCalendarHas) {
  for (const char* text :
       {"", "2026", "2026-13-01", "2026-02-29", "2026-04-31", "2026-00-10", "2026-01-00", "2026-1-1", "2026-11-25T",
        "2026-11-25T24:00:00Z", "2026-11-25T00:60:00Z", "2026-11-25T00:00:61Z", "2026-11-25T00:00:00",
        "2026-11-25T00:00:00.Z", "2026-11-25T00:00:00+1:00", "2026-11-25T00:00:00Zx", " 2026-11-25", "+026-11-25"}) {
    EXPECT_FALSE(parse_utc(text)) << text;
  }
}

}  // namespace
}  // namespace understudy
