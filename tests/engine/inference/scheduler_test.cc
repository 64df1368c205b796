#include "engine/inference/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "base/random.h"

namespace understudy {

bool operator==(const Scheduler::Grant& a, const Scheduler::Grant& b) {
  return a.id == b.id && a.tokens == b.tokens;
}
void PrintTo(const Scheduler::Grant& grant, std::ostream* out) {
  *out << grant.id << ": " << grant.tokens;
}

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Grant = Scheduler::Grant;

// Tells the scheduler that the step was computed and that whoever was whole got one more token.
void carry_out(Scheduler& scheduler, const Scheduler::Step& step, std::map<Scheduler::Id, int64_t>& missing) {
  for (const Scheduler::Id id : step.set_back) FAIL() << "nobody is set back here, but " << id << " was";
  for (const Grant& grant : step.grants) {
    scheduler.computed(grant.id, grant.tokens);
    missing[grant.id] -= grant.tokens;
    if (missing[grant.id] > 0) continue;
    scheduler.append(grant.id);
    missing[grant.id] = 1;
  }
}

TEST(Scheduler, CutsALongPromptIntoChunks) {
  Scheduler scheduler({.pages = 100, .page_tokens = 4, .max_parallel = 4, .prompt_chunk = 10});
  std::map<Scheduler::Id, int64_t> missing = {{1, 25}};
  scheduler.add(1, 25);
  for (const int64_t expected : {10, 10, 5, 1, 1}) {
    const Scheduler::Step step = scheduler.next_step();
    EXPECT_THAT(step.grants, ElementsAre(Grant{1, expected}));
    carry_out(scheduler, step, missing);
  }
}

TEST(Scheduler, DecodingGoesOnWhileAPromptIsRead) {
  Scheduler scheduler({.pages = 100, .page_tokens = 4, .max_parallel = 4, .prompt_chunk = 8});
  std::map<Scheduler::Id, int64_t> missing = {{1, 3}, {2, 20}};
  scheduler.add(1, 3);
  carry_out(scheduler, scheduler.next_step(), missing);
  scheduler.add(2, 20);
  for (const int64_t chunk : {8, 8, 4}) {
    const Scheduler::Step step = scheduler.next_step();
    EXPECT_THAT(step.grants, ElementsAre(Grant{1, 1}, Grant{2, chunk}));
    carry_out(scheduler, step, missing);
  }
  EXPECT_THAT(scheduler.next_step().grants, ElementsAre(Grant{1, 1}, Grant{2, 1}));
}

TEST(Scheduler, SharesTheChunkFairlyAndLeavesNothingUnused) {
  Scheduler scheduler({.pages = 1000, .page_tokens = 4, .max_parallel = 8, .prompt_chunk = 90});
  scheduler.add(1, 500);
  scheduler.add(2, 10);
  scheduler.add(3, 500);
  EXPECT_THAT(scheduler.next_step().grants, UnorderedElementsAre(Grant{1, 40}, Grant{2, 10}, Grant{3, 40}));
}

TEST(Scheduler, NoMoreRunThanMaxParallelAndTheNextStartsWhenOneEnds) {
  Scheduler scheduler({.pages = 100, .page_tokens = 4, .max_parallel = 2, .prompt_chunk = 100});
  for (const Scheduler::Id id : {1, 2, 3}) scheduler.add(id, 4);
  EXPECT_THAT(scheduler.next_step().started, ElementsAre(1, 2));
  EXPECT_THAT(scheduler.next_step().started, IsEmpty());
  scheduler.remove(1);
  EXPECT_THAT(scheduler.next_step().started, ElementsAre(3));
}

TEST(Scheduler, StartsInOrderOfArrivalEvenWhereALaterOneWouldFit) {
  Scheduler scheduler({.pages = 10, .page_tokens = 4, .max_parallel = 8, .prompt_chunk = 100});
  scheduler.add(1, 20);  // 6 pages with the token to come
  scheduler.add(2, 24);  // 7 pages: has to wait
  scheduler.add(3, 4);   // would fit
  EXPECT_THAT(scheduler.next_step().started, ElementsAre(1));
  scheduler.remove(1);
  EXPECT_THAT(scheduler.next_step().started, ElementsAre(2, 3));
}

TEST(Scheduler, WithoutPagesTheYoungestGivesWayAndComesBackWhole) {
  Scheduler scheduler({.pages = 4, .page_tokens = 2, .max_parallel = 8, .prompt_chunk = 100});
  scheduler.add(1, 1);  // one page
  scheduler.add(2, 1);  // one page, one spare
  std::map<Scheduler::Id, int64_t> missing = {{1, 1}, {2, 1}};
  for (int i = 0; i < 4; ++i) carry_out(scheduler, scheduler.next_step(), missing);  // both hold 2 pages, full
  EXPECT_EQ(scheduler.free_pages(), 0);
  const Scheduler::Step step = scheduler.next_step();
  EXPECT_THAT(step.set_back, ElementsAre(2));
  EXPECT_THAT(step.grants, ElementsAre(Grant{1, 1}));
  scheduler.remove(1);
  const Scheduler::Step again = scheduler.next_step();
  EXPECT_THAT(again.started, ElementsAre(2));
  EXPECT_THAT(again.grants, ElementsAre(Grant{2, 5}));  // its one prompt token and the four generated ones
}

TEST(Scheduler, WhoIsSetBackStartsBeforeThoseThatCameLater) {
  Scheduler scheduler({.pages = 4, .page_tokens = 2, .max_parallel = 2, .prompt_chunk = 100});
  for (const Scheduler::Id id : {1, 2, 3}) scheduler.add(id, 1);
  std::map<Scheduler::Id, int64_t> missing = {{1, 1}, {2, 1}};
  for (int i = 0; i < 4; ++i) carry_out(scheduler, scheduler.next_step(), missing);
  EXPECT_THAT(scheduler.next_step().set_back, ElementsAre(2));
  scheduler.remove(1);
  EXPECT_THAT(scheduler.next_step().started, ElementsAre(2));
}

TEST(Scheduler, ForgetsRunningAndWaitingAlikeAndIgnoresStrangers) {
  Scheduler scheduler({.pages = 8, .page_tokens = 4, .max_parallel = 1, .prompt_chunk = 100});
  scheduler.add(1, 4);
  scheduler.add(2, 4);
  EXPECT_EQ(scheduler.next_step().grants.size(), 1u);
  scheduler.remove(1);
  scheduler.remove(2);
  scheduler.remove(77);
  EXPECT_TRUE(scheduler.empty());
  EXPECT_EQ(scheduler.free_pages(), 8);
}

// Random loads on small caches: pages are never given twice, everybody gets all tokens in the end, and each step moves
// on.
TEST(Scheduler, EverybodyFinishesUnderEveryLoad) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const SchedulerLimits limits{.pages = random.between(4, 12),
                                 .page_tokens = random.between(1, 4),
                                 .max_parallel = static_cast<int>(random.between(1, 6)),
                                 .prompt_chunk = random.between(1, 9)};
    Scheduler scheduler(limits);
    struct State {
      int64_t tokens = 0, computed = 0, last = 0;
    };
    std::map<Scheduler::Id, State> open;
    Scheduler::Id next_id = 1;
    int64_t steps = 0;
    while (next_id <= 12 || !open.empty()) {
      ASSERT_LT(++steps, 20000);
      if (next_id <= 12 && random.chance(0.3)) {
        const int64_t last = random.between(1, limits.pages * limits.page_tokens);
        const int64_t prompt = random.between(1, last);
        open[next_id] = {.tokens = prompt, .last = last};
        scheduler.add(next_id++, prompt);
      }
      if (scheduler.empty()) continue;
      const Scheduler::Step step = scheduler.next_step();
      for (const Scheduler::Id id : step.set_back) open[id].computed = 0;
      ASSERT_FALSE(step.grants.empty());
      int64_t prompt_tokens = 0;
      for (const Grant& grant : step.grants) {
        State& state = open.at(grant.id);
        const int64_t missing = state.tokens - state.computed;
        ASSERT_GE(missing, grant.tokens);
        if (missing > 1) prompt_tokens += grant.tokens;
        state.computed += grant.tokens;
        scheduler.computed(grant.id, grant.tokens);
        if (state.computed < state.tokens) continue;
        if (state.tokens == state.last) {
          scheduler.remove(grant.id);
          open.erase(grant.id);
        } else {
          state.tokens += 1;
          scheduler.append(grant.id);
        }
      }
      ASSERT_LE(prompt_tokens, limits.prompt_chunk);
      int64_t held = 0;
      for (const auto& [id, state] : open) held += (state.computed + limits.page_tokens - 1) / limits.page_tokens;
      ASSERT_LE(held, limits.pages - scheduler.free_pages());
      ASSERT_GE(scheduler.free_pages(), 0);
    }
    EXPECT_EQ(scheduler.free_pages(), limits.pages);
  }
}

}  // namespace
}  // namespace understudy
