#include "daemon/tool/load.h"

#include <algorithm>
#include <span>

#include "daemon/deliver/kinds.h"
#include "rules/engine/compiler.h"
#include "rules/reader/reader.h"

namespace newswatch::tool {

std::optional<Loaded> load_all(const std::string& config_path, config::Purpose purpose, yaml::Diagnostics& diagnostics,
                               const std::vector<std::string>& rules) {
  auto settings = config::load_as_far_as_it_goes(config_path, purpose, diagnostics);
  if (!settings) return std::nullopt;
  Loaded out;
  out.destinations = deliver::read_destinations(*settings, diagnostics);
  rules::ReaderOptions options;
  options.destinations.emplace();
  for (const auto& destination : settings->deliver.destinations) options.destinations->push_back(destination.name);
  const std::vector<std::string>& paths = rules.empty() ? settings->rules : rules;
  std::optional<rules::LoadedRules> read;
  if (!paths.empty() || !diagnostics.has_errors()) read = rules::read_rules(paths, options, diagnostics);
  if (!read || diagnostics.has_errors()) return std::nullopt;
  out.rules = engine::compile(read->program, {settings->match.default_language});
  out.settings = std::move(*settings);
  return out;
}

std::shared_ptr<const engine::RuleSet> load_rules(const std::vector<std::string>& paths,
                                                  const std::string& default_language, yaml::Diagnostics& diagnostics) {
  const auto read = rules::read_rules(paths, {}, diagnostics);
  if (!read || diagnostics.has_errors()) return nullptr;
  return engine::compile(read->program, {default_language});
}

std::chrono::milliseconds longest_expire(const std::vector<std::shared_ptr<const deliver::DestinationSettings>>& all) {
  std::chrono::milliseconds longest{0};
  for (const auto& destination : all) longest = std::max(longest, destination->expire);
  return longest;
}

}  // namespace newswatch::tool
