#include "net/event_stream_reader.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/random.h"
#include "tests/support/fuzz_count.h"

namespace understudy {
namespace {

using Events = std::vector<ServerSentEvent>;

const std::string kStream =
    "\xEF\xBB\xBF: hello\n\nevent: message_start\ndata: {\"a\":1}\n\ndata: one\r\ndata:two\r\n\r\ndata\n\nevent: "
    "none\n\n"
    "id: 7\rdata:  x\r\r";
const Events kEvents = {{"message_start", "{\"a\":1}"}, {"", "one\ntwo"}, {"", ""}, {"", " x"}};

TEST(EventStreamReader, ReadsEventsWhateverTheirLinesEndIn) {
  EventStreamReader reader;
  EXPECT_EQ(reader.read(kStream), kEvents);
  EXPECT_TRUE(reader.is_between_events());
}

TEST(EventStreamReader, DoesNotCareWhereTheBytesAreCut) {
  for (size_t step = 1; step < 9; ++step) {
    EventStreamReader reader;
    Events events;
    for (size_t at = 0; at < kStream.size(); at += step) {
      for (ServerSentEvent& event : reader.read(std::string_view(kStream).substr(at, step))) events.push_back(event);
    }
    EXPECT_EQ(events, kEvents) << "pieces of " << step;
  }
}

TEST(EventStreamReader, KnowsAnEventThatWasNotFinished) {
  EventStreamReader reader;
  EXPECT_EQ(reader.read("data: half\n"), Events{});
  EXPECT_FALSE(reader.is_between_events());
  EXPECT_EQ(reader.read("\n"), (Events{{"", "half"}}));
  EXPECT_TRUE(reader.is_between_events());
}

TEST(EventStreamReader, RefusesAnEventWithoutEnd) {
  EventStreamReader reader(100);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(reader.read("data: " + std::string(80, 'x') + "\n\n").size(), 1U);
  EXPECT_THROW((void)reader.read(std::string(101, 'x')), Error);
  EventStreamReader lines(100);
  EXPECT_THROW(
      {
        for (int i = 0; i < 60; ++i) (void)lines.read("data:x\n");
      },
      Error);
}

TEST(EventStreamReader, GivesTheSameForAnyBytesAndAnyCuts) {
  Random random(3);
  for (int round = 0; round < testing::fuzz_count(300); ++round) {
    const std::string bytes = testing::mutated(kStream, random);
    EventStreamReader whole;
    const Events expected = whole.read(bytes);
    EventStreamReader pieces;
    Events events;
    for (size_t at = 0; at < bytes.size();) {
      const size_t length = 1 + random.below(7);
      for (ServerSentEvent& event : pieces.read(std::string_view(bytes).substr(at, length))) events.push_back(event);
      at += length;
    }
    ASSERT_EQ(events, expected) << "round " << round;
  }
}

}  // namespace
}  // namespace understudy
