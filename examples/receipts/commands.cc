#include "receipts/commands.h"

#include <algorithm>
#include <map>
#include <ostream>
#include <set>

#include "base/files.h"
#include "base/json.h"
#include "generate/questions.h"
#include "receipts/look_alikes.h"
#include "receipts/rules.h"
#include "rows.h"

namespace understudy::examples {
namespace {

// The smallest id of each row's group.
std::vector<std::string> group_names(const std::vector<LabelledRow>& rows) {
  std::vector<std::string> texts;
  texts.reserve(rows.size());
  for (const LabelledRow& row : rows) texts.push_back(row.input);
  const std::vector<size_t> roots = group_look_alikes(texts);
  std::map<size_t, std::string> smallest;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto [at, fresh] = smallest.emplace(roots[i], rows[i].id);
    if (!fresh) at->second = std::min(at->second, rows[i].id);
  }
  std::vector<std::string> names;
  names.reserve(roots.size());
  for (const size_t root : roots) names.push_back(smallest[root]);
  return names;
}

}  // namespace

void split_receipts(const SplitPaths& paths, int percent, std::ostream& report) {
  const std::vector<LabelledRow> rows = read_rows(paths.data);
  const std::vector<std::string> groups = group_names(rows);
  std::string train;
  std::string test;
  size_t n_test = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Json line = {{"id", rows[i].id}, {"group", groups[i]}, {"input", rows[i].input}, {"output", rows[i].output}};
    const bool out = held_out(groups[i], percent);
    n_test += out ? 1 : 0;
    (out ? test : train) += dump_json(line) + "\n";
  }
  write_file_atomically(paths.train, train);
  write_file_atomically(paths.test, test);
  report << rows.size() << " rows in " << std::set<std::string>(groups.begin(), groups.end()).size()
         << " groups: " << rows.size() - n_test << " to train on, " << n_test << " held out\n";
}

void answer_receipts_by_rules(const std::filesystem::path& data, std::ostream& answers) {
  for (const LabelledRow& row : read_rows(data)) {
    const ReceiptFields fields = read_receipt_by_rules(row.input);
    const std::string answer = json_object(
        {{"company", fields.company}, {"date", fields.date}, {"address", fields.address}, {"total", fields.total}});
    answers << dump_json(Json{{"id", row.id}, {"answer", answer}}) << '\n';
  }
}

}  // namespace understudy::examples
