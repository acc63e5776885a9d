#pragma once
// How far the state of a partition has come. Written to P.state last in every transaction of the alert stage.

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/observe/result.h"
#include "rules/engine/article.h"

namespace newswatch::alert {

inline constexpr std::string_view position_key = "[\"position\"]";

struct Position {
  std::int64_t next = 0;        ///< offset in P.matches of the first record that the state does not hold
  std::int32_t partitions = 0;  ///< of P.matches when it was written
  Time time{};                  ///< the partition's: record times up to here have passed
  bool operator==(const Position&) const = default;
};

std::string encode(const Position& position);
/// Fatal when it is none.
Result<Position> decode_position(std::string_view value);

}  // namespace newswatch::alert
