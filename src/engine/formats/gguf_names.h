// The tensors of Llama-family decoders under both their names, Hugging Face's and GGUF's, and the order of q and k rows
// in GGUF files of the llama architecture (Mistral's too). Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/tensor/tensor.h"

namespace understudy {

// "model.layers.3.self_attn.q_proj.weight" <-> "blk.3.attn_q.weight", and so on for weights and biases of llama,
// mistral, qwen2 and qwen3. Nothing for a name that is none of them.
std::optional<std::string> gguf_name_of(std::string_view hugging_face_name);
std::optional<std::string> hugging_face_name_of(std::string_view gguf_name);

// Both halves of a head are rotated together: Hugging Face pairs value i with i + head_dim / 2, the llama architecture
// of GGUF pairs 2i with 2i + 1. So its q and k rows (and their biases, and LoRA's B of both) stand in another order
// within each head:
//   gguf[h * head_dim + 2i + j] = hugging_face[h * head_dim + j * head_dim / 2 + i],   j = 0, 1; i = 0 .. head_dim / 2
//   - 1
bool has_interleaved_heads(std::string_view architecture);  // of general.architecture
// Whether that Hugging Face tensor or module is one whose rows are q's or k's (and not their norms).
bool is_query_projection(std::string_view hugging_face_name);
bool is_key_projection(std::string_view hugging_face_name);

// Copies `from` [rows, ...] to `to` (same shape and type, elsewhere) with the rows in the other order. n_heads: of q or
// of k. Rows are moved whole, so every type will do. Throws kInvalidInput where the rows are not n_heads heads of an
// even size.
void rows_to_gguf_order(ConstTensorView from, int64_t n_heads, TensorView to);
void rows_to_hugging_face_order(ConstTensorView from, int64_t n_heads, TensorView to);

}  // namespace understudy
