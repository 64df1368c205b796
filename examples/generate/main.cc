// `understudy-examples`: writes the data of the examples. Rows go to standard output, one JSON object a line; the same
// arguments give the same bytes from programs of one compiler. One thread.
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "generate/invoices.h"
#include "generate/tasks.h"
#include "receipts/commands.h"
#include "traffic/instructions.h"
#include "traffic/send.h"
#include "traffic/teacher.h"

namespace understudy::examples {
namespace {

constexpr std::string_view kHelp =
    R"(understudy-examples COMMAND [--rows N] [--seed S] ...

  pretrain --rows N --seed S             rows of the seedling's pre-training, in the order in which they are to be learnt
           [--longest N]                 only copies, look-ups and neighbours of at most N bytes (question and answer), the shortest first
  check    --rows N --seed S [--task T]  rows to measure pre-training on, never drawn by `pretrain`; of one task where it is named
  tasks                                  the names of the tasks
  invoices --rows N --seed S --split train|test   the demo's invoices, of layouts and with field names that pre-training has not

  split    --data ROWS --train FILE --test FILE [--percent 20]   labelled receipts in two, look-alikes together
  instructions                           the prompt of 2,000 tokens that the demo's application sends along
  teacher  --data ROWS --listen HOST:PORT   a stand-in for a rented model: OpenAI's chat completions, answers from the rows
  send     --data ROWS --to URL --model M [--task T] [--instructions FILE] [--parallel 4] [--skip 0] [--limit 0]
                                         asks for every row as an application would, and counts; exit status 1 where a request failed

  baseline --data ROWS                   what rules answer for receipts, {"id", "answer"} a line, for `understudy eval --answers`

A row is {"id", "task", "input", "output"}. Example:
  understudy-examples invoices --rows 1000 --seed 1 --split train > train.jsonl
)";

class Arguments {
 public:
  Arguments(int argc, char** argv) {
    for (int i = 2; i < argc; i += 2) {
      const std::string name = argv[i];
      if (!name.starts_with("--") || i + 1 >= argc) {
        throw Error(ErrorCode::kUsage, "expected --name value, got \"" + name + "\"", "`understudy-examples --help`");
      }
      values_[name.substr(2)] = argv[i + 1];
    }
  }
  std::string text(const std::string& name, const std::string& otherwise) {
    const auto found = values_.find(name);
    std::string value = found == values_.end() ? otherwise : found->second;
    if (found != values_.end()) values_.erase(found);
    return value;
  }
  std::string needed(const std::string& name) {
    std::string value = text(name, "");
    if (value.empty()) throw Error(ErrorCode::kUsage, "--" + name + " is missing", "`understudy-examples --help`");
    return value;
  }
  uint64_t number(const std::string& name, uint64_t otherwise) {
    const std::string value = text(name, std::to_string(otherwise));
    uint64_t result = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (error != std::errc() || end != value.data() + value.size()) {
      throw Error(ErrorCode::kUsage, fmt::format("--{}: expected a whole number, got \"{}\"", name, value), "");
    }
    return result;
  }
  void expect_all_used() const {
    if (!values_.empty())
      throw Error(ErrorCode::kUsage, "unknown flag --" + values_.begin()->first, "`understudy-examples --help`");
  }

 private:
  std::map<std::string, std::string> values_;
};

void print(const Row& row, const std::string& id) {
  std::cout << jsonl_line(row, id) << '\n';
}

// Copying is what every other skill rests on, and it comes far sooner from short rows alone (examples/seedling.yml has
// the figures).
void write_short_rows(uint64_t rows, uint64_t seed, uint64_t longest) {
  std::vector<std::pair<size_t, uint64_t>> sizes;  // bytes, index
  for (uint64_t i = 0; i < rows; ++i) {
    const Row row = pretraining_row(seed, i, rows);
    const size_t bytes = row.input.size() + row.output.size();
    const bool is_first_skill = row.task == "copy" || row.task == "look-up" || row.task == "neighbour";
    if (is_first_skill && bytes <= longest) sizes.emplace_back(bytes, i);
  }
  std::stable_sort(sizes.begin(), sizes.end());
  for (const auto& [bytes, i] : sizes) print(pretraining_row(seed, i, rows), fmt::format("s{}-{}", seed, i));
}

void write_pretraining(Arguments& arguments) {
  const uint64_t rows = arguments.number("rows", 1000);
  const uint64_t seed = arguments.number("seed", 1);
  const uint64_t longest = arguments.number("longest", 0);
  arguments.expect_all_used();
  if (longest > 0) return write_short_rows(rows, seed, longest);
  for (uint64_t i = 0; i < rows; ++i) print(pretraining_row(seed, i, rows), fmt::format("p{}-{}", seed, i));
}

void write_check(Arguments& arguments) {
  const uint64_t rows = arguments.number("rows", 200);
  const uint64_t seed = arguments.number("seed", 1);
  const std::string task = arguments.text("task", "");
  arguments.expect_all_used();
  for (uint64_t i = 0; i < rows; ++i) {
    Random random(seed, kPretrainingCheckStreams + i);
    print(task.empty() ? pretraining_check_row(seed, i) : pretraining_task(random, task),
          fmt::format("c{}-{}", seed, i));
  }
}

void write_invoices(Arguments& arguments) {
  const uint64_t rows = arguments.number("rows", 1000);
  const uint64_t seed = arguments.number("seed", 1);
  const std::string split = arguments.text("split", "train");
  arguments.expect_all_used();
  if (split != "train" && split != "test")
    throw Error(ErrorCode::kUsage, "--split: expected train or test, got \"" + split + "\"", "");
  for (uint64_t i = 0; i < rows; ++i) {
    print(demo_example(seed, split == "train" ? DemoSplit::kTrain : DemoSplit::kTest, i),
          fmt::format("{}{}-{}", split, seed, i));
  }
}

void split(Arguments& arguments) {
  const SplitPaths paths{arguments.needed("data"), arguments.needed("train"), arguments.needed("test")};
  const uint64_t percent = arguments.number("percent", 20);
  arguments.expect_all_used();
  if (percent > 100) throw Error(ErrorCode::kUsage, "--percent: expected 0 to 100", "");
  split_receipts(paths, static_cast<int>(percent), std::cerr);
}

void answer_by_rules(Arguments& arguments) {
  const std::string data = arguments.needed("data");
  arguments.expect_all_used();
  answer_receipts_by_rules(data, std::cout);
}

void teach(Arguments& arguments) {
  const std::string data = arguments.needed("data");
  const std::string listen = arguments.text("listen", "127.0.0.1:0");
  arguments.expect_all_used();
  serve_teacher(data, listen, interrupt_token());
}

int send(Arguments& arguments) {
  SendOptions options;
  options.rows = arguments.needed("data");
  options.to = arguments.needed("to");
  options.model = arguments.needed("model");
  options.task = arguments.text("task", "");
  if (const std::string file = arguments.text("instructions", ""); !file.empty())
    options.instructions = read_file(file);
  options.parallel = static_cast<int>(arguments.number("parallel", 4));
  options.skip = static_cast<int64_t>(arguments.number("skip", 0));
  options.limit = static_cast<int64_t>(arguments.number("limit", 0));
  arguments.expect_all_used();
  if (options.parallel < 1 || options.parallel > 256) {
    throw Error(ErrorCode::kUsage, "--parallel: expected 1 to 256", "");
  }
  const SendReport report = send_rows(options);
  std::cout << fmt::format("{} answered, {} failed, {} as labelled", report.answered, report.failed, report.right);
  for (const auto& [provider, count] : report.answered_by) std::cout << fmt::format("; {} by {}", count, provider);
  std::cout << '\n';
  if (report.failed == 0) return 0;
  std::cerr << "the first failure: " << report.first_failure << '\n';
  return 1;
}

int run(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "--help";
  if (command == "--help" || command == "-h") {
    std::cout << kHelp;
    return 0;
  }
  Arguments arguments(argc, argv);
  if (command == "pretrain")
    write_pretraining(arguments);
  else if (command == "check")
    write_check(arguments);
  else if (command == "invoices")
    write_invoices(arguments);
  else if (command == "split")
    split(arguments);
  else if (command == "baseline")
    answer_by_rules(arguments);
  else if (command == "instructions")
    std::cout << invoice_instructions();
  else if (command == "teacher")
    teach(arguments);
  else if (command == "send")
    return send(arguments);
  else if (command == "tasks") {
    for (const std::string_view name : task_names()) std::cout << name << '\n';
  } else {
    throw Error(ErrorCode::kUsage, "unknown command \"" + command + "\"", "`understudy-examples --help`");
  }
  std::cout.flush();
  if (!std::cout) throw Error(ErrorCode::kIo, "standard output cannot be written", "");
  return 0;
}

}  // namespace
}  // namespace understudy::examples

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  try {
    return understudy::examples::run(argc, argv);
  } catch (const understudy::Error& error) {
    std::cerr << "understudy-examples: " << error.message() << '\n';
    if (!error.hint().empty()) std::cerr << "  " << error.hint() << '\n';
    return understudy::exit_status(error.code());
  }
}
