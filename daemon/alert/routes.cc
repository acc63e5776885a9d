#include "daemon/alert/routes.h"

#include <algorithm>
#include <string_view>

#include "daemon/flow/alert.h"

namespace newswatch::alert {
namespace {

bool holds(const config::Route& route, const flow::RuleInfo& rule) {
  const auto contains = [](const auto& list, const auto& value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  };
  if (!route.severities.empty() && !contains(route.severities, flow::name(rule.severity))) return false;
  return std::all_of(route.labels.begin(), route.labels.end(),
                     [&](const auto& label) { return contains(rule.labels, label); });
}

}  // namespace

std::vector<std::string> destinations(const flow::RuleInfo& rule, const std::vector<config::Route>& routes) {
  std::vector<std::string> names;
  if (rule.status == flow::RuleStatus::shadow) return names;
  const auto add = [&](const std::vector<std::string>& more) {
    for (const std::string& name : more)
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  add(rule.to);
  for (const config::Route& route : routes)
    if (holds(route, rule)) add(route.to);
  return names;
}

}  // namespace newswatch::alert
