// Ctrl-C and SIGTERM as a stop token: the first asks the job to end in good order, the second ends the process at once.
#pragma once

#include <stop_token>

namespace understudy {

// Installs the handlers on the first call; the same token for the whole process.
std::stop_token interrupt_token();

// The signal that asked for the end, SIGINT or SIGTERM; 0 as long as none came. A server that was told to end by
// SIGTERM has done what it was asked (exit status 0); Ctrl-C is exit status 130.
int interrupt_signal();

}  // namespace understudy
