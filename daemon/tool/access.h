#pragma once
// What the configured stages need of Kafka: topics, groups, transactional ids, and the right to use each.

#include <string>
#include <vector>

#include "config/loader/settings.h"
#include "daemon/deliver/destination.h"

namespace newswatch::tool {

struct Access {
  enum class Kind { topic, group, transactional_id, cluster };
  Kind kind = Kind::topic;
  std::string name;
  bool prefixed = false;                ///< `name` is the beginning of the names meant
  std::vector<std::string> operations;  ///< as kafka-acls.sh names them, in a fixed order, each once
  std::string used_by;                  ///< the stages, for people
};

/// In the order of the pipeline, each resource once.
std::vector<Access> needed_access(const config::Settings& settings,
                                  const std::vector<std::shared_ptr<const deliver::DestinationSettings>>& destinations);

/// The kafka-acls.sh line that grants it.
std::string grant_command(const Access& access, const std::string& principal, const config::Kafka& kafka);

}  // namespace newswatch::tool
