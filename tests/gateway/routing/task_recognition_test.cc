#include "gateway/routing/task_recognition.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace understudy
