#include "gateway/capture/segment_writer.h"

#include <gmock/gmock.h>

#include "gateway/capture/capture_folder.h"
#include "gateway/capture/segment_format.h"
#include "tests/gateway/capture/capture_fixture.h"
#include "tests/support/file_faults.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint32_t kRun = 77;

std::string record(const std::string& text) {
  return part_record(kRun, "x", text, {});
}

size_t append(SegmentWriter& writer, const std::vector<std::string>& records) {
  std::vector<const std::string*> pointers;
  for (const std::string& one : records) pointers.push_back(&one);
  return writer.append(pointers);
}

std::vector<std::string> texts_in(const std::filesystem::path& folder) {
  std::vector<std::string> texts;
  LogReader reader(folder, {});
  while (const auto one = reader.next()) texts.emplace_back(read_part_payload(one->payload).bytes);
  for (const SegmentDamage& damage : reader.take_damage()) texts.push_back(damage.reason);
  return texts;
}

TEST(SegmentWriter, BeginsANewSegmentBeyondTheLimit) {
  const TemporaryFolder folder;
  SegmentWriter writer(folder.path(), kRun, 100, real_log_disk());
  for (const char* text : {"a", "b", "c", "d", "e"}) EXPECT_EQ(append(writer, {record(text)}), 1u);
  EXPECT_GT(segments_in(folder.path()).size(), 1u);
  EXPECT_THAT(texts_in(folder.path()), ElementsAre("a", "b", "c", "d", "e"));
}

TEST(SegmentWriter, AFullDiskKeepsWhatIsWholeAndCutsTheRest) {
  const size_t size = record("a").size();
  for (size_t room = 0; room < 3 * size; ++room) {
    const TemporaryFolder folder;
    FaultyDisk disk;
    SegmentWriter writer(folder.path(), kRun, 1 << 20, disk);
    disk.room = static_cast<int64_t>(room);
    EXPECT_EQ(append(writer, {record("a"), record("b"), record("c")}), room / size) << room;
    EXPECT_THAT(writer.fault(), HasSubstr("write: No space left on device")) << room;
    EXPECT_EQ(std::filesystem::file_size(segment_path(folder.path(), segments_in(folder.path()).back())),
              kSegmentHeadBytes + room / size * size);
    disk.room = INT64_MAX;
    EXPECT_EQ(append(writer, {record("later")}), 1u);
    EXPECT_EQ(writer.fault(), "");
    EXPECT_EQ(texts_in(folder.path()).size(), room / size + 1);
  }
}

TEST(SegmentWriter, WhereNothingCanBeCutANewSegmentIsBegun) {
  const TemporaryFolder folder;
  FaultyDisk disk;
  SegmentWriter writer(folder.path(), kRun, 1 << 20, disk);
  disk.room = 10;
  disk.truncate_fails = true;
  EXPECT_EQ(append(writer, {record("a")}), 0u);
  disk.room = INT64_MAX;
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_EQ(append(writer, {record("b")}), 1u);
  EXPECT_THAT(texts_in(folder.path()), ElementsAre("b", HasSubstr("the end is torn")));
}

TEST(SegmentWriter, AfterAFailedSyncItBeginsANewSegment) {
  const TemporaryFolder folder;
  FaultyDisk disk;
  SegmentWriter writer(folder.path(), kRun, 1 << 20, disk);
  append(writer, {record("a")});
  disk.sync_fails = true;
  EXPECT_THAT(writer.sync(), HasSubstr("sync: Input/output error"));
  disk.sync_fails = false;
  append(writer, {record("b")});
  EXPECT_TRUE(writer.needs_sync());
  EXPECT_EQ(writer.sync(), "");
  EXPECT_FALSE(writer.needs_sync());
  EXPECT_EQ(segments_in(folder.path()).size(), 2u);
}

TEST(SegmentWriter, ATornTailIsCutAtAnyLength) {
  const std::string whole = write_segment_head({kRun, 5}) + record("first") + record("second");
  const size_t first_end = kSegmentHeadBytes + record("first").size();
  for (size_t size = 0; size <= whole.size(); ++size) {
    const TemporaryFolder folder;
    const auto path = segment_path(folder.path(), 5);
    folder.write(path.filename().string(), whole.substr(0, size));
    const size_t kept = size == whole.size() ? size : size >= first_end ? first_end : size < kSegmentHeadBytes ? 0 : 28;
    EXPECT_EQ(cut_torn_tail(folder.path()), size - kept) << size;
    EXPECT_EQ(std::filesystem::file_size(path), kept) << size;
  }
}

TEST(SegmentWriter, NumbersRiseEvenWhereTheFolderWasEmptied) {
  const TemporaryFolder folder;
  uint64_t first = 0;
  {
    const SegmentWriter writer(folder.path(), kRun, 100, real_log_disk());
    first = segments_in(folder.path()).back();
  }
  std::filesystem::remove(segment_path(folder.path(), first));
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const SegmentWriter writer(folder.path(), kRun, 100, real_log_disk());
  EXPECT_GT(segments_in(folder.path()).back(), first);
}

}  // namespace
}  // namespace understudy::testing
