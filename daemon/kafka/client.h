#pragma once
// Settings of librdkafka clients, and the simple handles. The loop's own consumer and producer are in session.h.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/loader/settings.h"
#include "daemon/kafka/record.h"
#include "daemon/observe/result.h"

struct rd_kafka_s;

namespace newswatch::kafka {

/// librdkafka properties in the order they are set. Values may be secrets: never printed.
using Properties = std::vector<std::pair<std::string, std::string>>;

/// What every client of this configuration has: brokers, security, timeouts (socket.timeout 9.9 s), reconnect backoff,
/// nagle off, then the operator's options, which win over all but what our guarantees stand on.
Properties client_properties(const config::Kafka& kafka);

/// Why librdkafka refuses the option, as one sentence; none when it takes it. Needs no broker.
std::optional<std::string> option_problem(const std::string& name, const std::string& value);

/// A sentence to warn with when this librdkafka has known trouble with transactions (2.10.0 to 2.15.0); else none.
std::optional<std::string> library_warning(config::Guarantee guarantee);
std::string library_version();

/// Writes records outside any transaction: idempotent, acknowledged by all replicas. For tools, the demo and tests. One thread.
class Publisher {
 public:
  static Result<Publisher> open(const Properties& properties);
  Publisher(Publisher&&) noexcept;
  Publisher& operator=(Publisher&&) noexcept;
  ~Publisher();  ///< drops what is not acknowledged

  /// Queues; blocks while the queue is full, `timeout` at most. `timestamp`: milliseconds since 1970; none: now.
  Result<void> publish(const OutRecord& record, std::optional<std::int64_t> timestamp = std::nullopt,
                       std::chrono::milliseconds timeout = std::chrono::seconds(10));
  /// Waits until all is acknowledged. The first delivery error since the last flush, if any.
  Result<void> flush(std::chrono::milliseconds timeout = std::chrono::seconds(30));

 private:
  struct Impl;
  explicit Publisher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Reads a partition from its beginning to its end as of now; for state, tools and tests. No group. One thread.
class PartitionReader {
 public:
  enum class Isolation { read_committed, read_uncommitted };
  static Result<PartitionReader> open(const Properties& properties, Isolation isolation = Isolation::read_committed);
  PartitionReader(PartitionReader&&) noexcept;
  PartitionReader& operator=(PartitionReader&&) noexcept;
  ~PartitionReader();

  struct Watermarks {
    std::int64_t low = 0, high = 0;
  };
  Result<Watermarks> watermarks(const TopicPartition& partition, std::chrono::milliseconds timeout);
  /// Number of partitions; permanent error `unknown_topic` when there is no such topic.
  Result<int> partition_count(const std::string& topic, std::chrono::milliseconds timeout);

  struct Limits {
    std::int64_t from = 0;                  ///< clamped to the lowest that exists
    std::int64_t until = 0;                 ///< ends at the end-of-partition event at or past this offset
    std::function<bool()> cancelled;        ///< may be empty; asked at least each 100 ms
    std::function<void(std::int64_t)> progress;  ///< next offset; may be empty; called now and then
    /// Without progress (broker gone, open transaction of a dead instance) so long: retryable error `stalled`.
    std::chrono::milliseconds patience = std::chrono::seconds(60);
  };
  /// Hands each record to `each`. Returns the offset behind the last. Error `cancelled` is retryable.
  Result<std::int64_t> read(const TopicPartition& partition, const Limits& limits,
                            const std::function<void(const Record&)>& each);

 private:
  struct Impl;
  explicit PartitionReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Restores from one partition of a compacted topic, as DESIGN 2.5 says: takes the high watermark from a second,
/// read_uncommitted handle, then reads read_committed to past that mark, waiting for an open transaction of a dead
/// instance, and ends at the end-of-partition event. Blocks; for the restore thread.
class StateReader {
 public:
  explicit StateReader(Properties properties);
  ~StateReader();
  /// `each` gets every record up to the mark, in order (tombstones too). Returns how many.
  Result<std::uint64_t> read(const TopicPartition& partition, const std::function<bool()>& cancelled,
                             const std::function<void(double)>& progress,
                             const std::function<void(const Record&)>& each);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace newswatch::kafka
