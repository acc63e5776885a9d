#pragma once
// Stage 1: from the topics of articles to P.matches.

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "config/loader/settings.h"
#include "daemon/kafka/loop.h"
#include "daemon/kafka/processor.h"
#include "rules/engine/rule_set.h"

namespace newswatch::kafka {
class Watchdog;
}
namespace newswatch::observe {
class Metrics;
}

namespace newswatch::match {

/// The rules as they are now. Any thread; asking for an unchanged set costs one atomic load.
class Rules {
 public:
  explicit Rules(std::shared_ptr<const engine::RuleSet> rules);
  ~Rules();
  void set(std::shared_ptr<const engine::RuleSet> rules);
  /// Replaces `held` when there is another set than the one it was last given (`seen`, 0 at first).
  void refresh(std::shared_ptr<const engine::RuleSet>& held, std::uint64_t& seen) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One worker's part between its loop and the matching. References outlive it; `now` is the wall clock. Apart from the
/// stage for tests, which put another one around it.
std::unique_ptr<kafka::Processor> make_processor(const config::Topics& topics, const config::MatchStage& settings,
                                                 const Rules& rules, observe::Metrics& metrics,
                                                 std::function<Time()> now);

/// What the loop of a worker is given.
kafka::LoopOptions worker_options(const config::Common& common, const config::MatchStage& settings, int worker,
                                  bool embedded);

class Stage {
 public:
  /// References outlive the stage. `failed`: see kafka::Loop. `embedded`: the broker is the one in this process.
  Stage(const config::Common& common, const config::MatchStage& settings, std::shared_ptr<const engine::RuleSet> rules,
        kafka::Watchdog& watchdog, observe::Metrics& metrics, std::function<void(const kafka::LoopFailure&)> failed,
        bool embedded = false);
  ~Stage();  ///< stop(0 s)

  /// Topics must exist. Returns at once; an absent broker is waited for.
  void start();
  /// Takes effect with the next article of each worker; the old set goes when the last one has let go of it. Any
  /// thread.
  void set_rules(std::shared_ptr<const engine::RuleSet> rules);
  void request_stop();
  /// Commits what is in hand; every worker within `deadline`.
  void stop(std::chrono::milliseconds deadline);
  /// One for each worker.
  std::vector<kafka::LoopStatus> status() const;

 private:
  struct Worker;
  Rules rules_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace newswatch::match
