#pragma once
// The kinds of destination there are. A new one: a file of its own, and one line in kinds.cc.

#include <memory>
#include <string_view>
#include <vector>

#include "config/loader/settings.h"
#include "config/yaml/diagnostic.h"
#include "daemon/deliver/destination.h"

namespace newswatch::deliver {

/// Reads each destination with the reader of its type. What is wrong (an unknown type too) is added to `diagnostics`
/// with its place; destinations that could not be read are left out, so use the result only when nothing was added.
/// Secrets that `check` does not resolve are empty and not complained about.
std::vector<std::shared_ptr<const DestinationSettings>> read_destinations(
    const std::vector<config::Destination>& destinations, yaml::Diagnostics& diagnostics);

/// Names of all kinds, in the order of the documentation.
std::vector<std::string_view> kind_names();

}  // namespace newswatch::deliver
