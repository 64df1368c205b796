// The demo's stand-in for a rented model: OpenAI's chat completions over HTTP, answers looked up in labelled rows. It
// behaves as the rented thing does where the demo needs it (usage, streams, a moment's thought) and knows nothing else.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

namespace understudy::examples {

// Serves until `stop`. Prints "listening on http://..." when it is ready. Throws kInvalidInput, kNetwork.
void serve_teacher(const std::filesystem::path& rows, const std::string& listen, const std::stop_token& stop);

}  // namespace understudy::examples
