#pragma once
// One worker: a thread with one consumer (a member of the stage's group) and one producer, that moves records from
// input topics through a Processor to output topics, exactly once or at least once. The essay is in loop.cc.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/loader/settings.h"
#include "daemon/kafka/client.h"
#include "daemon/kafka/processor.h"

namespace newswatch::observe {
class Metrics;
}

namespace newswatch::kafka {

class Watchdog;

enum class Assignor { range, cooperative_sticky };

struct LoopOptions {
  std::string stage;   ///< match, alert, deliver: names metrics, ids and log lines
  std::string worker;  ///< a number; in deliver the destination's name. a-z 0-9 -
  std::string group;   ///< see group_id()
  std::vector<std::string> topics;          ///< input
  std::vector<std::string> output_topics;   ///< metadata warmed, so that the first record is not a second late
  config::Guarantee guarantee = config::Guarantee::exactly_once;
  Assignor assignor = Assignor::range;
  std::string instance;
  std::string prefix;
  std::chrono::milliseconds commit_interval{100};
  std::chrono::milliseconds session_timeout{10'000};
  /// Prefetched records of this loop at most. Match: 1.3 s of the wanted rate; deliver: 1 MB.
  int prefetch_kbytes = 16 * 1024;
  /// Largest record that must be readable at once.
  int fetch_message_bytes = 1 << 20;
  /// Where to begin, by topic, when the group has no offset for any of its partitions; topics not named: processor's
  /// start() decides.
  std::map<std::string, config::Start> start;
  config::OnLostOffsets on_lost_offsets = config::OnLostOffsets::continue_from_earliest;
  std::map<std::string, config::OnLostOffsets> on_lost_offsets_of;  ///< by topic, where it differs
  /// The embedded broker: no admin calls, no static membership, offsets by plain commits, fetch.wait 10 ms.
  bool embedded = false;
  Properties client;  ///< client_properties(); later ones win
};

/// Options with what the configuration says of every loop filled in.
LoopOptions loop_options(const config::Common& common, std::string stage, std::string worker);

/// P-STAGE, or P-deliver-NAME.
std::string group_id(std::string_view prefix, std::string_view stage, std::string_view destination = {});
/// P-STAGE-INSTANCE-WORKER: stable over restarts, so that a restart fences what the dead instance left open.
std::string transactional_id(const LoopOptions& options);

struct LoopStatus {
  enum class State { connecting, joining, running, stopped, failed };
  State state = State::connecting;
  int assigned = 0;              ///< partitions held
  int started = 0;               ///< of them restored and reading
  double restored = 1;           ///< of the restores under way, 0 to 1
  std::int64_t lag = 0;          ///< records between processed and the end, over started partitions
  bool caught_up = false;        ///< every held partition was read to its end
  std::string trouble;           ///< what is wrong now, for a person; empty when nothing is
  std::chrono::steady_clock::time_point since{};  ///< of the last turn of the loop: old means stuck in a call
  /// Joined (perhaps with no partition) and all it holds is started.
  bool ready() const { return state == State::running && started == assigned; }
};

/// Why a loop ended by itself. exit_code is a sysexits value: 78 (a twin, offsets and position that disagree).
struct LoopFailure {
  int exit_code = 78;
  Error error;
};

class Loop {
 public:
  /// All references outlive the loop. `failed` is called on the loop's thread, at most once, as its last act.
  Loop(LoopOptions options, Processor& processor, Watchdog& watchdog, observe::Metrics& metrics,
       std::function<void(const LoopFailure&)> failed);
  ~Loop();  ///< stop(0 s)
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void start();
  /// Ask to finish: what is in hand is completed and committed. Any thread, returns at once.
  void request_stop();
  /// request_stop(), then joins. The last commit and close take `deadline` at most (each call is bounded; a restore is
  /// cancelled). Past it the transaction is left to be aborted.
  void stop(std::chrono::milliseconds deadline);
  /// Makes the loop call Processor::idle soon. Any thread, cheap, never blocks.
  void wake();
  LoopStatus status() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace newswatch::kafka
