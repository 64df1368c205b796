// What a hop to another protocol may leave out: it changes nothing that the application would notice in the answer.
// docs/protocols.md lists the same names, and why. Pure functions.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/json_fwd.h"
#include "chat/conversation.h"

namespace understudy {

// Of ChatRequest::extras: "store", "service_tier", "prompt_cache_key", ...
bool is_harmless_extra(std::string_view key);

// Writes the extras of `target` itself, and those that it shares with who had them, into the body under their keys; of
// others' extras the harmless ones go to `dropped`, and the first that is not throws kInvalidInput.
void write_extras(const ChatRequest& request, ProtocolName target, Json& body, std::set<std::string>& dropped);

}  // namespace understudy
