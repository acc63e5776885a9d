#pragma once
// A program under test: started, watched, killed.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace newswatch::test {

class Process {
 public:
  /// Standard output and error go to one temporary file; the environment is ours with `environment` put over it.
  explicit Process(std::vector<std::string> arguments, std::map<std::string, std::string> environment = {});
  ~Process();  ///< SIGKILL if it still runs
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  void kill9();                    ///< and waits
  /// SIGTERM and wait; the exit code, or -SIGNAL; none when it did not end in time (it is killed then).
  std::optional<int> terminate(std::chrono::milliseconds limit = std::chrono::seconds(30));
  std::optional<int> wait(std::chrono::milliseconds limit);
  bool running();
  std::string output() const;
  /// Waits until the output holds the text.
  bool wait_for_output(const std::string& text, std::chrono::milliseconds limit = std::chrono::seconds(30));

 private:
  std::optional<int> reap(bool block);

  pid_t pid_ = -1;
  std::optional<int> status_;
  std::string log_;
};

/// Asks each 20 ms until it is true.
bool eventually(std::chrono::milliseconds limit, const std::function<bool()>& condition);

}  // namespace newswatch::test
