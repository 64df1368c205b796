// A model with an adapter merged into it, as a GGUF file, and an adapter alone as one: names, row order, metadata and
// types as llama.cpp reads them. Weights are read, merged, rounded and written tensor by tensor, so that memory holds
// one at a time. Used by one thread.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/formats/peft.h"
#include "engine/formats/safetensors.h"
#include "engine/model/model_config.h"
#include "engine/tensor/tensor.h"
#include "engine/text/tokenizer.h"

namespace understudy {

struct ModelExport {  // borrows everything
  const ModelConfig& config;
  const SafetensorsFolder& weights;
  const Tokenizer& tokenizer;
  const AdapterFile* adapter = nullptr;  // nullptr: the base alone
  std::string name;                      // general.name
  DType type = DType::kF16;              // of matrices: kF16 or kQ8_0 (rows that are no multiples of 32 stay F16)
  std::stop_token stop = {};             // asked before each tensor; then kCancelled is thrown
};

// Writes W + scale B A, computed in f32 and rounded once; norms and biases stay F32. A module that the adapter trained
// whole takes the base's place. Throws kInvalidInput naming file and tensor where one is missing, is of another shape
// than the configuration says, has no place in GGUF, or holds what `type` cannot (NaN, infinity, values beyond f16);
// kIo as GgufWriter::write.
void export_model(const ModelExport& what, const std::filesystem::path& path);

// Writes the adapter as llama.cpp's --lora takes it: A and B in F32. GGUF has one alpha for all, so where a module's
// scale is not alpha / its rank, B is multiplied by the quotient.
//
// Modules trained whole (modules_to_save) have no place there: llama.cpp (llama-adapter.cpp) refuses a file with any
// tensor that is not X.lora_a or X.lora_b, but for norms, which it passes over. Their difference from the base could be
// written as a pair of full rank, but is then larger than the module itself, and a pair of token_embd has another
// layout than the same tensor needs as the output of a tied model. can_export_adapter: whether the adapter has none.
void export_adapter(const ModelConfig& config, const AdapterFile& adapter, const std::string& name,
                    const std::filesystem::path& path);
bool can_export_adapter(const AdapterFile& adapter);

// What llama.cpp will do otherwise than the model was trained, in sentences for people; empty where nothing.
std::vector<std::string> export_warnings(const ModelConfig& config);

}  // namespace understudy
