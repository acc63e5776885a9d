#pragma once
// Stage 1: from the article topics to P.matches; what cannot be read goes to P.rejected.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
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

/// The rules as they are now. Any thread; readers look at the generation and take the lock only after a change.
class Rules {
 public:
  explicit Rules(std::shared_ptr<const engine::RuleSet> rules) : rules_(std::move(rules)) {}
  void set(std::shared_ptr<const engine::RuleSet> rules);
  /// Brings `held` up to date. What it held before is freed by whoever lets go of it last.
  void refresh(std::shared_ptr<const engine::RuleSet>& held, std::uint64_t& generation) const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const engine::RuleSet> rules_;
  std::atomic<std::uint64_t> generation_{1};
};

/// One worker's part between its loop and the pure matching. All given outlive it; `now` is the wall clock.
std::unique_ptr<kafka::Processor> make_processor(const config::Topics& topics, const config::MatchStage& settings,
                                                 const Rules& rules, observe::Metrics& metrics,
                                                 std::function<Time()> now);

/// What the loop of a worker is given.
kafka::LoopOptions worker_options(const config::Common& common, const config::MatchStage& settings, int worker,
                                  bool embedded);

class Stage {
 public:
  /// References outlive the stage; `rules` is shared by all workers. `failed`: see kafka::Loop. `embedded`: the broker is
  /// the one in this process.
  Stage(const config::Common& common, const config::MatchStage& settings, std::shared_ptr<const engine::RuleSet> rules,
        kafka::Watchdog& watchdog, observe::Metrics& metrics, std::function<void(const kafka::LoopFailure&)> failed,
        bool embedded = false);
  ~Stage();  ///< stop(0 s)

  /// Topics must exist. Returns at once; an absent broker is waited for.
  void start();
  /// Takes effect with the next article. Any thread, never blocks matching.
  void set_rules(std::shared_ptr<const engine::RuleSet> rules);
  void request_stop();
  /// Commits what is in hand; every worker within `deadline`.
  void stop(std::chrono::milliseconds deadline);
  /// One for each worker.
  std::vector<kafka::LoopStatus> status() const;

 private:
  struct Worker;
  const config::MatchStage settings_;
  Rules rules_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace newswatch::match
