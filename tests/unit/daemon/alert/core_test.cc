#include "daemon/alert/core.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <set>

#include "daemon/alert/restore.h"
#include "daemon/flow/record_codec.h"
#include "tests/support/sample_match.h"

namespace newswatch::alert {
namespace {

using flow::MatchOutcome;
using flow::MatchRecord;
using test::small_match;
using namespace std::chrono_literals;

constexpr auto remember = 14 * 24h;
constexpr int day = 86'400;

class CoreTest : public testing::Test {
 protected:
  MatchOutcome see(const MatchRecord& match) {
    last_ = core_.process(match, routes_);
    return last_.outcome;
  }
  Core core_{remember};
  std::vector<config::Route> routes_;
  Core::Step last_;
};

MatchRecord version(MatchRecord match, const std::string& version, const std::string& body_hash) {
  match.article.version = version;
  match.body_hash = body_hash;
  return match;
}

TEST_F(CoreTest, AlertsTheFirstMatchWithAllItSays) {
  MatchRecord match = small_match("nato", "a", 5);
  match.rule.to = {"ops"};
  match.rule.severity = flow::Severity::high;
  match.rule.labels = {{"desk", "europe"}};
  ASSERT_EQ(see(match), MatchOutcome::alerted);
  ASSERT_TRUE(last_.alert);
  const flow::Alert& alert = *last_.alert;
  EXPECT_EQ(alert.kind, flow::AlertKind::alert);
  EXPECT_FALSE(alert.shadow);
  EXPECT_EQ(alert.time, match.record_time);
  EXPECT_EQ(alert.rule.key, "nato");
  EXPECT_EQ(alert.rule.severity, flow::Severity::high);
  EXPECT_EQ(alert.rule.labels, match.rule.labels);
  EXPECT_EQ(alert.rule.revision, "r-1");
  EXPECT_EQ(alert.article, match.article);
  EXPECT_EQ(alert.evidence, match.evidence);
  EXPECT_EQ(alert.destinations, std::vector<std::string>{"ops"});
  EXPECT_EQ(alert.id.size(), 29u);
}

TEST_F(CoreTest, VersionGateStopsTheSameVersionWhateverBecameOfIt) {
  EXPECT_EQ(see(small_match("r", "a", 0)), MatchOutcome::alerted);
  EXPECT_EQ(see(small_match("r", "a", 10)), MatchOutcome::suppressed_version);
  MatchRecord every = small_match("e", "a", 20);
  every.rule.alert.stories = flow::Stories::every;
  every.rule.alert.cooldown = 1h;
  EXPECT_EQ(see(every), MatchOutcome::alerted);
  EXPECT_EQ(see(version(every, "2", "x")), MatchOutcome::suppressed_cooldown);
  MatchRecord later = version(every, "2", "x");
  later.record_time += 2h;
  EXPECT_EQ(see(later), MatchOutcome::suppressed_version);
}

TEST_F(CoreTest, VersionGateKnowsOlderVersionsToo) {
  MatchRecord match = small_match("r", "a", 0);
  match.rule.alert.stories = flow::Stories::every;
  for (const char* name : {"1", "2", "3"}) EXPECT_EQ(see(version(match, name, name)), MatchOutcome::alerted);
  for (const char* name : {"2", "1", "3"}) EXPECT_EQ(see(version(match, name, name)), MatchOutcome::suppressed_version);
}

TEST_F(CoreTest, StoryGateKnowsAnArticleByItsIdAndByItsBody) {
  EXPECT_EQ(see(version(small_match("r", "a", 0), "1", "body")), MatchOutcome::alerted);
  EXPECT_EQ(see(version(small_match("r", "a", 1), "2", "other")), MatchOutcome::suppressed_story);
  EXPECT_EQ(see(version(small_match("r", "b", 2), "1", "body")), MatchOutcome::suppressed_story);
  // A copy of the second version, and a later version of the copy, are still that story.
  EXPECT_EQ(see(version(small_match("r", "c", 3), "1", "other")), MatchOutcome::suppressed_story);
  EXPECT_EQ(see(version(small_match("r", "c", 4), "2", "third")), MatchOutcome::suppressed_story);
  EXPECT_EQ(see(version(small_match("r", "d", 5), "1", "fourth")), MatchOutcome::alerted);
}

TEST_F(CoreTest, StoryGateKeepsRulesAndFeedsApart) {
  EXPECT_EQ(see(version(small_match("r", "a", 0), "1", "body")), MatchOutcome::alerted);
  EXPECT_EQ(see(version(small_match("s", "a", 1), "1", "body")), MatchOutcome::alerted);
  MatchRecord other_feed = version(small_match("r", "a", 2), "1", "other");
  other_feed.article.feed = "blogs";
  EXPECT_EQ(see(other_feed), MatchOutcome::alerted);
}

TEST_F(CoreTest, ArticlesWithoutABodyAreNoCopiesOfEachOther) {
  EXPECT_EQ(see(version(small_match("r", "a", 0), "1", "")), MatchOutcome::alerted);
  EXPECT_EQ(see(version(small_match("r", "b", 0), "1", "")), MatchOutcome::alerted);
}

TEST_F(CoreTest, EveryAlertsEachVersionAndEachCopy) {
  std::set<std::string> ids;
  for (const char* article : {"a", "b"})
    for (const char* name : {"1", "2"}) {
      MatchRecord match = version(small_match("r", article, 0), name, "body");
      match.rule.alert.stories = flow::Stories::every;
      EXPECT_EQ(see(match), MatchOutcome::alerted);
      ids.insert(last_.alert->id);
    }
  EXPECT_EQ(ids.size(), 4u);
}

TEST_F(CoreTest, CooldownHoldsOneRuleBackAndLosesNoStory) {
  const auto match = [](const char* id, int seconds) {
    MatchRecord record = small_match("r", id, seconds);
    record.rule.alert.cooldown = 1h;
    return record;
  };
  EXPECT_EQ(see(match("a", 0)), MatchOutcome::alerted);
  EXPECT_EQ(see(match("b", 3599)), MatchOutcome::suppressed_cooldown);
  EXPECT_EQ(see(small_match("s", "b", 3599)), MatchOutcome::alerted);
  EXPECT_EQ(see(match("c", 3600)), MatchOutcome::alerted);
  // What the cooldown held back was not told: its next version may alert.
  EXPECT_EQ(see(version(match("b", 8000), "2", "new")), MatchOutcome::alerted);
}

TEST_F(CoreTest, CooldownFollowsTheRuleAsItIsNow) {
  MatchRecord match = small_match("r", "a", 0);
  match.rule.alert.cooldown = 1h;
  EXPECT_EQ(see(match), MatchOutcome::alerted);
  match = small_match("r", "b", 60);
  match.rule.alert.cooldown = 30s;
  EXPECT_EQ(see(match), MatchOutcome::alerted);
  EXPECT_EQ(see(small_match("r", "c", 61)), MatchOutcome::alerted);  // the cooldown was taken away
}

TEST_F(CoreTest, WithdrawnArticlesAlertNobody) {
  MatchRecord match = small_match("r", "a", 0);
  match.article.status = ArticleStatus::kill;
  EXPECT_EQ(see(match), MatchOutcome::suppressed_withdrawn);
  EXPECT_EQ(see(version(small_match("r", "a", 1), "2", "x")), MatchOutcome::alerted);
}

TEST_F(CoreTest, ShadowRulesGoThroughEverythingAndReachNobody) {
  MatchRecord match = small_match("r", "a", 0);
  match.rule.status = flow::RuleStatus::shadow;
  match.rule.to = {"ops"};
  routes_ = {{{}, {}, {"risk"}}};
  EXPECT_EQ(see(match), MatchOutcome::alerted_shadow);
  EXPECT_TRUE(last_.alert->shadow);
  EXPECT_TRUE(last_.alert->destinations.empty());
  EXPECT_EQ(see(match), MatchOutcome::suppressed_version);
}

TEST_F(CoreTest, RoutesAddDestinationsWhereAllTheirConditionsHold) {
  routes_ = {{{"critical", "high"}, {}, {"pager", "ops"}},
             {{}, {{"desk", "europe"}}, {"desk"}},
             {{"critical"}, {{"desk", "asia"}}, {"never"}},
             {{}, {}, {"archive"}}};
  MatchRecord match = small_match("r", "a", 0);
  match.rule.to = {"ops", "risk", "ops"};
  match.rule.severity = flow::Severity::critical;
  match.rule.labels = {{"desk", "europe"}};
  see(match);
  EXPECT_EQ(last_.alert->destinations, (std::vector<std::string>{"ops", "risk", "pager", "desk", "archive"}));
}

TEST_F(CoreTest, PartitionTimeNeverGoesBack) {
  see(small_match("r", "a", 1000));
  const Time time = core_.time();
  see(small_match("r", "b", 0));
  EXPECT_EQ(core_.time(), time);
  EXPECT_EQ(last_.alert->time, time);
}

TEST_F(CoreTest, ForgetsAfterTheTimeWithTombstones) {
  EXPECT_EQ(see(small_match("r", "a", 0)), MatchOutcome::alerted);
  const std::size_t entries = core_.state().size();
  EXPECT_EQ(see(small_match("r", "a", 14 * day - 1)), MatchOutcome::suppressed_version);
  // That sight was written down: another 14 days from then.
  EXPECT_EQ(see(small_match("r", "a", 28 * day - 10)), MatchOutcome::suppressed_version);
  see(small_match("x", "late", 50 * day));
  std::vector<std::string> forgotten;
  for (const StateChange& change : last_.changes)
    if (!change.value) forgotten.push_back(change.key);
  EXPECT_EQ(forgotten.size(), entries);
  EXPECT_EQ(core_.state().size(), entries);  // those of "late"
  EXPECT_EQ(see(small_match("r", "a", 50 * day)), MatchOutcome::alerted);
}

TEST_F(CoreTest, RepeatedSightsCostNoStateRecordUntilASixteenthOfTheTimeIsUsedUp) {
  see(small_match("r", "a", 0));
  EXPECT_EQ(last_.changes.size(), 2u);
  see(small_match("r", "a", 3600));
  EXPECT_TRUE(last_.changes.empty());
  see(small_match("r", "a", 14 * day / 16 + 3601));
  EXPECT_EQ(last_.changes.size(), 2u);
}

TEST_F(CoreTest, ForgetsALotInSeveralStepsAndIsRightMeanwhile) {
  for (int i = 0; i < 2000; ++i) see(small_match("r", "a" + std::to_string(i), 0));
  EXPECT_EQ(core_.state().size(), 4000u);
  see(small_match("r", "late", 100 * day));
  EXPECT_EQ(core_.state().size(), 3502u);
  EXPECT_EQ(see(small_match("r", "a1999", 100 * day)), MatchOutcome::alerted);
}

TEST_F(CoreTest, TheOldestOfVeryManyVersionsGoes) {
  MatchRecord match = small_match("r", "a", 0);
  match.rule.alert.stories = flow::Stories::every;
  for (std::size_t i = 0; i <= most_versions; ++i)
    EXPECT_EQ(see(version(match, std::to_string(i), "")), MatchOutcome::alerted);
  EXPECT_EQ(see(version(match, "1", "")), MatchOutcome::suppressed_version);
  EXPECT_EQ(see(version(match, "0", "")), MatchOutcome::alerted);
}

// One run over all records, and for every place a run that is cut there: what it wrote is read back as a takeover
// would, and it goes on. Alerts, outcomes, written records and state must be the same, byte for byte.
TEST(CoreReplay, IsTheSameAfterARestoreAtEveryPlace) {
  const unsigned seed = std::getenv("NEWSWATCH_SEED") ? std::atoi(std::getenv("NEWSWATCH_SEED")) : 20261124u;
  std::cout << "NEWSWATCH_SEED=" << seed << "\n";
  std::mt19937 random(seed);
  std::vector<MatchRecord> matches = test::random_matches(random, 400);
  // Long silences, so that forgetting takes part.
  for (std::size_t i = 0; i < matches.size(); ++i) matches[i].record_time += std::chrono::hours(24 * 4 * (i / 40));
  const std::vector<config::Route> routes{{{"medium"}, {}, {"desk"}}};

  struct Written {
    std::vector<std::string> alerts;
    std::vector<MatchOutcome> outcomes;
    std::vector<StateChange> log;
    bool operator==(const Written&) const = default;
  };
  const auto run = [&](Core& core, std::size_t from, std::size_t to, Written& written) {
    for (std::size_t i = from; i < to; ++i) {
      // Through the codec, as in life.
      const auto match = flow::decode_match(flow::encode(matches[i]));
      ASSERT_TRUE(match);
      Core::Step step = core.process(*match, routes);
      written.outcomes.push_back(step.outcome);
      if (step.alert) written.alerts.push_back(flow::encode(*step.alert));
      for (StateChange& change : step.changes) written.log.push_back(std::move(change));
    }
  };

  Core whole(remember);
  Written expected;
  run(whole, 0, matches.size(), expected);
  std::set<MatchOutcome> kinds(expected.outcomes.begin(), expected.outcomes.end());
  EXPECT_EQ(kinds.size(), 5u) << "the records do not reach every gate; choose others";
  EXPECT_TRUE(std::any_of(expected.log.begin(), expected.log.end(), [](const StateChange& c) { return !c.value; }));

  for (std::size_t cut = 0; cut <= matches.size(); ++cut) {
    Core before(remember);
    Written written;
    run(before, 0, cut, written);
    Restore restore;
    for (const StateChange& change : written.log) ASSERT_TRUE(restore.take(change.key, change.value));
    const Position position{static_cast<std::int64_t>(cut), 12, before.time()};
    ASSERT_TRUE(restore.take(position_key, encode(position)));
    // Lost work of one who died: it must not count.
    if (cut < matches.size()) {
      Core lost(remember);
      for (StateChange& change : before.process(matches[cut], routes).changes)
        ASSERT_TRUE(restore.take(change.key, change.value));
    }
    Restore::Outcome outcome = std::move(restore).finish();
    ASSERT_EQ(outcome.position, position);
    Core after(remember, std::move(outcome.state), outcome.position->time);
    run(after, cut, matches.size(), written);
    ASSERT_EQ(written, expected) << "cut at " << cut;
    ASSERT_EQ(after.state().snapshot(), whole.state().snapshot()) << "cut at " << cut;
    ASSERT_EQ(after.time(), whole.time()) << "cut at " << cut;
  }
}

// The control: what the test above would miss if it could not fail. A run that goes on with the state of the aborted
// try, instead of the restored one, loses alerts.
TEST(CoreReplay, ControlStateKeptAfterAnAbortLosesAlerts) {
  const MatchRecord match = small_match("r", "a", 0);
  Core core(remember);
  EXPECT_EQ(core.process(match, {}).outcome, MatchOutcome::alerted);             // aborted: nobody saw this alert
  EXPECT_EQ(core.process(match, {}).outcome, MatchOutcome::suppressed_version);  // and nobody ever will
}

}  // namespace
}  // namespace newswatch::alert
