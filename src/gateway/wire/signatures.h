// What a provider signed of a thought means something to that provider only, and comes back to it in the next turn by
// way of the client, whatever protocol that speaks and whoever answers then. So a signature that goes to a client of
// another protocol gets a mark before it that says whose it is, and what a client sends back goes only to that one.
// One that has no mark is of the client's own protocol: a hop between equal protocols changes nothing.
//
//   understudy:signed:anthropic:EqoBCkgIBRABGAIi...
//
// The signature of a call (ToolCall::signature) is always Gemini's and has places of its own. Pure functions,
// thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chat/conversation.h"

namespace understudy {

// Before everything that was marked here.
inline constexpr std::string_view kSignatureMark = "understudy:signed:";

// Before a signature of which nobody said whose it is; alone where a protocol asks for one and nobody signed.
inline constexpr std::string_view kNobodysMark = "understudy:signed::";
std::string without_nobodys_mark(std::string signature);

bool is_marked(std::string_view signature);
std::string marked_signature(ProtocolName origin, std::string_view signature);

// On the way to a client of another protocol: marks every signature of a thought.
void mark_signatures(ProtocolName origin, std::vector<ChatEvent>& events);

// On the way to a provider that speaks `target`, from a client that speaks `asked`: what `target` signed stands there
// without mark, and thoughts that others signed are gone, with a message that was nothing else; then `dropped` gets
// "reasoning".
void keep_signatures_of(ProtocolName target, ProtocolName asked, ChatRequest& request,
                        std::vector<std::string>& dropped);

// The same for bytes that are forwarded as they came, in any protocol: a body without marks comes back unchanged. Of
// one with them the thoughts that have a mark are taken out, of Gemini's texts and calls the signatures.
std::string without_marked_thoughts(std::string body, std::vector<std::string>& dropped);

}  // namespace understudy
