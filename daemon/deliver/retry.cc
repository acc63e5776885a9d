#include "daemon/deliver/retry.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace newswatch::deliver {
namespace {

constexpr milliseconds longest_request{3'600'000};

/// Reads a date from the front, piece by piece.
struct Cursor {
  std::string_view rest;

  bool skip(std::string_view text) {
    if (!rest.starts_with(text)) return false;
    rest.remove_prefix(text.size());
    return true;
  }
  /// `digits` decimal digits; with `blank`, the first may be a space (asctime).
  std::optional<int> number(std::size_t digits, bool blank = false) {
    if (rest.size() < digits) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      const char c = rest[i];
      if (blank && i == 0 && c == ' ') continue;
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    rest.remove_prefix(digits);
    return value;
  }
  std::optional<int> month() {
    static constexpr std::array<std::string_view, 12> names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (std::size_t i = 0; i < names.size(); ++i)
      if (skip(names[i])) return static_cast<int>(i) + 1;
    return std::nullopt;
  }
  bool word() {
    std::size_t length = 0;
    while (length < rest.size() && ((rest[length] | 0x20) >= 'a' && (rest[length] | 0x20) <= 'z')) ++length;
    rest.remove_prefix(length);
    return length >= 3;
  }
};

struct Clock {
  int hour = 0, minute = 0, second = 0;
};

std::optional<Clock> clock_of(Cursor& cursor) {
  const auto hour = cursor.number(2);
  if (!hour || !cursor.skip(":")) return std::nullopt;
  const auto minute = cursor.number(2);
  if (!minute || !cursor.skip(":")) return std::nullopt;
  const auto second = cursor.number(2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return Clock{*hour, *minute, *second};
}

std::optional<Time> moment(int year, int month, int day, const Clock& clock) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(clock.hour) + std::chrono::minutes(clock.minute) +
         std::chrono::seconds(clock.second);
}

/// RFC 9110, 5.6.7: IMF-fixdate, and the two obsolete forms that a recipient must still read.
std::optional<Time> parse_date(std::string_view value, Time now) {
  Cursor cursor{value};
  if (!cursor.word()) return std::nullopt;
  if (cursor.skip(", ")) {
    const auto day = cursor.number(2);
    if (!day) return std::nullopt;
    const bool obsolete = cursor.skip("-");
    if (!obsolete && !cursor.skip(" ")) return std::nullopt;
    const auto month = cursor.month();
    if (!month || !cursor.skip(obsolete ? "-" : " ")) return std::nullopt;
    auto year = cursor.number(obsolete ? 2 : 4);
    if (!year || !cursor.skip(" ")) return std::nullopt;
    const auto clock = clock_of(cursor);
    if (!clock || cursor.rest != " GMT") return std::nullopt;
    if (obsolete) {
      // The most recent year with these digits that is not more than 50 years ahead.
      const auto today = std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(now));
      const int current = int(today.year());
      *year += current / 100 * 100;
      if (*year > current + 50) *year -= 100;
    }
    return moment(*year, *month, *day, *clock);
  }
  if (!cursor.skip(" ")) return std::nullopt;  // asctime
  const auto month = cursor.month();
  if (!month || !cursor.skip(" ")) return std::nullopt;
  const auto day = cursor.number(2, true);
  if (!day || !cursor.skip(" ")) return std::nullopt;
  const auto clock = clock_of(cursor);
  if (!clock || !cursor.skip(" ")) return std::nullopt;
  const auto year = cursor.number(4);
  if (!year || !cursor.rest.empty()) return std::nullopt;
  return moment(*year, *month, *day, *clock);
}

}  // namespace

milliseconds retry_delay(const RetryPolicy& policy, int failed_tries, double spread,
                         std::optional<milliseconds> retry_after) {
  const double first = static_cast<double>(std::max(policy.first, milliseconds(1)).count());
  const double most = static_cast<double>(std::max(policy.max, policy.first).count());
  // Past 64 tries every factor above 1 has reached `max`; a larger exponent would only overflow.
  const double planned = std::min(most, first * std::pow(policy.factor, std::clamp(failed_tries, 1, 64) - 1));
  milliseconds delay{static_cast<std::int64_t>(planned * (0.8 + 0.4 * spread))};
  if (retry_after) delay = std::max(delay, std::clamp(*retry_after, milliseconds(0), longest_request));
  return delay;
}

std::optional<milliseconds> parse_retry_after(std::string_view value, Time now) {
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  if (value.empty() || value.size() > 64) return std::nullopt;
  if (std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    std::int64_t seconds = 0;
    for (char c : value.substr(0, std::min<std::size_t>(value.size(), 12))) seconds = seconds * 10 + (c - '0');
    return milliseconds(seconds * 1000);
  }
  const auto date = parse_date(value, now);
  if (!date) return std::nullopt;
  return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(*date - now));
}

}  // namespace newswatch::deliver
