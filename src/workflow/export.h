// The step from a base model and an adapter to a specialist's files: final_model.gguf (merged), adapter.gguf (the
// adapter alone) and card.json (what it was made from and what it was measured at). Runs on the caller's thread.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "engine/tensor/tensor.h"

namespace understudy {

struct ExportOptions {
  std::filesystem::path base;                    // a Hugging Face folder
  std::optional<std::filesystem::path> adapter;  // a PEFT folder or a GGUF adapter; nothing: the base alone
  std::filesystem::path out;                     // a folder, made if need be; other files in it stay as they are
  DType type = DType::kF16;                      // or kQ8_0
  std::optional<std::string> name;               // general.name; otherwise the name of `out`
  std::optional<std::filesystem::path> report;   // report.json of `eval`, taken into the card
  std::stop_token stop = {};                     // once requested, kCancelled is thrown and nothing is left
};

struct ExportedFile {
  std::filesystem::path path;
  uint64_t bytes = 0;
};

struct ExportResult {
  std::vector<ExportedFile> files;    // final_model.gguf, adapter.gguf where there is an adapter, card.json
  std::vector<std::string> warnings;  // what will not be as trained; they stand in the card too
};

// The tokenizer and chat template are the adapter folder's where it has a tokenizer.json (as training leaves it), else
// the base's. All files are written beside `out` first and moved there together at the end: an error (kIo for a full
// disk, kInvalidInput for parts that do not fit together) leaves what was there before.
ExportResult export_specialist(const ExportOptions& options);

}  // namespace understudy
