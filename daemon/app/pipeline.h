#pragma once
// The three stages, wired: what `run` and `demo` have in common.

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/alert/stage.h"
#include "daemon/app/stop_stack.h"
#include "daemon/deliver/stage.h"
#include "daemon/kafka/watchdog.h"
#include "daemon/match/stage.h"
#include "daemon/tool/load.h"
#include "daemon/web/status_server.h"

namespace newswatch::app {

/// Everything but report() is called by one thread.
class Pipeline {
 public:
  /// All given outlive it; `io` is run by another thread until after stop(). `failed` is called on the thread of the
  /// loop that ended.
  Pipeline(boost::asio::io_context& io, observe::Metrics& metrics,
           std::function<void(const kafka::LoopFailure&)> failed, bool embedded = false);
  ~Pipeline();

  /// Topics must exist. Deliver first and match last, so that nobody writes to a stage that is not there. Throws
  /// std::runtime_error when a destination cannot be opened; then nothing runs.
  void start(const tool::Loaded& loaded);
  bool started() const;

  /// Swaps rules, routes, destinations and log level. What else differs stays as it runs; its options are returned, as
  /// the configuration names them. Throws std::runtime_error when a destination cannot be opened; then all is as
  /// before.
  std::vector<std::string> reload(const tool::Loaded& loaded);

  /// Match, alert, deliver, each after what is in hand. True when done within the deadline.
  bool stop(std::chrono::milliseconds deadline);

  /// Any thread.
  web::Report report() const;
  /// Nothing is left to do in any stage, as far as each has read. Any thread.
  bool idle() const;

 private:
  void count_rules(const engine::RuleSet& rules);

  boost::asio::io_context& io_;
  observe::Metrics& metrics_;
  std::function<void(const kafka::LoopFailure&)> failed_;
  const bool embedded_;
  kafka::Watchdog watchdog_;
  StopStack stops_;
  config::Settings settings_;  // as they run

  mutable std::mutex mutex_;  // guards the pointers, which are set once, and the facts
  std::unique_ptr<deliver::Stage> deliver_;
  std::unique_ptr<alert::Stage> alert_;
  std::unique_ptr<match::Stage> match_;
  std::vector<std::pair<std::string, std::string>> facts_;
  bool started_ = false;
};

/// The options whose change needs a restart and that differ, as the configuration names them.
std::vector<std::string> needs_restart(const config::Settings& running, const config::Settings& wanted);

}  // namespace newswatch::app
