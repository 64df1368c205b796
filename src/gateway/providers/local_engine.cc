#include "gateway/providers/local_engine.h"

#include <fmt/format.h>

#include <utility>

#include "base/channel.h"
#include "base/mutex.h"
#include "gateway/wire/harmless.h"
#include "gateway/wire/wire_request.h"

namespace understudy {

namespace {

FinishReason finish_reason_of(StopReason reason) {
  switch (reason) {
    case StopReason::kStopToken:
    case StopReason::kStopString:
      return FinishReason::kStop;
    case StopReason::kLength:
      return FinishReason::kLength;
    case StopReason::kCancelled:
    case StopReason::kFailed:
      return FinishReason::kCancelled;
  }
  return FinishReason::kStop;
}

// Between the engine's thread, which writes, and the stream, which reads: events of all choices of one request, and the
// sums for the usage at the end. Shared, because either may go first: a client that leaves drops the stream at once,
// and the engine then still says its last word.
class EngineEvents {  // thread-safe
 public:
  EngineEvents(int choices, bool logprobs, std::shared_ptr<const Tokenizer> tokenizer)
      : total_(choices), logprobs_(logprobs), tokenizer_(std::move(tokenizer)) {}

  void add_token(int choice, const GeneratedToken& token) {
    if (token.text.empty() && !logprobs_) return;
    TextEvent event{choice, token.text, {}};
    if (logprobs_) event.logprobs.push_back(logprobs_of(token));
    channel_.push(std::move(event));
  }
  void add_text(int choice, const std::string& text) {
    if (!text.empty()) channel_.push(TextEvent{choice, text, {}, false});
  }
  void finish(int choice, const GenerationResult& result) EXCLUDES(mutex_) {
    if (result.reason == StopReason::kFailed) {
      const Error error = result.error.value_or(Error(ErrorCode::kInternal, "the engine failed on this request"));
      channel_.push(FailureEvent{error.code(), error.message(), ""});
      channel_.close();
      return;
    }
    add_text(choice, result.rest);
    channel_.push(FinishEvent{choice, finish_reason_of(result.reason), ""});
    if (add_usage(result)) channel_.close();
  }
  Channel<ChatEvent>& channel() { return channel_; }

 private:
  TokenLogprobs logprobs_of(const GeneratedToken& token) const {
    TokenLogprobs logprobs{{bytes_of(token.id), token.logprob}, {}};
    for (const TokenProbability& other : token.top) {
      logprobs.top.push_back({bytes_of(other.id), other.logprob});
    }
    return logprobs;
  }
  // A model's vocabulary may be padded beyond its tokenizer's: such a token has no text.
  std::string bytes_of(TokenId id) const {
    return static_cast<size_t>(id) < tokenizer_->vocab_size() ? tokenizer_->bytes_of(id) : std::string();
  }
  // True with the last choice: the usage event is then in the channel. Every choice has the same prompt, which counts
  // once.
  bool add_usage(const GenerationResult& result) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (open_ == total_) usage_.cached_input = result.cached_tokens;
    usage_.input = result.prompt_tokens - usage_.cached_input;
    usage_.output += result.generated_tokens;
    if (--open_ > 0) return false;
    channel_.push(UsageEvent{usage_});
    return true;
  }

  // Constant after construction.
  const int total_;
  const bool logprobs_;
  const std::shared_ptr<const Tokenizer> tokenizer_;

  Mutex mutex_;
  int open_ GUARDED_BY(mutex_) = total_;
  Usage usage_ GUARDED_BY(mutex_);
  Channel<ChatEvent> channel_;
};

class EngineStream : public AnswerStream {
 public:
  EngineStream(Engine& engine, std::shared_ptr<EngineEvents> events, const Call& call)
      : engine_(engine), events_(std::move(events)), call_(call) {}
  ~EngineStream() override { cancel(); }

  void add(GenerationId id) { ids_.push_back(id); }
  // Once every choice is submitted: from now on the client's leaving cancels them.
  void watch() { stop_.emplace(call_.stop, Cancel{this}); }
  Awaitable<std::optional<AnswerPiece>> next() override {
    std::optional<ChatEvent> event = co_await events_->channel().next(*call_.executor);
    if (!event) co_return std::nullopt;
    AnswerPiece piece;
    piece.events.push_back(std::move(*event));
    co_return piece;
  }

 private:
  struct Cancel {
    EngineStream* stream;
    void operator()() const { stream->cancel(); }
  };
  void cancel() {
    for (const GenerationId id : ids_) engine_.cancel(id);
  }

  Engine& engine_;
  const std::shared_ptr<EngineEvents> events_;
  const Call call_;
  std::vector<GenerationId> ids_;  // constant after watch()
  std::optional<std::stop_callback<Cancel>> stop_;
};

ProviderFailure failure_of(const Error& error) {
  ProviderFailure failure{.kind = ProviderFailure::Kind::kBroken, .error = error};
  if (error.code() == ErrorCode::kInvalidInput) failure.kind = ProviderFailure::Kind::kRefused;
  if (error.code() == ErrorCode::kOverloaded) {
    failure.kind = ProviderFailure::Kind::kOverloaded;
    failure.retry_after = std::chrono::seconds(1);
  }
  if (error.code() == ErrorCode::kUnavailable) failure.kind = ProviderFailure::Kind::kUnavailable;
  return failure;
}

[[noreturn]] void refuse(const std::string& field, std::string_view why) {
  throw Error(ErrorCode::kInvalidInput, fmt::format("{}: not supported: {}", field, why))
      .about(field, "unsupported_parameter");
}

void check_parts(const std::vector<Message>& messages) {
  for (size_t i = 0; i < messages.size(); ++i) {
    for (size_t j = 0; j < messages[i].content.size(); ++j) {
      const ContentPart& part = messages[i].content[j];
      if (part.is_text() || std::holds_alternative<Reasoning>(part.other)) continue;
      const std::string field = fmt::format("messages[{}].content[{}]", i, j);
      throw Error(ErrorCode::kInvalidInput, field + ": this model reads text only").about(field, "unsupported_value");
    }
  }
}

void check_tools(const ChatRequest& request) {
  for (size_t i = 0; i < request.tools.size(); ++i) {
    const std::string path = fmt::format("tools[{}]", i);
    if (request.tools[i].native) refuse(path + ".type", "only tools of type function");
    if (request.tools[i].strict.value_or(false)) refuse(path + ".strict", "arguments are not held to the schema");
  }
  const ToolChoice::Mode mode = request.tool_choice.mode;
  if (mode == ToolChoice::Mode::kRequired || mode == ToolChoice::Mode::kNamed) {
    refuse("tool_choice", "a tool cannot be forced; write \"auto\" or \"none\"");
  }
  if (!request.parallel_tool_calls.value_or(true) && !request.tools.empty()) {
    refuse("parallel_tool_calls", "the number of tool calls cannot be limited");
  }
}

// What a request may ask for and this engine cannot do is refused, never left to chance.
void check_abilities(const ChatRequest& request) {
  check_parts(request.messages);
  check_tools(request);
  if (request.response_format.kind != ResponseFormat::Kind::kText) {
    refuse("response_format", "the answer cannot be held to a form yet, and is not left to chance");
  }
  if (!request.reasoning.effort.empty()) refuse("reasoning_effort", "the model's effort cannot be set");
  for (const auto& [key, native] : request.extras) {
    if (!is_harmless_extra(key)) refuse(key, "this server does not have it");
  }
  if (request.echo && request.logprobs) {
    refuse("echo", "together with logprobs: the prompt's own probabilities are not computed");
  }
}

SamplingParameters sampling_of(const SamplingSettings& settings, int choice) {
  SamplingParameters sampling;  // with the engine's defaults
  sampling.temperature = settings.temperature.value_or(sampling.temperature);
  sampling.top_p = settings.top_p.value_or(sampling.top_p);
  sampling.top_k = settings.top_k.value_or(sampling.top_k);
  sampling.min_p = settings.min_p.value_or(sampling.min_p);
  sampling.presence_penalty = settings.presence_penalty.value_or(sampling.presence_penalty);
  sampling.frequency_penalty = settings.frequency_penalty.value_or(sampling.frequency_penalty);
  // Several choices of one seed are to differ, and to be the same ones again.
  if (settings.seed) sampling.seed = *settings.seed + static_cast<uint64_t>(choice);
  sampling.logit_bias = settings.logit_bias;
  return sampling;
}

}  // namespace

LocalEngine::LocalEngine(Engine& engine, std::shared_ptr<const Tokenizer> tokenizer, LocalModel model)
    : engine_(engine), tokenizer_(std::move(tokenizer)), model_(std::move(model)) {}

Awaitable<Attempt> LocalEngine::start(const WireRequest& request, const std::string&, const Call& call) {
  std::optional<ProviderFailure> failure;
  try {
    co_return Attempt(begin(request.value(), call));
  } catch (const Error& error) {
    failure = failure_of(error);
  }
  co_return Attempt(std::move(*failure));
}

std::unique_ptr<AnswerStream> LocalEngine::begin(const ChatRequest& request, const Call& call) const {
  check_abilities(request);
  std::vector<TokenId> prompt = prompt_of(request);
  check_length(request, prompt.size());
  const auto events = std::make_shared<EngineEvents>(request.n, request.logprobs, tokenizer_);
  auto stream = std::make_unique<EngineStream>(engine_, events, call);
  for (int choice = 0; choice < request.n; ++choice) {
    if (request.echo) events->add_text(choice, request.prompt.value_or(""));
    GenerationRequest generation = generation_of(request, prompt);
    generation.sampling = sampling_of(request.sampling, choice);
    generation.on_token = [events, choice](const GeneratedToken& token) { events->add_token(choice, token); };
    generation.on_finish = [events, choice](const GenerationResult& result) { events->finish(choice, result); };
    stream->add(engine_.submit(std::move(generation)));  // where it throws, the stream cancels those before it
  }
  stream->watch();
  return stream;
}

std::vector<TokenId> LocalEngine::prompt_of(const ChatRequest& request) const {
  if (!request.prompt) return chat_prompt_of(request);
  return tokenizer_->encode(*request.prompt, {.add_special = true});
}

std::vector<TokenId> LocalEngine::chat_prompt_of(const ChatRequest& request) const {
  if (!model_.chat_template) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{} has no chat template: it only continues text", model_.name),
                "use /v1/completions")
        .about("messages", "unsupported_value");
  }
  RenderOptions options;
  options.add_generation_prompt = true;
  const bool offers_tools = request.tool_choice.mode != ToolChoice::Mode::kNone && !request.tools.empty();
  if (offers_tools) options.tools = to_template_json(request.tools);
  const RenderedChat chat = model_.chat_template->render(to_template_json(request.messages), options);
  return encode_chat(*tokenizer_, chat).ids;
}

// The engine would refuse it too, but does not know OpenAI's word for it, which clients act on.
void LocalEngine::check_length(const ChatRequest& request, size_t prompt_tokens) const {
  const int64_t answer_tokens = request.max_tokens.value_or(1);
  if (static_cast<int64_t>(prompt_tokens) + answer_tokens <= engine_.context()) return;
  const std::string field = request.prompt ? "prompt" : "messages";
  throw Error(ErrorCode::kInvalidInput,
              fmt::format("{}: the context holds {} tokens; the prompt has {}, and the answer may have {}", field,
                          engine_.context(), prompt_tokens, answer_tokens),
              "shorten the prompt or lower max_tokens")
      .about(field, "context_length_exceeded");
}

GenerationRequest LocalEngine::generation_of(const ChatRequest& request, std::vector<TokenId> prompt) const {
  GenerationRequest generation;
  generation.prompt = std::move(prompt);
  generation.max_tokens = request.max_tokens.value_or(-1);
  generation.stop = request.stop;
  generation.stop_tokens = tokenizer_->stop_tokens();
  generation.logprobs = request.logprobs;
  generation.top_logprobs = request.top_logprobs;
  generation.adapter = model_.adapter;
  return generation;
}

std::vector<ProviderModel> LocalEngine::models() const {
  return {{model_.name, model_.created}};
}

ProviderLoad LocalEngine::load() const {
  const EngineStatistics statistics = engine_.statistics();
  return {statistics.waiting, statistics.active};
}

std::vector<int32_t> LocalEngine::tokenize(const std::string& text, bool add_special, bool parse_special) const {
  return tokenizer_->encode(text, {.add_special = add_special, .parse_special = parse_special});
}

std::string LocalEngine::detokenize(const std::vector<int32_t>& tokens) const {
  for (const int32_t id : tokens) {
    if (id >= 0 && static_cast<size_t>(id) < tokenizer_->vocab_size()) continue;
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("tokens: {} is not in the vocabulary of {}", id, tokenizer_->vocab_size()))
        .about("tokens", "invalid_value");
  }
  return tokenizer_->decode(tokens);
}

}  // namespace understudy
