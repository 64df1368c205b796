#include "engine/formats/gguf_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace understudy {

namespace {

struct NamePair {
  std::string_view hugging_face;
  std::string_view gguf;
};
constexpr NamePair kWholeModel[] = {
    {"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"}};
constexpr NamePair kInLayer[] = {{"input_layernorm", "attn_norm"},    {"self_attn.q_proj", "attn_q"},
                                 {"self_attn.k_proj", "attn_k"},      {"self_attn.v_proj", "attn_v"},
                                 {"self_attn.o_proj", "attn_output"}, {"self_attn.q_norm", "attn_q_norm"},
                                 {"self_attn.k_norm", "attn_k_norm"}, {"post_attention_layernorm", "ffn_norm"},
                                 {"mlp.gate_proj", "ffn_gate"},       {"mlp.up_proj", "ffn_up"},
                                 {"mlp.down_proj", "ffn_down"}};
constexpr std::string_view kHuggingFaceLayer = "model.layers.";
constexpr std::string_view kGgufLayer = "blk.";

// One side's name in its parts: [layer prefix + number + "."] module ".weight" or ".bias".
struct Parts {
  std::string_view layer;  // the digits; empty outside the layers
  std::string_view module;
  std::string_view ending;  // ".weight"
};

std::optional<Parts> split(std::string_view name, std::string_view layer_prefix) {
  Parts parts;
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  parts.ending = name.substr(dot);
  if (parts.ending != ".weight" && parts.ending != ".bias") return std::nullopt;
  parts.module = name.substr(0, dot);
  if (!parts.module.starts_with(layer_prefix)) return parts;
  parts.module.remove_prefix(layer_prefix.size());
  const size_t end = parts.module.find('.');
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  parts.layer = parts.module.substr(0, end);
  parts.module.remove_prefix(end + 1);
  const bool number = std::all_of(parts.layer.begin(), parts.layer.end(), [](char c) { return c >= '0' && c <= '9'; });
  const bool canonical = parts.layer.size() == 1 || parts.layer.front() != '0';
  return number && canonical ? std::optional(parts) : std::nullopt;
}

std::optional<std::string> translate(std::string_view name, bool to_gguf) {
  const std::optional<Parts> parts = split(name, to_gguf ? kHuggingFaceLayer : kGgufLayer);
  if (!parts) return std::nullopt;
  const auto matches = [&](const NamePair& pair) { return (to_gguf ? pair.hugging_face : pair.gguf) == parts->module; };
  const auto other = [&](const NamePair& pair) { return to_gguf ? pair.gguf : pair.hugging_face; };
  if (parts->layer.empty()) {
    const auto* found = std::find_if(std::begin(kWholeModel), std::end(kWholeModel), matches);
    if (found == std::end(kWholeModel)) return std::nullopt;
    return fmt::format("{}{}", other(*found), parts->ending);
  }
  const auto* found = std::find_if(std::begin(kInLayer), std::end(kInLayer), matches);
  if (found == std::end(kInLayer)) return std::nullopt;
  return fmt::format("{}{}.{}{}", to_gguf ? kGgufLayer : kHuggingFaceLayer, parts->layer, other(*found), parts->ending);
}

enum class Order { kGguf, kHuggingFace };

void reorder_rows(ConstTensorView from, int64_t n_heads, TensorView to, Order wanted) {
  CHECK(from.shape == to.shape && from.type == to.type, "rows are reordered into a tensor of the same form");
  const int64_t rows = from.shape.rank() == 0 ? 0 : from.shape[0];
  if (n_heads <= 0 || rows % (2 * n_heads) != 0) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{} rows are not {} heads of an even size", rows, n_heads));
  }
  if (rows == 0) return;
  const size_t row_bytes = from.bytes() / static_cast<size_t>(rows);
  const int64_t half = rows / n_heads / 2;
  const auto* source = static_cast<const std::byte*>(from.data);
  auto* target = static_cast<std::byte*>(to.data);
  for (int64_t head = 0; head < n_heads; ++head) {
    for (int64_t i = 0; i < half; ++i) {
      for (int64_t j = 0; j < 2; ++j) {
        const auto interleaved = static_cast<size_t>(head * 2 * half + 2 * i + j);
        const auto halves = static_cast<size_t>(head * 2 * half + j * half + i);
        const size_t read = wanted == Order::kGguf ? halves : interleaved;
        const size_t write = wanted == Order::kGguf ? interleaved : halves;
        std::memcpy(target + write * row_bytes, source + read * row_bytes, row_bytes);
      }
    }
  }
}

}  // namespace

std::optional<std::string> gguf_name_of(std::string_view hugging_face_name) {
  return translate(hugging_face_name, true);
}

std::optional<std::string> hugging_face_name_of(std::string_view gguf_name) {
  return translate(gguf_name, false);
}

bool has_interleaved_heads(std::string_view architecture) {
  return architecture == "llama";
}

bool is_query_projection(std::string_view hugging_face_name) {
  return hugging_face_name.find(".self_attn.q_proj") != std::string_view::npos;
}

bool is_key_projection(std::string_view hugging_face_name) {
  return hugging_face_name.find(".self_attn.k_proj") != std::string_view::npos;
}

void rows_to_gguf_order(ConstTensorView from, int64_t n_heads, TensorView to) {
  reorder_rows(from, n_heads, to, Order::kGguf);
}

void rows_to_hugging_face_order(ConstTensorView from, int64_t n_heads, TensorView to) {
  reorder_rows(from, n_heads, to, Order::kHuggingFace);
}

}  // namespace understudy
