#pragma once
// A real Apache Kafka for integration tests, by scripts/kafka.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/kafka/client.h"

namespace newswatch::test {

class KafkaCluster {
 public:
  /// The brokers of NEWSWATCH_TEST_BROKERS, else one node that is started for this program. For tests that hurt nobody:
  /// use unique() for every name. Null: none can be had, see why_none().
  static KafkaCluster* shared();
  /// A cluster of its own, 1 or 3 nodes, on free ports, with its data in a temporary directory. Null as above.
  static std::unique_ptr<KafkaCluster> start(int nodes) { return start(nodes, false); }
  /// The same, one node, that beside bootstrap() listens with TLS and a login: PLAIN or SCRAM-SHA-512.
  static std::unique_ptr<KafkaCluster> start_secure() { return start(1, true); }
  static const std::string& why_none();

  ~KafkaCluster();  ///< stops and wipes what start() made
  KafkaCluster(const KafkaCluster&) = delete;
  KafkaCluster& operator=(const KafkaCluster&) = delete;

  const std::string& bootstrap() const { return bootstrap_; }
  // Of a cluster from start_secure() only.
  static constexpr const char* secure_user = "newswatch";
  static constexpr const char* secure_password = "newswatch-secret";
  std::string secure_bootstrap() const { return "127.0.0.1:" + std::to_string(port_base_ + 15); }
  std::string ca_file() const { return data_ + "/tls/ca.pem"; }

  config::Kafka settings() const;
  kafka::Properties properties() const;
  void create_topic(const std::string& name, int partitions,
                    std::vector<std::pair<std::string, std::string>> properties = {}) const;

  // Of a cluster from start() only. `node` counts from 1.
  void kill9(int node) { script("kill9 " + std::to_string(node)); }
  void stop_node(int node) { script("stop " + std::to_string(node)); }
  void start_node(int node) { script("start " + std::to_string(node)); }
  void pause(int node) { script("pause " + std::to_string(node)); }
  void resume(int node) { script("cont " + std::to_string(node)); }
  /// A tool of Kafka, e.g. "GetOffsetShell …"; its output.
  std::string tool(const std::string& arguments) const;

 private:
  KafkaCluster() = default;
  static std::unique_ptr<KafkaCluster> start(int nodes, bool secure);
  std::string script(const std::string& command) const;

  std::string bootstrap_, data_;
  int port_base_ = 0;
  bool secure_ = false;
};

/// A name that no other test or run uses.
std::string unique(const std::string& stem);

/// What tests draw random numbers with: NEWSWATCH_TEST_SEED, else the clock. Printed once.
unsigned test_seed();

}  // namespace newswatch::test

/// Without Kafka: skip and say so; on CI that is a failure.
#define NEWSWATCH_NEED_KAFKA(cluster)                                                                          \
  if (!(cluster)) {                                                                                            \
    const char* ci = std::getenv("CI");                                                                        \
    if (ci && std::string(ci) == "true") FAIL() << "no Kafka: " << newswatch::test::KafkaCluster::why_none(); \
    GTEST_SKIP() << "NO KAFKA, so nothing of this was tested: " << newswatch::test::KafkaCluster::why_none();  \
  }                                                                                                            \
  static_cast<void>(0)
