#include <cstdio>

#include "config/loader/loader.h"
#include "daemon/observe/metrics.h"
#include "daemon/tool/command_line.h"
#include "daemon/tool/commands.h"

namespace newswatch::tool {

int config_show(const std::string& path) {
  yaml::Diagnostics diagnostics;
  const auto shown = config::show(path, diagnostics);
  print(diagnostics);
  if (!shown) return exit_config;
  std::fputs(shown->c_str(), stdout);
  return exit_ok;
}

int config_reference() {
  std::fputs(config::reference().c_str(), stdout);
  return exit_ok;
}

int metrics() {
  std::fputs(observe::describe_metrics().c_str(), stdout);
  return exit_ok;
}

}  // namespace newswatch::tool
