#pragma once
// Decides for one destination which alert is tried when, which is given up, and when the endpoint is left alone. Pure:
// time and randomness come from outside, and nothing is sent here. One thread at a time.
//
// Two things can be wrong, and they are told apart. An *alert* that fails waits by its own schedule (retry.h), and the
// others go on. An *endpoint* that fails for several alerts in a row is down: then nothing is sent but one probe at a
// time, at growing intervals, so that a backlog of thousands does not hammer it; the first success lets everything go
// at once.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/deliver/destination.h"

namespace newswatch::deliver {

/// Waits go by the steady clock, which nobody sets; alerts are stamped by the wall clock.
struct Moment {
  std::chrono::steady_clock::time_point steady;
  Time wall;
};

class Courier {
 public:
  using Ticket = std::uint64_t;  ///< one alert in hand; never used again
  using Steady = std::chrono::steady_clock::time_point;

  /// Failures in a row after which the endpoint counts as down.
  static constexpr int down_after = 5;
  /// A probe is never further away, unless Retry-After says so: alerts flow again this soon after the endpoint's
  /// return.
  static constexpr milliseconds longest_hold{30'000};

  struct Try {
    Ticket ticket = 0;
    std::shared_ptr<const Letter> letter;
    int number = 1;
  };
  /// Given up: for P.undelivered, then finished.
  struct Parked {
    std::shared_ptr<const Letter> letter;
    std::string reason;
    bool expired = false;
    int tries = 0;
    Time first_try{}, last_try{};  ///< of no meaning without tries
    Time when{};
  };

  /// `random`: uniform in [0, 1).
  Courier(const Pace& pace, milliseconds expire, std::function<double()> random);

  void accept(std::shared_ptr<const Letter> letter, const Moment& now);
  /// What is to be tried now; each must be answered by finished(). Also gives up what has expired.
  std::vector<Try> start(const Moment& now);
  /// When start() will next have something to do, if nothing else happens; none: not without accept() or finished().
  std::optional<Steady> next() const;
  void finished(Ticket ticket, const Outcome& outcome, const Moment& now);

  /// Alerts delivered since the last call.
  std::vector<std::shared_ptr<const Letter>> take_delivered() { return std::exchange(delivered_, {}); }
  std::vector<Parked> take_parked() { return std::exchange(parked_, {}); }
  bool has_parked() const { return !parked_.empty(); }

  /// Starts no more tries of the partition: it will be dropped.
  void hold(std::int32_t partition);
  /// Forgets the partition. Tries in flight still take their place until they end, then count for nothing.
  void drop(std::int32_t partition);
  int in_flight(std::int32_t partition) const;
  int in_flight() const { return in_flight_; }
  std::size_t in_hand() const { return items_.size(); }
  std::size_t bytes_in_hand() const { return bytes_; }  ///< of the letters' values
  bool held_back() const { return down_; }

 private:
  struct Item {
    std::shared_ptr<const Letter> letter;
    Steady due;  // not tried before
    Steady expires;
    int tries = 0;
    Time first_try{}, last_try{};
    std::string last_reason;
    bool flying = false;
    bool dropped = false;
    bool held = false;
    bool blames_endpoint = false;  // the last try did
  };
  using Queue = std::set<std::pair<Steady, Ticket>>;
  using Items = std::unordered_map<Ticket, Item>;

  void refill(Steady now);
  void give_up_expired(const Moment& now);
  void park(Items::iterator item, std::string reason, bool expired, const Moment& now);
  Items::iterator erase(Items::iterator item);
  Ticket choose(Steady now) const;
  void endpoint_failed(bool probe, const Outcome& outcome, Steady now);
  void endpoint_answered(Steady now);

  const Pace pace_;
  const milliseconds expire_;
  const std::function<double()> random_;
  // At most Ledger::window a partition, twelve partitions of P.alerts by default: 12,000 letters of some 2 KB. Should
  // they be larger, PostedProcessor bounds their bytes.
  Items items_;
  std::size_t bytes_ = 0;
  Queue waiting_;  // by due: neither flying nor held
  Queue expiry_;   // by expires: not flying
  std::vector<std::shared_ptr<const Letter>> delivered_;
  std::vector<Parked> parked_;
  Ticket next_ticket_ = 1;
  int in_flight_ = 0;
  int failures_in_row_ = 0;
  int holds_ = 0;  // how often probes failed
  bool down_ = false;
  Steady probe_at_{};
  Ticket probe_ = 0;  // in flight; 0: none
  double tokens_;
  Steady refilled_{};
};

}  // namespace newswatch::deliver
