#include "engine/training/training_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <iterator>
#include <numeric>
#include <span>
#include <thread>
#include <unordered_map>

#include "base/hash.h"
#include "base/json.h"
#include "base/random.h"
#include "engine/training/dataset_source.h"
#include "engine/training/example_types.h"

namespace understudy {

namespace {

constexpr size_t kRowsPerTask = 256;
constexpr size_t kVerifiedRows = 8;              // of each entry, by the template check
constexpr uint64_t kMergeStream = 0x6D65726765;  // "merge": the order before the split

// Rows into examples, in chunks that threads take one after the other; the chunks' results are joined in the rows'
// order.
class ParallelTokenising {
 public:
  ParallelTokenising(const DatasetSource& source, const ExampleType& type, int32_t first_file)
      : source_(source),
        type_(type),
        first_file_(first_file),
        chunks_((source.size() + kRowsPerTask - 1) / kRowsPerTask) {}

  void run(ExampleSet& set, ExampleCounts& counts) {
    std::vector<std::thread> threads;
    const size_t n_threads = std::min<size_t>(std::max(1U, std::thread::hardware_concurrency()), chunks_.size());
    for (size_t i = 1; i < n_threads; ++i) threads.emplace_back([this] { work(); });
    work();
    for (std::thread& thread : threads) thread.join();
    for (Chunk& chunk : chunks_) {
      if (chunk.fault) std::rethrow_exception(chunk.fault);
      set.append(chunk.set);
      counts += chunk.counts;
      chunk.set = ExampleSet();
    }
  }

 private:
  struct Chunk {
    ExampleSet set;
    ExampleCounts counts;
    std::exception_ptr fault;
  };

  void work() {
    for (size_t i = next_++; i < chunks_.size() && !failed_; i = next_++) tokenise(i);
  }

  void tokenise(size_t index) {
    Chunk& chunk = chunks_[index];
    try {
      const size_t end = std::min((index + 1) * kRowsPerTask, source_.size());
      for (size_t row = index * kRowsPerTask; row < end; ++row) {
        const ExampleOrigin origin = {first_file_ + source_.file(row), source_.line(row)};
        type_.add(source_.parse(row), source_.where(row), origin, chunk.set, chunk.counts);
      }
    } catch (...) {
      chunk.fault = std::current_exception();
      failed_ = true;  // earlier chunks were all taken before, so the first fault of the file is among those that are
                       // reported
    }
  }

  const DatasetSource& source_;
  const ExampleType& type_;
  const int32_t first_file_;
  std::vector<Chunk> chunks_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> failed_{false};
};

std::string text_of(const Tokenizer& tokenizer, std::optional<TokenId> id) {
  return id ? tokenizer.token_of(*id) : std::string();
}

LengthQuantiles quantiles(std::vector<int64_t> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto at = [&values](double share) {  // the smallest value that at least that share does not exceed
    const double rank = std::ceil(share * static_cast<double>(values.size()));
    return values[static_cast<size_t>(std::max(rank, 1.0)) - 1];
  };
  return {at(0.5), at(0.95), at(0.995)};
}

class Loader {
 public:
  Loader(const TrainConfig& config, std::shared_ptr<const Tokenizer> tokenizer, const DataOptions& options)
      : config_(config), tokenizer_(std::move(tokenizer)), options_(options) {}

  TrainingData load() {
    make_context();
    std::vector<int32_t> train = load_entries(config_.datasets, true);
    std::vector<int32_t> test = load_entries(config_.test_datasets, false);
    check_stops();
    filter(train);
    filter(test);
    if (config_.exact_deduplication) drop_equal(train);
    split(std::move(train), std::move(test));
    check_targets();
    measure();
    data_.turn_ends = context_.turn_ends;
    data_.eos = context_.eos;
    data_.chat_template = context_.chat_template;
    return std::move(data_);
  }

 private:
  // --- what the types need

  void make_context() {
    const Tokenizer& tokenizer = *tokenizer_;
    context_.tokenizer = tokenizer_;
    context_.eos = tokenizer.eos();
    if (config_.special_tokens.eos) context_.eos = known_token(*config_.special_tokens.eos, "special_tokens.eos_token");
    context_.eos_text = text_of(tokenizer, context_.eos);
    context_.turn_ends = tokenizer.stop_tokens();
    if (context_.eos) add_turn_end(*context_.eos);
    for (const std::string& token : config_.eot_tokens) add_turn_end(known_token(token, "eot_tokens"));
    for (const auto& [token, key] : {std::pair{config_.special_tokens.bos, "special_tokens.bos_token"},
                                     std::pair{config_.special_tokens.unk, "special_tokens.unk_token"}}) {
      if (token) known_token(*token, key);
    }
    for (const std::string& token : config_.special_tokens.additional)
      known_token(token, "special_tokens.additional_special_tokens");
    check_bos();
    context_.train_on_inputs = config_.train_on_inputs;
    context_.sequence_len = config_.sequence_len;
    context_.template_variables =
        config_.chat_template_kwargs.is_null() ? Json() : config_.chat_template_kwargs.to_json();
    context_.chat_template =
        choose_template(config_.chat_template, config_.chat_template_jinja, config_.source.file(), tokenizer);
  }

  TokenId known_token(const std::string& token, std::string_view key) const {
    const std::optional<TokenId> id = tokenizer_->id_of(token);
    if (!id) {
      throw config_.source.error(fmt::format("{}: \"{}\" is not in the vocabulary, which cannot grow", key, token),
                                 "name a token that the tokenizer has");
    }
    return *id;
  }

  void check_bos() const {
    if (!config_.special_tokens.bos || tokenizer_->id_of(*config_.special_tokens.bos) == tokenizer_->bos()) return;
    throw config_.source.error("special_tokens.bos_token: another BOS than the tokenizer's is not supported",
                               "take it out");
  }

  void add_turn_end(TokenId id) {
    auto& ends = context_.turn_ends;
    if (std::find(ends.begin(), ends.end(), id) == ends.end()) ends.push_back(id);
  }

  // --- reading

  std::vector<int32_t> load_entries(const std::vector<DatasetConfig>& entries, bool are_trained) {
    const int64_t first = data_.examples.size();
    std::vector<std::pair<std::string, std::string>> hashes;
    for (const DatasetConfig& entry : entries) {
      check_turn_end_rules(entry);
      const DatasetSource source(entry);
      const std::unique_ptr<ExampleType> type = make_example_type(entry, context_);
      for (size_t row = 0; row < std::min(kVerifiedRows, source.size()); ++row)
        type->verify(source.parse(row), source.where(row));
      ParallelTokenising(source, *type, static_cast<int32_t>(data_.files.size())).run(data_.examples, counts_);
      for (const auto& file : source.files()) {
        data_.files.push_back(file.string());
        if (are_trained) hashes.emplace_back(sha256_hex_of_file(file), file.filename().string());
      }
      if (are_trained) data_.rows += static_cast<int64_t>(source.size());
    }
    if (are_trained) data_.sha256 = joined_hash(hashes);
    std::vector<int32_t> numbers(static_cast<size_t>(data_.examples.size() - first));
    std::iota(numbers.begin(), numbers.end(), static_cast<int32_t>(first));
    return numbers;
  }

  // Two rules for one token cannot both hold.
  void check_turn_end_rules(const DatasetConfig& entry) const {
    const bool eos_is_eot =
        std::find(config_.eot_tokens.begin(), config_.eot_tokens.end(), context_.eos_text) != config_.eot_tokens.end();
    if (!eos_is_eot || !entry.train_on_eot || *entry.train_on_eot == entry.train_on_eos) return;
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: train_on_eos and train_on_eot differ, but eot_tokens holds the EOS {}", entry.where,
                            context_.eos_text));
  }

  static std::string joined_hash(const std::vector<std::pair<std::string, std::string>>& hashes) {
    if (hashes.size() == 1) return hashes.front().first;
    std::string lines;
    for (const auto& [hash, name] : hashes) lines += hash + "  " + name + "\n";
    return sha256_hex(lines);
  }

  void check_stops() {
    const int64_t missing = counts_.trained_turns - counts_.turns_with_stop;
    if (missing == 0) return;
    const std::string message = fmt::format(
        "{} of {} trained turns do not end in a token that stops generation: the model would never "
        "learn to stop",
        missing, counts_.trained_turns);
    if (!options_.allow_no_stop) {
      throw config_.source.error(
          message, "name the template's turn end: eot_tokens: [\"<|im_end|>\"]; or go on with --allow_no_stop");
    }
    data_.notices.push_back("warning: " + message);
  }

  // --- choosing

  void filter(std::vector<int32_t>& numbers) {
    std::vector<int32_t> kept;
    for (const int32_t i : numbers) {
      const int64_t length = data_.examples.length(i);
      if (length > config_.sequence_len) {
        handle_long(i, kept);
      } else if (length < config_.min_sample_len) {
        ++data_.dropped_short;
      } else {
        kept.push_back(i);
      }
    }
    numbers = std::move(kept);
  }

  void handle_long(int32_t i, std::vector<int32_t>& kept) {
    if (config_.long_examples == LongExamples::kRaise) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: {} tokens, more than sequence_len {}", data_.where(i), data_.examples.length(i),
                              config_.sequence_len),
                  "raise sequence_len, or write excess_length_strategy: drop");
    }
    ++data_.dropped_long;
    if (config_.long_examples == LongExamples::kDrop) return;
    const size_t n = static_cast<size_t>(config_.sequence_len);
    const std::vector<int32_t> ids(data_.examples.ids(i).begin(),
                                   data_.examples.ids(i).begin() + static_cast<std::ptrdiff_t>(n));
    const std::vector<uint8_t> marks(data_.examples.trained(i).begin(),
                                     data_.examples.trained(i).begin() + static_cast<std::ptrdiff_t>(n));
    kept.push_back(static_cast<int32_t>(data_.examples.size()));
    data_.examples.add(ids, marks, data_.examples.origin(i));
  }

  void drop_equal(std::vector<int32_t>& numbers) {
    std::unordered_multimap<size_t, int32_t> seen;
    std::vector<int32_t> kept;
    for (const int32_t i : numbers) {
      const auto ids = data_.examples.ids(i);
      const size_t hash = std::hash<std::string_view>()({reinterpret_cast<const char*>(ids.data()), ids.size_bytes()});
      const auto [begin, end] = seen.equal_range(hash);
      const bool is_known = std::any_of(begin, end, [&](const auto& other) { return are_equal(i, other.second); });
      if (is_known) {
        ++data_.dropped_equal;
        continue;
      }
      seen.emplace(hash, i);
      kept.push_back(i);
    }
    numbers = std::move(kept);
  }

  bool are_equal(int32_t a, int32_t b) const {
    const ExampleSet& set = data_.examples;
    return std::ranges::equal(set.ids(a), set.ids(b)) && std::ranges::equal(set.trained(a), set.trained(b));
  }

  void split(std::vector<int32_t> train, std::vector<int32_t> test) {
    if (train.empty()) throw nothing_left();
    if (!config_.test_datasets.empty() && test.empty())
      throw config_.source.error("no example of test_datasets is left to evaluate on");
    if (!config_.curriculum_sampling && config_.shuffle_merged_datasets) {
      Random(config_.seed, kMergeStream).shuffle(std::span(train));
    }
    const double size = config_.val_set_size;
    const size_t n = static_cast<size_t>(size > 1 ? size : std::ceil(size * static_cast<double>(train.size())));
    if (n >= train.size()) {
      throw config_.source.error(
          fmt::format("val_set_size: {} of {} examples would leave none to train on", n, train.size()));
    }
    data_.validation.assign(train.end() - static_cast<std::ptrdiff_t>(n), train.end());
    train.resize(train.size() - n);
    data_.validation.insert(data_.validation.end(), test.begin(), test.end());
    data_.train = std::move(train);
  }

  [[nodiscard]] Error nothing_left() const {
    int64_t shortest = 0;
    for (int64_t i = 0; i < data_.examples.size(); ++i) {
      if (shortest == 0 || data_.examples.length(i) < shortest) shortest = data_.examples.length(i);
    }
    if (data_.dropped_long > 0) {
      return config_.source.error(
          fmt::format("no example is left: {} of {} are longer than sequence_len {} (the shortest has {} tokens)",
                      data_.dropped_long, data_.examples.size(), config_.sequence_len, shortest),
          fmt::format("write sequence_len: {} or more, or excess_length_strategy: truncate", shortest));
    }
    return config_.source.error(
        fmt::format("no example is left: all are shorter than min_sample_len {}", config_.min_sample_len));
  }

  // An example without a target would be paid for and teach nothing; most often it is a sign of a wrong role or field.
  void check_targets() const {
    std::vector<int32_t> empty;  // in the file's order
    for (const std::vector<int32_t>* list : {&data_.train, &data_.validation}) {
      std::copy_if(list->begin(), list->end(), std::back_inserter(empty),
                   [&](int32_t i) { return data_.examples.targets(i) == 0; });
    }
    if (empty.empty()) return;
    std::sort(empty.begin(), empty.end());
    std::string lines;
    for (const int32_t i : std::span(empty).first(std::min<size_t>(10, empty.size()))) {
      lines += fmt::format("\n  {}: {} tokens, {}", data_.where(i), data_.examples.length(i), why_no_target(i));
    }
    const size_t n = empty.size();
    throw config_.source.error(
        fmt::format("{} examples have no target token, nothing in them can be learnt:{}", n, lines),
        "check roles_to_train, the labels, message_field_training and sequence_len");
  }

  std::string why_no_target(int32_t i) const {
    if (config_.long_examples == LongExamples::kTruncate && data_.examples.length(i) == config_.sequence_len) {
      return "its answer was cut off at sequence_len";
    }
    return "no turn of a trained role and no trained label in it";
  }

  void measure() {
    std::vector<int64_t> prompts;
    std::vector<int64_t> answers;
    for (const int32_t i : data_.train) {
      answers.push_back(data_.examples.targets(i));
      prompts.push_back(data_.examples.length(i) - data_.examples.targets(i));
    }
    data_.prompt_tokens = quantiles(std::move(prompts));
    data_.answer_tokens = quantiles(std::move(answers));
  }

  const TrainConfig& config_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  DataOptions options_;
  ExampleContext context_;
  ExampleCounts counts_;
  TrainingData data_;
};

}  // namespace

std::string TrainingData::where(int64_t example) const {
  const ExampleOrigin origin = examples.origin(example);
  return fmt::format("{}:{}", files[static_cast<size_t>(origin.file)], origin.line);
}

TrainingData load_training_data(const TrainConfig& config, const std::shared_ptr<const Tokenizer>& tokenizer,
                                const DataOptions& options) {
  return Loader(config, tokenizer, options).load();
}

}  // namespace understudy
