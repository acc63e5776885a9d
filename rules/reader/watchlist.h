#pragma once
// Watchlist files (LANGUAGE section 5): CSV, names.txt, FollowTheMoney JSON lines, our own YAML; each may be gzipped.

#include "rules/reader/rule_file.h"

namespace newswatch::rules {

/// Reads the file of `request` into the builder. `unreadable-file` is told at the request; what is wrong in a row
/// (`bad-row`) at the row. Reads row by row: memory is that of the entities.
void read_watchlist(const WatchlistRequest& request, ProgramBuilder& builder, yaml::Diagnostics& diagnostics);

}  // namespace newswatch::rules
