#pragma once
// What the demo shows on the terminal.

#include <cstdint>
#include <map>
#include <string>

#include "daemon/flow/alert.h"

namespace newswatch::app {

/// An alert as a few lines: severity, rule, title, source, and the passage with its hits marked (by colour, else by
/// « »). Nothing in it can control the terminal.
std::string show_alert(const flow::Alert& alert, bool colour);

struct DemoCounts {
  std::uint64_t articles = 0, matched = 0, no_match = 0, rejected = 0;
  std::uint64_t matches = 0, alerts = 0, received = 0;
  std::map<std::string, std::uint64_t> suppressed;  ///< by gate
};
std::string show_summary(const DemoCounts& counts);

}  // namespace newswatch::app
