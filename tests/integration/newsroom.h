#pragma once
// The whole pipeline for a test: topics, real articles, rules, a configuration, daemons to start and kill, and the
// question whether what came out is exactly what had to.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/loader/settings.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/process.h"

namespace newswatch::test {

class Newsroom {
 public:
  struct Options {
    std::string guarantee = "exactly_once";
    int articles = 2000;      ///< of the real ones; some are fed again, as copies and as repeats
    std::string webhook_url;  ///< empty: none
    std::string more_config;  ///< appended to the configuration
  };
  Newsroom(const KafkaCluster& cluster, Options options);
  ~Newsroom();

  /// Why the real articles are not there; empty: they are.
  static std::string why_no_articles();

  /// Starts `newswatchd run` under that name. `with_added`: its configuration has a second input topic.
  Process start(const std::string& instance, bool with_added = false) const;
  /// Waits for readiness as the log tells it. False: it did not get ready.
  static bool wait_ready(Process& daemon);

  /// Feeds the next articles; `all` for the rest. To the second topic with `added`.
  void feed(std::size_t count, bool added = false);
  std::size_t left() const { return lines_.size() - fed_; }

  /// Every group has committed to the end of every topic it reads.
  bool finished() const;
  /// What finished() waits for.
  std::string progress() const;

  /// What is wrong with P.matches, against the oracle; empty: nothing. `doubles`: allowed.
  std::string check_matches(bool doubles = false) const;
  /// What is wrong with P.alerts, the user's topic and P.state against the alert core over P.matches.
  std::string check_alerts() const;
  /// At least once: every alert that had to come is there. What is missing; empty: nothing.
  std::string check_nothing_lost() const;
  /// Ids of P.alerts, read_committed.
  std::vector<std::string> alert_ids() const;

  const KafkaCluster& cluster() const { return cluster_; }
  const std::string& prefix() const { return prefix_; }
  std::string topic(const std::string& name) const { return prefix_ + "." + name; }

 private:
  struct Fed {
    bool added = false;
    std::string json;
  };
  std::string write_config(const std::string& instance, bool with_added) const;

  const KafkaCluster& cluster_;
  const Options options_;
  const std::string prefix_;
  std::string directory_;
  std::vector<std::string> lines_;
  std::size_t fed_ = 0;
  std::vector<Fed> history_;
};

}  // namespace newswatch::test
