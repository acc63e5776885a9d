#include "daemon/kafka/topics.h"

#include <algorithm>
#include <cstdio>

#include "daemon/deliver/kinds.h"
#include "daemon/tool/access.h"
#include "daemon/tool/command_line.h"
#include "daemon/tool/commands.h"
#include "daemon/tool/load.h"

namespace newswatch::tool {
namespace {

const char* kind_name(Access::Kind kind) {
  switch (kind) {
    case Access::Kind::topic:
      return "topic";
    case Access::Kind::group:
      return "group";
    case Access::Kind::transactional_id:
      return "transactional id";
    case Access::Kind::cluster:
      return "cluster";
  }
  return "";
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

}  // namespace

int topics(const TopicsOptions& options) {
  yaml::Diagnostics diagnostics;
  const auto settings = config::load(options.config, config::Purpose::check, diagnostics);
  std::vector<std::shared_ptr<const deliver::DestinationSettings>> destinations;
  if (settings) destinations = deliver::read_destinations(*settings, diagnostics);
  print(diagnostics);
  if (!settings || diagnostics.has_errors()) return exit_config;

  const config::Common& common = settings->common;
  const auto specs = kafka::own_topics(common, settings->stages, longest_expire(destinations));
  std::string principal = options.principal;
  if (principal.empty()) {
    const auto& name = common.kafka.security.username;
    principal = "User:" + (name.empty() ? "newswatch" : name);
  }
  std::printf("# What the stages of %s use\n", options.config.c_str());
  const auto all = needed_access(*settings, destinations);
  std::size_t widest = 0, widest_operations = 0;
  for (const Access& one : all) {
    widest = std::max(widest, one.name.size() + (one.prefixed ? 1 : 0));
    widest_operations = std::max(widest_operations, joined(one.operations).size());
  }
  for (const Access& one : all) {
    std::printf("# %-16s  %-*s  %-*s  %s\n", kind_name(one.kind), static_cast<int>(widest),
                (one.name + (one.prefixed ? "*" : "")).c_str(), static_cast<int>(widest_operations),
                joined(one.operations).c_str(), one.used_by.c_str());
  }
  std::printf("\n# Topics of ours%s\n", common.create_topics ? " (created at start when missing: `create_topics: true`)"
                                                             : "; the daemon creates none (`create_topics: false`)");
  for (const auto& spec : specs) {
    std::printf("%s\n", kafka::create_command(spec, common.kafka, options.brokers).c_str());
  }
  std::printf("\n# Rights, where the cluster checks them\n");
  for (const Access& one : all) std::printf("%s\n", grant_command(one, principal, common.kafka).c_str());
  return exit_ok;
}

}  // namespace newswatch::tool
