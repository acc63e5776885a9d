#pragma once
// What was started, in order; stopped in the opposite one, each by name and within one common deadline.

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace newswatch::app {

/// One thread.
class StopStack {
 public:
  using Clock = std::chrono::steady_clock;
  explicit StopStack(std::function<Clock::time_point()> now = Clock::now) : now_(std::move(now)) {}

  /// `stop` is given what is left of the deadline, never below zero, and keeps to it by itself.
  void push(std::string name, std::function<void(std::chrono::milliseconds left)> stop);
  /// Runs and empties the stack. True when all of it was done within the deadline; what took its time is logged.
  bool run(std::chrono::milliseconds deadline);
  bool empty() const { return entries_.empty(); }

 private:
  struct Entry {
    std::string name;
    std::function<void(std::chrono::milliseconds)> stop;
  };
  std::function<Clock::time_point()> now_;
  std::vector<Entry> entries_;
};

}  // namespace newswatch::app
