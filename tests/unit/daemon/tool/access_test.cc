#include "daemon/tool/access.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace newswatch;
using tool::Access;

namespace {

struct KafkaDestination : deliver::DestinationSettings {
  KafkaDestination() {
    name = group = "desk";
    type = "kafka";
    topic = "desk.alerts";
  }
  std::string fingerprint() const override { return ""; }
  std::unique_ptr<deliver::Sender> open(boost::asio::io_context&) const override { return nullptr; }
};

config::Settings settings() {
  config::Settings out;
  out.common.kafka.brokers = {"kafka-1:9092"};
  config::ArticleInput input;
  input.feed = "wires";
  input.topics = {"articles"};
  out.match.articles.push_back(input);
  return out;
}

std::vector<Access> needed(const config::Settings& of) {
  return tool::needed_access(of, {std::make_shared<KafkaDestination>()});
}

const Access* find(const std::vector<Access>& all, Access::Kind kind, const std::string& name) {
  const auto at = std::ranges::find_if(all, [&](const Access& one) { return one.kind == kind && one.name == name; });
  return at == all.end() ? nullptr : &*at;
}

using Words = std::vector<std::string>;

TEST(Access, JoinsWhatTheStagesNeedOfOneTopic) {
  const auto all = needed(settings());
  const auto* matches = find(all, Access::Kind::topic, "newswatch.matches");
  ASSERT_TRUE(matches);
  EXPECT_EQ(matches->operations, (Words{"Create", "Describe", "DescribeConfigs", "Read", "Write"}));
  EXPECT_EQ(matches->used_by, "match, alert");
  const auto* articles = find(all, Access::Kind::topic, "articles");
  ASSERT_TRUE(articles);
  EXPECT_EQ(articles->operations, (Words{"Describe", "Read"})) << "never created, never written";
  const auto* desk = find(all, Access::Kind::topic, "desk.alerts");
  ASSERT_TRUE(desk);
  EXPECT_EQ(desk->operations, (Words{"Describe", "Write"}));
}

TEST(Access, AsksForTransactionsOnlyWithExactlyOnce) {
  auto of = settings();
  const auto all = needed(of);
  const auto* id = find(all, Access::Kind::transactional_id, "newswatch-alert-");
  ASSERT_TRUE(id);
  EXPECT_TRUE(id->prefixed);
  of.common.guarantee = config::Guarantee::at_least_once;
  EXPECT_FALSE(find(needed(of), Access::Kind::transactional_id, "newswatch-alert-"));
}

TEST(Access, AsksOnlyForTheStagesThatRunHere) {
  auto of = settings();
  of.stages = {true, false, false};
  const auto all = needed(of);
  EXPECT_TRUE(find(all, Access::Kind::group, "newswatch-match"));
  EXPECT_FALSE(find(all, Access::Kind::group, "newswatch-alert"));
  EXPECT_FALSE(find(all, Access::Kind::topic, "newswatch.state"));
}

TEST(Access, AsksToCreateNothingWhenTheConfigurationSaysSo) {
  auto of = settings();
  of.common.create_topics = false;
  for (const Access& one : needed(of)) EXPECT_EQ(std::ranges::count(one.operations, "Create"), 0) << one.name;
}

TEST(Access, PrintsTheCommandThatGrantsIt) {
  auto of = settings();
  EXPECT_EQ(
      tool::grant_command({Access::Kind::transactional_id, "newswatch-alert-", true, {"Describe", "Write"}, ""},
                          "User:newswatch", of.common.kafka),
      "kafka-acls.sh --bootstrap-server kafka-1:9092 --add --allow-principal 'User:newswatch' --operation Describe "
      "--operation Write --resource-pattern-type prefixed --transactional-id 'newswatch-alert-'");
}

}  // namespace
