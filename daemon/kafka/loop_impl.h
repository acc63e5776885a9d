#pragma once
// Internal to daemon/kafka: the loop's state, split over loop.cc (the turn, commits, repair) and loop_partitions.cc
// (rebalances, positions, records).

#include <deque>
#include <mutex>
#include <thread>

#include "daemon/kafka/restore_thread.h"
#include "daemon/kafka/session.h"
#include "daemon/observe/log.h"
#include "daemon/observe/metrics.h"

namespace newswatch::kafka {

using Clock = std::chrono::steady_clock;

/// Twice fenced within a short time is no accident: another process runs under our name.
class TwinDetector {
 public:
  explicit TwinDetector(Clock::duration within) : within_(within) {}
  /// True: that was the second time.
  bool fenced(Clock::time_point now) {
    const bool again = last_ && now - *last_ < within_;
    last_ = now;
    return again;
  }

 private:
  const Clock::duration within_;
  std::optional<Clock::time_point> last_;
};

class Loop::Impl final : private GroupConsumer::Listener {
 public:
  Impl(LoopOptions options, Processor& processor, Watchdog& watchdog, observe::Metrics& metrics,
       std::function<void(const LoopFailure&)> failed);
  ~Impl();

  void start();
  void request_stop(std::optional<std::chrono::milliseconds> deadline);
  void join();
  void wake();
  LoopStatus status() const;

 private:
  /// One partition of ours, and how far it is on its way to being read.
  struct Held {
    enum class Step { wants_offset, restoring, wants_start, seeking, running };
    TopicPartition partition;
    Step step = Step::wants_offset;
    std::optional<std::int64_t> committed;
    std::int64_t at = -1;         ///< where librdkafka reads from, of a partition not led yet; -1: not known
    std::int64_t processed = -1;  ///< next offset; a number from start() on
    std::int64_t sent = -1;       ///< what the group knows
    bool at_end = false;
    std::deque<MessagePtr> stash;  ///< read, but there was no room; bounded by the prefetch queue
    std::shared_ptr<RestoreThread::Ticket> ticket;
    std::unique_ptr<Restored> restored;
    Clock::time_point seeking_since{};
    std::int64_t careful_until = -1;  ///< records before it come in small rounds: one of them was refused
    struct Culprit {
      std::int64_t offset;
      Error error;
    };
    std::optional<Culprit> culprit;
  };

  struct Broken {
    Outcome what = Outcome::abort;
    Error why;
    bool quiet = false;  ///< expected (a lost partition, a poisoned record): no warning
  };

  // loop.cc
  void run() noexcept;
  void turn();
  bool clients_ready();
  bool open_producer();
  bool open_consumer();
  void repair();
  void drop_consumer(const Error& why);
  bool commit(bool last);
  Outcome write_phases(const std::vector<PartitionOffset>& offsets, Error& why);
  bool commit_is_due(bool drained, Clock::time_point now);
  bool progressed();
  void commit_offsets_again();
  void break_round(Outcome what, Error why, bool quiet = false);
  void fail(int exit_code, Error error);
  void shut_down();
  void wait(Clock::time_point until);
  void back_off(const Error& why, const char* doing);
  void publish_status(bool now);
  std::chrono::milliseconds left_of_stop() const;
  /// Of one without a transaction; a second also when the time to stop is over, since the broker is most often there.
  std::chrono::milliseconds limit_of_call() const;

  // loop_partitions.cc
  std::vector<std::int64_t> on_assigned(const std::vector<TopicPartition>& partitions) override;
  void on_revoked(std::vector<TopicPartition> partitions, bool lost) override;
  void on_message(MessagePtr message) override;
  void on_client_error(rd_kafka_resp_err_t code, const char* reason) override;
  void take_restores();
  void advance_partitions();
  bool look_up_offsets();
  bool begin_partition(Held& held);
  bool seek_partition(Held& held);
  void reset(Held& held);
  void cancel_restore(Held& held);
  bool read();
  void handle(MessagePtr message);
  void handle_error(Held* held, const rd_kafka_message_t& message);
  std::optional<std::int64_t> place_of(const TopicPartition& partition, std::optional<std::int64_t> committed);
  Held::Step next_step(Held& held);
  bool account_lost(const TopicPartition& partition, std::int64_t offset, const PartitionReader::Watermarks& marks);
  void deliver(Held& held, const MessagePtr& message);
  void deliver_record(Held& held, rd_kafka_message_t* message);
  bool careful() const;
  Held* find(const rd_kafka_message_t& message);
  MessagePtr next_message();

  const LoopOptions options_;
  Processor& processor_;
  observe::Metrics& metrics_;
  const std::function<void(const LoopFailure&)> failed_;
  const std::shared_ptr<Watchdog::Slot> watch_;
  const int wake_fd_;

  // Of the loop's thread.
  std::unique_ptr<LoopProducer> producer_;
  bool producer_ready_ = false;
  std::unique_ptr<GroupConsumer> consumer_;
  std::optional<RestoreThread> restores_;
  std::map<TopicPartition, Held> held_;
  /// Where to go on in a partition whose offset the broker refused, once the consumer is made anew.
  std::map<TopicPartition, std::int64_t> instead_;
  Held* last_found_ = nullptr;
  const void* last_topic_ = nullptr;
  bool joined_ = false;
  bool dropping_consumer_ = false;
  std::optional<Error> consumer_error_;  ///< fatal: make another
  bool consumer_fenced_ = false;
  TwinDetector producer_twin_{std::chrono::seconds(8)};
  bool consumer_was_fenced_ = false;
  std::optional<Clock::time_point> joined_after_fence_;

  std::optional<Broken> broken_;
  int failures_ = 0;  ///< rounds broken since the last commit
  Clock::time_point not_before_{};
  Clock::time_point next_advance_{};
  std::optional<Clock::time_point> round_began_;  ///< of the first thing that is not committed
  Clock::time_point last_commit_{};
  Clock::time_point last_offsets_{};
  bool must_commit_ = false;
  bool offsets_pending_ = false;  ///< at least once: newer offsets than those under way
  std::uint64_t round_records_ = 0;
  std::uint64_t round_limit_ = 0;  ///< while careful: halved with each refusal
  Held* round_last_ = nullptr;
  std::int64_t round_last_offset_ = -1;
  std::optional<Clock::time_point> next_idle_;
  std::optional<LoopFailure> failure_;
  std::string trouble_;
  std::optional<Clock::time_point> trouble_told_;  ///< of what librdkafka told: it does not tell when that is over
  std::vector<Position> positions_;  ///< reused
  observe::LogRepeat repeat_open_, repeat_group_, repeat_broken_, repeat_poison_, repeat_commit_;

  observe::Counter committed_, aborted_, unclear_, recreated_, rebalances_, restores_done_;
  observe::Histogram commit_seconds_, restore_seconds_;
  observe::Gauge partitions_, lag_;

  std::atomic<bool> stopping_{false};
  std::atomic<Clock::rep> stop_by_{Clock::time_point::max().time_since_epoch().count()};
  std::atomic<Clock::rep> beat_{0};
  mutable std::mutex status_mutex_;
  LoopStatus status_;
  Clock::time_point status_at_{};
  std::thread thread_;
};

}  // namespace newswatch::kafka
