#pragma once
// Our topics: created where missing, compared where they exist, and described for `newswatchd topics`.

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "config/loader/settings.h"
#include "daemon/kafka/client.h"
#include "daemon/observe/result.h"

namespace newswatch::kafka {

/// What a topic must be like. Properties are Kafka's topic configuration.
struct TopicSpec {
  std::string name;
  int partitions = 1;
  int replication = 0;  ///< 0: min(3, brokers)
  std::vector<std::pair<std::string, std::string>> properties;
  /// A group's state hangs on the partition count; another count is an error, not a warning.
  bool fixed_partitions = false;
  bool compacted = false;
  /// Shorter retention loses what is promised; 0: no such promise.
  std::chrono::milliseconds least_retention{0};
  std::string why;  ///< completes "… because", for the error message
};

/// The topics that the given stages write and read of our own, as DESIGN 2.3 says. `longest_expire`: of all destinations.
std::vector<TopicSpec> own_topics(const config::Common& common, const config::Stages& stages,
                                  std::chrono::milliseconds longest_expire);

/// kafka-topics.sh line that creates the topic on a cluster with so many brokers.
std::string create_command(const TopicSpec& topic, const config::Kafka& kafka, int brokers);

struct TopicProblem {
  enum class Kind { missing, differs };
  Kind kind = Kind::missing;
  std::string topic;
  std::string message;  ///< what is, what should be, and why
  std::string command;  ///< that repairs it
  bool blocking = true;  ///< false: worth a warning
};

/// Creates what is missing (when `create`), compares what exists. Blocks; retries while the broker is away until
/// `cancelled`, saying so in the log at a humane rate. An error is retryable (cancelled) or fatal (not authorised).
/// An empty list: all is well. `input_topics` must exist and are never created.
Result<std::vector<TopicProblem>> prepare_topics(const config::Common& common, const std::vector<TopicSpec>& topics,
                                                 const std::vector<std::string>& input_topics,
                                                 const std::function<bool()>& cancelled);

}  // namespace newswatch::kafka
