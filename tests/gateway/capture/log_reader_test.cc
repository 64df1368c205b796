#include "gateway/capture/log_reader.h"

#include <gmock/gmock.h>

#include "gateway/capture/capture_folder.h"
#include "tests/support/temporary_folder.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

void write_segment(const TemporaryFolder& folder, uint64_t number, uint32_t run, const std::vector<std::string>& texts,
                   const std::string& tail = {}) {
  std::string bytes = write_segment_head({run, number});
  for (const std::string& text : texts) bytes += part_record(run, "x", text, {});
  folder.write(segment_path("", number).string(), bytes + tail);
}

std::vector<std::string> texts_of(LogReader& reader) {
  std::vector<std::string> texts;
  while (const auto record = reader.next()) texts.emplace_back(read_part_payload(record->payload).bytes);
  return texts;
}

TEST(LogReader, ReadsSegmentAfterSegmentAndWaitsAtTheEnd) {
  const TemporaryFolder folder;
  LogReader reader(folder.path(), {});
  EXPECT_THAT(texts_of(reader), IsEmpty());
  write_segment(folder, 3, 30, {"a", "b"});
  EXPECT_THAT(texts_of(reader), ElementsAre("a", "b"));
  EXPECT_EQ(reader.run(), 30u);
  write_segment(folder, 8, 80, {});
  EXPECT_THAT(texts_of(reader), IsEmpty());
  EXPECT_EQ(reader.run(), 80u);
  EXPECT_EQ(reader.position().segment, 8u);
  write_segment(folder, 9, 80, {"c"});
  EXPECT_THAT(texts_of(reader), ElementsAre("c"));
}

TEST(LogReader, GoesOnFromAPositionAndFromTheNextSegmentWhereItsOwnIsGone) {
  const TemporaryFolder folder;
  write_segment(folder, 1, 30, {"a", "b"});
  write_segment(folder, 2, 30, {"c"});
  LogReader all(folder.path(), {});
  (void)all.next();
  const LogPosition after_a = all.position();
  LogReader rest(folder.path(), after_a);
  EXPECT_THAT(texts_of(rest), ElementsAre("b", "c"));
  std::filesystem::remove(segment_path(folder.path(), 1));
  LogReader later(folder.path(), after_a);
  EXPECT_THAT(texts_of(later), ElementsAre("c"));
}

TEST(LogReader, ATornEndOfAnOlderSegmentIsToldAndPassed) {
  const TemporaryFolder folder;
  write_segment(folder, 1, 30, {"a"}, part_record(30, "x", "torn", {}).substr(0, 20));
  LogReader reader(folder.path(), {});
  EXPECT_THAT(texts_of(reader), ElementsAre("a"));
  EXPECT_THAT(reader.take_damage(), IsEmpty()) << "it may still be written";
  write_segment(folder, 2, 31, {"b"});
  EXPECT_THAT(texts_of(reader), ElementsAre("b"));
  const auto damage = reader.take_damage();
  ASSERT_EQ(damage.size(), 1u);
  EXPECT_THAT(damage[0].reason, HasSubstr("torn"));
}

}  // namespace
}  // namespace understudy::testing
