#pragma once
// Internal to daemon/kafka: runs Processor::restore() for one loop, one partition at a time, on a thread of its own.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "daemon/kafka/processor.h"

namespace newswatch::kafka {

class RestoreThread {
 public:
  /// Shared between loop and thread while a restore is under way.
  struct Ticket {
    std::atomic<bool> cancelled{false};
    std::atomic<double> progress{0};
  };
  struct Done {
    TopicPartition partition;
    std::shared_ptr<Ticket> ticket;
    Result<std::unique_ptr<Restored>> result;
    std::chrono::steady_clock::duration took{};
  };

  /// `wake` is called on the thread when something is done.
  RestoreThread(Processor& processor, std::function<void()> wake);
  ~RestoreThread();  ///< cancels; waits for the restore under way to notice
  RestoreThread(const RestoreThread&) = delete;
  RestoreThread& operator=(const RestoreThread&) = delete;

  /// At most one a held partition waits: the queue is bounded by the assignment.
  std::shared_ptr<Ticket> submit(const TopicPartition& partition, std::optional<std::int64_t> committed);
  std::vector<Done> take_done();

 private:
  struct Job {
    TopicPartition partition;
    std::optional<std::int64_t> committed;
    std::shared_ptr<Ticket> ticket;
  };
  void run() noexcept;

  Processor& processor_;
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable waiting_;
  std::deque<Job> jobs_;
  std::vector<Done> done_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace newswatch::kafka
