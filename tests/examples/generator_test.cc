// What the generators promise: the same rows for the same seed, answers that stand in their inputs, a demo that
// pre-training has not seen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/json.h"
#include "generate/amounts.h"
#include "generate/dates.h"
#include "generate/invoices.h"
#include "generate/receipts.h"
#include "generate/tasks.h"

namespace understudy::examples {
namespace {

std::string folded(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t';
    if (!space)
      result += c;
    else if (result.empty() || result.back() != ' ')
      result += ' ';
  }
  return result;
}

TEST(Generator, SameSeedSameRows) {
  for (uint64_t i = 0; i < 300; ++i) {
    EXPECT_EQ(jsonl_line(pretraining_row(5, i, 300), "x"), jsonl_line(pretraining_row(5, i, 300), "x")) << "row " << i;
  }
  EXPECT_NE(pretraining_row(5, 0, 300).input, pretraining_row(6, 0, 300).input);
}

TEST(Generator, EveryAnswerIsAnObject) {
  for (uint64_t i = 0; i < 2000; ++i) {
    const Row row = pretraining_row(1, i, 2000);
    const auto answer = try_parse_json(row.output);
    ASSERT_TRUE(answer && answer->is_object() && !answer->empty()) << row.task << " row " << i << ": " << row.output;
  }
}

TEST(Generator, NoRowComesTwice) {
  std::set<std::string> seen;
  for (uint64_t i = 0; i < 3000; ++i) {
    const Row row = pretraining_row(1, i, 3000);
    EXPECT_TRUE(seen.insert(row.input + row.output).second) << "row " << i << ": " << row.input;
  }
}

TEST(Generator, CopiesComeFirst) {
  std::map<std::string, int> early;
  std::map<std::string, int> late;
  for (uint64_t i = 0; i < 500; ++i) ++early[pretraining_row(1, i, 100'000).task];
  for (uint64_t i = 0; i < 500; ++i) ++late[pretraining_row(1, 99'000 + i, 100'000).task];
  EXPECT_GT(early["copy"], 120);
  EXPECT_LT(late["copy"], 80);
  EXPECT_GT(late["invoice"], 40);
}

TEST(Generator, ValuesOfReceiptsStandAsWritten) {
  for (uint64_t i = 0; i < 500; ++i) {
    Random random(3, i);
    const Document document = write_receipt(random);
    const std::string text = folded(document.text());
    for (const auto& [field, value] : document.values) {
      if (field == Field::kCurrency) continue;  // the sign stands there, the value is the code
      EXPECT_NE(text.find(folded(value.written)), std::string::npos)
          << "stream " << i << ", field " << static_cast<int>(field) << ": " << value.written << "\n"
          << document.text();
    }
    for (const Field field : {Field::kSeller, Field::kAddress, Field::kDate, Field::kTotal}) {
      EXPECT_TRUE(document.values.contains(field)) << "stream " << i;
    }
  }
}

TEST(Generator, ValuesOfLayoutsStandAsWritten) {
  for (const auto& layouts : {pretraining_layouts(), demo_layouts()}) {
    for (const Layout& layout : layouts) {
      for (uint64_t i = 0; i < 20; ++i) {
        Random random(4, i);
        const Document document = write_paper(random, layout);
        std::string text = folded(document.text());
        for (const auto& [field, value] : document.values) {
          if (field == Field::kCurrency) continue;
          EXPECT_NE(text.find(folded(value.written)), std::string::npos)
              << layout.id << " stream " << i << ": " << value.written;
        }
      }
    }
  }
}

TEST(Generator, DemoHasWhatPretrainingHasNot) {
  std::set<std::string_view> ids;
  std::set<std::string_view> lines;
  for (const Layout& layout : pretraining_layouts()) {
    ids.insert(layout.id);
    lines.insert(layout.lines);
  }
  std::set<std::string_view> demo;
  for (const Layout& layout : demo_layouts()) {
    EXPECT_FALSE(ids.contains(layout.id)) << layout.id;
    EXPECT_FALSE(lines.contains(layout.lines)) << layout.id;
    EXPECT_TRUE(demo.insert(layout.lines).second) << layout.id << " is another layout of the demo";
  }
  EXPECT_GE(demo.size(), 20U);
}

TEST(Generator, PretrainingNeverAsksByTheDemosNames) {
  for (int field = 0; field < kFields; ++field) {
    for (const std::string_view name : parts_of(pretraining_names(static_cast<Field>(field)))) {
      for (const DemoField& wanted : kDemoFields) EXPECT_NE(name, wanted.name);
    }
  }
  for (uint64_t i = 0; i < 3000; ++i) {
    const Row row = pretraining_row(2, i, 3000);
    for (const DemoField& wanted : kDemoFields) {
      EXPECT_EQ(row.output.find("\"" + std::string(wanted.name) + "\""), std::string::npos) << row.output;
    }
  }
}

// The two things that a learner gets wrong longest: "3 avril 2023" for 2023-04-03, and "12.345,67" for 12345.67.
TEST(Generator, PretrainingPractisesUnpaddedDaysInEveryTongue) {
  constexpr int kRows = 8000;
  std::string text;
  for (uint64_t i = 0; i < kRows; ++i) {
    Random random(7, i);
    text += upper(pretraining_task(random, "dates").input) + "\n";
  }
  for (int tongue = 0; tongue < kTongues; ++tongue) {
    for (int month = 1; month <= 12; ++month) {
      const std::string spelt = upper(written({2024, month, 3}, 10, static_cast<Tongue>(tongue)));  // "3 AVRIL 2024"
      const std::string unpadded = spelt.substr(1, spelt.size() - 3);                               // " AVRIL 20"
      int found = 0;
      for (size_t at = text.find(unpadded); at != std::string::npos; at = text.find(unpadded, at + 1)) {
        const bool has_one_digit =
            text[at - 1] >= '1' && text[at - 1] <= '9' && (text[at - 2] < '0' || text[at - 2] > '9');
        if (has_one_digit) ++found;
      }
      EXPECT_GE(found, 15) << "unpadded days before" << unpadded;
    }
  }
}

TEST(Generator, PretrainingPractisesLargeSumsWithEveryMark) {
  std::map<std::string, int> marks;
  int sums = 0;
  int large = 0;
  for (uint64_t i = 0; i < 500; ++i) {
    Random random(8, i);
    const Row row = pretraining_task(random, "amounts");
    const Json answer = parse_json(row.output, "answer");
    for (const auto& amount : answer["amounts"]) {
      const auto cents = static_cast<int64_t>(std::llround(std::stod(amount.get<std::string>()) * 100));
      EXPECT_LE(cents, 99'999'99);
      ++sums;
      if (cents < 10'000'00) continue;
      ++large;
      for (const auto& [name, mark] :
           {std::pair{",", Marks::kEnglish}, std::pair{".", Marks::kGerman}, std::pair{"space", Marks::kFrench},
            std::pair{"'", Marks::kSwiss}, std::pair{"narrow space", Marks::kNarrow}}) {
        if (row.input.find(with_marks(cents, mark)) != std::string::npos) ++marks[name];
      }
    }
  }
  EXPECT_GT(large, sums / 5) << "of " << sums;
  for (const char* name : {",", ".", "space", "'", "narrow space"}) EXPECT_GE(marks[name], 20) << name;
}

TEST(Generator, PractisedPapersHaveWhatIsPractised) {
  for (uint64_t i = 0; i < 100; ++i) {
    Random random(9, i);
    const Document document = write_paper(random, pretraining_layouts()[0], {.early_days = 1, .large_sums = 1});
    const Value& date = document.values.at(Field::kDate);
    EXPECT_EQ(date.plain.substr(8, 1), "0") << date.written;
    const size_t day = date.written.find(date.plain[9]);  // before the year, or after the month and a space
    EXPECT_TRUE(day == 0 || date.written[day - 1] == ' ') << date.written;
    EXPECT_GE(std::stod(document.values.at(Field::kTotal).plain), 500) << "stream " << i;
  }
}

// Four ranges of streams, each far longer than any file.
TEST(Generator, StreamsOfRandomNumbersAreApart) {
  const std::set<uint64_t> starts = {kPretrainingStreams, kDemoTrainStreams, kDemoTestStreams,
                                     kPretrainingCheckStreams};
  ASSERT_EQ(starts.size(), 4U);
  uint64_t before = *starts.begin();
  for (const uint64_t start : starts) {
    EXPECT_TRUE(start == before || start - before >= UINT64_C(1) << 40) << start;
    before = start;
  }
  EXPECT_NE(demo_example(1, DemoSplit::kTrain, 0).input, demo_example(1, DemoSplit::kTest, 0).input);
}

TEST(Generator, DemoAnswersAreNormalised) {
  for (uint64_t i = 0; i < 400; ++i) {
    const Row row = demo_example(1, DemoSplit::kTest, i);
    const Json answer = parse_json(row.output, "answer");
    EXPECT_THAT(answer["issued_on"].get<std::string>(), testing::MatchesRegex("20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]"));
    EXPECT_THAT(answer["amount_due"].get<std::string>(), testing::MatchesRegex("[0-9]+\\.[0-9][0-9]"));
    EXPECT_THAT(answer["iso_currency"].get<std::string>(), testing::MatchesRegex("[A-Z][A-Z][A-Z]"));
    EXPECT_EQ(answer.size(), kDemoFields.size());
  }
}

TEST(Dates, NotationsAreThoseOfTheTongue) {
  const Day day{2024, 3, 5};
  EXPECT_EQ(written(day, 0, Tongue::kEnglish), "2024-03-05");
  EXPECT_EQ(written(day, 1, Tongue::kEnglish), "05/03/2024");
  EXPECT_EQ(written(day, 6, Tongue::kEnglish), "05-03-24");
  EXPECT_EQ(written(day, 10, Tongue::kGerman), "5. März 2024");
  EXPECT_EQ(written(day, 10, Tongue::kSpanish), "5 de marzo de 2024");
  EXPECT_EQ(written(day, 15, Tongue::kMalay), "05 MAR 2024");
}

TEST(Dates, LaterIsADayOfTheCalendar) {
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    const Day start = random_day(random);
    const Day end = later(random, start);
    EXPECT_LT(iso(start), iso(end));
    EXPECT_LE(end.day, days_in_month(end.year, end.month)) << iso(end);
  }
  EXPECT_EQ(days_in_month(2024, 2), 29);
  EXPECT_EQ(days_in_month(1900, 2), 28);
}

TEST(Amounts, MarksOfThousandsAndDecimals) {
  EXPECT_EQ(with_marks(123'456'750, Marks::kEnglish), "1,234,567.50");
  EXPECT_EQ(with_marks(123'456'750, Marks::kGerman), "1.234.567,50");
  EXPECT_EQ(with_marks(99'950, Marks::kSwiss), "999.50");
  EXPECT_EQ(with_marks(1'234'567, Marks::kNarrow), "12\u202F345,67");
  EXPECT_EQ(plain(-2), "-0.02");
}

TEST(Text, UpperKnowsAccents) {
  EXPECT_EQ(upper("Größe é÷ñ"), "GRÖßE É÷Ñ");
}

}  // namespace
}  // namespace understudy::examples
