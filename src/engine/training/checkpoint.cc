#include "engine/training/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "engine/formats/safetensors.h"

namespace understudy {

namespace {

namespace fs = std::filesystem;

constexpr const char* kStateFile = "trainer_state.json";
constexpr const char* kMomentsFile = "optimizer.safetensors";
constexpr std::string_view kFolder = "checkpoint-";
constexpr int64_t kFormat = 1;

Json to_json(const RunState& state) {
  Json json = {{"global_step", state.step},
               {"tokens", state.tokens},
               {"seconds", state.seconds},
               {"evaluated_step", state.evaluated_step},
               {"best_metric", state.best_loss ? Json(*state.best_loss) : Json()},
               {"best_global_step", state.best_step},
               {"evaluations_without_gain", state.evaluations_without_gain},
               {"watchdog_count", state.watchdog_count},
               {"log_bytes", state.log_bytes},
               {"stopped_early", state.is_stopped_early}};
  return json;
}

RunState state_from(const Json& json) {
  RunState state;
  state.step = json.at("global_step").get<int64_t>();
  state.tokens = json.at("tokens").get<int64_t>();
  state.seconds = json.at("seconds").get<double>();
  state.evaluated_step = json.at("evaluated_step").get<int64_t>();
  if (!json.at("best_metric").is_null()) state.best_loss = json.at("best_metric").get<double>();
  state.best_step = json.at("best_global_step").get<int64_t>();
  state.evaluations_without_gain = json.at("evaluations_without_gain").get<int64_t>();
  state.watchdog_count = json.at("watchdog_count").get<int64_t>();
  state.log_bytes = json.at("log_bytes").get<uint64_t>();
  state.is_stopped_early = json.at("stopped_early").get<bool>();
  return state;
}

// "checkpoint-120" is 120; any other name nothing.
std::optional<int64_t> step_of(const std::string& name) {
  if (!name.starts_with(kFolder)) return std::nullopt;
  int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto [stop, fault] = std::from_chars(name.data() + kFolder.size(), end, step);
  return fault == std::errc() && stop == end ? std::optional(step) : std::nullopt;
}

// A half-written checkpoint, or a file of the run's under its temporary name ("config.yml.tmp-4711-0").
bool is_leftover(const std::string& name) {
  static constexpr std::string_view kWritten[] = {"adapter_config.json",
                                                  "adapter_model.safetensors",
                                                  "config.json",
                                                  "model.safetensors",
                                                  "config.yml",
                                                  "dataset.json",
                                                  "loss.svg",
                                                  "tokenizer.json",
                                                  "tokenizer_config.json",
                                                  "special_tokens_map.json",
                                                  "added_tokens.json",
                                                  "generation_config.json",
                                                  "chat_template.jinja"};
  const size_t temporary = name.find(".tmp-");
  if (name.starts_with(kFolder)) {
    return temporary != std::string::npos || name.ends_with(".old") || name.ends_with(".deleting");
  }
  return temporary != std::string::npos &&
         std::find(std::begin(kWritten), std::end(kWritten), name.substr(0, temporary)) != std::end(kWritten);
}

void copy_tensor(const SafetensorsFile& file, const fs::path& path, const std::string& name, TensorView to) {
  const ConstTensorView from = file.find(name);
  if (!from) throw Error(ErrorCode::kInvalidInput, fmt::format("{}: tensor {} is missing", path.string(), name));
  if (from.type != DType::kF32 || from.shape.elements() != to.shape.elements()) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: tensor {}: expected f32 {}, got {} {}", path.string(), name,
                                                      to.shape.text(), to_string(from.type), from.shape.text()));
  }
  std::memcpy(to.data, from.data, to.bytes());
}

void write_moments(const fs::path& path, const std::vector<Parameter>& parameters, const OptimizerMoments& moments) {
  std::vector<NamedTensor> tensors;
  for (size_t i = 0; i < parameters.size(); ++i) {
    tensors.push_back({parameters[i].name + ".m", moments.first[i].view()});
    tensors.push_back({parameters[i].name + ".v", moments.second[i].view()});
  }
  write_safetensors(path, tensors);
}

void compare_settings(const std::string& then, const std::string& now, std::vector<std::string>& lines) {
  const std::optional<Json> old_settings = try_parse_json(then);
  const std::optional<Json> new_settings = try_parse_json(now);
  if (!old_settings || !new_settings) return;
  const auto text = [](const Json& settings, const std::string& key) {
    return settings.contains(key) ? dump_json(settings[key]) : std::string("not set");
  };
  std::vector<std::string> keys;
  for (const Json* settings : {&*old_settings, &*new_settings}) {
    for (const auto& [key, value] : settings->items()) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }
  for (const std::string& key : keys) {
    const std::string before = text(*old_settings, key);
    const std::string after = text(*new_settings, key);
    if (before != after) lines.push_back(fmt::format("{}: was {}, is {}", key, before, after));
  }
}

}  // namespace

OptimizerMoments::OptimizerMoments(const std::vector<Parameter>& parameters) {
  for (const Parameter& parameter : parameters) {
    first.emplace_back(DType::kF32, parameter.value.shape);
    second.emplace_back(DType::kF32, parameter.value.shape);
  }
}

fs::path checkpoint_path(const fs::path& output_dir, int64_t step) {
  return output_dir / fmt::format("{}{}", kFolder, step);
}

void write_checkpoint(const fs::path& output_dir, const RunState& state, const RunIdentity& identity,
                      const TrainedWeights& weights, const std::vector<Parameter>& parameters,
                      const OptimizerMoments& moments) {
  FolderWriter folder(checkpoint_path(output_dir, state.step));
  if (weights.adapter != nullptr) {
    weights.adapter->save_peft(folder.staging(), weights.base_model);
  } else {
    weights.model->save_hf(folder.staging(), DType::kF32);
  }
  write_moments(folder.staging() / kMomentsFile, parameters, moments);
  Json json = to_json(state);
  json["format"] = kFormat;
  json["settings"] = parse_json(identity.settings, "settings");
  json["data_sha256"] = identity.data_sha256;
  json["base_sha256"] = identity.base_sha256;
  write_file_atomically(folder.staging() / kStateFile, dump_json_pretty(json));
  folder.commit();
}

CheckpointState read_checkpoint_state(const fs::path& checkpoint) {
  const fs::path path = checkpoint / kStateFile;
  const Json json = parse_json(read_file(path, 64 << 20), path.string());
  try {
    CheckpointState result{state_from(json), {}};
    result.identity.settings = dump_json(json.at("settings"));
    result.identity.data_sha256 = json.at("data_sha256").get<std::string>();
    result.identity.base_sha256 = json.at("base_sha256").get<std::string>();
    return result;
  } catch (const Json::exception& fault) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: not a checkpoint of this program: {}", path.string(), fault.what()));
  }
}

void restore_parameters(const fs::path& checkpoint, std::vector<Parameter>& parameters) {
  const fs::path adapter = checkpoint / "adapter_model.safetensors";
  const fs::path path = fs::exists(adapter) ? adapter : checkpoint / "model.safetensors";
  const SafetensorsFile file(path);
  for (Parameter& parameter : parameters) copy_tensor(file, path, parameter.name, parameter.value);
}

void restore_moments(const fs::path& checkpoint, const std::vector<Parameter>& parameters, OptimizerMoments& moments) {
  const fs::path path = checkpoint / kMomentsFile;
  const SafetensorsFile file(path);
  for (size_t i = 0; i < parameters.size(); ++i) {
    copy_tensor(file, path, parameters[i].name + ".m", moments.first[i].view());
    copy_tensor(file, path, parameters[i].name + ".v", moments.second[i].view());
  }
}

std::vector<std::string> differences(const RunIdentity& then, const RunIdentity& now) {
  std::vector<std::string> lines;
  compare_settings(then.settings, now.settings, lines);
  if (then.data_sha256 != now.data_sha256) lines.push_back("the data, the chat template or the tokenizer has changed");
  if (then.base_sha256 != now.base_sha256) lines.push_back("the base model has changed");
  return lines;
}

std::vector<int64_t> checkpoint_steps(const fs::path& output_dir) {
  std::vector<int64_t> steps;
  if (!fs::is_directory(output_dir)) return steps;
  for (const fs::directory_entry& entry : fs::directory_iterator(output_dir)) {
    const std::optional<int64_t> step = step_of(entry.path().filename().string());
    if (step && fs::exists(entry.path() / kStateFile)) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

void rotate_checkpoints(const fs::path& output_dir, int64_t newest, int64_t best, int64_t limit) {
  std::vector<int64_t> steps = checkpoint_steps(output_dir);
  std::erase_if(steps, [newest](int64_t step) { return step > newest; });  // of an earlier run in the same folder
  int64_t surplus = static_cast<int64_t>(steps.size()) - limit;
  for (const int64_t step : steps) {
    if (surplus <= 0) return;
    if (step == newest || step == best) continue;
    // Renamed first: a crash while it is being deleted must not leave half a checkpoint under a good name.
    const fs::path path = checkpoint_path(output_dir, step);
    const fs::path doomed = path.string() + ".deleting";
    std::error_code fault;
    fs::remove_all(doomed, fault);
    fs::rename(path, doomed, fault);
    if (!fault) fs::remove_all(doomed, fault);
    if (fault) log_warning(fmt::format("{}: cannot be deleted: {}", path.string(), fault.message()));
    --surplus;
  }
}

void remove_leftovers(const fs::path& output_dir) {
  if (!fs::is_directory(output_dir)) return;
  std::vector<fs::path> leftovers;
  for (const fs::directory_entry& entry : fs::directory_iterator(output_dir)) {
    if (is_leftover(entry.path().filename().string())) leftovers.push_back(entry.path());
  }
  for (const fs::path& path : leftovers) {
    // A folder that stepped aside for a newer one of its name is the only one if the crash came between the two
    // renames.
    const fs::path original = path.string().substr(0, path.string().size() - 4);
    std::error_code fault;
    if (path.string().ends_with(".old") && !fs::exists(original) && fs::exists(path / kStateFile)) {
      fs::rename(path, original, fault);
    } else if (path.filename().string().find(".tmp-") != std::string::npos) {
      remove_abandoned(path);
    } else {
      fs::remove_all(path, fault);
    }
  }
}

}  // namespace understudy
