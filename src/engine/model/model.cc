#include "engine/model/model.h"

#include <fmt/format.h>

#include <cstring>
#include <optional>

#include "base/json.h"
#include "base/random.h"
#include "engine/formats/gguf.h"
#include "engine/formats/gguf_names.h"
#include "engine/ops/ops.h"

namespace understudy {

// What the weights' views point into.
struct Model::Storage {
  std::vector<Tensor> owned;
  std::optional<SafetensorsFolder> folder;
  std::unique_ptr<GgufFile> gguf;
  bool trainable = false;

  ConstTensorView keep(Tensor tensor) {
    owned.push_back(std::move(tensor));
    return owned.back().const_view();
  }
};

namespace {

constexpr float kInitialDeviation = 0.02F;  // initializer_range of the Llama family

bool aligned(ConstTensorView view) {
  return reinterpret_cast<uintptr_t>(view.data) % 4 == 0;
}

Tensor copy_of(ConstTensorView view) {
  Tensor copy = Tensor::uninitialized(view.type, view.shape);
  std::memcpy(copy.view().data, view.data, view.bytes());
  return copy;
}

Tensor rounded(ConstTensorView view, DType type) {
  const Tensor wide = to_f32(view);
  Tensor narrow = Tensor::uninitialized(type, view.shape);
  convert_from_f32(wide.f32(), narrow.view());
  return narrow;
}

}  // namespace

// Fills a Model's weights from a source of named tensors, in one order for every source.
class ModelLoader {
 public:
  static std::shared_ptr<Model> make(const ModelConfig& config, Compute compute) {
    std::shared_ptr<Model> model(new Model());
    model->config_ = config;
    model->compute_ = compute;
    model->storage_ = std::make_unique<Model::Storage>();
    model->layers_.resize(static_cast<size_t>(config.n_layers));
    name_weights(*model);
    return model;
  }

  static Model::Storage& storage(Model& model) { return *model.storage_; }

  // Calls fill(weight, shape) for every weight that the configuration has.
  template <class Fill>
  static void for_each(Model& model, const Fill& fill) {
    const ModelConfig& config = model.config_;
    fill(model.embedding_, Shape{config.vocab_size, config.width});
    for (LayerWeights& layer : model.layers_) {
      fill(layer.attention_norm, Shape{config.width});
      for (const Linear linear : kLinears) {
        const LinearSize size = size_of(config, linear);
        fill(layer.linears[static_cast<size_t>(linear)], Shape{size.out, size.in});
        if (has_bias(config, linear)) fill(layer.biases[static_cast<size_t>(linear)], Shape{size.out});
      }
      if (config.qk_norm) {
        fill(layer.q_norm, Shape{config.head_dim});
        fill(layer.k_norm, Shape{config.head_dim});
      }
      fill(layer.ffn_norm, Shape{config.width});
    }
    fill(model.final_norm_, Shape{config.width});
    if (!config.tied_embeddings) fill(model.output_, Shape{config.vocab_size, config.width});
  }

  // `view` as this model keeps it: norms and biases in f32, matrices as they are or rounded to bf16.
  static ConstTensorView prepared(Model& model, ConstTensorView view) {
    Model::Storage& storage = *model.storage_;
    if (view.shape.rank() == 1) {
      return view.type == DType::kF32 && aligned(view) ? view : storage.keep(to_f32(view));
    }
    const bool wide = view.type == DType::kF32 || view.type == DType::kF16;
    if (model.compute_ == Compute::kBF16 && wide) return storage.keep(rounded(view, DType::kBF16));
    return aligned(view) || view.type == DType::kQ8_0 ? view : storage.keep(copy_of(view));
  }

 private:
  static bool has_bias(const ModelConfig& config, Linear linear) {
    switch (linear) {
      case Linear::kQ:
      case Linear::kK:
      case Linear::kV:
        return config.qkv_bias;
      case Linear::kO:
        return config.output_bias;
      default:
        return config.mlp_bias;
    }
  }

  static void name_weights(Model& model) {
    model.embedding_.name = "model.embed_tokens.weight";
    model.final_norm_.name = "model.norm.weight";
    model.output_.name = "lm_head.weight";
    for (size_t i = 0; i < model.layers_.size(); ++i) {
      LayerWeights& layer = model.layers_[i];
      const std::string prefix = fmt::format("model.layers.{}.", i);
      layer.attention_norm.name = prefix + "input_layernorm.weight";
      layer.ffn_norm.name = prefix + "post_attention_layernorm.weight";
      layer.q_norm.name = prefix + "self_attn.q_norm.weight";
      layer.k_norm.name = prefix + "self_attn.k_norm.weight";
      for (const Linear linear : kLinears) {
        const std::string path = module_path(static_cast<int64_t>(i), linear);
        layer.linears[static_cast<size_t>(linear)].name = path + ".weight";
        layer.biases[static_cast<size_t>(linear)].name = path + ".bias";
      }
    }
  }
};

namespace {

void check_tensor(ConstTensorView view, const Shape& shape, const std::string& where) {
  if (!view)
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: is missing", where),
                "is the file whole, and of this model?");
  if (!(view.shape == shape)) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: has the shape {}, expected {}", where, view.shape.text(), shape.text()));
  }
  const bool readable =
      view.type == DType::kF32 || view.type == DType::kF16 || view.type == DType::kBF16 || view.type == DType::kQ8_0;
  if (!readable) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: is of type {}; f32, f16, bf16 and q8_0 are read", where, to_string(view.type)));
  }
}

std::shared_ptr<Model> load_folder(const std::filesystem::path& path, const ModelOptions& options) {
  std::shared_ptr<Model> model = ModelLoader::make(ModelConfig::from_hf_folder(path), options.compute);
  Model::Storage& storage = ModelLoader::storage(*model);
  const SafetensorsFolder& folder = storage.folder.emplace(path);
  ModelLoader::for_each(*model, [&](Weight& weight, const Shape& shape) {
    const ConstTensorView view = folder.find(weight.name);
    check_tensor(view, shape,
                 view ? folder.describe(weight.name) : fmt::format("{}: tensor {}", path.string(), weight.name));
    weight.data = ModelLoader::prepared(*model, view);
  });
  return model;
}

std::shared_ptr<Model> load_gguf(const std::filesystem::path& path, const ModelOptions& options) {
  auto file = std::make_unique<GgufFile>(path);
  std::shared_ptr<Model> model = ModelLoader::make(ModelConfig::from_gguf(*file), options.compute);
  Model::Storage& storage = ModelLoader::storage(*model);
  const ModelConfig& config = model->config();
  const bool interleaved = has_interleaved_heads(file->required_text("general.architecture"));
  ModelLoader::for_each(*model, [&](Weight& weight, const Shape& shape) {
    const std::string name = gguf_name_of(weight.name).value_or(weight.name);
    ConstTensorView view = file->find(name);
    const auto foreign = file->unsupported().find(name);
    if (foreign != file->unsupported().end()) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: tensor {} is of type {}; F32, F16, BF16 and Q8_0 are read", path.string(), name,
                              foreign->second),
                  "convert the model to q8_0 or f16");
    }
    check_tensor(view, shape, fmt::format("{}: tensor {}", path.string(), name));
    if (interleaved && (is_query_projection(weight.name) || is_key_projection(weight.name))) {
      Tensor reordered = Tensor::uninitialized(view.type, view.shape);
      rows_to_hugging_face_order(view, is_query_projection(weight.name) ? config.n_heads : config.n_kv_heads,
                                 reordered.view());
      view = storage.keep(std::move(reordered));
    }
    weight.data = ModelLoader::prepared(*model, view);
  });
  storage.gguf = std::move(file);
  return model;
}

}  // namespace

Compute fastest_compute() {
  return Compute::kBF16;
}

Model::~Model() = default;

std::shared_ptr<Model> Model::load(const std::filesystem::path& path, const ModelOptions& options) {
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorCode::kNotFound, fmt::format("{}: there is no such model", path.string()),
                "a Hugging Face folder (config.json, model.safetensors) or a .gguf file is expected");
  }
  return std::filesystem::is_directory(path) ? load_folder(path, options) : load_gguf(path, options);
}

std::shared_ptr<Model> Model::random(const ModelConfig& config, uint64_t seed, const ModelOptions& options) {
  std::shared_ptr<Model> model = ModelLoader::make(config, options.compute);
  uint64_t stream = 0;
  ModelLoader::for_each(*model, [&](Weight& weight, const Shape& shape) {
    Random random(seed, stream++);
    Tensor tensor(DType::kF32, shape);
    const bool is_bias = weight.name.ends_with(".bias");
    for (int64_t i = 0; i < shape.elements(); ++i) {
      const float value = shape.rank() == 2 ? kInitialDeviation * static_cast<float>(random.normal())
                          : is_bias         ? 0.0F
                                            : 1.0F;
      tensor.f32()[i] = value;
    }
    const ConstTensorView view = ModelLoader::storage(*model).keep(std::move(tensor));
    weight.data = ModelLoader::prepared(*model, view);
    // The wide copy of a rounded matrix is not needed any more.
    std::vector<Tensor>& owned = ModelLoader::storage(*model).owned;
    if (weight.data.data != view.data) owned.erase(owned.end() - 2);
  });
  return model;
}

std::vector<Weight*> Model::mutable_weights() {
  std::vector<Weight*> list;
  ModelLoader::for_each(*this, [&](Weight& weight, const Shape&) { list.push_back(&weight); });
  return list;
}

std::vector<const Weight*> Model::weights() const {
  std::vector<const Weight*> list;
  for (Weight* weight : const_cast<Model*>(this)->mutable_weights()) list.push_back(weight);
  return list;
}

size_t Model::memory_bytes() const {
  size_t bytes = 0;
  for (const Weight* weight : weights()) bytes += weight->data.bytes();
  return bytes;
}

void Model::save_hf(const std::filesystem::path& folder, DType type) const {
  std::vector<Tensor> converted;
  std::vector<NamedTensor> named;
  for (const Weight* weight : weights()) {
    converted.push_back(rounded(weight->data, type));
    named.push_back({weight->name, converted.back().const_view()});
  }
  Json json = config_.to_hf_json();
  json["dtype"] = type == DType::kBF16 ? "bfloat16" : type == DType::kF16 ? "float16" : "float32";
  write_file_atomically(folder / "config.json", dump_json_pretty(json));
  write_safetensors(folder / "model.safetensors", named);
}

void Model::make_trainable() {
  std::vector<Tensor> owned;
  for (Weight* weight : mutable_weights()) {
    owned.push_back(to_f32(weight->data));
    weight->data = owned.back().const_view();
  }
  storage_->owned = std::move(owned);
  storage_->folder.reset();
  storage_->gguf.reset();
  storage_->trainable = true;
  compute_ = Compute::kF32;
}

TensorView Model::trainable(const Weight& weight) {
  CHECK(storage_->trainable, "the model was not made trainable");
  return {const_cast<void*>(weight.data.data), weight.data.type, weight.data.shape};
}

}  // namespace understudy
