#pragma once
// `newswatchd run`: the daemon, from its configuration to its exit code.

#include "daemon/tool/command_line.h"

namespace newswatch::app {

/// Returns when told to by a signal, or when something ended that cannot go on.
int run(const tool::RunOptions& options);

}  // namespace newswatch::app
