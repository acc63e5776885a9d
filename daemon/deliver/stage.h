#pragma once
// Stage 3: from P.alerts to the destinations. Each destination is a consumer group with a thread of its own, so its
// backlog is ordinary consumer lag and a dead one delays nobody.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/loader/settings.h"
#include "daemon/deliver/destination.h"
#include "daemon/kafka/loop.h"

namespace boost::asio {
class io_context;
}
namespace newswatch::kafka {
class Watchdog;
}
namespace newswatch::observe {
class Metrics;
}

namespace newswatch::deliver {

/// How one destination is doing, for the status page and sd_notify.
struct DestinationStatus {
  std::string name, type;
  kafka::LoopStatus loop;
  std::int64_t in_hand = 0;  ///< read, not finished
  bool held_back = false;    ///< the endpoint is down: one probe at a time
  std::string last_error;    ///< no secrets; may hold the endpoint's own words; empty after a success
};

class Stage {
 public:
  using Destinations = std::vector<std::shared_ptr<const DestinationSettings>>;

  /// References outlive the stage; `io` is run by one thread of the caller's until after stop(), and neither apply()
  /// nor stop() is called on it. `failed`: see kafka::Loop. `embedded`: the broker is the one in this process.
  Stage(const config::Common& common, boost::asio::io_context& io, kafka::Watchdog& watchdog, observe::Metrics& metrics,
        std::function<void(const kafka::LoopFailure&)> failed, bool embedded = false);
  ~Stage();  ///< stop(0 s)

  /// Topics must exist. Starts one thread a destination and returns; an absent broker is waited for.
  /// Also the reload: what is not in the list is drained and stopped (10 s at most), what is unchanged goes on
  /// untouched, what changed is drained and started anew. Throws std::runtime_error naming the destination when one
  /// cannot be opened (a CA file); then nothing has changed.
  void apply(const Destinations& destinations);

  void request_stop();
  /// Ends what is in flight within `deadline`, commits what is finished and joins. What was cut off is sent again by
  /// the next run, with the same id.
  void stop(std::chrono::milliseconds deadline);

  std::vector<DestinationStatus> status() const;  ///< in the order of the list; any thread

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace newswatch::deliver
