// One record of a dataset: what comes in, and the right answer. A plain value, and its forms as a line of JSONL.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "chat/conversation.h"

namespace understudy {

struct Example {
  std::string id;
  std::string input;                           // the text of all user messages, or the row's own
  std::vector<Message> messages;               // the conversation up to the answer, where the row was chat; else empty
  std::string output;                          // the right answer as text
  std::map<std::string, std::string> columns;  // the row's other scalar columns, as text: group, language, ...
  int line = 0;                                // where it stood in its file
};

// {"id", "input", "output"} with `input` a text or a list of OpenAI chat messages, or {"messages": [...]} that ends
// with the assistant's answer. A row without `id` is called by its line number. `where` begins errors: "test.jsonl:14".
Example example_from_json(const Json& row, const std::string& where, int line);

// A JSONL file; blank lines are skipped. Throws kInvalidInput with file, line and field for a line that is no JSON, a
// field that is missing or of another type, and an id that stands twice. Reads at most `limit` rows (0: all).
std::vector<Example> read_examples(const std::filesystem::path& path, size_t limit = 0);

}  // namespace understudy
