#include <cstdio>

#include "daemon/tool/command_line.h"
#include "daemon/tool/commands.h"
#include "daemon/tool/load.h"

namespace newswatch::tool {
namespace {

std::string count(std::size_t n, const char* what) { return std::to_string(n) + " " + what + (n == 1 ? "" : "s"); }

}  // namespace

int check(const CheckOptions& options) {
  yaml::Diagnostics diagnostics;
  std::shared_ptr<const engine::RuleSet> rules;
  std::string more;
  if (options.config.empty()) {
    rules = load_rules(options.paths, "en", diagnostics);
  } else if (const auto loaded = load_all(options.config, config::Purpose::check, diagnostics)) {
    rules = loaded->rules;
    more = ", " + count(loaded->settings.match.articles.size(), "article input") + ", " +
           count(loaded->destinations.size(), "destination");
  }
  print(diagnostics, options.format);
  if (diagnostics.has_errors()) return exit_config;
  if (options.format == Format::text && rules) {
    std::printf("OK: %s%s\n", count(rules->rules().size(), "rule").c_str(), more.c_str());
  }
  return exit_ok;
}

}  // namespace newswatch::tool
