#pragma once
// librdkafka's mock cluster in this process, for `newswatchd demo`: keeps 5 MiB a partition, forgets on exit, knows no
// transactions, compaction or admin calls. Never a test of exactly once.

#include <memory>
#include <string>

#include "config/loader/settings.h"
#include "daemon/observe/result.h"

struct rd_kafka_mock_cluster_s;

namespace newswatch::kafka {

class EmbeddedBroker {
 public:
  static Result<EmbeddedBroker> start();
  EmbeddedBroker(EmbeddedBroker&&) noexcept;
  EmbeddedBroker& operator=(EmbeddedBroker&&) noexcept;
  ~EmbeddedBroker();  ///< after all its clients are gone

  /// host:port on loopback, for kcat.
  const std::string& bootstrap() const;
  Result<void> create_topic(const std::string& name, int partitions);
  /// For tests that inject errors.
  rd_kafka_mock_cluster_s* handle() const;

 private:
  struct Impl;
  explicit EmbeddedBroker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace newswatch::kafka
