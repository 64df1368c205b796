#include "base/units.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

using namespace std::chrono_literals;

template <class T>
T read(const std::string& text) {
  T value{};
  read_value(ConfigNode::parse("a: " + text, "c.yml")["a"], value);
  return value;
}

TEST(Units, ReadsDurations) {
  using Duration = std::chrono::nanoseconds;
  EXPECT_EQ(read<Duration>("500ms"), 500ms);
  EXPECT_EQ(read<Duration>("1.5s"), 1500ms);
  EXPECT_EQ(read<Duration>("5 m"), 5min);
  EXPECT_EQ(read<Duration>("365d"), 8760h);
  for (const char* text : {"5", "s", "-1s", "5 minutes", "1h30m", "inf", "1e30d"})
    EXPECT_THROW(read<Duration>(text), Error) << text;
}

TEST(Units, ReadsSizes) {
  EXPECT_EQ(read<ByteSize>("10 MB").bytes, 10'000'000U);
  EXPECT_EQ(read<ByteSize>("64 KiB").bytes, 65'536U);
  EXPECT_EQ(read<ByteSize>("1.5GiB").bytes, 1'610'612'736U);
  EXPECT_EQ(read<ByteSize>("512").bytes, 512U);
  for (const char* text : {"10 mb", "10K", "x", "-1"}) EXPECT_THROW(read<ByteSize>(text), Error) << text;
}

TEST(Units, ReadsCounts) {
  EXPECT_EQ(read<Count>("10k").value, 10'000);
  EXPECT_EQ(read<Count>("2M").value, 2'000'000);
  EXPECT_EQ(read<Count>("1.2k").value, 1'200);
  EXPECT_EQ(read<Count>("500").value, 500);
  for (const char* text : {"1.5", "0.4", "10 thousand", "-3", "1.0001k"})
    EXPECT_THROW(read<Count>(text), Error) << text;
}

TEST(Units, WritesThemForEyes) {
  EXPECT_EQ(format_duration(45ms), "45 ms");
  EXPECT_EQ(format_duration(12'340ms), "12.3 s");
  EXPECT_EQ(format_duration(200s), "3m 20s");
  EXPECT_EQ(format_duration(64min), "1h 04m");
  EXPECT_EQ(format_bytes(100), "100 B");
  EXPECT_EQ(format_bytes(1'288'490'189), "1.20 GiB");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1234), "1,234");
  EXPECT_EQ(format_count(12'345), "12.3k");
  EXPECT_EQ(format_count(4.5e6), "4.5M");
  EXPECT_EQ(format_whole(1'234'567), "1,234,567");
  EXPECT_EQ(format_whole(-123), "-123");
  EXPECT_EQ(format_whole(-1234), "-1,234");
}

}  // namespace
}  // namespace understudy
