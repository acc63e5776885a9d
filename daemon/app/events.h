#pragma once
// What the main thread waits for: signals and failures, told by other threads.

#include <condition_variable>
#include <mutex>
#include <optional>

#include "daemon/kafka/loop.h"

namespace newswatch::app {

/// Any thread tells; the main thread takes.
class Events {
 public:
  enum class Kind { stop, failure, reload };

  void stop();
  void reload();                                 ///< several before one is taken count as one
  void fail(const kafka::LoopFailure& failure);  ///< the first is kept

  /// Waits. Stop before failure before reload; stop and failure stay.
  Kind take();
  /// Something waits to be taken: long calls of the main thread give up.
  bool pending() const;
  bool stopping() const;
  std::optional<kafka::LoopFailure> failure() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false, reload_ = false;
  std::optional<kafka::LoopFailure> failure_;
};

}  // namespace newswatch::app
