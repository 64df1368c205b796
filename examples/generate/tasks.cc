#include "generate/tasks.h"

#include <algorithm>

#include "base/error.h"
#include "generate/amounts.h"
#include "generate/dates.h"
#include "generate/invoices.h"
#include "generate/names.h"
#include "generate/noise.h"
#include "generate/receipts.h"

namespace understudy::examples {
namespace {

// Learners fail longest at days without a leading zero beside a month in words, and at sums of five digits with a mark
// of thousands. Both are rare where days and sums are drawn evenly, so the tasks draw this share of them on purpose.
constexpr double kPractised = 0.35;

int64_t practice_cents(Random& random) {
  return random.chance(kPractised) ? random_cents(random, 99'999'99, 4'000'00) : random_cents(random);
}

std::string practice_day(Random& random, const Day& day, Tongue tongue) {
  const int notation = day.day < 10 && random.chance(0.5) ? random_spelt_notation(random)
                                                          : static_cast<int>(random.below(kDateNotations));
  return written(day, notation, tongue);
}

std::string random_piece(Random& random) {
  const Tongue tongue = random_tongue(random);
  switch (random.below(11)) {
    case 0:
      return written(random_day(random), random_date_notation(random, tongue), tongue);
    case 1:
      return written(practice_cents(random),
                     {random_marks(random, tongue), random_sign_place(random), &random_currency(random)});
    case 2:
      return reference_code(random);
    case 3:
      return plain(practice_cents(random));
    case 4:
      return article_code(random);
    case 5:
      return upper(made_up_word(random));
    case 6:
      return capital(made_up_word(random));
    case 7:
      return upper(product(random, tongue));
    case 8:
      return phone_number(random, tongue);
    default:
      return made_up_word(random);
  }
}

// A line as papers have them: words, numbers, names, addresses; `most` characters at the most, a whole piece at the
// least.
std::string random_line(Random& random, size_t most) {
  const Tongue tongue = random_tongue(random);
  std::string line;
  const uint64_t kind = random.below(6);
  if (kind == 0)
    line = company(random, tongue).legal;
  else if (kind == 1)
    line = join(address_lines(random, tongue), " ");
  else if (kind == 2)
    line = upper(join(address_lines(random, Tongue::kMalay), " "));
  const auto target = static_cast<size_t>(random.between(8, static_cast<int64_t>(most)));
  while (kind > 2 && line.size() < target) {
    if (!line.empty()) line += random.chance(0.8) ? " " : pick_part(random, ", |,|-|/| : |. | - ");
    line += random_piece(random);
  }
  if (random.chance(0.2)) line = upper(line);
  if (random.chance(0.15)) line = with_noise(random, line, 0.04);
  return line;
}

std::vector<std::string> random_lines(Random& random, int64_t n, size_t most) {
  std::vector<std::string> lines;
  for (int64_t i = 0; i < n; ++i) lines.push_back(random_line(random, most));
  return lines;
}

Row copy(Random& random) {
  const std::string line = random_line(random, 120);
  return {"copy", pick_part(random, "Copy:|Repeat:|Write again:|Same text:") + "\n" + line,
          json_object({{"text", line}})};
}

Row copy_lines(Random& random) {
  const auto lines = random_lines(random, random.between(2, 5), 50);
  if (random.chance(0.5))
    return {"join", pick_part(random, "Join with spaces:|In one line:") + "\n" + join(lines, "\n"),
            json_object({{"text", join(lines, " ")}})};
  return {"join", pick_part(random, "As a list:|JSON list of the lines:") + "\n" + join(lines, "\n"),
          json_object_of_list("lines", lines)};
}

// The fewest words with which line i begins and no other line does; the whole line where there are none such.
std::string opening(const std::vector<std::string>& lines, size_t i) {
  const std::string& line = lines[i];
  for (size_t end = line.find(' '); end != std::string::npos; end = line.find(' ', end + 1)) {
    std::string words = line.substr(0, end);
    const auto same =
        std::count_if(lines.begin(), lines.end(), [&](const auto& other) { return other.starts_with(words); });
    if (same == 1) return words;
  }
  return line;
}

// The lines from one that begins with a given word to one that is given as its neighbour, joined.
Row span(Random& random) {
  const auto lines = random_lines(random, random.between(5, 14), 40);
  const auto first = static_cast<size_t>(random.below(lines.size()));
  const auto last = std::min(lines.size() - 1, first + static_cast<size_t>(random.between(0, 3)));
  const std::vector<std::string> chosen(lines.begin() + static_cast<int64_t>(first),
                                        lines.begin() + static_cast<int64_t>(last) + 1);
  const std::string question =
      join({"From", opening(lines, first), "to", lines[last].substr(lines[last].rfind(' ') + 1)}, " ");
  return {"span", question + ":\n" + join(lines, "\n"), json_object({{"text", join(chosen, " ")}})};
}

Row neighbour(Random& random) {
  const auto lines = random_lines(random, random.between(3, 12), 40);
  const auto at = static_cast<size_t>(random.between(1, static_cast<int64_t>(lines.size()) - 1));
  if (random.chance(0.5))
    return {"neighbour",
            join(lines, "\n") + "\n\nAfter \"" + opening(lines, at - 1) + "\":", json_object({{"line", lines[at]}})};
  return {"neighbour",
          join(lines, "\n") + "\n\nBefore \"" + opening(lines, at) + "\":", json_object({{"line", lines[at - 1]}})};
}

// Which lines hold a word.
Row select_lines(Random& random) {
  auto lines = random_lines(random, random.between(4, 12), 45);
  std::vector<std::string> words;
  std::vector<std::string> found;
  for (int64_t n = random.between(1, 3); n > 0; --n) {
    const std::string word = made_up_word(random);
    std::string& line = lines[random.below(lines.size())];
    if (!words.empty() && line.find(words.back()) != std::string::npos) continue;
    const size_t space = line.find(' ', random.below(line.size()));
    line = space == std::string::npos ? line + " " + word : line.substr(0, space + 1) + word + line.substr(space);
    words.push_back(word);
  }
  for (const std::string& word : words) {
    for (const std::string& line : lines) {
      if (line.find(word) != std::string::npos) {
        found.push_back(line);
        break;
      }
    }
  }
  return {
      "select",
      join({pick_part(random, "Lines with|Which line has|Find"), " ", join(words, ", "), ":\n", join(lines, "\n")}, ""),
      json_object_of_list("lines", found)};
}

std::string random_value(Random& random) {
  switch (random.below(6)) {
    case 0:
      return random_line(random, 60);
    case 1:
      return company(random, random_tongue(random)).legal;
    case 2:
      return join({random_piece(random), random_piece(random)}, " ");
    default:
      return random_piece(random);
  }
}

Row look_up(Random& random, int64_t least, int64_t most, size_t characters) {
  const std::string separator = pick_part(random, ": |: | = | - |: | -> |\t| : |=|:| ");
  std::vector<std::string> keys;
  std::vector<std::string> values;
  std::vector<std::string> lines;
  size_t length = 0;
  for (int64_t n = random.between(least, most); n > 0 && length < characters; --n) {
    std::string key = made_up_word(random);
    if (random.chance(0.2))
      key = upper(key);
    else if (random.chance(0.3))
      key = capital(key);
    if (random.chance(0.2)) key += random.chance(0.5) ? " " + made_up_word(random) : " no.";
    keys.push_back(key);
    values.push_back(random_value(random));
    lines.push_back(join({key, separator, values.back()}, ""));
    length += lines.back().size();
    if (random.chance(0.1)) lines.push_back(random_line(random, 40));
  }
  std::vector<std::pair<std::string, std::string>> members;
  std::vector<std::string> asked;
  for (int64_t n = random.between(1, 5); n > 0; --n) {
    const size_t i = random.below(keys.size());
    if (std::find(asked.begin(), asked.end(), keys[i]) != asked.end()) continue;
    asked.push_back(keys[i]);
    members.emplace_back(keys[i], values[i]);
  }
  const std::string question = join(asked, ", ");
  const std::string body = join(lines, "\n");
  return {"look-up", random.chance(0.5) ? "Look up " + question + ":\n" + body : body + "\n\nLook up " + question + ":",
          json_object(members)};
}

Row dates(Random& random) {
  std::vector<std::string> lines;
  std::vector<std::string> answers;
  for (int64_t n = random.between(1, 6); n > 0; --n) {
    const Tongue tongue = random_tongue(random);
    const Day day = random.chance(kPractised) ? early_day(random) : random_day(random);
    std::string line = practice_day(random, day, tongue);
    if (random.chance(0.3)) line = upper(line);
    if (random.chance(0.25))
      line = pick_part(random, labels(Field::kDate, tongue)) + pick_part(random, ": | : | ") + line;
    if (random.chance(0.15)) line += " " + random_time(random);
    lines.push_back(line);
    answers.push_back(iso(day));
  }
  return {"dates", pick_part(random, "Dates:|ISO dates:|Days:") + "\n" + join(lines, "\n"),
          json_object_of_list("dates", answers)};
}

Row currencies(Random& random) {
  std::vector<std::string> lines;
  std::vector<std::string> answers;
  for (int64_t n = random.between(2, 8); n > 0; --n) {
    const Currency& currency = random_currency(random);
    std::string line = written(practice_cents(random),
                               {static_cast<Marks>(random.below(kMarks)), random_sign_place(random), &currency});
    if (random.chance(0.2)) line = pick_part(random, labels(Field::kTotal, random_tongue(random))) + ": " + line;
    lines.push_back(line);
    answers.emplace_back(currency.code);
  }
  return {"currency", pick_part(random, "Currencies:|Codes:|Which money:") + "\n" + join(lines, "\n"),
          json_object_of_list("codes", answers)};
}

Row amounts(Random& random) {
  std::vector<std::string> lines;
  std::vector<std::string> answers;
  for (int64_t n = random.between(2, 7); n > 0; --n) {
    const int64_t cents = practice_cents(random);
    std::string line = written(cents, {static_cast<Marks>(random.below(kMarks)),
                                       static_cast<SignPlace>(random.below(6)), &random_currency(random)});
    if (random.chance(0.2)) line = pick_part(random, labels(Field::kTotal, random_tongue(random))) + ": " + line;
    lines.push_back(line);
    answers.push_back(plain(cents));
  }
  return {"amounts", pick_part(random, "Amounts:|Plain amounts:|Numbers:") + "\n" + join(lines, "\n"),
          json_object_of_list("amounts", answers)};
}

Row invoice(Random& random, bool as_written) {
  const Document document =
      write_paper(random, random.pick(pretraining_layouts()), {.early_days = 0.2, .large_sums = 0.2});
  return ask(random, document, as_written ? "invoice-copy" : "invoice", as_written, 6);
}

// Receipts that would not fit 1,024 tokens with their answer are drawn again.
Document short_receipt(Random& random) {
  for (;;) {
    Document document = write_receipt(random);
    if (document.text().size() < 1200) return document;
  }
}

struct Task {
  std::string_view name;
  Row (*make)(Random&);
  double early;  // share at the beginning of the file
  double late;   // share from a quarter of it on
};

constexpr Task kTasks[] = {
    {"copy", [](Random& r) { return copy(r); }, 0.34, 0.05},
    {"join", [](Random& r) { return copy_lines(r); }, 0.10, 0.03},
    {"neighbour", [](Random& r) { return neighbour(r); }, 0.04, 0.02},
    {"select", [](Random& r) { return select_lines(r); }, 0.06, 0.02},
    {"span", [](Random& r) { return span(r); }, 0.04, 0.03},
    {"look-up", [](Random& r) { return look_up(r, 2, 8, 300); }, 0.16, 0.06},
    {"look-up-long", [](Random& r) { return look_up(r, 8, 22, 700); }, 0.04, 0.05},
    {"dates", [](Random& r) { return dates(r); }, 0.05, 0.18},
    {"currency", [](Random& r) { return currencies(r); }, 0.03, 0.06},
    {"amounts", [](Random& r) { return amounts(r); }, 0.03, 0.10},
    {"invoice", [](Random& r) { return invoice(r, false); }, 0.05, 0.26},
    {"invoice-copy", [](Random& r) { return invoice(r, true); }, 0.02, 0.05},
    {"receipt", [](Random& r) { return receipt_without_question(short_receipt(r)); }, 0.02, 0.06},
    {"receipt-asked", [](Random& r) { return ask(r, short_receipt(r), "receipt-asked", true, 6); }, 0.01, 0.04},
    {"receipt-plain", [](Random& r) { return ask(r, short_receipt(r), "receipt-plain", false, 6); }, 0.01, 0.02},
};

Row mixed_row(Random& random, double lateness) {
  double total = 0;
  for (const Task& task : kTasks) total += task.early + (task.late - task.early) * lateness;
  double left = random.uniform() * total;
  for (const Task& task : kTasks) {
    left -= task.early + (task.late - task.early) * lateness;
    if (left < 0) return pretraining_task(random, task.name);
  }
  return pretraining_task(random, kTasks[0].name);
}

}  // namespace

std::vector<std::string_view> task_names() {
  std::vector<std::string_view> names;
  for (const Task& task : kTasks) names.push_back(task.name);
  return names;
}

Row pretraining_task(Random& random, std::string_view name) {
  for (const Task& task : kTasks) {
    if (task.name != name) continue;
    Row row = task.make(random);
    row.task = task.name;
    return row;
  }
  throw Error(ErrorCode::kUsage, "no task is named \"" + std::string(name) + "\"",
              "`understudy-examples tasks` lists them");
}

Row pretraining_row(uint64_t seed, uint64_t index, uint64_t rows) {
  Random random(seed, kPretrainingStreams + index);
  const double progress = static_cast<double>(index) / static_cast<double>(std::max<uint64_t>(rows, 1));
  return mixed_row(random, std::min(1.0, progress * 4));
}

Row pretraining_check_row(uint64_t seed, uint64_t index) {
  Random random(seed, kPretrainingCheckStreams + index);
  return mixed_row(random, 1.0);
}

Row demo_example(uint64_t seed, DemoSplit split, uint64_t index) {
  Random random(seed, (split == DemoSplit::kTrain ? kDemoTrainStreams : kDemoTestStreams) + index);
  return demo_row(write_paper(random, random.pick(demo_layouts())));
}

}  // namespace understudy::examples
