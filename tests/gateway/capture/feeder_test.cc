#include "gateway/capture/feeder.h"

#include <gmock/gmock.h>

#include "base/timestamp.h"
#include "gateway/capture/capture_folder.h"
#include "tests/gateway/capture/capture_fixture.h"
#include "tests/gateway/capture/faulty_store.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;

class FeederTest : public ::testing::Test {
 protected:
  std::unique_ptr<Recorder> recorder(uint64_t segment_bytes = 1 << 20) {
    return std::make_unique<Recorder>(
        RecorderOptions{.folder = folder(), .sync = SyncMode::kNever, .segment_bytes = segment_bytes}, metrics_);
  }
  std::unique_ptr<Feeder> feeder(RetentionRules rules = {}) {
    return std::make_unique<Feeder>(FeederOptions{.folder = folder(),
                                                  .retention = std::move(rules),
                                                  .look_every = std::chrono::milliseconds(2),
                                                  .retry_at_first = std::chrono::milliseconds(1),
                                                  .retry_at_most = std::chrono::milliseconds(5),
                                                  .forget_every = std::chrono::milliseconds(1)},
                                    store_, metrics_);
  }
  std::filesystem::path folder() const { return temporary_ / "capture"; }
  void begin(Recorder& log, const std::string& id) { run(log.begin(begun_exchange(id, now_ms()), pool_)); }
  void end(Recorder& log, const std::string& id) { run(log.end(ended_exchange(id, now_ms()), pool_)); }
  size_t n_stored() const { return ids_in(store_).size(); }

  TemporaryFolder temporary_;
  Metrics metrics_;
  WorkerPool pool_{1};
  FaultyStore store_{temporary_ / "store.db"};
};

TEST_F(FeederTest, EndedExchangesReachTheStoreAndOpenOnesWait) {
  const auto log = recorder();
  const auto feeding = feeder();
  begin(*log, "open");
  begin(*log, "a");
  end(*log, "a");
  ASSERT_TRUE(comes_true([&] { return store_.exchange("a").has_value(); }));
  EXPECT_EQ(store_.exchange("a")->answer, ended_exchange("a").answer);
  EXPECT_FALSE(store_.exchange("open").has_value());
  end(*log, "open");
  EXPECT_TRUE(comes_true([&] { return store_.exchange("open").has_value(); }));
}

TEST_F(FeederTest, AfterARestartItGoesOnAndFeedsWhatDiedAsPartial) {
  {
    const auto log = recorder();
    const auto feeding = feeder();
    begin(*log, "cut");
    log->part("cut", "data: as far as", {.output = 3});
    begin(*log, "a");
    end(*log, "a");
    ASSERT_TRUE(comes_true([&] { return n_stored() == 1; }));
    begin(*log, "b");
    end(*log, "b");
  }
  const auto log = recorder();
  const auto feeding = feeder();
  ASSERT_TRUE(comes_true([&] { return n_stored() == 3; }));
  const Exchange cut = *store_.exchange("cut");
  EXPECT_TRUE(cut.partial);
  EXPECT_EQ(cut.answer, "data: as far as");
  EXPECT_EQ(cut.usage.output, 3);
  EXPECT_FALSE(store_.exchange("b")->partial);
}

TEST_F(FeederTest, SegmentsThatAreInTheStoreGoUnlessAnOpenExchangeNeedsThem) {
  const auto log = recorder(1);
  const auto feeding = feeder();
  begin(*log, "open");
  for (int i = 0; i < 10; ++i) end(*log, std::to_string(i));
  ASSERT_TRUE(comes_true([&] { return n_stored() == 10; }));
  EXPECT_GE(segments_in(folder()).size(), 11u);
  end(*log, "open");
  EXPECT_TRUE(comes_true([&] { return segments_in(folder()).size() == 1; }));
  EXPECT_EQ(n_stored(), 11u);
}

TEST_F(FeederTest, AStoreThatIsDownLosesNothingAndHoldsNobodyUp) {
  const auto log = recorder();
  const auto feeding = feeder();
  store_.down = true;
  for (int i = 0; i < 50; ++i) {
    begin(*log, std::to_string(i));
    end(*log, std::to_string(i));
  }
  ASSERT_TRUE(comes_true([&] { return store_.n_refused > 3; }));
  EXPECT_THAT(metrics_.text(), HasSubstr("understudy_capture_dropped_total 0"));
  EXPECT_EQ(n_stored(), 0u);
  store_.down = false;
  EXPECT_TRUE(comes_true([&] { return n_stored() == 50; }));
}

TEST_F(FeederTest, DamageIsCountedAndTheRestFed) {
  {
    const auto log = recorder();
    for (const char* id : {"a", "b", "c"}) end(*log, id);
  }
  const auto path = segment_path(folder(), segments_in(folder()).front());
  std::string bytes = bytes_of_file(path);
  bytes[bytes.find("answer to b")] = 'X';
  std::ofstream(path, std::ios::binary) << bytes;
  const auto log = recorder();
  const auto feeding = feeder();
  ASSERT_TRUE(comes_true([&] { return n_stored() == 2; }));
  EXPECT_FALSE(store_.exchange("b").has_value());
  EXPECT_THAT(metrics_.text(), HasSubstr("understudy_capture_damage_total 1"));
}

TEST_F(FeederTest, BodiesAreForgottenWhenTheyAreOld) {
  const auto log = recorder();
  run(log->end(ended_exchange("old", now_ms() - 10'000), pool_));
  run(log->end(ended_exchange("young", now_ms() + 60'000), pool_));
  const auto feeding = feeder({.others = std::chrono::milliseconds(5000)});
  ASSERT_TRUE(comes_true([&] { return n_stored() == 2 && !store_.exchange("old")->sampled; }));
  EXPECT_EQ(store_.exchange("old")->request, "");
  EXPECT_EQ(store_.exchange("old")->usage, ended_exchange("old").usage);
  EXPECT_TRUE(store_.exchange("young")->sampled);
  feeding->set_retention({.others = std::chrono::milliseconds(-120'000)});
  EXPECT_TRUE(comes_true([&] { return !store_.exchange("young")->sampled; }));
}

}  // namespace
}  // namespace understudy::testing
