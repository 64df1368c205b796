// The split of labelled receipts and the rules that read them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "generate/receipts.h"
#include "receipts/commands.h"
#include "receipts/look_alikes.h"
#include "receipts/rules.h"
#include "rows.h"

namespace understudy::examples {
namespace {

std::filesystem::path folder() {
  const auto path = std::filesystem::path(testing::TempDir()) / "understudy_receipts";
  std::filesystem::create_directories(path);
  return path;
}

TEST(LookAlikes, SimilarityCountsShingles) {
  EXPECT_DOUBLE_EQ(shingle_similarity("abcdefgh", "ABCD  EFGH"), 0.0);  // a space inside makes other shingles
  EXPECT_DOUBLE_EQ(shingle_similarity("Total  Due", "total\ndue"), 1.0);
  // abcde bcdef cdefg against abcde bcdef cdefh: two of four.
  EXPECT_DOUBLE_EQ(shingle_similarity("abcdefg", "abcdefh"), 0.5);
  EXPECT_DOUBLE_EQ(shingle_similarity("ab", "ab"), 1.0);
  EXPECT_DOUBLE_EQ(shingle_similarity("ab", "ac"), 0.0);
}

// a is like b and b like c, a is not like c: one group all the same.
TEST(LookAlikes, GroupsAreChained) {
  const std::string base = "the quick brown fox jumps over the lazy dog and runs away into the dark green wood";
  const std::string b = base + " at night";
  const std::string c = b + " with a hen";
  ASSERT_GE(shingle_similarity(base, b), 0.8);
  ASSERT_GE(shingle_similarity(b, c), 0.8);
  ASSERT_LT(shingle_similarity(base, c), 0.8);
  const auto groups = group_look_alikes({"something else altogether, of another kind", base, c, b});
  EXPECT_EQ(groups, (std::vector<size_t>{0, 1, 1, 1}));
}

TEST(LookAlikes, AboutAFifthIsHeldOut) {
  int out = 0;
  for (int i = 0; i < 5000; ++i) out += held_out("row-" + std::to_string(i), 20) ? 1 : 0;
  EXPECT_NEAR(out, 1000, 120);
  EXPECT_FALSE(held_out("row-1", 0));
  EXPECT_TRUE(held_out("row-1", 100));
}

std::string line_of(const std::string& id, const std::string& input) {
  return dump_json(Json{{"id", id}, {"input", input}, {"output", "{}"}}) + "\n";
}

TEST(Split, KeepsGroupsTogetherAndRowsWhole) {
  std::string rows;
  size_t n = 0;
  for (uint64_t i = 0; i < 60; ++i) {
    Random random(9, i);
    const std::string text = write_receipt(random).text();
    rows += line_of("r" + std::to_string(i), text);
    rows += line_of("twin" + std::to_string(i), text + "\n.");
    n += 2;
  }
  write_file_atomically(folder() / "all.jsonl", rows);
  const SplitPaths paths{folder() / "all.jsonl", folder() / "train.jsonl", folder() / "test.jsonl"};
  std::ostringstream report;
  split_receipts(paths, 20, report);
  const std::string first_test = read_file(paths.test);
  std::set<std::string> train_groups;
  size_t seen = 0;
  for (const bool test : {false, true}) {
    std::istringstream lines(read_file(test ? paths.test : paths.train));
    for (std::string line; std::getline(lines, line); ++seen) {
      const std::string group = parse_json(line, "row")["group"];
      if (test)
        EXPECT_FALSE(train_groups.contains(group)) << group;
      else
        train_groups.insert(group);
    }
  }
  EXPECT_EQ(seen, n);
  EXPECT_GT(read_rows(paths.test).size(), 4U);
  split_receipts(paths, 20, report);
  EXPECT_EQ(read_file(paths.test), first_test);
}

TEST(Rows, FaultsNameFileAndLine) {
  write_file_atomically(folder() / "bad.jsonl",
                        line_of("a", "x") + "{\"id\": \"b\", \"input\": 3, \"output\": \"\"}\n");
  try {
    (void)read_rows(folder() / "bad.jsonl");
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("bad.jsonl:2: input"), std::string::npos) << error.message();
    EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
  }
}

TEST(Rules, ReadAReceipt) {
  const ReceiptFields fields = read_receipt_by_rules(
      "WELCOME TO\nMORVEL TRADING SDN BHD (123456-X)\nGST REG NO : 000123456789\nNO 12, JALAN SATURI 3/4,\nTAMAN "
      "KELUMI,\n"
      "43210 BANGKURA\nTEL : 03-1234 5678\nTAX INVOICE\nDOC NO : 77 DATE : 05/03/2018 14:29\nBOLT 2 4.50 9.00\nSUB "
      "TOTAL 9.02\n"
      "ROUNDING -0.02\nTOTAL RM 9.00\nCASH 50.00\nCHANGE 41.00\nGST SUMMARY\nSR 6 8.49 0.51\nTOTAL 8.49 0.51");
  EXPECT_EQ(fields.company, "MORVEL TRADING SDN BHD");
  EXPECT_EQ(fields.date, "05/03/2018");
  EXPECT_EQ(fields.address, "NO 12, JALAN SATURI 3/4, TAMAN KELUMI, 43210 BANGKURA");
  EXPECT_EQ(fields.total, "RM 9.00");
}

TEST(Rules, JoinANameOfTwoLines) {
  EXPECT_EQ(read_receipt_by_rules("MORVEL PAPER\nCO. (M) SDN BHD\nNO 8, JALAN 7").company,
            "MORVEL PAPER CO. (M) SDN BHD");
}

TEST(Rules, FindATotalTornFromItsLabel) {
  EXPECT_EQ(read_receipt_by_rules("SHOP OF MOR\nSUBTOTAL 5.00\nTOTAL :\n12.30\nTHANKS").total, "12.30");
}

TEST(Rules, AnswerWhatIsThereAndNothingElse) {
  const ReceiptFields empty = read_receipt_by_rules("");
  EXPECT_EQ(empty.company + empty.date + empty.address + empty.total, "");
  const ReceiptFields letter = read_receipt_by_rules("Dear friend\nhow are you");
  EXPECT_EQ(letter.date + letter.total, "");
}

TEST(Rules, SurviveAnyText) {
  EXPECT_EQ(read_receipt_by_rules(std::string(3'000'000, '1')).total, "");
  Random random(11);
  for (int i = 0; i < 60; ++i) {
    Random paper(12, static_cast<uint64_t>(i));
    std::string text = write_receipt(paper).text();
    for (int k = 0; k < 20; ++k) text[random.below(text.size())] = static_cast<char>(random.below(256));
    const ReceiptFields fields = read_receipt_by_rules(text);
    EXPECT_LE(fields.date.size(), text.size()) << "paper " << i;
  }
}

// Receipts of real shops, where the data set lies beside the project: the opponent is no straw man.
TEST(Rules, AreAFairOpponentOnRealReceipts) {
  const std::filesystem::path data = UNDERSTUDY_SOURCE_DIR "/../shared/data/receipts/train.jsonl";
  if (!std::filesystem::exists(data)) GTEST_SKIP() << "no receipts beside the project";
  size_t right = 0;
  size_t all = 0;
  const std::vector<LabelledRow> rows = read_rows(data);
  for (size_t i = 0; i < rows.size(); i += 8) {
    const ReceiptFields fields = read_receipt_by_rules(rows[i].input);
    const Json wanted = parse_json(rows[i].output, "row");
    right += wanted["date"] == fields.date ? 1 : 0;
    right += wanted["company"] == fields.company ? 1 : 0;
    all += 2;
  }
  EXPECT_GT(right * 10, all * 8) << right << " of " << all;
}

}  // namespace
}  // namespace understudy::examples
