#pragma once
// P.state partition i, read from its beginning, becomes the state that was last made durable.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/alert/position.h"
#include "daemon/alert/state.h"
#include "daemon/observe/result.h"

namespace newswatch::alert {

/// Takes the records in their order. What comes after the last position does not count: without transactions it was
/// written by one who died before he was done, and its matches come again. Holds that part until the next position.
class Restore {
 public:
  /// Fatal when the record is not known here. After an error nothing more may be taken.
  Result<void> take(std::string_view key, std::optional<std::string_view> value);

  struct Outcome {
    State state;
    std::optional<Position> position;  ///< none: nothing was ever made durable
  };
  Outcome finish() &&;

 private:
  struct Held {
    std::string key;
    std::optional<std::string> value;
  };
  Outcome outcome_;
  std::vector<Held> held_;
};

/// Where reading of P.matches goes on, by DESIGN 2.4: the group's offset and the position must agree under exactly
/// once; under at least once the position leads. What they do not explain is fatal, and names the command that repairs.
struct StartFacts {
  std::string matches_topic, state_topic, group;
  std::int32_t partition = 0;
  std::int32_t partitions = 0;  ///< of P.matches now
  bool exactly_once = true;
  std::optional<std::int64_t> committed;  ///< of the group
  std::int64_t earliest = 0;              ///< that still exists in P.matches
  std::optional<Position> position;
};
Result<std::int64_t> start_offset(const StartFacts& facts);

}  // namespace newswatch::alert
