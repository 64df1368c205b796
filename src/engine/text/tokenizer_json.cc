#include "engine/text/tokenizer_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "engine/text/json_fields.h"

namespace understudy {

namespace {

using IdOf = std::unordered_map<std::string_view, TokenId>;

constexpr uint64_t kFileLimit = UINT64_C(512) << 20;

[[noreturn]] void refuse(std::string_view where, std::string message) {
  throw Error(ErrorCode::kInvalidInput, fmt::format("{}: {}", where, message));
}

void put_token(std::vector<std::string>& tokens, int64_t id, const std::string& token, std::string_view where) {
  if (id < 0 || id >= static_cast<int64_t>(kVocabularyLimit)) {
    refuse(where, fmt::format("the id {} of \"{}\" is out of range (0 to {})", id, token, kVocabularyLimit - 1));
  }
  const auto index = static_cast<size_t>(id);
  if (index >= tokens.size()) tokens.resize(index + 1);
  if (!tokens[index].empty() && tokens[index] != token) {
    refuse(where, fmt::format("the id {} belongs to \"{}\" and to \"{}\"", id, tokens[index], token));
  }
  tokens[index] = token;
}

void read_vocabulary(TokenizerParts& parts, const Json& model, std::string_view where) {
  const Json& vocab = json_object(model, "vocab", where);
  const std::string inner = fmt::format("{}: vocab", where);
  parts.tokens.reserve(vocab.size());
  for (const auto& [token, id] : vocab.items()) {
    if (!id.is_number_integer()) refuse(inner, fmt::format("\"{}\": expected a whole number", token));
    put_token(parts.tokens, id.get<int64_t>(), token, inner);
  }
}

IdOf index_of(const std::vector<std::string>& tokens) {
  IdOf ids;
  ids.reserve(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!tokens[i].empty()) ids.emplace(tokens[i], static_cast<TokenId>(i));
  }
  return ids;
}

// "a b" (a space divides; neither side has one) or ["a", "b"].
std::pair<std::string, std::string> merge_sides(const Json& merge, std::string_view where) {
  if (merge.is_string()) {
    const std::string& text = merge.get_ref<const std::string&>();
    const size_t space = text.find(' ');
    if (space != std::string::npos && space > 0 && space + 1 < text.size() &&
        text.find(' ', space + 1) == std::string::npos) {
      return {text.substr(0, space), text.substr(space + 1)};
    }
  } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  }
  refuse(where, fmt::format("expected \"left right\" or [\"left\", \"right\"], got {}", dump_json(merge)));
}

void read_merges(TokenizerParts& parts, const Json& model, std::string_view where) {
  const IdOf ids = index_of(parts.tokens);
  const Json& merges = json_list(model, "merges", where);
  parts.merges.reserve(merges.size());
  for (size_t i = 0; i < merges.size(); ++i) {
    const std::string inner = fmt::format("{}: merges[{}]", where, i);
    const auto [left, right] = merge_sides(merges[i], inner);
    const auto find = [&](const std::string& token) {
      const auto found = ids.find(token);
      if (found == ids.end()) refuse(inner, fmt::format("\"{}\" is not in the vocabulary", token));
      return found->second;
    };
    parts.merges.push_back({find(left), find(right), find(left + right), static_cast<int32_t>(i)});
  }
}

void read_model(TokenizerParts& parts, const Json& model, std::string_view where) {
  json_only_keys(model,
                 {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                  "byte_fallback", "ignore_merges", "vocab", "merges"},
                 where);
  const std::string type = json_text_or(model, "type", "BPE", where);
  if (type != "BPE") refuse(where, fmt::format("type: \"{}\" is not supported; expected \"BPE\"", type));
  json_refuse_unless(model, "dropout", "0.0", where);
  json_refuse_unless(model, "continuing_subword_prefix", "\"\"", where);
  json_refuse_unless(model, "end_of_word_suffix", "\"\"", where);
  parts.fuse_unk = json_flag_or(model, "fuse_unk", false, where);
  parts.byte_fallback = json_flag_or(model, "byte_fallback", false, where);
  parts.ignore_merges = json_flag_or(model, "ignore_merges", false, where);
  read_vocabulary(parts, model, where);
  read_merges(parts, model, where);
  const std::string unk = json_text_or(model, "unk_token", "", where);
  if (unk.empty()) return;
  const IdOf ids = index_of(parts.tokens);
  const auto found = ids.find(unk);
  if (found == ids.end()) refuse(where, fmt::format("unk_token: \"{}\" is not in the vocabulary", unk));
  parts.model_unk = parts.unk = found->second;
}

void read_added_tokens(TokenizerParts& parts, const Json& list, std::string_view where) {
  if (list.is_null()) return;
  if (!list.is_array()) refuse(where, "expected a list");
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string inner = fmt::format("{}[{}]", where, i);
    json_only_keys(list[i], {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}, inner);
    AddedToken token;
    token.content = json_text(list[i], "content", inner);
    const int64_t id = json_integer(list[i], "id", inner);
    if (token.content.empty()) refuse(inner, "content: expected some text, got \"\"");
    put_token(parts.tokens, id, token.content, inner);
    token.id = static_cast<TokenId>(id);
    token.single_word = json_flag_or(list[i], "single_word", false, inner);
    token.lstrip = json_flag_or(list[i], "lstrip", false, inner);
    token.rstrip = json_flag_or(list[i], "rstrip", false, inner);
    token.normalized = json_flag_or(list[i], "normalized", true, inner);
    token.special = json_flag_or(list[i], "special", false, inner);
    parts.added.push_back(std::move(token));
  }
}

void append_template_ids(std::vector<TokenId>& ids, const Json& tokens, const std::string& name,
                         std::string_view where) {
  const Json& token = json_object(tokens, name, where);
  for (const Json& id : json_list(token, "ids", where)) {
    if (!id.is_number_integer()) refuse(where, fmt::format("\"{}\": ids: expected whole numbers", name));
    const int64_t value = id.get<int64_t>();
    if (value < 0 || value >= static_cast<int64_t>(kVocabularyLimit))
      refuse(where, fmt::format("\"{}\": the id {} is out of range", name, value));
    ids.push_back(static_cast<TokenId>(value));
  }
}

void read_template(TokenizerParts& parts, const Json& value, std::string_view where) {
  const Json& tokens = json_object(value, "special_tokens", where);
  bool text_seen = false;
  for (const Json& item : json_list(value, "single", where)) {
    if (item.is_object() && item.contains("SpecialToken")) {
      const std::string name = json_text(item["SpecialToken"], "id", where);
      append_template_ids(text_seen ? parts.suffix : parts.prefix, tokens, name, where);
    } else if (item.is_object() && item.contains("Sequence") && !text_seen) {
      text_seen = true;
    } else {
      refuse(where, fmt::format("single: expected special tokens around one sequence, got {}", dump_json(item)));
    }
  }
  if (!text_seen) refuse(where, "single: expected a sequence");
}

void read_post_processor(TokenizerParts& parts, const Json& value, std::string_view where) {
  if (value.is_null()) return;
  const std::string type = json_text(value, "type", where);
  if (type == "Sequence") {
    for (const Json& step : json_list(value, "processors", where)) read_post_processor(parts, step, where);
  } else if (type == "TemplateProcessing") {
    if (!parts.prefix.empty() || !parts.suffix.empty()) refuse(where, "a second TemplateProcessing is not supported");
    read_template(parts, value, where);
  } else if (type != "ByteLevel") {  // that one only trims offsets
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: the type \"{}\" is not supported", where, type),
                "known are Sequence, TemplateProcessing and ByteLevel");
  }
}

// A file of the folder as JSON, or an empty object where it is absent.
Json read_optional(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return Json::object();
  Json value = parse_json(read_file(path, kFileLimit), path.string());
  if (!value.is_object()) refuse(path.string(), "expected an object");
  return value;
}

// A token named in tokenizer_config.json or special_tokens_map.json: "</s>" or {"content": "</s>", ...}.
std::optional<std::string> named_token(const Json& config, std::string_view key, std::string_view where) {
  const Json& value = json_member(config, key, where);
  if (value.is_null()) return std::nullopt;
  return value.is_object() ? json_text(value, "content", fmt::format("{}: {}", where, key))
                           : json_text(config, key, where);
}

// An id or a list of ids.
std::vector<TokenId> ids_in(const Json& config, std::string_view key, const std::string& where) {
  const Json& value = json_member(config, key, where);
  std::vector<TokenId> ids;
  const Json list = value.is_array() ? value : Json::array({value});
  for (const Json& id : list) {
    if (id.is_null()) continue;
    if (!id.is_number_integer()) refuse(where, fmt::format("{}: expected a token id or a list of them", key));
    const int64_t number = id.get<int64_t>();
    if (number >= 0 && number < static_cast<int64_t>(kVocabularyLimit)) ids.push_back(static_cast<TokenId>(number));
  }
  return ids;
}

// The files that stand beside a tokenizer.json.
class Neighbours {
 public:
  explicit Neighbours(const std::filesystem::path& folder) : folder_(folder) {
    for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) add(named_, name);
    for (const char* name : {"generation_config.json", "config.json"}) add(numbered_, name);
  }

  // The id of a special token: by name in the tokenizer's files, else by number in the model's.
  std::optional<TokenId> special(std::string_view kind, const IdOf& ids, bool by_number) const {
    for (const auto& [where, config] : named_) {
      const auto name = named_token(config, fmt::format("{}_token", kind), where);
      if (!name) continue;
      const auto found = ids.find(*name);
      if (found == ids.end()) refuse(where, fmt::format("{}_token: \"{}\" is not in the vocabulary", kind, *name));
      return found->second;
    }
    if (!by_number) return std::nullopt;
    const std::vector<TokenId> numbers = numbers_of(kind);
    const auto known = std::find_if(numbers.begin(), numbers.end(), [&](TokenId number) {
      return std::any_of(ids.begin(), ids.end(), [&](const auto& entry) { return entry.second == number; });
    });
    return known == numbers.end() ? std::nullopt : std::optional(*known);
  }
  std::vector<TokenId> numbers_of(std::string_view kind) const {
    std::vector<TokenId> all;
    for (const auto& [where, config] : numbered_) {
      for (const TokenId id : ids_in(config, fmt::format("{}_token_id", kind), where)) all.push_back(id);
    }
    return all;
  }
  std::optional<std::string> chat_template() const {
    const std::filesystem::path file = folder_ / "chat_template.jinja";
    if (std::filesystem::exists(file)) return read_file(file, kFileLimit);
    const auto& [where, config] = named_.front();
    const Json& value = json_member(config, "chat_template", where);
    if (value.is_null()) return std::nullopt;
    if (!value.is_array()) return json_text(config, "chat_template", where);
    for (const Json& entry : value) {  // several, by name
      if (json_text(entry, "name", where) == "default") return json_text(entry, "template", where);
    }
    return std::nullopt;
  }

 private:
  using Files = std::vector<std::pair<std::string, Json>>;
  void add(Files& files, const char* name) const {
    files.emplace_back((folder_ / name).string(), read_optional(folder_ / name));
  }

  std::filesystem::path folder_;
  Files named_;
  Files numbered_;
};

}  // namespace

TokenizerParts read_tokenizer_json(std::string_view text, std::string_view name) {
  const Json root = parse_json(text, name);
  TokenizerParts parts;
  parts.name = name;
  json_only_keys(root,
                 {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor",
                  "decoder", "model"},
                 name);
  const auto at = [&](std::string_view key) { return fmt::format("{}: {}", name, key); };
  read_model(parts, json_object(root, "model", name), at("model"));
  read_added_tokens(parts, json_member(root, "added_tokens", name), at("added_tokens"));
  parts.normalizer = Normalizer::read(json_member(root, "normalizer", name), at("normalizer"));
  parts.pre_tokenizer = PreTokenizer::read(json_member(root, "pre_tokenizer", name), at("pre_tokenizer"));
  parts.decoder = Decoder::read(json_member(root, "decoder", name), at("decoder"));
  read_post_processor(parts, json_member(root, "post_processor", name), at("post_processor"));
  return parts;
}

std::shared_ptr<const Tokenizer> read_tokenizer_folder(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "tokenizer.json";
  if (!std::filesystem::exists(file)) {
    throw Error(ErrorCode::kNotFound, fmt::format("{}: there is no tokenizer.json in this folder", folder.string()),
                "a model folder holds one beside config.json; a GGUF file needs none");
  }
  TokenizerParts parts = read_tokenizer_json(read_file(file, kFileLimit), file.string());
  const Neighbours neighbours(folder);
  const IdOf ids = index_of(parts.tokens);
  parts.bos = neighbours.special("bos", ids, true);
  parts.eos = neighbours.special("eos", ids, true);
  parts.pad = neighbours.special("pad", ids, false);
  if (const auto unk = neighbours.special("unk", ids, false)) parts.unk = unk;
  parts.further_stops = neighbours.numbers_of("eos");
  parts.chat_template = neighbours.chat_template();
  return std::make_shared<BpeTokenizer>(std::move(parts));
}

}  // namespace understudy
