// What the gateway has to know of every request, found in the client's bytes without making a value of the rest, and
// the edits that a hop between equal protocols makes to those bytes. simdjson: some microseconds for 5 kB. Pure
// functions, thread-safe; each thread keeps a parser's buffers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/conversation.h"

namespace understudy {

struct RequestHead {
  std::string model;  // empty for Gemini, whose path has it
  bool stream = false;
  bool stream_usage = false;                    // OpenAI's stream_options.include_usage
  std::string user;                             // user, safety_identifier, metadata.user_id
  std::map<std::string, std::string> metadata;  // string members of `metadata`
  // max_tokens, max_completion_tokens, max_output_tokens, generationConfig.maxOutputTokens; 0 for embeddings.
  std::optional<int64_t> max_tokens;
  int n = 1;  // n, generationConfig.candidateCount
  // The static prompt: text of system and developer messages (Anthropic's `system`, Gemini's systemInstruction, the
  // Responses' `instructions`), joined by newlines.
  std::string system;
  std::string last_user;   // text of the last user message that has any
  bool has_media = false;  // an image, a sound or a document anywhere
  bool has_tools = false;
  // SHA-256 (hex) of `system`, of the tools' names and of the response format: what recognises a kind of work.
  std::string fingerprint;
};

// Throws kInvalidInput where the body is not a JSON object of UTF-8 within the limits, has a member twice anywhere, or
// has model, stream, user or a number above with another type. What else is wrong with it the provider may say.
// `depth`: levels of nesting allowed.
RequestHead read_request_head(ProtocolName protocol, std::string_view body, int depth);

// The client's bytes with another model name (nothing else changes; for Gemini they come back as they are), and, where
// `ask_for_usage`, for an OpenAI chat or completions stream that does not ask for usage, with
// stream_options.include_usage added. `body` is one that read_request_head() took.
std::string edit_request(ProtocolName protocol, std::string_view body, std::string_view model, bool ask_for_usage);

// What a client that did not ask for usage is to see of a stream's event: nothing where the chunk is only usage, the
// bytes without `usage: null` in others, unchanged ones otherwise (also where the event is no JSON).
std::optional<std::string> without_usage(std::string_view data);

}  // namespace understudy
