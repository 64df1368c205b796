#include "gateway/wire/openai_common.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "gateway/wire/openai_error.h"

namespace understudy::openai {

namespace {

// Deeper than any schema of a tool that people write, shallow enough for every reader that recurses over it.
constexpr JsonLimits kBodyLimits{.depth = 64};

std::vector<std::string> read_stop(ObjectReader& fields) {
  const Json* value = fields.take("stop");
  if (value == nullptr) return {};
  const std::string expected = fmt::format("a string or a list of up to {} strings, none empty", kMostStops);
  const auto is_stop = [](const Json& stop) { return stop.is_string() && !stop.get_ref<const std::string&>().empty(); };
  if (is_stop(*value)) return {value->get<std::string>()};
  if (!value->is_array() || value->size() > kMostStops) throw field_error(fields.path_of("stop"), expected, *value);
  std::vector<std::string> stops;
  for (const Json& stop : *value) {
    if (!is_stop(stop)) throw field_error(fields.path_of("stop"), expected, *value);
    stops.push_back(stop.get<std::string>());
  }
  return stops;
}

std::vector<std::pair<int32_t, float>> read_logit_bias(ObjectReader& fields) {
  std::vector<std::pair<int32_t, float>> biases;
  const Json* value = fields.take("logit_bias");
  if (value == nullptr) return biases;
  const std::string path = fields.path_of("logit_bias");
  constexpr std::string_view kExpected = "an object of token ids and numbers from -100 to 100";
  if (!value->is_object()) throw field_error(path, kExpected, *value);
  for (const auto& [key, bias] : value->items()) {
    int32_t id = 0;
    const auto [end, code] = std::from_chars(key.data(), key.data() + key.size(), id);
    const bool is_id = code == std::errc() && end == key.data() + key.size() && key == std::to_string(id) && id >= 0;
    if (!is_id || !bias.is_number() || std::abs(bias.get<double>()) > 100) throw field_error(path, kExpected, *value);
    biases.emplace_back(id, bias.get<float>());
  }
  return biases;
}

void read_stream_fields(ObjectReader& fields, ChatRequest& request) {
  request.stream = fields.boolean("stream").value_or(false);
  const Json* options = fields.take("stream_options");
  if (options == nullptr) return;
  const std::string path = fields.path_of("stream_options");
  if (!request.stream) {
    throw Error(ErrorCode::kInvalidInput, path + ": only allowed with \"stream\": true").about(path, "invalid_value");
  }
  ObjectReader reader(*options, path);
  request.stream_usage = reader.boolean("include_usage").value_or(false);
  reader.accept({"include_obfuscation"});
  reader.finish();
}

void read_sampling(ObjectReader& fields, SamplingSettings& sampling) {
  sampling.temperature = fields.number("temperature", {0, 2}).value_or(sampling.temperature);
  sampling.top_p = fields.number("top_p", {0, 1}).value_or(sampling.top_p);
  sampling.top_k = static_cast<int>(fields.integer("top_k", 0, INT32_MAX).value_or(sampling.top_k));
  sampling.min_p = fields.number("min_p", {0, 1}).value_or(sampling.min_p);
  sampling.presence_penalty = fields.number("presence_penalty", {-2, 2}).value_or(sampling.presence_penalty);
  sampling.frequency_penalty = fields.number("frequency_penalty", {-2, 2}).value_or(sampling.frequency_penalty);
  // OpenAI's seeds are signed; ours are the same 64 bits.
  const std::optional<int64_t> seed = fields.integer("seed", INT64_MIN, INT64_MAX);
  if (seed) sampling.seed = static_cast<uint64_t>(*seed);
  sampling.logit_bias = read_logit_bias(fields);
}

}  // namespace

Json parse_body(std::string_view body) {
  Json value = parse_json(body, "the request's body", kBodyLimits);
  if (!value.is_object()) throw Error(ErrorCode::kInvalidInput, "the request's body: expected a JSON object");
  return value;
}

void read_common_fields(ObjectReader& fields, ChatRequest& request) {
  request.model = fields.require_text("model");
  read_sampling(fields, request.sampling);
  request.stop = read_stop(fields);
  request.n = static_cast<int>(fields.integer("n", 1, kMostChoices).value_or(1));
  read_stream_fields(fields, request);
  fields.accept(
      {"user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"});
}

void write_common_fields(const ChatRequest& request, Json& body) {
  const SamplingSettings& sampling = request.sampling;
  const SamplingSettings usual;
  const auto put = [&body](const char* key, const auto& value, const auto& usual_value) {
    if (value != usual_value) body[key] = value;
  };
  put("temperature", sampling.temperature, usual.temperature);
  put("top_p", sampling.top_p, usual.top_p);
  put("top_k", sampling.top_k, usual.top_k);
  put("min_p", sampling.min_p, usual.min_p);
  put("presence_penalty", sampling.presence_penalty, usual.presence_penalty);
  put("frequency_penalty", sampling.frequency_penalty, usual.frequency_penalty);
  if (sampling.seed) body["seed"] = static_cast<int64_t>(*sampling.seed);
  for (const auto& [id, bias] : sampling.logit_bias) body["logit_bias"][std::to_string(id)] = bias;
  put("stop", request.stop, std::vector<std::string>{});
  put("n", request.n, 1);
  put("stream", request.stream, false);
  if (request.stream_usage) body["stream_options"] = {{"include_usage", true}};
}

Json usage_json(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}}};
}

Usage read_usage(const Json& value, const std::string& path) {
  ObjectReader fields(value, path);
  Usage usage;
  usage.prompt_tokens = fields.integer("prompt_tokens", 0, INT64_MAX).value_or(0);
  usage.completion_tokens = fields.integer("completion_tokens", 0, INT64_MAX).value_or(0);
  if (const Json* details = fields.take("prompt_tokens_details")) {
    usage.cached_tokens = ObjectReader(*details, fields.path_of("prompt_tokens_details"))
                              .integer("cached_tokens", 0, INT64_MAX)
                              .value_or(0);
  }
  return usage;
}

double finite_logprob(double logprob) {
  return std::isfinite(logprob) ? logprob : -9999.0;
}

Json head_json(const AnswerHead& head, std::string_view object) {
  return {{"id", head.id}, {"object", object}, {"created", head.created}, {"model", head.model}};
}

AnswerHead read_head(ObjectReader& fields) {
  AnswerHead head;
  head.id = fields.text("id").value_or("");
  head.model = fields.text("model").value_or("");
  head.created = fields.integer("created", 0, INT64_MAX).value_or(0);
  return head;
}

std::string failure_payload(const FailureEvent& failure) {
  return openai::write_error(Error(failure.code, failure.message));
}

FailureEvent read_failure(const Json& error) {
  const Json message = error.is_object() ? error.value("message", Json()) : Json();
  const Json type = error.is_object() ? error.value("type", Json()) : Json();
  FailureEvent failure;
  failure.message = message.is_string() ? message.get<std::string>() : dump_json(error);
  failure.code = type == "rate_limit_error"        ? ErrorCode::kOverloaded
                 : type == "invalid_request_error" ? ErrorCode::kInvalidInput
                                                   : ErrorCode::kInternal;
  return failure;
}

}  // namespace understudy::openai
