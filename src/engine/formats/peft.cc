#include "engine/formats/peft.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "engine/formats/gguf_names.h"
#include "engine/formats/safetensors.h"

namespace understudy {

namespace {

constexpr std::string_view kConfigName = "adapter_config.json";
constexpr std::string_view kWeightsName = "adapter_model.safetensors";
constexpr uint64_t kMaxConfigBytes = UINT64_C(16) << 20;
constexpr int64_t kMaxRank = 1 << 16;
// What PEFT puts before the names of the model it wraps.
constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kEndingA = ".lora_A.weight";
constexpr std::string_view kEndingB = ".lora_B.weight";

// Keys that change nothing once an adapter is trained, whatever they hold.
constexpr std::string_view kHarmless[] = {"auto_mapping",    "corda_config",   "ensure_weight_tying", "eva_config",
                                          "exclude_modules", "inference_mode", "loftq_config",        "lora_ga_config",
                                          "megatron_core",   "peft_version",   "qalora_group_size",   "revision"};

bool is_unset(const Json& value) {
  return value.is_null() || value == false || ((value.is_object() || value.is_array()) && value.empty());
}

// Reads the members of adapter_config.json one by one, and knows which were asked for.
class ConfigReader {
 public:
  ConfigReader(const Json& json, std::string_view file) : json_(json), file_(file) {
    if (!json.is_object()) throw Error(ErrorCode::kInvalidInput, fmt::format("{}: expected an object", file));
  }

  Error fault(std::string_view key, std::string_view what, std::string hint = {}) const {
    return Error(ErrorCode::kInvalidInput, fmt::format("{}: {}: {}", file_, key, what), std::move(hint));
  }

  // Nothing where the key is absent or null.
  const Json* find(std::string_view key) {
    known_.insert(std::string(key));
    const auto found = json_.find(std::string(key));
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }

  int64_t rank(std::string_view key, const Json& value) const {
    if (!value.is_number_integer() || value < 1 || value > kMaxRank) {
      throw fault(key, fmt::format("expected a whole number from 1 to {}, got {}", kMaxRank, dump_json(value)));
    }
    return value.get<int64_t>();
  }

  double number(std::string_view key, const Json& value) const {
    if (!value.is_number()) throw fault(key, fmt::format("expected a number, got {}", dump_json(value)));
    return value.get<double>();
  }

  bool flag(std::string_view key) {
    const Json* value = find(key);
    if (value == nullptr) return false;
    if (!value->is_boolean()) throw fault(key, fmt::format("expected true or false, got {}", dump_json(*value)));
    return value->get<bool>();
  }

  std::string text(std::string_view key) {
    const Json* value = find(key);
    if (value == nullptr) return {};
    if (!value->is_string()) throw fault(key, fmt::format("expected a text, got {}", dump_json(*value)));
    return value->get<std::string>();
  }

  std::vector<std::string> texts(std::string_view key) {
    std::vector<std::string> texts;
    const Json* value = find(key);
    if (value == nullptr) return texts;
    if (!value->is_array()) throw fault(key, "expected a list of texts");
    for (const Json& item : *value) {
      if (!item.is_string()) throw fault(key, fmt::format("expected a list of texts, got {}", dump_json(item)));
      texts.push_back(item.get<std::string>());
    }
    return texts;
  }

  // The values of rank_pattern or alpha_pattern; their keys are names here, not regular expressions.
  template <class T, class Read>
  std::map<std::string, T> patterns(std::string_view key, Read read) {
    std::map<std::string, T> patterns;
    const Json* value = find(key);
    if (value == nullptr) return patterns;
    if (!value->is_object()) throw fault(key, "expected an object of module names");
    for (const auto& [name, item] : value->items()) {
      const std::string full = fmt::format("{}.{}", key, name);
      if (name.find_first_of("*+?()[]{}|\\$") != std::string::npos || name.find('^', 1) != std::string::npos) {
        throw fault(full, "a regular expression, which this version does not read", "name the modules one by one");
      }
      patterns[name] = read(full, item);
    }
    return patterns;
  }

  void refuse_the_rest() const {
    for (const auto& [key, value] : json_.items()) {
      if (known_.count(key) > 0 || is_unset(value)) continue;
      if (std::find(std::begin(kHarmless), std::end(kHarmless), key) != std::end(kHarmless)) continue;
      throw fault(key, fmt::format("{} is set, and this version does not know how to follow it", dump_json(value)));
    }
  }

 private:
  const Json& json_;
  std::string_view file_;
  std::set<std::string> known_;
};

void check_kind(ConfigReader& reader) {
  const std::string kind = reader.text("peft_type");
  if (kind != "LORA") throw reader.fault("peft_type", fmt::format("expected \"LORA\", got \"{}\"", kind));
  const std::string task = reader.text("task_type");
  if (!task.empty() && task != "CAUSAL_LM") {
    throw reader.fault("task_type", fmt::format("expected \"CAUSAL_LM\", got \"{}\"", task));
  }
  const std::string bias = reader.text("bias");
  if (!bias.empty() && bias != "none") {
    throw reader.fault("bias", fmt::format("\"{}\": trained biases are not read; expected \"none\"", bias));
  }
}

// PiSSA and its like begin by changing the base model's weights: such an adapter fits no base that we could load.
void check_initialisation(ConfigReader& reader) {
  const Json* value = reader.find("init_lora_weights");
  if (value == nullptr || value->is_boolean()) return;
  const bool harmless = *value == "gaussian" || *value == "eva" || *value == "orthogonal";
  if (harmless) return;
  throw reader.fault("init_lora_weights",
                     fmt::format("{} changes the base model, which this version does not follow", dump_json(*value)),
                     "convert the adapter to plain LoRA when it is saved (path_initial_model_for_weight_conversion)");
}

void read_targets(ConfigReader& reader, PeftConfig& config) {
  const Json* targets = reader.find("target_modules");
  if (targets != nullptr && targets->is_string()) {
    config.target_pattern = targets->get<std::string>();
  } else {
    config.target_modules = reader.texts("target_modules");
  }
}

// PEFT's rule: a pattern names a module's whole path or its end after a dot.
bool names_module(std::string_view pattern, std::string_view path) {
  if (pattern.starts_with('^')) return pattern.substr(1) == path;
  if (!path.ends_with(pattern)) return false;
  return path.size() == pattern.size() || path[path.size() - pattern.size() - 1] == '.';
}

template <class T>
T value_for(const std::map<std::string, T>& patterns, std::string_view path, T otherwise) {
  for (const auto& [pattern, value] : patterns) {
    if (names_module(pattern, path)) return value;
  }
  return otherwise;
}

// A whole number as one, as Python's writers have it.
Json number_json(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (std::floor(value) == value && std::fabs(value) < kExact) return static_cast<int64_t>(value);
  return value;
}

Json list_or_null(const std::vector<std::string>& values) {
  return values.empty() ? Json(nullptr) : Json(values);
}

struct Halves {
  ConstTensorView a;
  ConstTensorView b;
};

// Collects lora_A and lora_B of each module and checks that they fit together.
class PairCollector {
 public:
  explicit PairCollector(const std::filesystem::path& file) : file_(file) {}

  Error fault(std::string_view tensor, std::string_view what) const {
    return Error(ErrorCode::kInvalidInput, fmt::format("{}: tensor {}: {}", file_.string(), tensor, what));
  }

  void check_type(std::string_view tensor, ConstTensorView view) const {
    for (const DType type : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0}) {
      if (view.type == type) return;
    }
    throw fault(tensor, fmt::format("of type {}, expected f32, f16 or bf16", to_string(view.type)));
  }
  void add_a(const std::string& path, ConstTensorView view) { halves_[path].a = view; }
  void add_b(const std::string& path, ConstTensorView view) { halves_[path].b = view; }
  bool empty() const { return halves_.empty(); }

  std::vector<AdapterModule> modules() const {
    std::vector<AdapterModule> modules;
    for (const auto& [path, pair] : halves_) {
      check(path, pair);
      modules.push_back({path, to_f32(pair.a), to_f32(pair.b), 0});
    }
    return modules;
  }

 private:
  void check(const std::string& path, const Halves& pair) const {
    if (!pair.a || !pair.b) throw fault(path, fmt::format("{} is missing", pair.a ? "lora_B" : "lora_A"));
    const bool fits = pair.a.shape.rank() == 2 && pair.b.shape.rank() == 2 && pair.a.shape[0] == pair.b.shape[1] &&
                      pair.a.shape[0] > 0;
    if (!fits) {
      throw fault(path, fmt::format("lora_A {} and lora_B {} are no [r, in] and [out, r]", pair.a.shape.text(),
                                    pair.b.shape.text()));
    }
    for (const ConstTensorView& half : {pair.a, pair.b}) {
      check_type(path, half);
    }
  }
  const std::filesystem::path& file_;
  std::map<std::string, Halves> halves_;
};

std::string_view last_name(std::string_view path) {
  const size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? path : path.substr(dot + 1);
}

bool is_saved_module(const PeftConfig& config, std::string_view tensor) {
  const size_t dot = tensor.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view path = tensor.substr(0, dot);
  return std::any_of(config.modules_to_save.begin(), config.modules_to_save.end(),
                     [&](const std::string& name) { return names_module(name, path); });
}

std::vector<std::string> targets_of(const std::vector<AdapterModule>& modules) {
  std::set<std::string> names;
  for (const AdapterModule& module : modules) names.emplace(last_name(module.path));
  return {names.begin(), names.end()};
}

}  // namespace

int64_t PeftConfig::rank_of(std::string_view path) const {
  return value_for(rank_pattern, path, r);
}

double PeftConfig::scale_of(std::string_view path) const {
  const auto rank = static_cast<double>(rank_of(path));
  return value_for(alpha_pattern, path, lora_alpha) / (use_rslora ? std::sqrt(rank) : rank);
}

PeftConfig PeftConfig::from_json(const Json& json, std::string_view file) {
  ConfigReader reader(json, file);
  check_kind(reader);
  check_initialisation(reader);
  PeftConfig config;
  config.base_model_name_or_path = reader.text("base_model_name_or_path");
  if (const Json* rank = reader.find("r")) config.r = reader.rank("r", *rank);
  if (const Json* alpha = reader.find("lora_alpha")) config.lora_alpha = reader.number("lora_alpha", *alpha);
  if (const Json* dropout = reader.find("lora_dropout")) config.lora_dropout = reader.number("lora_dropout", *dropout);
  config.use_rslora = reader.flag("use_rslora");
  read_targets(reader, config);
  config.rank_pattern = reader.patterns<int64_t>(
      "rank_pattern", [&](const std::string& key, const Json& value) { return reader.rank(key, value); });
  config.alpha_pattern = reader.patterns<double>(
      "alpha_pattern", [&](const std::string& key, const Json& value) { return reader.number(key, value); });
  config.modules_to_save = reader.texts("modules_to_save");
  reader.refuse_the_rest();
  return config;
}

Json PeftConfig::to_json() const {
  Json ranks = Json::object();
  for (const auto& [name, rank] : rank_pattern) ranks[name] = rank;
  Json alphas = Json::object();
  for (const auto& [name, alpha] : alpha_pattern) alphas[name] = number_json(alpha);
  return {{"alora_invocation_tokens", nullptr},
          {"alpha_pattern", alphas},
          {"arrow_config", nullptr},
          {"auto_mapping", nullptr},
          {"base_model_name_or_path", base_model_name_or_path},
          {"bias", "none"},
          {"corda_config", nullptr},
          {"ensure_weight_tying", false},
          {"eva_config", nullptr},
          {"exclude_modules", nullptr},
          {"fan_in_fan_out", false},
          {"inference_mode", true},
          {"init_lora_weights", true},
          {"kasa_config", nullptr},
          {"layer_replication", nullptr},
          {"layers_pattern", nullptr},
          {"layers_to_transform", nullptr},
          {"loftq_config", Json::object()},
          {"lora_alpha", number_json(lora_alpha)},
          {"lora_bias", false},
          {"lora_dropout", lora_dropout},
          {"lora_ga_config", nullptr},
          {"megatron_config", nullptr},
          {"megatron_core", "megatron.core"},
          {"modules_to_save", list_or_null(modules_to_save)},
          {"monteclora_config", nullptr},
          {"peft_type", "LORA"},
          {"peft_version", "0.20.1"},
          {"qalora_group_size", 16},
          {"r", r},
          {"rank_pattern", ranks},
          {"revision", nullptr},
          {"target_modules", target_pattern ? Json(*target_pattern) : Json(target_modules)},
          {"target_parameters", nullptr},
          {"task_type", "CAUSAL_LM"},
          {"trainable_token_indices", nullptr},
          {"use_bdlora", nullptr},
          {"use_dora", false},
          {"use_qalora", false},
          {"use_rslora", use_rslora},
          {"velora_config", nullptr}};
}

AdapterFile read_peft_folder(const std::filesystem::path& folder) {
  const std::filesystem::path config_path = folder / kConfigName;
  AdapterFile adapter;
  adapter.config = PeftConfig::from_json(parse_json(read_file(config_path, kMaxConfigBytes), config_path.string()),
                                         config_path.string());
  const SafetensorsFile weights(folder / kWeightsName);
  PairCollector pairs(weights.path());
  for (const auto& [full_name, view] : weights.tensors()) {
    if (!full_name.starts_with(kPrefix)) throw pairs.fault(full_name, fmt::format("expected a name after {}", kPrefix));
    const std::string name = full_name.substr(kPrefix.size());
    if (name.ends_with(kEndingA)) {
      pairs.add_a(name.substr(0, name.size() - kEndingA.size()), view);
    } else if (name.ends_with(kEndingB)) {
      pairs.add_b(name.substr(0, name.size() - kEndingB.size()), view);
    } else if (is_saved_module(adapter.config, name)) {
      pairs.check_type(full_name, view);
      adapter.saved.push_back({name, to_f32(view)});
    } else {
      throw pairs.fault(full_name, "neither LoRA's A or B of a linear map nor of a module in modules_to_save");
    }
  }
  adapter.modules = pairs.modules();
  for (AdapterModule& module : adapter.modules) {
    const int64_t rank = adapter.config.rank_of(module.path);
    if (rank != module.a.shape()[0]) {
      throw pairs.fault(module.path, fmt::format("rank {}, but {} says {}", module.a.shape()[0], kConfigName, rank));
    }
    module.scale = adapter.config.scale_of(module.path);
  }
  return adapter;
}

void write_peft_folder(const std::filesystem::path& folder, const AdapterFile& adapter) {
  std::vector<NamedTensor> tensors;
  for (const AdapterModule& module : adapter.modules) {
    tensors.push_back({fmt::format("{}{}{}", kPrefix, module.path, kEndingA), module.a.const_view()});
    tensors.push_back({fmt::format("{}{}{}", kPrefix, module.path, kEndingB), module.b.const_view()});
  }
  for (const SavedTensor& saved : adapter.saved) {
    tensors.push_back({fmt::format("{}{}", kPrefix, saved.name), saved.value.const_view()});
  }
  std::sort(tensors.begin(), tensors.end(), [](const NamedTensor& a, const NamedTensor& b) { return a.name < b.name; });
  write_safetensors(folder / kWeightsName, tensors);
  write_file_atomically(folder / kConfigName, dump_json_pretty(adapter.config.to_json()));
}

namespace {

void check_adapter_kind(const GgufFile& file) {
  for (const auto& [key, expected] : {std::pair("general.type", "adapter"), std::pair("adapter.type", "lora")}) {
    const std::string got = file.required_text(key);
    if (got == expected) continue;
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: key {}: expected \"{}\", got \"{}\"", file.path().string(), key, expected, got));
  }
}

// "blk.0.attn_q.weight.lora_a" to "model.layers.0.self_attn.q_proj", given the part before ".lora_a".
std::optional<std::string> module_of(std::string_view gguf_tensor) {
  constexpr std::string_view kWeight = ".weight";
  std::optional<std::string> name = hugging_face_name_of(gguf_tensor);
  if (!name || !name->ends_with(kWeight)) return std::nullopt;
  name->resize(name->size() - kWeight.size());
  return name;
}

PairCollector collect_pairs(const GgufFile& file) {
  constexpr std::string_view kA = ".lora_a";
  constexpr std::string_view kB = ".lora_b";
  PairCollector pairs(file.path());
  for (const auto& [name, view] : file.tensors()) {
    const bool is_a = name.ends_with(kA);
    const bool is_lora = is_a || name.ends_with(kB);
    const auto path = is_lora ? module_of(std::string_view(name).substr(0, name.size() - kA.size())) : std::nullopt;
    if (!path) throw pairs.fault(name, "no lora_a or lora_b of a linear map of a Llama-family model");
    if (is_a) pairs.add_a(*path, view);
    if (!is_a) pairs.add_b(*path, view);
  }
  return pairs;
}

void restore_row_order(AdapterModule& module, HeadCounts heads) {
  const bool is_query = is_query_projection(module.path);
  if (!is_query && !is_key_projection(module.path)) return;
  Tensor ordered = Tensor::uninitialized(DType::kF32, module.b.shape());
  rows_to_hugging_face_order(module.b.const_view(), is_query ? heads.query : heads.key, ordered.view());
  module.b = std::move(ordered);
}

}  // namespace

AdapterFile read_gguf_adapter(const GgufFile& file, HeadCounts heads) {
  check_adapter_kind(file);
  file.refuse_unsupported();
  const bool interleaved = has_interleaved_heads(file.required_text("general.architecture"));
  AdapterFile adapter;
  adapter.config.lora_alpha = file.required_number("adapter.lora.alpha");
  if (!std::isfinite(adapter.config.lora_alpha)) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: key adapter.lora.alpha: expected a finite number", file.path().string()));
  }
  adapter.modules = collect_pairs(file).modules();
  if (!adapter.modules.empty()) adapter.config.r = adapter.modules.front().a.shape()[0];
  adapter.config.target_modules = targets_of(adapter.modules);
  for (AdapterModule& module : adapter.modules) {
    const int64_t rank = module.a.shape()[0];
    if (rank != adapter.config.r) adapter.config.rank_pattern["^" + module.path] = rank;
    module.scale = adapter.config.lora_alpha / static_cast<double>(rank);
    if (interleaved) restore_row_order(module, heads);
  }
  return adapter;
}

}  // namespace understudy
