#include "gateway/routing/task_recognition.h"

#include <gtest/gtest.h>

#include <string>

namespace understudy {
namespace {

const std::string kInvoicePrint = "ab12cd34" + std::string(56, '0');
const std::string kOtherPrint = "99887766" + std::string(56, '0');

RequestHead head_of(const std::string& fingerprint, const std::string& system = "you read invoices") {
  RequestHead head;
  head.system = system;
  head.fingerprint = fingerprint;
  return head;
}

const std::vector<TaskMatch> kMatches = {
    {"invoices", "invoices", {"gpt-5"}},
    {"letters", "letters", {"gpt-5", "small"}},
    {"labels", "", {"labeller"}},
};

TEST(TaskRecognition, ByHeaderThenByModelThenFound) {
  KnownFingerprints known;
  EXPECT_EQ(recognise_task(kMatches, known, head_of(kOtherPrint), "small", "invoices"), "invoices");
  EXPECT_EQ(recognise_task(kMatches, known, head_of(kInvoicePrint), "labeller", ""), "labels");
  EXPECT_EQ(recognise_task(kMatches, known, head_of(kInvoicePrint), "gpt-5", ""), "found-ab12cd34");
  EXPECT_EQ(recognise_task(kMatches, known, head_of(kInvoicePrint), "gpt-5", "unheard of"), "found-ab12cd34");
}

TEST(TaskRecognition, AFingerprintOnceShownUnderAHeaderIsKnownAmongTheTasksModels) {
  KnownFingerprints known;
  recognise_task(kMatches, known, head_of(kInvoicePrint), "gpt-5", "invoices");
  EXPECT_EQ(recognise_task(kMatches, known, head_of(kInvoicePrint), "gpt-5", ""), "invoices");
  EXPECT_EQ(recognise_task(kMatches, known, head_of(kInvoicePrint), "small", ""), "found-ab12cd34");
  EXPECT_EQ(recognise_task(kMatches, known, head_of(kOtherPrint), "gpt-5", ""), "found-99887766");
}

TEST(TaskRecognition, AFingerprintOfTwoTasksOrWithoutAStaticPromptSaysNothing) {
  KnownFingerprints known;
  recognise_task(kMatches, known, head_of(kInvoicePrint), "gpt-5", "invoices");
  recognise_task(kMatches, known, head_of(kInvoicePrint), "gpt-5", "letters");
  EXPECT_EQ(recognise_task(kMatches, known, head_of(kInvoicePrint), "gpt-5", ""), "found-ab12cd34");
  recognise_task(kMatches, known, head_of(kOtherPrint, ""), "gpt-5", "invoices");
  EXPECT_EQ(recognise_task(kMatches, known, head_of(kOtherPrint, ""), "gpt-5", ""), "found-99887766");
}

TEST(KnownFingerprints, BeyondTheMostTheOneUnseenForLongestIsForgotten) {
  KnownFingerprints known;
  for (size_t i = 0; i < KnownFingerprints::kMost; ++i) known.learn("f" + std::to_string(i), "invoices");
  EXPECT_EQ(known.task_of("f0"), "invoices");
  known.learn("f2", "invoices");
  known.learn("new", "letters");
  known.learn("newer", "letters");
  EXPECT_EQ(known.task_of("f1"), "");
  EXPECT_EQ(known.task_of("f3"), "");
  for (const char* kept : {"f0", "f2", "f4"}) EXPECT_EQ(known.task_of(kept), "invoices") << kept;
  EXPECT_EQ(known.all().size(), KnownFingerprints::kMost);
  EXPECT_EQ(known.all().front().fingerprint, "f4");
}

TEST(KnownFingerprints, TheVersionChangesWithWhatIsKnown) {
  KnownFingerprints known;
  const uint64_t nothing = known.version();
  known.learn("f", "invoices");
  const uint64_t one = known.version();
  EXPECT_NE(one, nothing);
  known.learn("f", "invoices");
  EXPECT_EQ(known.task_of("f"), "invoices");
  EXPECT_EQ(known.version(), one);
  known.learn("f", "letters");
  EXPECT_NE(known.version(), one);
  EXPECT_EQ(known.task_of("f"), "");
}

}  // namespace
}  // namespace understudy
