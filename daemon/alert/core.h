#pragma once
// The decisions of the alert stage for one partition of P.matches: which match becomes an alert.
//
// Pure: its only clock is the record time of the matches, its only input the records of one partition in their order.
// The same records give the same alerts, with the same ids, and the same state, byte for byte, also when the state was
// written out and read back anywhere in between. That is what exactly-once, takeover, replay and tests stand on.

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "config/loader/settings.h"
#include "daemon/alert/position.h"
#include "daemon/alert/state.h"
#include "daemon/flow/alert.h"
#include "daemon/flow/match.h"
#include "daemon/flow/outcome.h"

namespace newswatch::alert {

/// One thread at a time.
class Core {
 public:
  explicit Core(std::chrono::milliseconds remember) : remember_(remember) {}
  /// State that was restored, and the partition time that belongs to it.
  Core(std::chrono::milliseconds remember, State state, Time time)
      : remember_(remember), state_(std::move(state)), time_(time) {}

  struct Step {
    flow::MatchOutcome outcome = flow::MatchOutcome::rejected;
    std::optional<flow::Alert> alert;
    std::vector<StateChange> changes;  ///< in the order to be written
  };
  /// `routes` are the only thing that does not come from the record; they decide destinations, nothing else.
  Step process(const flow::MatchRecord& match, const std::vector<config::Route>& routes);

  /// The greatest record time so far; never goes back.
  Time time() const { return time_; }
  const State& state() const { return state_; }

 private:
  std::chrono::milliseconds remember_;
  State state_;
  Time time_{};
};

}  // namespace newswatch::alert
