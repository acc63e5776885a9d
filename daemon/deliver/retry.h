#pragma once
// When to try again: pure arithmetic, no clock and no randomness of its own.

#include <chrono>
#include <optional>
#include <string_view>

#include "rules/engine/article.h"

namespace newswatch::deliver {

using std::chrono::milliseconds;

/// Try n (from 1) that failed is followed by a wait of first * factor^(n-1), at most max, each spread by ±20 % so that
/// alerts that failed together do not come back together. There is no last try but `expire`.
struct RetryPolicy {
  milliseconds first{1'000};
  double factor = 2;
  milliseconds max{600'000};
  bool operator==(const RetryPolicy&) const = default;
};

/// `spread` is uniform in [0, 1). An endpoint's Retry-After only lengthens the wait, to one hour at most: a mistaken
/// or hostile year must not hold an alert that `expire` would rather report.
milliseconds retry_delay(const RetryPolicy& policy, int failed_tries, double spread,
                         std::optional<milliseconds> retry_after);

/// Retry-After (RFC 9110, 10.2.3): seconds, or one of the three forms of an HTTP date against `now`. A past date is 0;
/// what is neither, nothing.
std::optional<milliseconds> parse_retry_after(std::string_view value, Time now);

}  // namespace newswatch::deliver
