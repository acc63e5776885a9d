#include "daemon/observe/log.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

using namespace newswatch::observe;
using namespace std::chrono_literals;

namespace {

const std::chrono::system_clock::time_point noon{std::chrono::seconds(1'700'000'000) + 45ms};

std::string line(LogFormat format, std::string_view message, LogFields fields) {
  return format_log_line(format, LogLevel::warn, message, {fields.begin(), fields.size()}, noon);
}

TEST(Log, WritesTextWithQuotedFields) {
  EXPECT_EQ(line(LogFormat::text, "no answer",
                 {{"destination", "risk"}, {"attempt", 3}, {"error", "timed \"out\""}, {"wait_seconds", 1500ms}}),
            "2023-11-14T22:13:20.045Z WARN  no answer destination=risk attempt=3 error=\"timed \\\"out\\\"\" "
            "wait_seconds=1.5");
}

TEST(Log, WritesJsonThatParsesBack) {
  const std::string text = line(LogFormat::json, "no answer", {{"error", "a \"b\"\\\n\x1b[31m\xff"}, {"ok", false}});
  const auto value = boost::json::parse(text);
  EXPECT_EQ(value.at("time").as_string(), "2023-11-14T22:13:20.045Z");
  EXPECT_EQ(value.at("level").as_string(), "warn");
  EXPECT_EQ(value.at("ok").as_bool(), false);
  EXPECT_EQ(value.at("error").as_string(), "a \"b\"\\\\\\n\\x1b[31m\\xff");
}

TEST(Log, EscapesWhatATerminalOrAViewerWouldObey) {
  EXPECT_EQ(escape_for_log("a\nb\r\t\x1b[2J\x7f"), "a\\nb\\r\\t\\x1b[2J\\x7f");
  EXPECT_EQ(escape_for_log("\u0085|\u2028|\u2029|\u202e|\u2066|\u200f|\ufeff"),
            "\\u{0085}|\\u{2028}|\\u{2029}|\\u{202e}|\\u{2066}|\\u{200f}|\\u{feff}");
  EXPECT_EQ(escape_for_log("\xc3\x28 \xed\xa0\x80 \xc0\xaf"), "\\xc3( \\xed\\xa0\\x80 \\xc0\\xaf");
  EXPECT_EQ(escape_for_log("naïve Київ 北京 😀"), "naïve Київ 北京 😀");
  EXPECT_EQ(escape_for_log("\\n"), "\\\\n");
}

TEST(Log, CutsLongTextBetweenCharacters) {
  EXPECT_EQ(escape_for_log("äöü", 4), "äö…");
  EXPECT_EQ(escape_for_log("äöü", 5), "äö…");
  EXPECT_EQ(escape_for_log("äöü", 6), "äöü");
}

TEST(Log, KeepsLinesBelowTheLevelBack) {
  std::vector<std::string> seen;
  const LogCapture capture([&](LogLevel, const std::string& text) { seen.push_back(text); }, LogLevel::warn);
  log_info("quiet");
  log_warn("loud", {{"n", 1u}});
  EXPECT_EQ(seen, std::vector<std::string>{"loud n=1"});
}

TEST(LogRepeat, WritesTheFirstThenOneAnIntervalWithTheirNumber) {
  std::vector<std::string> seen;
  const LogCapture capture([&](LogLevel, const std::string& text) { seen.push_back(text); });
  LogRepeat repeat(10s);
  const std::chrono::steady_clock::time_point start{1000s};
  EXPECT_TRUE(repeat.log(LogLevel::warn, "down", {}, start));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(repeat.log(LogLevel::warn, "down", {}, start + 1s));
  EXPECT_TRUE(repeat.log(LogLevel::warn, "down", {}, start + 10s));
  EXPECT_TRUE(repeat.log(LogLevel::warn, "down", {}, start + 30s));
  EXPECT_EQ(seen, (std::vector<std::string>{"down", "down repeated=5", "down"}));
}

}  // namespace
