#include "daemon/ingest/date.h"

#include <gtest/gtest.h>

#include <cmath>

namespace newswatch::ingest {
namespace {

std::int64_t seconds(std::string_view text) {
  const auto time = parse_date(text);
  if (!time) ADD_FAILURE() << "no date: " << text;
  return time ? time->time_since_epoch().count() / 1000 : -1;
}

TEST(Date, ReadsRfc3339InAllItsForms) {
  EXPECT_EQ(seconds("2025-02-10T12:34:56Z"), 1739190896);
  EXPECT_EQ(seconds("2025-02-10t12:34:56z"), 1739190896);
  EXPECT_EQ(seconds("2025-02-10 12:34:56Z"), 1739190896);
  EXPECT_EQ(seconds("2025-02-10T12:34:56+00:00"), 1739190896);
  EXPECT_EQ(seconds("2025-02-10T14:34:56+02:00"), 1739190896);
  EXPECT_EQ(seconds("2025-02-10T14:34:56+0200"), 1739190896);
  EXPECT_EQ(seconds("2025-02-10T07:04:56-05:30"), 1739190896);
  EXPECT_EQ(parse_date("2025-02-10T12:34:56.7891Z")->time_since_epoch().count(), 1739190896789);
  EXPECT_EQ(parse_date("2025-02-10T12:34:56.7Z")->time_since_epoch().count(), 1739190896700);
}

TEST(Date, TakesUtcWhereNoZoneIsGivenAndMidnightWhereNoTimeIs) {
  EXPECT_EQ(seconds("2025-02-10T12:34:56"), 1739190896);
  EXPECT_EQ(seconds("2025-02-10"), 1739145600);
  EXPECT_EQ(seconds("  2025-02-10 "), 1739145600);
  EXPECT_EQ(seconds("2024-02-29"), 1709164800);
  EXPECT_EQ(seconds("1969-12-31T23:59:59Z"), -1);
}

TEST(Date, TakesALeapSecondForTheNextMinute) { EXPECT_EQ(seconds("2016-12-31T23:59:60Z"), 1483228800); }

TEST(Date, RefusesWhatIsNoDate) {
  for (const char* text : {"", "yesterday", "2025", "2025-02", "2025-2-1", "2025-13-01", "2025-02-30", "2023-02-29", "0000-01-01",
                           "2025-02-10T", "2025-02-10T25:00:00Z", "2025-02-10T12:60:00Z", "2025-02-10T12:00:61Z",
                           "2025-02-10T12:00:00.Z", "2025-02-10T12:00:00X", "2025-02-10T12:00:00+25:00",
                           "2025-02-10T12:00:00Zx", "10 Feb 2025", "２０２５-02-10"})
    EXPECT_FALSE(parse_date(text)) << text;
}

TEST(Date, TellsSecondsFromMillisecondsByTheirSize) {
  EXPECT_EQ(date_of_number(1739190896)->time_since_epoch().count(), 1739190896000);
  EXPECT_EQ(date_of_number(1739190896.25)->time_since_epoch().count(), 1739190896250);
  EXPECT_EQ(date_of_number(1739190896789)->time_since_epoch().count(), 1739190896789);
  EXPECT_EQ(date_of_number(0)->time_since_epoch().count(), 0);
  EXPECT_FALSE(date_of_number(1e18));
  EXPECT_FALSE(date_of_number(NAN));
  EXPECT_FALSE(date_of_number(INFINITY));
}

}  // namespace
}  // namespace newswatch::ingest
