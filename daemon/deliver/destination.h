#pragma once
// What the stage knows of a destination, whatever its kind.
//
// A kind is one file: it reads its section of the configuration into a DestinationSettings, and opens a Sender that
// makes single tries. When a try is made, whether again, how many at a time and what is put aside is decided elsewhere,
// and once for all kinds (courier.h). A destination in a topic of the same cluster has no sender: the stage writes it
// within the transaction that commits the offsets.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/deliver/retry.h"
#include "daemon/flow/alert.h"
#include "rules/engine/article.h"

namespace boost::asio {
class io_context;
}

namespace newswatch::deliver {

/// An alert as read from P.alerts; shared by all tries.
struct Letter {
  flow::Alert alert;
  std::string value;  ///< the record's value: the alert as JSON
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  Time written{};  ///< Kafka timestamp of the record: `expire` counts from here
};

/// How one try ended.
struct Outcome {
  enum class Kind : std::uint8_t {
    delivered,
    retry,  ///< may succeed later
    park,   ///< never will: P.undelivered
  };
  Kind kind = Kind::delivered;
  std::string reason;                       ///< of a failure; no secret, no control characters, at most 500 bytes
  std::optional<milliseconds> retry_after;  ///< the endpoint asked for a pause
  bool endpoint_down = false;  ///< tells of the endpoint, not of this alert: counts towards holding all others back
};

/// Makes tries. All calls on the io thread.
class Sender {
 public:
  virtual ~Sender() = default;  ///< tries in flight are abandoned; their `done` is not called
  /// `done` is called once, on the io thread, never inside send, within the kind's own timeout. `now` is wall time.
  virtual void send(std::shared_ptr<const Letter> letter, Time now, std::function<void(Outcome)> done) = 0;
};

/// How fast and how often a destination may be tried.
struct Pace {
  int concurrency = 16;   ///< tries in flight
  double per_second = 0;  ///< tries started, on average, in bursts of at most a second's worth; 0: no limit
  RetryPolicy retry{};
  bool operator==(const Pace&) const = default;
};

class DestinationSettings {
 public:
  virtual ~DestinationSettings() = default;
  std::string name;  ///< a-z 0-9 -
  std::string type;
  std::string group;  ///< the consumer group is P-deliver-GROUP; the name unless given
  milliseconds expire{24 * 3'600'000};
  Pace pace;
  std::string
      topic;  ///< not empty: a topic of the user's on the same cluster, written by the stage; open() is not called

  /// What the kind has of its own: equal texts mean that a running destination can go on over a reload. Holds secrets:
  /// to compare, never to print.
  virtual std::string fingerprint() const = 0;
  /// Throws std::runtime_error when something named in the settings cannot be read (a CA file).
  virtual std::unique_ptr<Sender> open(boost::asio::io_context& io) const = 0;
};

}  // namespace newswatch::deliver
