// understudy export: reads flags, calls workflow/export.h, says what was written.
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/log.h"
#include "base/units.h"
#include "cli/commands.h"
#include "workflow/export.h"

namespace understudy::cli {

namespace {

struct Flags {
  std::string base;
  std::string adapter;
  std::string out;
  std::string type = "f16";
  std::string name;
  std::string report;
  bool json = false;
};

DType type_of(const std::string& word) {
  if (word == "f16") return DType::kF16;
  if (word == "q8_0") return DType::kQ8_0;
  throw Error(ErrorCode::kUsage, fmt::format("--type: expected f16 or q8_0, got {}", word));
}

void print(const ExportResult& result, bool as_json) {
  if (!as_json) {
    for (const ExportedFile& file : result.files) {
      fmt::print("{}  {}\n", file.path.string(), format_bytes(file.bytes));
    }
    return;
  }
  Json files = Json::array();
  for (const ExportedFile& file : result.files) files.push_back({{"path", file.path.string()}, {"bytes", file.bytes}});
  fmt::print("{}\n", dump_json(Json{{"files", files}, {"warnings", result.warnings}}));
}

int export_files(const Flags& flags) {
  ExportOptions options;
  options.base = flags.base;
  options.out = flags.out;
  options.type = type_of(flags.type);
  options.stop = interrupt_token();
  if (!flags.adapter.empty()) options.adapter = flags.adapter;
  if (!flags.name.empty()) options.name = flags.name;
  if (!flags.report.empty()) options.report = flags.report;
  const ExportResult result = export_specialist(options);
  for (const std::string& warning : result.warnings) log_warning(warning);
  print(result, flags.json);
  return 0;
}

}  // namespace

Command export_command() {
  return {
      "export", "Merge an adapter into its base and write GGUF files and a card",
      "  understudy export --base models/llama --adapter out --out specialist\n"
      "  understudy export --base models/llama --adapter out --out specialist --type q8_0 --report eval/report.json",
      [](CLI::App& app) -> std::function<int()> {
        const auto flags = std::make_shared<Flags>();
        app.add_option("--base", flags->base, "Hugging Face folder of the base model")->required();
        app.add_option("--adapter", flags->adapter,
                       "PEFT folder or GGUF adapter; without it the base alone is written");
        app.add_option("--out", flags->out,
                       "folder for final_model.gguf, adapter.gguf (unless whole modules were trained) and card.json")
            ->required();
        app.add_option("--type", flags->type, "f16 or q8_0, of the merged model's matrices")->capture_default_str();
        app.add_option("--name", flags->name, "the specialist's name; otherwise the name of --out");
        app.add_option("--report", flags->report, "report.json of an evaluation, taken into the card");
        app.add_flag("--json", flags->json, "print one JSON value");
        return [flags] { return export_files(*flags); };
      }};
}

}  // namespace understudy::cli
