#pragma once
// Stage 2: from P.matches to P.alerts, with its memory in P.state.

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "config/loader/settings.h"
#include "daemon/kafka/loop.h"
#include "daemon/kafka/processor.h"

namespace newswatch::kafka {
class Watchdog;
}
namespace newswatch::observe {
class Metrics;
}

namespace newswatch::alert {

/// The routes of the configuration as they are now. Any thread.
class Routes {
 public:
  using List = std::vector<config::Route>;
  explicit Routes(List list) : list_(std::make_shared<const List>(std::move(list))) {}
  void set(List list);
  std::shared_ptr<const List> get() const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const List> list_;
};

struct ProcessorOptions {
  config::Topics topics;
  std::string group;
  std::string worker = "0";
  bool exactly_once = true;
  std::chrono::milliseconds remember{};
  kafka::Properties client;  ///< for the readers of P.state
};

/// One worker's part between its loop and the decisions. `routes` and `metrics` outlive it. Apart from the stage for
/// tests, which put another one around it.
std::unique_ptr<kafka::Processor> make_processor(ProcessorOptions options, const Routes& routes,
                                                 observe::Metrics& metrics);

/// What the loop of a worker is given.
kafka::LoopOptions worker_options(const config::Common& common, int worker, bool embedded);

class Stage {
 public:
  /// References outlive the stage. `failed`: see kafka::Loop; a partition whose state and offsets disagree is such a
  /// failure. `embedded`: the broker is the one in this process.
  Stage(const config::Common& common, const config::AlertStage& settings, kafka::Watchdog& watchdog,
        observe::Metrics& metrics, std::function<void(const kafka::LoopFailure&)> failed, bool embedded = false);
  ~Stage();  ///< stop(0 s)

  /// Topics must exist. Returns at once; an absent broker is waited for.
  void start();
  /// Takes effect with the next match. Any thread.
  void set_routes(std::vector<config::Route> routes);
  void request_stop();
  /// Commits what is in hand; every worker within `deadline`.
  void stop(std::chrono::milliseconds deadline);
  /// One for each worker.
  std::vector<kafka::LoopStatus> status() const;

 private:
  struct Worker;
  Routes routes_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace newswatch::alert
