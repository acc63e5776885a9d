#pragma once
// Where an alert goes.

#include <string>
#include <vector>

#include "config/loader/settings.h"
#include "daemon/flow/match.h"

namespace newswatch::alert {

/// The rule's own `to`, then those of the routes all of whose conditions hold, each once; none for a shadow rule.
std::vector<std::string> destinations(const flow::RuleInfo& rule, const std::vector<config::Route>& routes);

}  // namespace newswatch::alert
