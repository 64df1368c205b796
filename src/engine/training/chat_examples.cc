// Conversations. Each is rendered once by the chat template, tokenised in one piece exactly as serving does, and its
// targets are marked by where the text stands: what the model has to write itself once it got serving's prompt. So a
// trained turn begins where the rendering of the turns before it, with the generation prompt, ends (blanks that the
// template puts before the answer are learnt too), and ends with the token that stops generation. A token that
// straddles a border is a target.
#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "engine/training/example_types.h"

namespace understudy {

namespace {

struct Turn {
  bool is_trained = false;
  TextSpan span;     // from the first to behind the last byte that the model writes, without the turn's end
  size_t bound = 0;  // the turn's end token stands before this byte
  bool is_found = false;
};

struct Chat {
  Json messages = Json::array();
  Json tools;
  std::vector<bool> trained;  // one per message
};

class ChatReader {  // a row's messages as the template wants them
 public:
  ChatReader(const DatasetConfig& entry, const Json& row, std::string_view where)
      : entry_(entry), row_(row), where_(where) {}

  Chat read() {
    if (row_.contains(entry_.field_messages)) {
      read_messages(parsed(row_[entry_.field_messages], entry_.field_messages));
    } else if (row_.contains("input") && row_.contains("output")) {
      add({{"role", "user"}, {"content", text_field(row_, "input", where_)}});
      add({{"role", "assistant"}, {"content", text_field(row_, "output", where_)}});
    } else {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: neither {} nor input and output are there", where_, entry_.field_messages));
    }
    if (row_.contains(entry_.field_tools)) chat_.tools = parsed(row_[entry_.field_tools], entry_.field_tools);
    return std::move(chat_);
  }

 private:
  [[nodiscard]] Error fault(const std::string& field, std::string_view message) const {
    return Error(ErrorCode::kInvalidInput, fmt::format("{}: {}: {}", where_, field, message));
  }

  // Some rows hold their list as JSON text.
  Json parsed(const Json& value, const std::string& field) const {
    if (!value.is_string()) return value;
    return parse_json(value.get_ref<const std::string&>(), fmt::format("{}: {}", where_, field));
  }

  void read_messages(const Json& list) {
    if (!list.is_array() || list.empty()) throw fault(entry_.field_messages, "expected a list of messages");
    for (size_t i = 0; i < list.size(); ++i) read_message(list[i], fmt::format("{}[{}]", entry_.field_messages, i));
    if (chat_.messages.empty()) throw fault(entry_.field_messages, "no message is left");
  }

  void read_message(const Json& given, const std::string& field) {
    if (!given.is_object()) throw fault(field, "expected a map with role and content");
    const std::string role = role_of(given, field);
    if (entry_.drop_system_message && role == "system") return;
    Json message = {{"role", role}, {"content", content_of(given, field)}};
    for (const auto& [key, value] : given.items()) {
      if (!is_mapped(key) && key != entry_.message_field_training && !value.is_null()) message[key] = value;
    }
    for (const auto& [property, name] : entry_.message_properties) {
      const bool is_further = property != "role" && property != "content";
      if (is_further && given.contains(name) && !given[name].is_null()) message[property] = given[name];
    }
    if (message.contains("tool_calls")) read_calls(message["tool_calls"]);
    add(std::move(message), switched(given, field));
  }

  bool is_mapped(const std::string& key) const {
    return std::any_of(entry_.message_properties.begin(), entry_.message_properties.end(),
                       [&key](const auto& mapping) { return mapping.second == key; });
  }

  std::string role_of(const Json& given, const std::string& field) const {
    const std::string& name = entry_.message_properties.at("role");
    if (!given.contains(name) || !given[name].is_string()) throw fault(field + "." + name, "expected the role's name");
    const std::string word = given[name].get<std::string>();
    const auto mapped = entry_.roles.find(word);
    return mapped == entry_.roles.end() ? word : mapped->second;
  }

  // Text, or OpenAI's list of text parts; absent beside tool calls.
  std::string content_of(const Json& given, const std::string& field) const {
    const std::string& name = entry_.message_properties.at("content");
    if (!given.contains(name) || given[name].is_null()) {
      if (given.contains("tool_calls")) return {};
      throw fault(field + "." + name, "is missing");
    }
    const Json& content = given[name];
    if (content.is_string()) return content.get<std::string>();
    if (!content.is_array())
      throw fault(field + "." + name, fmt::format("expected a text, got {}", content.type_name()));
    std::string text;
    for (const Json& part : content) {
      const bool is_text = part.is_object() && part.contains("text") && part["text"].is_string();
      if (!is_text) throw fault(field + "." + name, "only parts of type text can be trained on");
      if (part.contains("train") || part.contains("weight"))
        throw fault(field + "." + name, "train and weight of a part are not supported");
      text += part["text"].get<std::string>();
    }
    return text;
  }

  // Templates index into the arguments of a call: given as a text they are read, as serving does.
  static void read_calls(Json& calls) {
    if (!calls.is_array()) return;
    for (Json& call : calls) {
      Json* arguments = call.is_object() && call.contains("function") && call["function"].is_object() &&
                                call["function"].contains("arguments")
                            ? &call["function"]["arguments"]
                            : nullptr;
      if (arguments == nullptr || !arguments->is_string()) continue;
      if (std::optional<Json> value = try_parse_json(arguments->get_ref<const std::string&>()))
        *arguments = std::move(*value);
    }
  }

  std::optional<bool> switched(const Json& given, const std::string& field) const {
    const std::string& name = entry_.message_field_training;
    if (name.empty() || !given.contains(name) || given[name].is_null()) return std::nullopt;
    if (!given[name].is_boolean()) throw fault(field + "." + name, "expected true or false");
    return given[name].get<bool>();
  }

  void add(Json message, std::optional<bool> is_trained = std::nullopt) {
    const std::string role = message["role"].get<std::string>();
    const auto& roles = entry_.roles_to_train;
    chat_.trained.push_back(is_trained.value_or(std::find(roles.begin(), roles.end(), role) != roles.end()));
    chat_.messages.push_back(std::move(message));
  }

  const DatasetConfig& entry_;
  const Json& row_;
  std::string_view where_;
  Chat chat_;
};

class ChatType : public ExampleType {
 public:
  ChatType(const DatasetConfig& entry, const ExampleContext& context) : entry_(entry), context_(context) {
    if (!entry.chat_template.empty() || !entry.chat_template_jinja.empty()) {
      context_.chat_template =
          choose_template(entry.chat_template, entry.chat_template_jinja, entry.where, *context.tokenizer);
    }
    compile();
  }

  void add(const Json& row, std::string_view where, ExampleOrigin origin, ExampleSet& set,
           ExampleCounts& counts) const override {
    const Chat chat = ChatReader(entry_, row, where).read();
    const RenderedChat rendered = render(chat.messages, chat.tools, false, where);
    const Encoded encoded = encode_chat(*context_.tokenizer, rendered);
    std::vector<uint8_t> trained(encoded.ids.size(), context_.train_on_inputs ? 1 : 0);
    mark(turns_of(chat, rendered, where), encoded, trained, counts);
    set.add(encoded.ids, trained, origin);
  }

  void verify(const Json& row, std::string_view where) const override {
    const Chat chat = ChatReader(entry_, row, where).read();
    const Encoded whole = encode_chat(*context_.tokenizer, render(chat.messages, chat.tools, false, where));
    verify_bos(whole.ids, where);
    const auto last = std::find(chat.trained.rbegin(), chat.trained.rend(), true);
    const auto n_before = static_cast<size_t>(chat.trained.rend() - last) - (last == chat.trained.rend() ? 0 : 1);
    if (n_before == 0) return;
    verify_prompt(first_messages(chat.messages, n_before), chat.tools, whole.ids, where);
  }

 private:
  RenderedChat render(const Json& messages, const Json& tools, bool generation_prompt, std::string_view where) const {
    if (!template_) throw *template_fault_;
    try {
      return template_->render(
          messages,
          {.add_generation_prompt = generation_prompt, .tools = tools, .variables = context_.template_variables});
    } catch (const Error& fault) {
      throw Error(fault.code(), fmt::format("{}: {}", where, fault.message()), fault.hint());
    }
  }

  // A template that is missing or cannot be compiled matters only once a conversation is there to be rendered.
  void compile() {
    if (!context_.chat_template) {
      template_fault_ =
          Error(ErrorCode::kInvalidInput, fmt::format("{}: the tokenizer has no chat template", entry_.where),
                fmt::format("write chat_template: one of {}", fmt::join(ChatTemplate::built_in_names(), ", ")));
      return;
    }
    const std::optional<TokenId> bos = context_.tokenizer->bos();
    try {
      template_.emplace(*context_.chat_template, bos ? context_.tokenizer->token_of(*bos) : std::string(),
                        context_.eos_text);
    } catch (const Error& fault) {
      template_fault_ = fault;
    }
  }

  static Json first_messages(const Json& messages, size_t n) {
    Json first = Json::array();
    for (size_t i = 0; i < n; ++i) first.push_back(messages[i]);
    return first;
  }

  // Where each turn stands in the text: around its own values, and, for a trained one, from the end of serving's
  // prompt.
  std::vector<Turn> turns_of(const Chat& chat, const RenderedChat& rendered, std::string_view where) const {
    std::vector<Turn> turns(chat.messages.size());
    for (const ContentSpan& content : rendered.contents) {
      if (content.message < 0) continue;
      Turn& turn = turns[static_cast<size_t>(content.message)];
      if (!turn.is_found) turn.span.begin = content.span.begin;
      turn.span.end = std::max(turn.span.end, content.span.end);
      turn.is_found = true;
    }
    size_t bound = rendered.text.size();
    for (size_t i = turns.size(); i-- > 0;) {
      turns[i].bound = bound;
      turns[i].is_trained = chat.trained[i];
      if (chat.trained[i] && i > 0) begin_at_prompt(chat, i, rendered.text, where, turns[i]);
      if (turns[i].is_found) bound = turns[i].span.begin;
    }
    return turns;
  }

  void begin_at_prompt(const Chat& chat, size_t i, const std::string& text, std::string_view where, Turn& turn) const {
    size_t prompt_bytes = 0;
    try {
      const RenderedChat prompt = render(first_messages(chat.messages, i), chat.tools, true, where);
      if (!text.starts_with(prompt.text)) return;
      prompt_bytes = prompt.text.size();
    } catch (const Error&) {
      return;  // a template that refuses to answer here: the turn's own text is all there is to learn
    }
    if (turn.is_found && prompt_bytes > turn.span.begin) return;
    turn.span = {prompt_bytes, std::max(prompt_bytes, turn.span.end)};
    turn.is_found = true;
  }

  void mark(const std::vector<Turn>& turns, const Encoded& encoded, std::vector<uint8_t>& trained,
            ExampleCounts& counts) const {
    const auto last =
        std::find_if(turns.rbegin(), turns.rend(), [](const Turn& turn) { return turn.is_trained && turn.is_found; });
    for (const Turn& turn : turns) {
      if (!turn.is_found) continue;
      const std::optional<size_t> end = end_token(turn, encoded);
      const bool is_last = last != turns.rend() && &*last == &turn;
      const bool ends = end && learns_end(encoded.ids[*end], turn.is_trained, is_last);
      if (turn.is_trained) mark_turn(turn, encoded, ends ? end : std::nullopt, trained);
      if (ends) trained[*end] = 1;
      if (!turn.is_trained) continue;
      counts.trained_turns += 1;
      counts.turns_with_stop += end ? 1 : 0;
      counts.turns_ending_in_stop += ends ? 1 : 0;
    }
  }

  // The first stop token behind the turn's text.
  std::optional<size_t> end_token(const Turn& turn, const Encoded& encoded) const {
    for (size_t i = first_token_at(turn.span.end, encoded); i < encoded.ids.size(); ++i) {
      if (encoded.spans[i].begin >= turn.bound) break;
      const auto& ends = context_.turn_ends;
      if (std::find(ends.begin(), ends.end(), encoded.ids[i]) != ends.end()) return i;
    }
    return std::nullopt;
  }

  static size_t first_token_at(size_t byte, const Encoded& encoded) {
    const auto at = std::lower_bound(encoded.spans.begin(), encoded.spans.end(), byte,
                                     [](const TextSpan& span, size_t position) { return span.begin < position; });
    return static_cast<size_t>(at - encoded.spans.begin());
  }

  // Tokens with a byte inside the turn; with its end token, also what the template writes between the two.
  static void mark_turn(const Turn& turn, const Encoded& encoded, std::optional<size_t> end,
                        std::vector<uint8_t>& trained) {
    for (size_t i = 0; i < encoded.ids.size() && encoded.spans[i].begin < turn.span.end; ++i) {
      const TextSpan& span = encoded.spans[i];
      if (span.end > turn.span.begin && span.end > span.begin) trained[i] = 1;
    }
    if (!end) return;
    for (size_t i = first_token_at(turn.span.end, encoded); i < *end; ++i) trained[i] = 1;
  }

  bool learns_end(TokenId id, bool is_trained, bool is_last) const {
    const bool is_eos = context_.eos && id == *context_.eos;
    const TurnEnds rule = is_eos ? entry_.train_on_eos : entry_.train_on_eot.value_or(entry_.train_on_eos);
    switch (rule) {
      case TurnEnds::kTurn:
        return is_trained;
      case TurnEnds::kAll:
        return true;
      case TurnEnds::kLast:
        return is_last;
      case TurnEnds::kNone:
        return false;
    }
    return false;
  }

  void verify_bos(const std::vector<TokenId>& ids, std::string_view where) const {
    const std::optional<TokenId> bos = context_.tokenizer->bos();
    if (!bos || ids.empty()) return;
    if (ids.size() > 1 && ids[0] == *bos && ids[1] == *bos) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: the rendered conversation begins with two BOS tokens", where),
                  "take bos_token out of the chat template or out of the tokenizer's post-processor");
    }
    if (context_.tokenizer->adds_bos() && ids[0] != *bos) {
      throw Error(ErrorCode::kInvalidInput, fmt::format("{}: the rendered conversation begins without BOS", where));
    }
  }

  // Serving's prompt has to be the beginning of what is trained. The last token may differ: an answer can merge into
  // it.
  void verify_prompt(const Json& before, const Json& tools, const std::vector<TokenId>& whole,
                     std::string_view where) const {
    const std::vector<TokenId> prompt = encode_chat(*context_.tokenizer, render(before, tools, true, where)).ids;
    const size_t n = std::min(prompt.size(), whole.size());
    const auto mismatch = std::mismatch(prompt.begin(), prompt.begin() + static_cast<std::ptrdiff_t>(n), whole.begin());
    const size_t same = static_cast<size_t>(mismatch.first - prompt.begin());
    if (same + 1 >= prompt.size()) return;
    throw Error(
        ErrorCode::kInvalidInput,
        fmt::format(
            "{}: serving's prompt differs from what is trained at token {} of {}: the chat template's generation "
            "prompt is not how it writes an answer",
            where, same, prompt.size()),
        "use another chat_template");
  }

  DatasetConfig entry_;
  ExampleContext context_;
  std::optional<ChatTemplate> template_;
  std::optional<Error> template_fault_;  // where there is no template_
};

}  // namespace

std::unique_ptr<ExampleType> make_chat_type(const DatasetConfig& entry, const ExampleContext& context) {
  return std::make_unique<ChatType>(entry, context);
}

}  // namespace understudy
