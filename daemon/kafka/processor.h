#pragma once
// What a stage does with its records; the loop (loop.h) does everything else.
//
// The contract in one paragraph. The loop calls everything but restore() from its one thread. A partition begins with
// start(), which says where; then come process() and end_of_partition() in offset order. A commit runs flush_phase(0),
// flush_phase(1), … and makes durable what they and process() wrote, together with the processed offsets. When
// anything goes wrong in between (an abort, an unclear commit, a record that cannot be written, a lost partition),
// aborted() is called: from then on nothing that process() did since the last committed() has happened. The processor
// forgets the state of every partition; each kept one gets a new restore() and start(), and records come again.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "daemon/kafka/record.h"
#include "daemon/observe/result.h"

namespace newswatch::kafka {

/// Where process() and flush_phase() write. produce() does not fail: what cannot be written makes the loop abort and
/// hand the input again. It may block while librdkafka's bounded queue is full.
class Output {
 public:
  virtual void produce(OutRecord record) = 0;

 protected:
  ~Output() = default;
};

/// Where the input stands at a commit: the offset of the next record of each started partition. Not always the last
/// record's plus one: transaction markers and compaction leave gaps.
struct Position {
  const TopicPartition* partition;
  std::int64_t next;
};

/// The state of one partition, read by restore() and taken over by start().
struct Restored {
  virtual ~Restored() = default;
};

/// What a restore() needs besides its own readers.
struct RestoreContext {
  TopicPartition partition;               ///< of the input topic
  std::optional<std::int64_t> committed;  ///< the group's offset, stable (no open transaction behind it)
  std::function<bool()> cancelled;        ///< ask often, from any depth: the partition was taken away, or we stop
  std::function<void(double)> progress;   ///< 0 to 1, for readiness and STATUS
};

class Processor {
 public:
  virtual ~Processor() = default;

  /// True: restore() is called before each start().
  virtual bool restores() const { return false; }
  /// On the restore thread, one partition at a time, while process() of other partitions may run: it must not touch
  /// what they use. Retryable errors are tried again with backoff; a fatal one stops the loop. After `cancelled` any
  /// result is dropped.
  virtual Result<std::unique_ptr<Restored>> restore(const RestoreContext&) { return std::unique_ptr<Restored>(); }

  /// The offset of the first record that process() shall get: always a number, never "latest". `committed` is stable;
  /// `earliest` is the lowest offset that still exists, looked up only when nothing is committed; else 0. A fatal error
  /// stops the loop, a retryable one is tried again from the restore on.
  virtual Result<std::int64_t> start(const TopicPartition&, std::optional<std::int64_t> committed,
                                     std::int64_t earliest, std::unique_ptr<Restored>) {
    return committed.value_or(earliest);
  }
  /// The partitions are gone; their state with them. What was in hand was committed before, or aborted() was called.
  virtual void revoked(std::span<const TopicPartition>) {}
  virtual void aborted() {}

  virtual void process(const Record& record, Output& output) = 0;
  /// All records of the partition have been processed, for now. Comes again after later records.
  virtual void end_of_partition(const TopicPartition&) {}

  /// Called between records, after wake() and at the latest each second: take completions, fire timers. Returns when
  /// to be called next, if earlier.
  virtual std::optional<std::chrono::steady_clock::time_point> idle(Output&) { return std::nullopt; }

  /// Written in this order before a commit. With at least once all of phase n is acknowledged before phase n+1 is
  /// asked for (alerts, then state, then position); in a transaction the order does not matter.
  virtual int phases() const { return 0; }
  /// `positions`: what this commit makes durable of the input (after committable()).
  virtual void flush_phase(int /*phase*/, std::span<const Position> /*positions*/, Output&) {}
  /// True when flush_phase has something to write that a reader waits for: commit soon, not at the end of the interval.
  virtual bool wants_commit() const { return false; }
  /// What was flushed is durable.
  virtual void committed() {}

  enum class Poison {
    parked,  ///< what was written to Output (perhaps nothing) stands for the record; go on behind it
    retry,   ///< not yet: abort, wait, and hand the record to process() again
  };
  /// `record` alone in a transaction made one that Kafka refuses for good. `error.code` is record_too_large, topic_denied,
  /// unknown_topic or record_refused. Where the topic is our own, a missing or denied one is `retry`: nothing the record did.
  virtual Poison poison(const Record&, const Error&, Output&) { return Poison::parked; }

  // For work that outlives process() (HTTP requests).
  /// The offset that may be committed, at most `processed`: that of the oldest unfinished record.
  virtual std::int64_t committable(const TopicPartition&, std::int64_t processed) { return processed; }
  /// False: hand out no more of this partition, others go on. The loop keeps what is read already, at most
  /// queued.max.messages.kbytes.
  virtual bool has_room(const TopicPartition&) { return true; }
  /// Before partitions are given back or the loop stops: finish what is in flight, within `limit`.
  virtual void finish(std::span<const TopicPartition>, std::chrono::milliseconds /*limit*/, Output&) {}
};

}  // namespace newswatch::kafka
