#include "gateway/capture/capture_folder.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "tests/support/file_faults.h"
#include "tests/support/temporary_folder.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(CaptureFolder, ListsSegmentsByNumberAndNothingElse) {
  const TemporaryFolder folder;
  for (const uint64_t number : {UINT64_C(20), UINT64_C(3), UINT64_MAX}) {
    folder.write(segment_path("", number).string(), "");
  }
  for (const char* other : {"lock", "segment-3.log", "segment-0000000000000000000x.log", "segment-.log"}) {
    folder.write(other, "");
  }
  EXPECT_THAT(segments_in(folder.path()), ElementsAre(3u, 20u, UINT64_MAX));
  EXPECT_THAT(segments_in(folder / "absent"), IsEmpty());
}

TEST(CaptureFolder, OneProcessAtATimeMayWrite) {
  const TemporaryFolder folder;
  {
    const FolderLock lock(folder / "capture");
    const Error error = error_of([&] { const FolderLock second(folder / "capture"); });
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_THAT(error.message(), HasSubstr("another process writes this folder"));
  }
  const FolderLock again(folder / "capture");
}

}  // namespace
}  // namespace understudy::testing
