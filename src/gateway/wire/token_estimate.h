// How many tokens a text has, where nobody who knows the model's tokenizer says so: for count_tokens at a target
// without it, and for the bill of a stream that was cut off. Always marked as estimated where it shows. Pure functions.
//
// The estimate goes by characters, as the large byte-pair vocabularies (100,000 to 260,000 tokens) split them: a run of
// Latin letters is a token for every begun eight, a run of digits one for every begun three, of other signs of ASCII
// one for every begun three, line breaks with the indentation after them are one, a run of blanks is one where it is
// longer than the one blank that goes with the word after it, Latin, Greek, Cyrillic and the like beyond ASCII is one
// for every begun two characters, everything else (Chinese, Japanese, Korean, emoji) three for four characters.
// Measured against the vocabularies cl100k_base and o200k_base (the mean of both is 1): English prose 1.00, a licence's
// text 1.05, Markdown 1.06, C++ 1.13, JSON 1.06, German 0.95, Chinese 1.00.
#pragma once

#include <cstdint>
#include <string_view>

#include "chat/conversation.h"

namespace understudy {

int64_t estimate_tokens(std::string_view text);

// Of all of it that a model reads: messages, tools with their schemas, the form of the answer; four for the frame of
// each message and eight for each tool's, a constant for each image, a page's worth for each 3 kB of a document.
int64_t estimate_prompt_tokens(const ChatRequest& request);

// Of what was seen of an answer: text, refusal and calls as output, thoughts as reasoning.
Usage estimate_answer_usage(const ChatAnswer& answer);
// Both together, marked as estimated.
Usage estimate_usage(const ChatRequest& request, const ChatAnswer& answer);

}  // namespace understudy
