#include "daemon/tool/load.h"

#include <algorithm>
#include <filesystem>
#include <span>

#include "config/yaml/document.h"
#include "daemon/deliver/kinds.h"
#include "rules/engine/compiler.h"
#include "rules/reader/reader.h"

namespace newswatch::tool {
namespace {

// A configuration that cannot be used still names its rules, and their faults are told in the same pass.
struct Named {
  std::vector<std::string> rules;
  std::optional<std::vector<std::string>> destinations;
};

Named named_in(const std::string& config_path) {
  Named out;
  yaml::Diagnostics told_already;
  const auto root = yaml::load_file(config_path, told_already);
  if (!root || !root->is_mapping()) return out;
  if (const yaml::Node* rules = root->find("rules")) {
    const auto folder = std::filesystem::path(config_path).parent_path();
    for (const yaml::Node& path : rules->items) {
      if (path.is_scalar()) out.rules.push_back((folder / path.text).string());
    }
  }
  out.destinations.emplace();
  if (const yaml::Node* destinations = root->find("destinations")) {
    for (const yaml::Entry& entry : destinations->entries) out.destinations->push_back(entry.key);
  }
  return out;
}

}  // namespace

std::optional<Loaded> load_all(const std::string& config_path, config::Purpose purpose, yaml::Diagnostics& diagnostics,
                               const std::vector<std::string>& rules) {
  auto settings = config::load(config_path, purpose, diagnostics);
  rules::ReaderOptions options;
  std::vector<std::string> paths = rules;
  Loaded out;
  if (settings) {
    out.destinations = deliver::read_destinations(*settings, diagnostics);
    options.destinations.emplace();
    for (const auto& destination : settings->deliver.destinations) options.destinations->push_back(destination.name);
    if (paths.empty()) paths = settings->rules;
  } else {
    Named named = named_in(config_path);
    options.destinations = std::move(named.destinations);
    if (paths.empty()) paths = std::move(named.rules);
    if (paths.empty()) return std::nullopt;
  }
  const auto read = rules::read_rules(paths, options, diagnostics);
  if (!settings || !read || diagnostics.has_errors()) return std::nullopt;
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
