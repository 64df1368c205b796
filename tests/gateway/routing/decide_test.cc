#include "gateway/routing/decide.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

using Who = Decision::Who;

struct Asked {
  Route route;
  TaskFacts task;
  RequestHead head;
  int64_t prompt_tokens = 10;

  Asked() {
    route.task = "invoices";
    route.share = 1;
    task.has_specialist = true;
    head.last_user = "an invoice";
  }
  Decision decide() const { return understudy::decide(route, task, {head, prompt_tokens}); }
};

TEST(Decide, TheShareGoesToTheSpecialist) {
  Asked asked;
  EXPECT_EQ(asked.decide(), (Decision{Who::kSpecialist, "share 100%", false}));
  asked.route.share = 0;
  EXPECT_EQ(asked.decide(), (Decision{Who::kTeacher, "share 0%", false}));
  asked.route.share = 0.125;
  EXPECT_EQ(asked.decide().reason, "share 12.5%");
}

TEST(Decide, AnotherStaticPromptThanThePrunedOneGoesToTheTeacher) {
  Asked asked;
  asked.head.fingerprint = "old";
  asked.task.pruned_prompt = "old";
  EXPECT_EQ(asked.decide().who, Who::kSpecialist);
  asked.head.fingerprint = "new";
  EXPECT_EQ(asked.decide(), (Decision{Who::kTeacher, "prompt changed", false}));
  asked.route.pinned = "specialist";
  EXPECT_EQ(asked.decide().reason, "prompt changed") << "it would answer by the old instructions";
}

TEST(Decide, WhatTheSpecialistCannotDoGoesToTheTeacher) {
  Asked images;
  images.head.has_media = true;
  EXPECT_EQ(images.decide(), (Decision{Who::kTeacher, "images", false}));
  images.task.images = true;
  EXPECT_EQ(images.decide().who, Who::kSpecialist);

  Asked several;
  several.head.n = 2;
  EXPECT_EQ(several.decide().reason, "n");

  Asked tools;
  tools.head.has_tools = true;
  EXPECT_EQ(tools.decide().reason, "tools");
  tools.task.card.has_tools = true;
  EXPECT_EQ(tools.decide().who, Who::kSpecialist);

  Asked longer;
  longer.task.card.longest_prompt = 10;
  EXPECT_EQ(longer.decide().who, Who::kSpecialist);
  longer.prompt_tokens = 11;
  EXPECT_EQ(longer.decide().reason, "length");
  longer.route.pinned = "specialist";
  EXPECT_EQ(longer.decide().reason, "length") << "pinning does not make it able";
  longer.route.shadow = true;
  EXPECT_FALSE(longer.decide().shadow);

  Asked nobody;
  nobody.task.has_specialist = false;
  EXPECT_EQ(nobody.decide(), (Decision{Who::kTeacher, "no specialist", false}));
}

TEST(Decide, PinsAndShadows) {
  Asked asked;
  asked.route.share = 0;
  asked.route.pinned = "specialist";
  EXPECT_EQ(asked.decide(), (Decision{Who::kSpecialist, "pinned", false}));
  asked.route.share = 1;
  asked.route.pinned = "teacher";
  EXPECT_EQ(asked.decide(), (Decision{Who::kTeacher, "pinned", false}));
  asked.route.pinned.clear();
  asked.route.shadow = true;
  EXPECT_EQ(asked.decide(), (Decision{Who::kTeacher, "shadow", true}));
}

TEST(Decide, SharesAreStickyByUserElseByPrompt) {
  Asked asked;
  asked.route.share = 0.5;
  for (int i = 0; i < 200; ++i) {
    asked.head.user = "user " + std::to_string(i);
    asked.head.last_user = "first";
    const Who first = asked.decide().who;
    asked.head.last_user = "second";
    EXPECT_EQ(asked.decide().who, first);
    asked.head.user.clear();
    asked.head.last_user = "prompt " + std::to_string(i);
    EXPECT_EQ(asked.decide().who, asked.decide().who);
  }
}

// Sentinel and share are draws that have nothing to do with each other: each part of the traffic has its share.
TEST(Decide, SentinelAndShareAreKeptExactlyAndApart) {
  Asked asked;
  asked.route.share = 0.8;
  asked.route.sentinel = 0.1;
  int sentinel = 0;
  int specialist = 0;
  constexpr int kRequests = 20'000;
  for (int i = 0; i < kRequests; ++i) {
    asked.head.last_user = "prompt " + std::to_string(i);
    const Decision decision = asked.decide();
    sentinel += static_cast<int>(decision.reason == "sentinel");
    specialist += static_cast<int>(decision.who == Who::kSpecialist);
  }
  EXPECT_NEAR(sentinel, kRequests * 0.1, 170);          // four standard deviations
  EXPECT_NEAR(specialist, kRequests * 0.9 * 0.8, 255);  // likewise

  // Raising the share never moves anybody out of the specialist's part.
  for (int i = 0; i < 500; ++i) {
    asked.head.last_user = "prompt " + std::to_string(i);
    asked.route.share = 0.3;
    const Who before = asked.decide().who;
    asked.route.share = 0.6;
    EXPECT_TRUE(before == Who::kTeacher || asked.decide().who == Who::kSpecialist);
  }
}

}  // namespace
}  // namespace understudy
