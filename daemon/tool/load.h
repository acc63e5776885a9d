#pragma once
// Configuration, rules and destinations read and checked as one: what `run`, the reload and `check --config` share.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/loader/loader.h"
#include "config/loader/settings.h"
#include "config/yaml/diagnostic.h"
#include "daemon/deliver/destination.h"
#include "rules/engine/rule_set.h"

namespace newswatch::tool {

struct Loaded {
  config::Settings settings;
  std::shared_ptr<const engine::RuleSet> rules;
  std::vector<std::shared_ptr<const deliver::DestinationSettings>> destinations;
};

/// Everything that is wrong in all of it is reported; empty when any of it is an error. No broker is asked. `rules`:
/// instead of those that the configuration names; empty: those.
std::optional<Loaded> load_all(const std::string& config_path, config::Purpose purpose, yaml::Diagnostics& diagnostics,
                               const std::vector<std::string>& rules = {});

/// Rules alone, as `check PATH...` and `match` take them.
std::shared_ptr<const engine::RuleSet> load_rules(const std::vector<std::string>& paths,
                                                  const std::string& default_language, yaml::Diagnostics& diagnostics);

/// The longest `expire` of all destinations; nothing may be deleted from P.alerts before.
std::chrono::milliseconds longest_expire(const std::vector<std::shared_ptr<const deliver::DestinationSettings>>& all);

}  // namespace newswatch::tool
