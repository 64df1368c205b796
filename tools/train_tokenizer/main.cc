// `train-tokenizer ROWS.jsonl --vocabulary N --out DIR`: learns a byte-level BPE of N tokens (256 bytes, merges,
// special tokens) from the input and output texts of rows, and writes the tokenizer's files into DIR. The same rows
// give the same files. One thread.
#include <charconv>
#include <iostream>
#include <map>
#include <string>
#include <unordered_map>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "train_tokenizer/byte_pairs.h"
#include "train_tokenizer/splitter.h"
#include "train_tokenizer/tokenizer_files.h"

namespace understudy::tokenizer {
namespace {

constexpr const char* kUsage = "train-tokenizer ROWS.jsonl --vocabulary 2048 --out DIR";

struct Options {
  std::string rows;
  int vocabulary = 2048;
  std::string out;
};

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    if (word == "--out") {
      options.out = value;
      ++i;
    } else if (word == "--vocabulary") {
      std::from_chars(value.data(), value.data() + value.size(), options.vocabulary);
      ++i;
    } else {
      options.rows = word;
    }
  }
  const bool complete = !options.rows.empty() && !options.out.empty();
  if (!complete || options.vocabulary < 256 + kSpecialTokens)
    throw Error(ErrorCode::kUsage, "expected rows, a vocabulary of at least 264, a folder", kUsage);
  return options;
}

std::vector<Piece> count_pieces(const std::string& path) {
  const std::string text = read_file(path);
  const Splitter splitter;
  std::map<std::string, int64_t> counts;  // in order, so that the result does not hang on a hash
  int line_number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string where = path + ":" + std::to_string(++line_number);
    const Json row = parse_json(std::string_view(text).substr(at, end - at), where);
    for (const char* key : {"input", "output"}) {
      if (!row.is_object() || !row.contains(key) || !row[key].is_string()) {
        throw Error(ErrorCode::kInvalidInput, where + ": " + key + ": expected text",
                    "rows are {\"input\", \"output\"}");
      }
      for (const std::string_view piece : splitter.split(row[key].get_ref<const std::string&>()))
        ++counts[std::string(piece)];
    }
    at = end + 1;
  }
  std::vector<Piece> pieces;
  for (const auto& [piece, count] : counts) pieces.push_back({piece, count});
  return pieces;
}

void run(const Options& options) {
  const std::vector<Piece> pieces = count_pieces(options.rows);
  const int wanted = options.vocabulary - 256 - kSpecialTokens;
  const std::vector<Merge> merges = learn_merges(pieces, wanted);
  if (static_cast<int>(merges.size()) < wanted) {
    throw Error(ErrorCode::kInvalidInput, options.rows + ": too little text for so many tokens",
                "add rows, or lower --vocabulary");
  }
  write_tokenizer_files(options.out, merges);
  std::cerr << pieces.size() << " different pieces, " << merges.size() << " merges, written to " << options.out << '\n';
}

}  // namespace
}  // namespace understudy::tokenizer

int main(int argc, char** argv) {
  try {
    understudy::tokenizer::run(understudy::tokenizer::read_options(argc, argv));
    return 0;
  } catch (const understudy::Error& error) {
    std::cerr << "train-tokenizer: " << error.message() << '\n';
    if (!error.hint().empty()) std::cerr << "  " << error.hint() << '\n';
    return understudy::exit_status(error.code());
  }
}
