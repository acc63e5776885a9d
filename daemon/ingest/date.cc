#include "daemon/ingest/date.h"

#include <cmath>

namespace newswatch::ingest {
namespace {

using namespace std::chrono;

/// Reads fixed-width pieces from the front of a text; `ok` turns false at the first that is not there.
struct Cursor {
  std::string_view rest;
  bool ok = true;

  int digits(std::size_t count) {
    if (rest.size() < count) ok = false;
    if (!ok) return 0;
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (rest[i] < '0' || rest[i] > '9') {
        ok = false;
        return 0;
      }
      value = value * 10 + (rest[i] - '0');
    }
    rest.remove_prefix(count);
    return value;
  }
  bool take(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) ok = false;
  }
};

milliseconds fraction(Cursor& cursor) {
  int value = 0, scale = 100;
  bool any = false;
  while (!cursor.rest.empty() && cursor.rest.front() >= '0' && cursor.rest.front() <= '9') {
    value += (cursor.rest.front() - '0') * scale;
    scale /= 10;
    any = true;
    cursor.rest.remove_prefix(1);
  }
  if (!any) cursor.ok = false;
  return milliseconds{value};
}

minutes zone(Cursor& cursor) {
  cursor.take(' ');
  if (cursor.rest.empty() || cursor.take('Z') || cursor.take('z')) return minutes{0};
  const bool west = cursor.rest.front() == '-';
  if (!cursor.take('+') && !cursor.take('-')) cursor.ok = false;
  const int hour = cursor.digits(2);
  cursor.take(':');
  const int minute = cursor.rest.empty() ? 0 : cursor.digits(2);
  if (hour > 23 || minute > 59) cursor.ok = false;
  return minutes{(hour * 60 + minute) * (west ? -1 : 1)};
}

}  // namespace

std::optional<Time> parse_date(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  Cursor cursor{text};
  const int y = cursor.digits(4);
  cursor.expect('-');
  const int m = cursor.digits(2);
  cursor.expect('-');
  const int d = cursor.digits(2);
  if (!cursor.ok) return std::nullopt;
  const year_month_day date{year{y}, month{unsigned(m)}, day{unsigned(d)}};
  if (!date.ok() || y < 1) return std::nullopt;
  Time time{sys_days{date}.time_since_epoch()};
  if (cursor.rest.empty()) return time;

  if (!cursor.take('T') && !cursor.take('t') && !cursor.take(' ')) return std::nullopt;
  const int hour = cursor.digits(2);
  cursor.expect(':');
  const int minute = cursor.digits(2);
  const int second = cursor.take(':') ? cursor.digits(2) : 0;
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;  // 60: a leap second, which is the next minute's first
  time += hours{hour} + minutes{minute} + seconds{second};
  if (cursor.take('.') || cursor.take(',')) time += fraction(cursor);
  time -= zone(cursor);
  if (!cursor.ok || !cursor.rest.empty()) return std::nullopt;
  return time;
}

std::optional<Time> date_of_number(double number) {
  constexpr double most = 253'402'300'799'999.0;  // the end of 9999, in milliseconds
  if (!std::isfinite(number)) return std::nullopt;
  const double ms = std::abs(number) < 1e11 ? number * 1000 : number;
  if (std::abs(ms) > most) return std::nullopt;
  return Time{milliseconds{std::llround(ms)}};
}

}  // namespace newswatch::ingest
