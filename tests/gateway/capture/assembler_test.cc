#include "gateway/capture/assembler.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "tests/gateway/capture/capture_fixture.h"
#include "tests/support/file_faults.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AssemblerTest : public ::testing::Test {
 protected:
  void add(const std::string& record, uint32_t run = 1) {
    LogRecord whole{read_record_head(record)->kind, run, {1, offset_}, std::string_view(record).substr(16)};
    offset_ += record.size();
    assembler_.add(whole, out_);
  }
  void begin(const Exchange& exchange, uint32_t run = 1) {
    add(exchange_record(RecordKind::kBegin, run, exchange), run);
  }
  void end(const Exchange& exchange) { add(exchange_record(RecordKind::kEnd, 1, exchange)); }
  void part(const std::string& id, const std::string& bytes) { add(part_record(1, id, bytes, {.output = 5})); }
  std::vector<std::string> ids_out() const {
    std::vector<std::string> ids;
    for (const Exchange& exchange : out_) ids.push_back(exchange.id);
    return ids;
  }

  Assembler assembler_;
  std::vector<Exchange> out_;
  uint64_t offset_ = 0;
};

TEST_F(AssemblerTest, AnEndGivesTheWholeExchangeAndASecondOneReplacesIt) {
  begin(begun_exchange("a"));
  part("a", "bytes");
  EXPECT_THAT(out_, IsEmpty());
  end(ended_exchange("a"));
  Exchange again = ended_exchange("a");
  again.status = 499;
  end(again);
  EXPECT_THAT(out_, ElementsAre(ended_exchange("a"), again));
  EXPECT_THAT(assembler_.open(), IsEmpty());
}

TEST_F(AssemblerTest, APartAfterTheEndOpensNothing) {
  begin(begun_exchange("a"));
  end(ended_exchange("a"));
  part("a", "late");
  EXPECT_THAT(assembler_.open(), IsEmpty());
}

TEST_F(AssemblerTest, TheOldestOpenOneHoldsThePosition) {
  EXPECT_EQ(assembler_.oldest_open(), std::nullopt);
  begin(begun_exchange("a"));
  const uint64_t second = offset_;
  begin(begun_exchange("b"));
  EXPECT_EQ(assembler_.oldest_open(), (LogPosition{1, 0}));
  end(ended_exchange("a"));
  EXPECT_EQ(assembler_.oldest_open(), (LogPosition{1, second}));
  end(ended_exchange("b"));
  EXPECT_EQ(assembler_.oldest_open(), std::nullopt);
}

TEST_F(AssemblerTest, AnotherProcessLeavesTheOpenOnesPartialInTheirOrder) {
  begin(begun_exchange("a"));
  begin(begun_exchange("b"));
  part("b", "so far");
  assembler_.run(1, out_);
  EXPECT_THAT(out_, IsEmpty());
  begin(begun_exchange("c"), 2);
  EXPECT_THAT(ids_out(), ElementsAre("a", "b"));
  EXPECT_EQ(out_[1].answer, "so far");
  EXPECT_EQ(out_[1].usage.output, 5);
  EXPECT_TRUE(out_[0].partial && out_[1].partial);
  EXPECT_EQ(assembler_.open().size(), 1u);
}

TEST_F(AssemblerTest, WhatNobodyEndsIsGivenUpByItsAge) {
  begin(begun_exchange("old", 1000));
  begin(begun_exchange("young", 2000));
  assembler_.close_before(1500, out_);
  EXPECT_THAT(ids_out(), ElementsAre("old"));
  EXPECT_EQ(assembler_.open().at(0).id, "young");
}

TEST_F(AssemblerTest, AMeaninglessPayloadIsRefusedAndTheRestGoesOn) {
  begin(begun_exchange("a"));
  EXPECT_EQ(error_of([&] {
              assembler_.add({RecordKind::kEnd, 1, {1, 900}, "nonsense"}, out_);
            }).code(),
            ErrorCode::kInvalidInput);
  assembler_.add({static_cast<RecordKind>(99), 1, {1, 950}, "of a newer version"}, out_);
  end(ended_exchange("a"));
  EXPECT_THAT(ids_out(), ElementsAre("a"));
}

}  // namespace
}  // namespace understudy::testing
