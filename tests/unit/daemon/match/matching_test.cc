#include "daemon/match/matching.h"

#include <gtest/gtest.h>

#include "daemon/flow/identity.h"
#include "tests/support/stub_rules.h"

namespace newswatch::match {
namespace {

using namespace std::chrono_literals;

constexpr Time now{std::chrono::milliseconds(1'739'190'896'000)};

config::ArticleInput input() {
  config::ArticleInput input;
  input.feed = "wires";
  input.max_article_bytes = 2000;
  return input;
}

TEST(RecordTime, IsTheRecordsOwnUnlessMissingOrMoreThanAMinuteAhead) {
  const auto own = [](std::optional<Time> time) {
    const RecordTime result = record_time(time, now);
    EXPECT_EQ(result.clock_used, !time || result.time != *time);
    return result.time;
  };
  EXPECT_EQ(own(now - 1000h), now - 1000h);
  EXPECT_EQ(own(now), now);
  EXPECT_EQ(own(now + 60s), now + 60s);
  EXPECT_EQ(own(now + 60s + 1ms), now);
  EXPECT_EQ(own(std::nullopt), now);
}

TEST(Matching, MakesARecordOfEachRuleThatIsTrue) {
  Matching matching(input());
  const test::StubRules rules({"NATO", "tax", "sanction"}, "rev-7");
  const std::string json = R"({"id":"a-1","title":"NATO talks","body":"No new sanction.","version":4,"language":"en"})";
  const Outcome& outcome = matching.process({json, now - 5s, {"articles", 3, 42}}, rules, now);
  ASSERT_EQ(outcome.outcome, flow::ArticleOutcome::matched);
  ASSERT_EQ(outcome.matches.size(), 2u);
  const flow::MatchRecord& first = outcome.matches[0];
  EXPECT_EQ(first.rule, rules.rules()[0]);
  EXPECT_EQ(first.revision, "rev-7");
  EXPECT_EQ(first.article.feed, "wires");
  EXPECT_EQ(first.article.id, "a-1");
  EXPECT_EQ(first.article.version, "4");
  EXPECT_EQ(first.evidence.hits, (std::vector<Hit>{{"NATO", "", Field::title, 0, 4, "NATO"}}));
  EXPECT_EQ(first.evidence.snippet_field, Field::title);
  EXPECT_EQ(first.sentences, std::vector<std::uint64_t>{0});
  EXPECT_EQ(first.body_hash, flow::body_hash(matching.article()));
  EXPECT_FALSE(first.body_hash.empty());
  EXPECT_EQ(first.record_time, now - 5s);
  EXPECT_EQ(first.origin, (flow::Origin{"articles", 3, 42}));
  EXPECT_EQ(outcome.matches[1].rule.id, "sanction");
  EXPECT_FALSE(outcome.clock_used);
}

TEST(Matching, EndsEachArticleInOneOutcomeAndKeepsNothingOfTheOneBefore) {
  Matching matching(input());
  const test::StubRules rules({"NATO"});
  EXPECT_EQ(matching.process({R"({"id":"1","body":"NATO"})", now, {}}, rules, now).outcome, flow::ArticleOutcome::matched);
  const Outcome& none = matching.process({R"({"id":"2","body":"x","boilerplate":[0]})", now, {}}, rules, now);
  EXPECT_EQ(none.outcome, flow::ArticleOutcome::no_match);
  EXPECT_TRUE(none.matches.empty());
  EXPECT_EQ(none.only_boilerplate, 1u);
  const Outcome& rejected = matching.process({"junk", std::nullopt, {}}, rules, now);
  EXPECT_EQ(rejected.outcome, flow::ArticleOutcome::rejected);
  EXPECT_EQ(rejected.error.code, ingest::code_bad_json);
  EXPECT_EQ(rejected.only_boilerplate, 0u);
  EXPECT_TRUE(rejected.clock_used);
  const Outcome& next = matching.process({R"({"id":"3","body":"x"})", now, {}}, rules, now);
  EXPECT_EQ(next.outcome, flow::ArticleOutcome::no_match);
  EXPECT_EQ(next.error, Error{});
}

TEST(Matching, RejectsWhatIsTooLarge) {
  Matching matching(input());
  const test::StubRules rules({"NATO"});
  matching.process({R"({"id":"before","body":"NATO"})", now, {}}, rules, now);
  const std::string large = R"({"id":"1","body":")" + std::string(2000, 'x') + "\"}";
  const Outcome& outcome = matching.process({large, now, {}}, rules, now);
  EXPECT_EQ(outcome.outcome, flow::ArticleOutcome::rejected);
  EXPECT_EQ(outcome.error.code, ingest::code_too_large);
  EXPECT_TRUE(outcome.matches.empty());
  EXPECT_EQ(matching.article().id, "") << "the id of another article";
  EXPECT_EQ(matching.article().feed, "wires");
}

}  // namespace
}  // namespace newswatch::match
