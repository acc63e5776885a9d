#pragma once
// Internal to daemon/kafka: the loop's own consumer and producer, each a librdkafka handle with the one way we use it.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/kafka/handle.h"
#include "daemon/kafka/loop.h"
#include "daemon/kafka/watchdog.h"

namespace newswatch::kafka {

/// Below socket.timeout.ms (9.9 s) and transaction.timeout.ms (10 s); see the essay in loop.cc.
inline constexpr std::chrono::milliseconds call_timeout{8000};

/// An offset to seek or commit.
struct PartitionOffset {
  TopicPartition partition;
  std::int64_t offset = 0;
};

/// What an operation on the group or the producer asks of the loop.
enum class Outcome {
  ok,
  abort,     ///< abort the transaction, keep the producer
  recreate,  ///< fatal, timed out or unclear: only a new producer is sure of what is true
  fenced,    ///< recreate, and perhaps there is a twin
};

/// The consumer: a member of the group. One thread, but for open().
class GroupConsumer {
 public:
  /// Told from within poll_events() and close().
  struct Listener {
    /// Returns where to read each from: numbers.
    virtual std::vector<std::int64_t> on_assigned(const std::vector<TopicPartition>& partitions) = 0;
    virtual void on_revoked(std::vector<TopicPartition> partitions, bool lost) = 0;
    virtual void on_message(MessagePtr message) = 0;  ///< a stray one of the main queue, or an error
    virtual void on_client_error(rd_kafka_resp_err_t code, const char* reason) = 0;

   protected:
    ~Listener() = default;
  };

  /// `wake_fd` (an eventfd) becomes readable when something waits to be polled.
  /// Looks the input topics up (they must exist), settles where a new group begins, chooses group.instance.id and joins.
  /// Blocks, each call bounded. A retryable error: the broker is away or a topic is missing.
  static Result<std::unique_ptr<GroupConsumer>> open(const LoopOptions& options, Listener& listener,
                                                     Watchdog::Slot& watch, int wake_fd);
  ~GroupConsumer();  ///< without leaving the group in order; see close()

  /// Serves rebalances and errors; returns at once.
  void poll_events();
  /// The next message of a partition that is led to the data queue; null: none waits.
  MessagePtr next();
  /// Led to the data queue: next() gets its messages. Else they stay in the partition's own queue.
  void lead_to_data_queue(const TopicPartition& partition, bool lead);
  /// The group's offsets, stable: waits for open transactions.
  Result<std::map<TopicPartition, std::optional<std::int64_t>>> committed(const std::vector<TopicPartition>& partitions);
  Result<void> seek(const TopicPartition& partition, std::int64_t offset);
  Result<PartitionReader::Watermarks> watermarks(const TopicPartition& partition);
  /// The end of the partition as of the last fetch: local and free; -1 when not known.
  std::int64_t known_end(const TopicPartition& partition) const;
  GroupMetadataPtr group_metadata();
  /// Where to start by the topic's `start`, when that could not be set in the group before we joined.
  std::optional<std::int64_t> resolved_start(const TopicPartition& partition) const;

  /// Plain commit. `wait`: for the broker's answer, so long; with 0 only sends, and a failure is told later by
  /// poll_commits(). False: not sent, another is under way.
  Result<bool> commit(const std::vector<PartitionOffset>& offsets, std::chrono::milliseconds wait);
  /// Answers to earlier commits: the last error, if any came.
  std::optional<Error> poll_commits();

  /// Leaves in order (on_revoked is called); a static member stays one until its session ends. False: not done in time.
  bool close(std::chrono::milliseconds limit);

 private:
  struct Impl;
  explicit GroupConsumer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The producer: transactional with exactly once, else idempotent. One thread.
class LoopProducer final : public Output {
 public:
  static Result<std::unique_ptr<LoopProducer>> open(const LoopOptions& options, Watchdog::Slot& watch);
  ~LoopProducer();  ///< drops what is not acknowledged

  /// With transactions: takes the id, fences and ends what a former owner left. Retryable: call again.
  Result<void> init();
  /// So that no first record waits a second for its topic.
  void warm(const std::vector<std::string>& topics);

  void produce(OutRecord record) override;
  /// Serves delivery reports; at once.
  void poll();

  /// Records produced since the last commit() or begin.
  std::uint64_t produced() const;
  /// The first failure since the last reset: the input must come again.
  const std::optional<Error>& failure() const;

  /// All that is produced is acknowledged. At least once.
  Outcome flush(std::chrono::milliseconds limit, Error& why);
  /// Offsets join the transaction, which commits. Exactly once.
  Outcome commit(const std::vector<PartitionOffset>& offsets, const rd_kafka_consumer_group_metadata_t* group,
                 std::chrono::milliseconds limit, Error& why);
  /// After Outcome::abort or failure().
  Outcome abort(Error& why);
  bool in_transaction() const;
  void forget_produced();

 private:
  struct Impl;
  explicit LoopProducer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// What is known before joining.
struct Scouted {
  std::map<std::string, int> partition_counts;
  /// Starts that the group could not be told: another member was there already, or it is the embedded broker.
  std::map<TopicPartition, std::int64_t> starts;
};
/// Asks the broker for the input topics and, where the group knows no partition of one, sets its `start` for all of them.
Result<Scouted> scout(const LoopOptions& options, Watchdog::Slot& watch);

/// Properties that the guarantees stand on, which win over the operator's.
Properties consumer_guarantees(const LoopOptions& options, const std::string& instance_id);
Properties producer_guarantees(const LoopOptions& options);
/// group.instance.id: the transactional id and a hash of what a returning member would be handed blindly.
std::string group_instance_id(const LoopOptions& options, const std::map<std::string, int>& partition_counts);

}  // namespace newswatch::kafka
