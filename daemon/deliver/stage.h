#pragma once
// Stage 3: from P.alerts to the destinations. Each destination is a consumer group with a thread of its own, so its backlog
// is ordinary consumer lag and a dead one delays nobody.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "config/loader/settings.h"
#include "daemon/deliver/destination.h"

namespace boost::asio {
class io_context;
}
namespace newswatch::observe {
class Metrics;
}

namespace newswatch::deliver {

/// How one destination is doing, for the status page and sd_notify.
struct DestinationStatus {
  std::string name, type;
  bool assigned = false;        ///< has joined its group
  std::int64_t in_hand = 0;     ///< read, not finished
  bool held_back = false;       ///< the endpoint is down: one probe at a time
  std::string last_error;       ///< escaped, no secrets; empty after a success
  std::string fatal;            ///< not empty: cannot go on without an operator (group misuse, offsets lost with `stop`)
};

class Stage {
 public:
  /// All given outlive the stage; `io` is run by one thread elsewhere, until after stop().
  Stage(const config::Common& common, boost::asio::io_context& io, observe::Metrics& metrics);
  ~Stage();  ///< stop(0)

  /// Topics must exist. Starts one thread a destination and returns at once; an absent broker is waited for.
  /// Throws std::runtime_error when a destination cannot be opened (a CA file); then none of the new ones run and the
  /// running ones go on. Also the reload: what is not in the list is drained and stopped, what is unchanged goes on
  /// untouched, what changed is drained and started anew.
  void apply(const std::vector<std::shared_ptr<const DestinationSettings>>& destinations);

  /// Ends what is in flight within `deadline`, commits what is finished and joins. What was cut off is sent again by
  /// the next run, with the same id.
  void stop(std::chrono::milliseconds deadline);

  /// True once every destination has joined its group.
  bool ready() const;
  std::vector<DestinationStatus> status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace newswatch::deliver
