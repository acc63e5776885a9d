#pragma once
// For the readers of destination sections (deliver/<kind>.cc).

#include "config/loader/secrets.h"
#include "config/loader/settings.h"
#include "config/yaml/document.h"

namespace newswatch::config {

/// Counts the keys that the loader itself reads of every destination (type, group, expire) as known.
void allow_common_keys(yaml::Mapping& map);

}  // namespace newswatch::config
