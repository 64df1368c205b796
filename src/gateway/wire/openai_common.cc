#include "gateway/wire/openai_common.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "gateway/wire/openai_error.h"

namespace understudy::openai {

namespace {

// Deeper than a gateway's config lets a request be, shallow enough for every reader that recurses over it.
constexpr JsonLimits kBodyLimits{.depth = 256};

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
  if (const auto top_k = fields.integer("top_k", 0, INT32_MAX)) sampling.top_k = static_cast<int>(*top_k);
  sampling.min_p = fields.number("min_p", {0, 1});
  sampling.presence_penalty = fields.number("presence_penalty", {-2, 2});
  sampling.frequency_penalty = fields.number("frequency_penalty", {-2, 2});
  // OpenAI's seeds are signed; ours are the same 64 bits.
  const std::optional<int64_t> seed = fields.integer("seed", INT64_MIN, INT64_MAX);
  if (seed) sampling.seed = static_cast<uint64_t>(*seed);
  sampling.logit_bias = read_logit_bias(fields);
}

std::map<std::string, std::string> read_metadata(ObjectReader& fields) {
  std::map<std::string, std::string> metadata;
  const Json* value = fields.take("metadata");
  if (value == nullptr) return metadata;
  constexpr std::string_view kExpected = "an object of strings";
  if (!value->is_object()) throw field_error(fields.path_of("metadata"), kExpected, *value);
  for (const auto& [key, text] : value->items()) {
    if (!text.is_string()) throw field_error(fields.path_of("metadata"), kExpected, *value);
    metadata[key] = text.get<std::string>();
  }
  return metadata;
}

// Two names of one thing; the newer one counts.
std::string read_user(ObjectReader& fields) {
  const std::optional<std::string> user = fields.text("user");
  const std::optional<std::string> identifier = fields.text("safety_identifier");
  return identifier ? *identifier : user.value_or("");
}

}  // namespace

Json parse_body(std::string_view body) {
  Json value = parse_json(body, "the request's body", kBodyLimits);
  if (!value.is_object()) throw Error(ErrorCode::kInvalidInput, "the request's body: expected a JSON object");
  return value;
}

void read_shared_fields(ObjectReader& fields, ChatRequest& request) {
  request.model = fields.require_text("model");
  request.sampling.temperature = fields.number("temperature", {0, 2});
  request.sampling.top_p = fields.number("top_p", {0, 1});
  read_stream_fields(fields, request);
  request.user = read_user(fields);
  request.metadata = read_metadata(fields);
}

void write_shared_fields(const ChatRequest& request, Json& body) {
  if (request.sampling.temperature) body["temperature"] = *request.sampling.temperature;
  if (request.sampling.top_p) body["top_p"] = *request.sampling.top_p;
  if (request.stream) body["stream"] = true;
  if (!request.user.empty()) body["user"] = request.user;
  for (const auto& [key, text] : request.metadata) body["metadata"][key] = text;
}

void read_common_fields(ObjectReader& fields, ChatRequest& request) {
  read_shared_fields(fields, request);
  read_sampling(fields, request.sampling);
  request.stop = read_stop(fields);
  request.n = static_cast<int>(fields.integer("n", 1, kMostChoices).value_or(1));
}

void write_common_fields(const ChatRequest& request, Json& body) {
  if (request.stop.size() > kMostStops) {
    throw unsupported_field("stop", fmt::format("OpenAI's protocols take up to {}", kMostStops));
  }
  write_shared_fields(request, body);
  const SamplingSettings& sampling = request.sampling;
  const auto put = [&body](const char* key, const auto& value) {
    if (value) body[key] = *value;
  };
  put("top_k", sampling.top_k);
  put("min_p", sampling.min_p);
  put("presence_penalty", sampling.presence_penalty);
  put("frequency_penalty", sampling.frequency_penalty);
  if (sampling.seed) body["seed"] = static_cast<int64_t>(*sampling.seed);
  for (const auto& [id, bias] : sampling.logit_bias) body["logit_bias"][std::to_string(id)] = bias;
  if (!request.stop.empty()) body["stop"] = request.stop;
  if (request.n != 1) body["n"] = request.n;
  if (request.stream && request.stream_usage) body["stream_options"] = {{"include_usage", true}};
}

std::vector<ContentPart> read_parts(const Json& value, const std::string& path,
                                    ContentPart (*read_part)(const Json& value, const std::string& path)) {
  if (value.is_string()) return {ContentPart::of(value.get<std::string>())};
  if (!value.is_array()) throw field_error(path, "a string or a list of parts", value);
  std::vector<ContentPart> parts;
  parts.reserve(value.size());
  for (size_t i = 0; i < value.size(); ++i) parts.push_back(read_part(value[i], fmt::format("{}[{}]", path, i)));
  return parts;
}

void put_url(const std::string& url, Media& media) {
  constexpr std::string_view kData = "data:";
  constexpr std::string_view kBase64 = ";base64,";
  const size_t comma = url.find(',');
  const size_t mark = url.find(kBase64);
  const bool is_base64 = url.rfind(kData, 0) == 0 && mark != std::string::npos && mark + kBase64.size() - 1 == comma &&
                         comma + 1 < url.size();
  if (!is_base64) {
    media.url = url;
    return;
  }
  media.media_type = url.substr(kData.size(), mark - kData.size());
  media.data = url.substr(comma + 1);
}

std::string url_of(const Media& media) {
  return media.data.empty() ? media.url : fmt::format("data:{};base64,{}", media.media_type, media.data);
}

bool has_plain_type(const Media& media) {
  return media.media_type.find(',') == std::string::npos;
}

void put_file_data(const std::string& data, Media& media) {
  put_url(data, media);
  if (!media.url.empty()) std::swap(media.url, media.data);  // base64 without a type
}

std::string file_data_of(const Media& media) {
  return media.media_type.empty() ? media.data : url_of(media);
}

Json usage_json(const Usage& usage, const UsageNames& names) {
  Json json = {{names.prompt, usage.prompt_tokens()},
               {names.completion, usage.completion_tokens()},
               {"total_tokens", usage.prompt_tokens() + usage.completion_tokens()},
               {names.prompt_details, {{"cached_tokens", usage.cached_input}}}};
  const int64_t cache_write = usage.cache_write + usage.cache_write_1h;
  if (cache_write > 0) json[names.prompt_details]["cache_write_tokens"] = cache_write;  // OpenRouter's word
  if (usage.reasoning > 0) json[names.completion_details] = {{"reasoning_tokens", usage.reasoning}};
  return json;
}

namespace {

constexpr int64_t kMostTokens = 1'000'000'000'000;  // of a count: sums of them stay far from the end of the type

int64_t read_count(ObjectReader& fields, const char* key) {
  return fields.integer(key, 0, kMostTokens).value_or(0);
}

int64_t read_detail(ObjectReader& fields, const char* group, const char* key) {
  const Json* details = fields.take(group);
  if (details == nullptr) return 0;
  ObjectReader reader(*details, fields.path_of(group));
  return read_count(reader, key);
}

// DeepSeek and Moonshot have the cached tokens one level higher.
int64_t read_cached(ObjectReader& fields, const UsageNames& names) {
  const int64_t cached = read_detail(fields, names.prompt_details, "cached_tokens");
  return std::max({cached, read_count(fields, "prompt_cache_hit_tokens"), read_count(fields, "cached_tokens")});
}

}  // namespace

// What was cached stands in prompt_tokens, what was thought in completion_tokens. xAI counts thoughts beside the
// completion, which its total shows.
Usage read_usage(const Json& value, const std::string& path, const UsageNames& names) {
  ObjectReader fields(value, path);
  const int64_t prompt = read_count(fields, names.prompt);
  const int64_t completion = read_count(fields, names.completion);
  const int64_t reasoning = read_detail(fields, names.completion_details, "reasoning_tokens");
  const bool is_beside = reasoning > 0 && read_count(fields, "total_tokens") == prompt + completion + reasoning;
  Usage usage;
  usage.cached_input = std::min(prompt, read_cached(fields, names));
  usage.cache_write =
      std::min(prompt - usage.cached_input, read_detail(fields, names.prompt_details, "cache_write_tokens"));
  usage.input = prompt - usage.cached_input - usage.cache_write;
  usage.reasoning = is_beside ? reasoning : std::min(completion, reasoning);
  usage.output = is_beside ? completion : completion - usage.reasoning;
  return usage;
}

namespace {

struct VendorReason {
  std::string_view word;
  FinishReason reason;
};
// Beside OpenAI's own: Mistral, Together, DeepSeek, OpenRouter, SGLang, and what other protocols' words are where a
// vendor lets them through.
constexpr VendorReason kVendorReasons[] = {{"function_call", FinishReason::kToolCalls},
                                           {"tool_call", FinishReason::kToolCalls},
                                           {"tool_use", FinishReason::kToolCalls},
                                           {"max_tokens", FinishReason::kLength},
                                           {"model_length", FinishReason::kLength},
                                           {"safety", FinishReason::kContentFilter},
                                           {"error", FinishReason::kCancelled},
                                           {"abort", FinishReason::kCancelled},
                                           {"insufficient_system_resource", FinishReason::kCancelled}};

}  // namespace

std::string_view finish_word(FinishReason reason) {
  if (reason == FinishReason::kRefusal) return to_string(FinishReason::kContentFilter);
  if (reason == FinishReason::kPause) return to_string(FinishReason::kStop);
  return to_string(reason);
}

FinishReason finish_reason_of(std::string_view word) {
  for (const VendorReason& entry : kVendorReasons) {
    if (entry.word == word) return entry.reason;
  }
  return finish_reason_from(word).value_or(FinishReason::kStop);
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

const Json* error_in(const Json& chunk) {
  const auto found = chunk.find("error");
  if (found != chunk.end() && !found->is_null()) return &*found;
  return chunk.value("object", Json()) == "error" ? &chunk : nullptr;  // older vLLM's
}

void check_chunk(const Json& chunk) {
  if (chunk.contains("choices") || chunk.contains("usage") || chunk.contains("object")) return;
  throw Error(ErrorCode::kInvalidInput, "choices: is missing").about("choices", "missing_required_parameter");
}

bool read_chunk_head(ObjectReader& chunk, std::vector<ChatEvent>& events) {
  AnswerHead head = read_head(chunk);
  if (head.id.empty() && head.model.empty()) return false;
  events.emplace_back(HeadEvent{std::move(head)});
  return true;
}

namespace {

const Json* object_member(const Json& holder, const char* key) {
  const auto found = holder.is_object() ? holder.find(key) : holder.end();
  return found != holder.end() && found->is_object() ? &*found : nullptr;
}

const Json* usage_in(const Json& chunk) {
  if (const Json* usage = object_member(chunk, "usage")) return usage;
  if (const Json* groq = object_member(chunk, "x_groq")) return object_member(*groq, "usage");
  const auto choices = chunk.find("choices");
  const bool has_choice = choices != chunk.end() && choices->is_array() && !choices->empty();
  return has_choice ? object_member(choices->back(), "usage") : nullptr;
}

}  // namespace

void read_chunk_usage(const Json& chunk, std::vector<ChatEvent>& events) {
  if (const Json* usage = usage_in(chunk)) events.emplace_back(UsageEvent{read_usage(*usage, "usage")});
}

std::string failure_payload(const FailureEvent& failure) {
  Json body = parse_json(openai::write_error(Error(failure.code, failure.message)), "");
  if (!failure.type.empty()) body["error"]["type"] = failure.type;
  return dump_json(body);
}

namespace {

struct FailureWord {
  std::string_view word;
  ErrorCode code;
};
// Of `type` and of `code`.
constexpr FailureWord kFailures[] = {
    {"rate_limit_error", ErrorCode::kOverloaded},        {"rate_limit_exceeded", ErrorCode::kOverloaded},
    {"insufficient_quota", ErrorCode::kOverloaded},      {"overloaded_error", ErrorCode::kOverloaded},
    {"invalid_prompt", ErrorCode::kInvalidInput},        {"context_length_exceeded", ErrorCode::kInvalidInput},
    {"invalid_request_error", ErrorCode::kInvalidInput}, {"authentication_error", ErrorCode::kUnauthorized},
    {"permission_error", ErrorCode::kUnauthorized},      {"invalid_api_key", ErrorCode::kUnauthorized},
    {"service_unavailable", ErrorCode::kUnavailable}};

std::optional<ErrorCode> failure_code_of(std::string_view word) {
  for (const FailureWord& entry : kFailures) {
    if (entry.word == word) return entry.code;
  }
  return std::nullopt;
}

std::string text_of(const Json& error, const char* key) {
  const Json value = error.is_object() ? error.value(key, Json()) : Json();
  return value.is_string() ? value.get<std::string>() : std::string();
}

// Some vendors' code is an HTTP status.
std::optional<ErrorCode> code_of_number(const Json& error) {
  const Json value = error.is_object() ? error.value("code", Json()) : Json();
  const bool is_status = value.is_number_integer() && value >= 400 && value <= 599;
  if (!is_status) return std::nullopt;
  return error_code_of_status(value.get<int>());
}

}  // namespace

FailureEvent read_failure(const Json& error) {
  FailureEvent failure;
  failure.message = error.is_string() ? error.get<std::string>() : text_of(error, "message");
  if (failure.message.empty()) failure.message = dump_json(error);
  failure.type = text_of(error, "type");
  std::optional<ErrorCode> code = failure_code_of(failure.type);
  if (!code || *code == ErrorCode::kInvalidInput) {
    if (const auto finer = failure_code_of(text_of(error, "code"))) code = finer;
  }
  if (failure.type.empty()) failure.type = text_of(error, "code");
  if (!code) code = code_of_number(error);
  failure.code = code.value_or(ErrorCode::kInternal);
  return failure;
}

FailureEvent read_error(int status, std::string_view body) {
  const std::optional<Json> value = try_parse_json(body, kBodyLimits);
  FailureEvent failure;
  if (value && value->is_object() && value->contains("error")) {
    failure = read_failure((*value)["error"]);
  } else if (value && !text_of(*value, "message").empty()) {
    failure = read_failure(*value);  // Mistral's and older vLLM's, without the object around it
  } else {
    constexpr size_t kShown = 200;
    failure.message = fmt::format("status {}: {}", status, repair_utf8(std::string(body.substr(0, kShown))));
  }
  failure.code = error_code_of_status(status);
  return failure;
}

}  // namespace understudy::openai
