#pragma once
// Runs a courier: its clock, its timer, its sender. Between the Kafka thread of a destination, which brings alerts and
// fetches results, and the io thread, which makes the tries.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "daemon/deliver/courier.h"
#include "daemon/deliver/destination.h"
#include "daemon/observe/log.h"
#include "daemon/observe/metrics.h"

namespace newswatch::deliver {

/// Handles of one destination.
struct DeliverMetrics {
  DeliverMetrics(observe::Metrics& metrics, const std::string& destination);
  observe::Counter delivered, undelivered, expired;
  observe::Counter tries_ok, tries_retry, tries_refused;
  observe::Histogram try_seconds, alert_seconds;
  observe::Gauge in_hand, up;
};

/// All but open() and close() from the Kafka thread of the destination.
class Dispatcher : public std::enable_shared_from_this<Dispatcher> {
 public:
  /// `io`, `metrics` and what `wake` touches outlive close(). `wake` is called on the io thread when there is something
  /// to fetch that somebody waits for.
  Dispatcher(boost::asio::io_context& io, std::shared_ptr<const DestinationSettings> settings, DeliverMetrics metrics);
  ~Dispatcher();

  /// Any thread, once. Throws std::runtime_error as DestinationSettings::open does.
  void open();
  void set_wake(std::function<void()> wake);
  /// Any thread but the io thread; the io thread must run. Waits until no try can call back any more.
  void close();

  void accept(std::shared_ptr<const Letter> letter);
  std::vector<std::shared_ptr<const Letter>> take_delivered();
  std::vector<Courier::Parked> take_parked();
  std::size_t bytes_in_hand() const;
  /// Wake when an alert ends, whatever came of it.
  void wake_at_next_end();

  /// Starts nothing more of these partitions and waits, `limit` at most, until their tries have ended.
  void settle(std::span<const std::int32_t> partitions, std::chrono::milliseconds limit);
  void drop(std::span<const std::int32_t> partitions);
  void drop_all();

  struct Status {
    std::int64_t in_hand = 0;
    bool held_back = false;
    std::string last_error;
  };
  Status status() const;  ///< any thread

 private:
  struct Timer;
  void pump();
  void post_pump();
  void finished(Courier::Ticket ticket, const Outcome& outcome, std::chrono::steady_clock::time_point since);
  void report(const Outcome& outcome, bool was_held_back);

  boost::asio::io_context& io_;
  const std::shared_ptr<const DestinationSettings> settings_;
  const DeliverMetrics metrics_;
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  Courier courier_;                  // under mutex_
  std::function<void()> wake_;       // under mutex_; empty once closed
  std::string last_error_;           // under mutex_
  bool pump_posted_ = false;         // under mutex_
  bool wake_wanted_ = false;         // under mutex_
  std::vector<std::int32_t> known_;  // partitions that letters came from; under mutex_
  std::unique_ptr<Sender> sender_;   // io thread, but for open()
  std::unique_ptr<Timer> timer_;     // io thread
  observe::LogRepeat failures_;
};

}  // namespace newswatch::deliver
