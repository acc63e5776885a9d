// Every alert that the core makes is what config/schema/alert.schema.json says.

#include "tests/support/alert_schema.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <iostream>
#include <random>

#include "daemon/alert/core.h"
#include "daemon/flow/record_codec.h"
#include "tests/support/sample_match.h"

namespace newswatch::alert {
namespace {

using namespace std::chrono_literals;

TEST(AlertSchema, HoldsForEveryAlertThatIsMade) {
  std::mt19937 random(20261124);
  std::vector<flow::MatchRecord> matches = test::random_matches(random, 300);
  matches.push_back(test::full_match());
  matches.back().article.status = ArticleStatus::live;
  matches.push_back(matches.back());
  matches.back().article.id = "other";
  matches.back().body_hash.clear();
  matches.back().rule.alert.cooldown = 0h;
  matches.back().evidence.hits.assign(20'000, {"t", "Q1", Field::body, 1, 2, std::string(100, 'x')});
  Core core(14 * 24h);
  int alerts = 0;
  for (const flow::MatchRecord& match : matches) {
    const Core::Step step = core.process(match, {{{}, {}, {"desk"}}});
    if (!step.alert) continue;
    ++alerts;
    ASSERT_EQ(test::event_problems(flow::cloud_event(*step.alert)), "") << flow::cloud_event(*step.alert);
    ASSERT_EQ(test::alert_problems(flow::encode(*step.alert)), "");
  }
  EXPECT_GT(alerts, 50);
}

// The control: a schema that takes everything would pass the test above.
TEST(AlertSchema, RefusesWhatIsNoAlert) {
  Core core(14 * 24h);
  const auto alert = core.process(test::small_match("r", "a", 0), {}).alert;
  ASSERT_TRUE(alert);
  const boost::json::object event = boost::json::parse(flow::cloud_event(*alert)).as_object();
  for (const auto& member : event) {
    boost::json::object without = event;
    without.erase(member.key());
    EXPECT_NE(test::event_problems(boost::json::serialize(without)), "") << member.key();
  }
  const boost::json::object data = event.at("data").as_object();
  for (const char* member : {"v", "id", "kind", "shadow", "time", "rule", "article", "hits", "destinations"}) {
    boost::json::object without = data;
    without.erase(member);
    EXPECT_NE(test::alert_problems(boost::json::serialize(without)), "") << member;
  }
  boost::json::object wrong = data;
  wrong["id"] = "nw-1";
  EXPECT_NE(test::alert_problems(boost::json::serialize(wrong)), "");
  wrong = data;
  wrong["rule"].as_object()["severity"] = "loud";
  EXPECT_NE(test::alert_problems(boost::json::serialize(wrong)), "");
}

}  // namespace
}  // namespace newswatch::alert
