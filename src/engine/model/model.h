// The room's page. engine/model is the Llama-family decoder: configuration, weights, forward and backward, KV cache,
// adapters; loading, merging, saving. The decoder is written once for training and serving:
//   model.h      Model: immutable weights, shared by shared_ptr<const Model>
//   adapter.h    Adapter: the LoRA weights of one specialist
//   decoder.h    Decoder: tokens of many sequences at once through the layers, with a KvCache (kv_cache.h): serving,
//   logits training_graph.h  TrainingGraph: loss and gradients of packed rows, for LoRA or all weights
// It knows no tasks, no money, no HTTP.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/formats/safetensors.h"
#include "engine/model/model_config.h"
#include "engine/tensor/tensor.h"

namespace understudy {

// How matrices are kept. Products always sum in f32, over the weights as they are kept:
//   kF32   as they lie in the file (f32, f16, bf16, q8_0): nothing is rounded, so the results are those of f32
//   arithmetic kBF16  f32 and f16 matrices rounded to bf16: half of f32's memory, and half of the bytes that decoding a
//   token has to read
enum class Compute { kF32, kBF16 };
// What serving and `bf16: auto` take: kBF16, for decoding is bound by the bytes of the weights.
Compute fastest_compute();

// One matrix or vector of the model. Matrices are f32, f16, bf16 or q8_0 [out, in]; norms and biases always f32
// [width].
struct Weight {
  std::string name;      // Hugging Face's: "model.layers.0.self_attn.q_proj.weight"
  ConstTensorView data;  // empty where the family has no such weight
  explicit operator bool() const { return data.data != nullptr; }
  const float* f32() const { return data.data == nullptr ? nullptr : data.f32(); }
};

struct LayerWeights {
  Weight attention_norm;          // input_layernorm [width]
  std::array<Weight, 7> linears;  // by Linear
  std::array<Weight, 7> biases;   // by Linear; empty where the family has none
  Weight q_norm, k_norm;          // [head_dim], Qwen3
  Weight ffn_norm;                // post_attention_layernorm [width]
  const Weight& linear(Linear which) const { return linears[static_cast<size_t>(which)]; }
  const Weight& bias(Linear which) const { return biases[static_cast<size_t>(which)]; }
};

struct ModelOptions {
  Compute compute = Compute::kF32;
};

class Model {  // immutable after loading, but for a TrainingGraph of all weights, which changes its own f32 copies in
               // place
 public:
  // A Hugging Face folder (config.json, safetensors) or a GGUF file. Throws kInvalidInput naming file and tensor for a
  // missing tensor, a wrong shape or a type that is not read.
  static std::shared_ptr<Model> load(const std::filesystem::path& path, const ModelOptions& options);
  // Normal(0, 0.02) matrices and embeddings, norms one: for pre-training and benchmarks.
  static std::shared_ptr<Model> random(const ModelConfig& config, uint64_t seed, const ModelOptions& options);

  ~Model();
  struct Storage;  // what the weights' views point into; model.cc

  const ModelConfig& config() const { return config_; }
  Compute compute() const { return compute_; }
  const Weight& embedding() const { return embedding_; }                                   // [vocab, width]
  const Weight& output() const { return config_.tied_embeddings ? embedding_ : output_; }  // lm_head [vocab, width]
  const Weight& final_norm() const { return final_norm_; }
  const LayerWeights& layer(int64_t i) const { return layers_[static_cast<size_t>(i)]; }
  // Every weight once, in Hugging Face's order of names.
  std::vector<const Weight*> weights() const;
  size_t memory_bytes() const;

  // Writes config.json and model.safetensors into the folder (bf16 or f32); tokenizer files are the caller's.
  void save_hf(const std::filesystem::path& folder, DType type) const;
  // Replaces every weight by an f32 copy that this model owns, so that it can be trained.
  void make_trainable();
  // The f32 memory of a weight of a trainable model.
  TensorView trainable(const Weight& weight);

 private:
  friend class ModelLoader;
  Model() = default;
  std::vector<Weight*> mutable_weights();
  ModelConfig config_;
  Compute compute_ = Compute::kF32;
  Weight embedding_, output_, final_norm_;
  std::vector<LayerWeights> layers_;
  std::unique_ptr<Storage> storage_;  // owned tensors and the mapped files behind the views
};

}  // namespace understudy
