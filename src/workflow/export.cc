// card.json, from top to bottom: name; base, adapter {files: {name: SHA-256}, sha256}; dataset {sha256, rows};
// chat_template {sha256, text}; schema; tool_schema; prompt_tokens, answer_tokens {p50, p95, p99_5}; evaluation; files
// {name: {sha256, bytes, ...}}; warnings. What is not known is null. A folder's sha256 is that of the lines which
// sha256sum prints for its files, sorted by name.
#include "workflow/export.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/version.h"
#include "engine/formats/gguf.h"
#include "engine/formats/peft.h"
#include "engine/formats/safetensors.h"
#include "engine/model/export_gguf.h"
#include "engine/model/model_config.h"
#include "engine/text/tokenizer.h"

namespace understudy {

namespace {

constexpr const char* kModelFile = "final_model.gguf";
constexpr const char* kAdapterFile = "adapter.gguf";
constexpr const char* kCardFile = "card.json";
constexpr const char* kDatasetFile = "dataset.json";
constexpr uint64_t kMaxJsonBytes = UINT64_C(256) << 20;

// Everything that is read before the first byte is written.
struct Parts {
  ModelConfig config;
  std::unique_ptr<SafetensorsFolder> weights;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::optional<AdapterFile> adapter;
  Json dataset;     // null where training left none
  Json evaluation;  // null where no report was given
  std::string name;
};

AdapterFile read_adapter(const std::filesystem::path& path, const ModelConfig& config) {
  if (std::filesystem::is_directory(path)) return read_peft_folder(path);
  return read_gguf_adapter(GgufFile(path), {.query = config.n_heads, .key = config.n_kv_heads});
}

std::filesystem::path tokenizer_folder(const ExportOptions& options) {
  const bool own = options.adapter && std::filesystem::exists(*options.adapter / "tokenizer.json");
  return own ? *options.adapter : options.base;
}

std::string default_name(const std::filesystem::path& out) {
  std::filesystem::path folder = std::filesystem::absolute(out).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();  // "out/" is "out"
  return folder.filename().string();
}

Json read_object(const std::filesystem::path& path) {
  Json json = parse_json(read_file(path, kMaxJsonBytes), path.string());
  if (!json.is_object()) throw Error(ErrorCode::kInvalidInput, path.string() + ": expected an object");
  return json;
}

// What `train` wrote about its examples. A base that was trained whole has it in its own folder.
Json read_dataset(const ExportOptions& options) {
  const std::filesystem::path path = options.adapter.value_or(options.base) / kDatasetFile;
  return std::filesystem::exists(path) ? read_object(path) : Json(nullptr);
}

Parts read_parts(const ExportOptions& options) {
  if (!std::filesystem::is_directory(options.base)) {
    throw Error(ErrorCode::kNotFound, fmt::format("{}: no such folder", options.base.string()),
                "--base is a Hugging Face folder with config.json and safetensors");
  }
  Parts parts;
  parts.config = ModelConfig::from_hf_folder(options.base);
  parts.weights = std::make_unique<SafetensorsFolder>(options.base);
  parts.tokenizer = Tokenizer::load(tokenizer_folder(options));
  if (options.adapter) parts.adapter = read_adapter(*options.adapter, parts.config);
  parts.dataset = read_dataset(options);
  if (options.report) parts.evaluation = read_object(*options.report);
  parts.name = options.name.value_or(default_name(options.out));
  return parts;
}

Json hashes_of(std::vector<std::filesystem::path> files) {
  std::sort(files.begin(), files.end());
  Json hashes = Json::object();
  std::string lines;
  for (const std::filesystem::path& file : files) {
    const std::string name = file.filename().string();
    hashes[name] = sha256_hex_of_file(file);
    lines += fmt::format("{}  {}\n", hashes[name].get<std::string>(), name);
  }
  return {{"files", hashes}, {"sha256", sha256_hex(lines)}};
}

std::vector<std::filesystem::path> existing(const std::filesystem::path& folder,
                                            std::initializer_list<const char*> names) {
  std::vector<std::filesystem::path> files;
  for (const char* name : names) {
    if (std::filesystem::exists(folder / name)) files.push_back(folder / name);
  }
  return files;
}

Json base_card(const ExportOptions& options, const Parts& parts) {
  std::vector<std::filesystem::path> files = existing(options.base, {"config.json", "tokenizer.json"});
  for (const std::filesystem::path& file : parts.weights->paths()) files.push_back(file);
  Json card = hashes_of(std::move(files));
  card["family"] = to_string(parts.config.family);
  card["parameters"] = parts.config.parameters();
  return card;
}

Json adapter_card(const ExportOptions& options, const Parts& parts) {
  if (!parts.adapter) return nullptr;
  Json card = std::filesystem::is_directory(*options.adapter)
                  ? hashes_of(existing(*options.adapter, {"adapter_config.json", "adapter_model.safetensors"}))
                  : hashes_of({*options.adapter});
  card["r"] = parts.adapter->config.r;
  card["lora_alpha"] = parts.adapter->config.lora_alpha;
  card["modules_to_save"] = parts.adapter->config.modules_to_save;
  return card;
}

Json member_or_null(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) ? object.at(key) : Json(nullptr);
}

Json dataset_card(const Json& dataset) {
  if (dataset.is_null()) return nullptr;
  return {{"sha256", member_or_null(dataset, "sha256")}, {"rows", member_or_null(dataset, "rows")}};
}

Json template_card(const Tokenizer& tokenizer) {
  const std::optional<std::string> text = tokenizer.chat_template();
  if (!text) return nullptr;
  return {{"sha256", sha256_hex(*text)}, {"text", *text}};
}

Json file_card(const std::filesystem::path& file) {
  return {{"sha256", sha256_hex_of_file(file)}, {"bytes", std::filesystem::file_size(file)}};
}

Json card_of(const ExportOptions& options, const Parts& parts, const std::filesystem::path& staging,
             const std::vector<std::string>& warnings) {
  Json files = Json::object();
  for (const std::filesystem::path& file : existing(staging, {kModelFile, kAdapterFile})) {
    files[file.filename().string()] = file_card(file);
  }
  files[kModelFile]["type"] = to_string(options.type);
  return {{"name", parts.name},
          {"made_by", fmt::format("understudy {}", kVersion)},
          {"base", base_card(options, parts)},
          {"adapter", adapter_card(options, parts)},
          {"dataset", dataset_card(parts.dataset)},
          {"chat_template", template_card(*parts.tokenizer)},
          {"schema", member_or_null(parts.dataset, "schema")},
          {"tool_schema", member_or_null(parts.dataset, "tool_schema")},
          {"prompt_tokens", member_or_null(parts.dataset, "prompt_tokens")},
          {"answer_tokens", member_or_null(parts.dataset, "answer_tokens")},
          {"evaluation", parts.evaluation},
          {"files", files},
          {"warnings", warnings}};
}

std::vector<std::string> warnings_of(const Parts& parts) {
  std::vector<std::string> warnings = export_warnings(parts.config);
  if (parts.adapter && !can_export_adapter(*parts.adapter)) {
    warnings.push_back(
        fmt::format("adapter.gguf is not written: the adapter trained {} whole (modules_to_save), and llama.cpp's "
                    "--lora takes pairs "
                    "of LoRA matrices only; final_model.gguf has all of it",
                    fmt::join(parts.adapter->config.modules_to_save, ", ")));
  }
  return warnings;
}

void write_models(const ExportOptions& options, const Parts& parts, const std::filesystem::path& staging) {
  const AdapterFile* adapter = parts.adapter ? &*parts.adapter : nullptr;
  export_model({.config = parts.config,
                .weights = *parts.weights,
                .tokenizer = *parts.tokenizer,
                .adapter = adapter,
                .name = parts.name,
                .type = options.type,
                .stop = options.stop},
               staging / kModelFile);
  if (adapter != nullptr && can_export_adapter(*adapter)) {
    export_adapter(parts.config, *adapter, parts.name, staging / kAdapterFile);
  }
}

std::vector<ExportedFile> move_into_place(const std::filesystem::path& staging, const std::filesystem::path& out) {
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (error) throw Error(ErrorCode::kIo, fmt::format("{}: cannot make the folder: {}", out.string(), error.message()));
  std::vector<ExportedFile> files;
  for (const std::filesystem::path& file : existing(staging, {kModelFile, kAdapterFile, kCardFile})) {
    const std::filesystem::path target = out / file.filename();
    const uint64_t bytes = std::filesystem::file_size(file);
    std::filesystem::rename(file, target, error);
    if (error) throw Error(ErrorCode::kIo, fmt::format("{}: cannot write: {}", target.string(), error.message()));
    files.push_back({target, bytes});
  }
  return files;
}

}  // namespace

ExportResult export_specialist(const ExportOptions& options) {
  const Parts parts = read_parts(options);
  ExportResult result;
  result.warnings = warnings_of(parts);
  std::filesystem::path beside = std::filesystem::absolute(options.out).lexically_normal();
  if (!beside.has_filename()) beside = beside.parent_path();
  const FolderWriter scratch(beside.string() + ".exporting");  // never committed: it goes away with what was not moved
  write_models(options, parts, scratch.staging());
  const Json card = card_of(options, parts, scratch.staging(), result.warnings);
  write_file_atomically(scratch.staging() / kCardFile, dump_json_pretty(card));
  result.files = move_into_place(scratch.staging(), options.out);
  return result;
}

}  // namespace understudy
