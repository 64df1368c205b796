// Ctrl-C and SIGTERM as a stop token: the first asks the job to end in good order, the second ends the process at once.
#pragma once

#include <stop_token>

namespace understudy {

// Installs the handlers on the first call; the same token for the whole process.
std::stop_token interrupt_token();

}  // namespace understudy
