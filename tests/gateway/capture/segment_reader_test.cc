#include "gateway/capture/segment_reader.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "tests/support/file_faults.h"
#include "tests/support/fuzz_count.h"
#include "tests/support/temporary_folder.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint32_t kRun = 0x1234ABCD;

std::string segment_of(const std::vector<std::string>& texts) {
  std::string bytes = write_segment_head({kRun, 1});
  for (const std::string& text : texts) bytes += part_record(kRun, "x", text, {});
  return bytes;
}

SegmentReader reader_of(const std::string& bytes, uint64_t offset = 0) {
  return {
      [&bytes](uint64_t at, char* into, size_t size) { return at >= bytes.size() ? 0 : bytes.copy(into, size, at); },
      "segment", offset};
}

std::vector<std::string> texts_of(SegmentReader& reader) {
  std::vector<std::string> texts;
  while (const auto record = reader.next()) texts.emplace_back(read_part_payload(record->payload).bytes);
  return texts;
}

TEST(SegmentReader, ReadsWhatWasWritten) {
  const std::string bytes = segment_of({"a", "", std::string(700'000, 'c'), "d"});
  SegmentReader reader = reader_of(bytes);
  EXPECT_THAT(texts_of(reader), ElementsAre("a", "", std::string(700'000, 'c'), "d"));
  EXPECT_FALSE(reader.has_tail());
  EXPECT_THAT(reader.take_damage(), IsEmpty());
  EXPECT_EQ(reader.run(), kRun);
  EXPECT_EQ(reader.offset(), bytes.size());
}

TEST(SegmentReader, GoesOnFromWhereARecordBegins) {
  const std::string bytes = segment_of({"a", "b", "c"});
  SegmentReader first = reader_of(bytes);
  const uint64_t after = first.next()->after;
  SegmentReader second = reader_of(bytes, after);
  EXPECT_THAT(texts_of(second), ElementsAre("b", "c"));
}

TEST(SegmentReader, CutAnywhereItGivesTheWholeRecordsAndWaitsForTheRest) {
  const std::string whole = segment_of({"first", "second"});
  const size_t first_end = segment_of({"first"}).size();
  for (size_t size = 0; size < whole.size(); ++size) {
    std::string bytes = whole.substr(0, size);
    SegmentReader reader = reader_of(bytes);
    const size_t expected = size >= first_end ? 1 : 0;
    EXPECT_EQ(texts_of(reader).size(), expected) << size;
    EXPECT_EQ(reader.has_tail(), size != first_end && size != kSegmentHeadBytes && size != 0) << size;
    bytes = whole;  // the writer goes on
    EXPECT_EQ(texts_of(reader).size(), 2 - expected) << size;
    EXPECT_THAT(reader.take_damage(), IsEmpty()) << size;
  }
}

TEST(SegmentReader, ReadsWhatReplacedATornRecord) {
  std::string bytes = segment_of({"first"});
  const size_t first_end = bytes.size();
  bytes += part_record(kRun, "x", std::string(100, 't'), {}).substr(0, 50);
  SegmentReader reader = reader_of(bytes);
  EXPECT_THAT(texts_of(reader), ElementsAre("first"));
  bytes.resize(first_end);
  bytes += part_record(kRun, "x", "instead", {}) + part_record(kRun, "x", "third", {});
  EXPECT_THAT(texts_of(reader), ElementsAre("instead", "third"));
  EXPECT_THAT(reader.take_damage(), IsEmpty());
}

TEST(SegmentReader, SaysWhereDamageIsAndGoesOnBehindIt) {
  const size_t first_end = segment_of({"first"}).size();
  const size_t second_end = segment_of({"first", "second"}).size();
  const std::string good = segment_of({"first", "second", "third"});
  for (size_t at = first_end; at < second_end; ++at) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x40);
    SegmentReader reader = reader_of(bytes);
    EXPECT_THAT(texts_of(reader), ElementsAre("first", "third")) << at;
    const std::vector<SegmentDamage> damage = reader.take_damage();
    ASSERT_EQ(damage.size(), 1u) << at;
    EXPECT_EQ(damage[0].file, "segment");
    EXPECT_EQ(damage[0].offset, first_end) << at;
    EXPECT_EQ(damage[0].bytes, second_end - first_end) << at;
  }
}

TEST(SegmentReader, ADamagedHeadCostsNoRecord) {
  std::string bytes = segment_of({"a", "b"});
  bytes[13] = static_cast<char>(~bytes[13]);
  SegmentReader reader = reader_of(bytes);
  EXPECT_THAT(texts_of(reader), ElementsAre("a", "b"));
  EXPECT_EQ(reader.take_damage().size(), 1u);
}

// A prompt may hold the bytes of a record; only who knows the run could forge one.
TEST(SegmentReader, ARecordInsideAPromptIsNotTakenForOne) {
  const std::string forged = part_record(kRun + 1, "x", "forged", {});
  std::string bytes = segment_of({"first", forged, "third"});
  bytes[segment_of({"first"}).size() + 5] ^= 1;
  SegmentReader reader = reader_of(bytes);
  EXPECT_THAT(texts_of(reader), ElementsAre("first", "third"));
}

TEST(SegmentReader, AMissingFileIsNotFound) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { SegmentReader::open(folder / "segment"); }).code(), ErrorCode::kNotFound);
}

TEST(SegmentReader, MutatedSegmentsGiveOnlyRecordsThatWereWritten) {
  const std::vector<std::string> written = {"one", "two", std::string(300, '3'), "four"};
  const std::string good = segment_of(written);
  for (int seed = 0; seed < fuzz_count(500); ++seed) {
    Random random(static_cast<uint64_t>(seed));
    const std::string bytes = seed % 2 == 0 ? mutated(good, random) : damaged(good, static_cast<uint64_t>(seed));
    SegmentReader reader = reader_of(bytes);
    for (const std::string& text : texts_of(reader)) {
      EXPECT_NE(std::find(written.begin(), written.end(), text), written.end()) << "seed " << seed << ": " << text;
    }
    EXPECT_LE(reader.offset(), std::max(bytes.size(), kSegmentHeadBytes)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace understudy::testing
