#include "daemon/deliver/retry.h"

#include <gtest/gtest.h>

#include <chrono>

namespace newswatch::deliver {
namespace {

using namespace std::chrono_literals;

TEST(RetryDelay, GrowsByTheFactorUpToTheMaximum) {
  const RetryPolicy policy{1s, 2, 10s};
  const std::vector<milliseconds> expected{1s, 2s, 4s, 8s, 10s, 10s};
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(retry_delay(policy, static_cast<int>(i) + 1, 0.5, std::nullopt), expected[i]) << "try " << i + 1;
}

TEST(RetryDelay, SpreadsByAFifthEachWay) {
  const RetryPolicy policy{10s, 2, 10min};
  EXPECT_EQ(retry_delay(policy, 1, 0, std::nullopt), 8s);
  EXPECT_LE(retry_delay(policy, 1, 0.999999, std::nullopt), 12s);
  EXPECT_GT(retry_delay(policy, 1, 0.999999, std::nullopt), 11'990ms);
}

TEST(RetryDelay, DoesNotOverflowAfterMonthsOfTries) {
  EXPECT_EQ(retry_delay({1s, 10, 10min}, 2'000'000'000, 0.5, std::nullopt), 10min);
}

TEST(RetryDelay, RetryAfterOnlyLengthensAndIsClampedToAnHour) {
  const RetryPolicy policy{10s, 2, 10min};
  EXPECT_EQ(retry_delay(policy, 1, 0.5, 3s), 10s);
  EXPECT_EQ(retry_delay(policy, 1, 0.5, 45s), 45s);
  EXPECT_EQ(retry_delay(policy, 1, 0.5, 8760h), 1h);
  EXPECT_EQ(retry_delay(policy, 1, 0.5, -5s), 10s);
}

const Time now = Time(std::chrono::sys_days(std::chrono::year(1994) / 11 / 6)) + 8h + 49min + 30s;

TEST(RetryAfter, ReadsSeconds) {
  EXPECT_EQ(parse_retry_after("120", now), 120s);
  EXPECT_EQ(parse_retry_after(" 0 ", now), 0s);
  EXPECT_GT(parse_retry_after("99999999999999999999", now), 1000h) << "clamped later, but not wrapped around";
}

TEST(RetryAfter, ReadsTheThreeFormsOfADate) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), 7s);
  EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-94 08:49:37 GMT", now), 7s);
  EXPECT_EQ(parse_retry_after("Sun Nov  6 08:49:37 1994", now), 7s);
}

TEST(RetryAfter, TakesAPastDateAsNow) { EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), 0s); }

TEST(RetryAfter, RefusesEverythingElse) {
  for (const char* text : {"", "soon", "-1", "1.5", "12s", "Sun, 06 Nov 1994 08:49:37", "Sun, 32 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nox 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994 08:49:37 GMTx", "1994-11-06T08:49:37Z"})
    EXPECT_FALSE(parse_retry_after(text, now)) << text;
}

}  // namespace
}  // namespace newswatch::deliver
