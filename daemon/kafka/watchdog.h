#pragma once
// The last resort against a call of librdkafka that ignores its own timeout: log, then _exit(75) so that systemd starts us anew.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>

namespace newswatch::kafka {

/// One a process, with a thread of its own; outlives all loops.
class Watchdog {
 public:
  /// `grace`: how far a call may overrun. `bite` is for tests; default: log and _exit(75).
  explicit Watchdog(std::chrono::milliseconds grace = std::chrono::seconds(30),
                    std::function<void(const std::string&)> bite = {});
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// One thread's place in the watchdog.
  class Slot;
  std::shared_ptr<Slot> slot(std::string owner);

  /// While it lives, the call named (a literal) must end within `timeout` + grace. The time of an inner
  /// call (from a rebalance callback) does not count for the outer.
  class Call {
   public:
    Call(Slot& slot, const char* name, std::chrono::milliseconds timeout);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    Slot& slot_;
    const char* outer_name_;
    std::int64_t outer_due_;
    std::int64_t begun_;
  };

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace newswatch::kafka
