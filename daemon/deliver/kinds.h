#pragma once
// The kinds of destination there are. A new one: a file of its own, and one line in kinds.cc.

#include <memory>
#include <string>
#include <vector>

#include "config/loader/settings.h"
#include "config/yaml/diagnostic.h"
#include "daemon/deliver/destination.h"

namespace newswatch::deliver {

/// Reads each destination with the reader of its type. What is wrong (an unknown type too, or a topic that is one of
/// our own or an input) is added to `diagnostics` with its place; use the result only when nothing was added. Secrets
/// that `check` does not look up are left empty.
std::vector<std::shared_ptr<const DestinationSettings>> read_destinations(const config::Settings& settings,
                                                                          yaml::Diagnostics& diagnostics);

/// Names of all kinds, in the order of the documentation.
std::vector<std::string> kind_names();

}  // namespace newswatch::deliver
