#include "daemon/kafka/topics.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace newswatch::kafka {
namespace {

using namespace std::chrono_literals;

const TopicSpec& named(const std::vector<TopicSpec>& topics, const std::string& name) {
  const auto found = std::find_if(topics.begin(), topics.end(), [&](const auto& topic) { return topic.name == name; });
  if (found == topics.end()) {
    ADD_FAILURE() << "no topic " << name;
    return topics.front();
  }
  return *found;
}

std::string property(const TopicSpec& topic, const std::string& name) {
  for (const auto& [key, value] : topic.properties)
    if (key == name) return value;
  return "";
}

TEST(OwnTopics, AreWhatTheDesignSays) {
  const auto topics = own_topics({}, {}, 24h);
  EXPECT_EQ(topics.size(), 6u);
  const TopicSpec& matches = named(topics, "newswatch.matches");
  EXPECT_EQ(matches.partitions, 12);
  EXPECT_TRUE(matches.fixed_partitions);
  EXPECT_EQ(property(matches, "retention.ms"), std::to_string(7 * 86'400'000LL));
  const TopicSpec& state = named(topics, "newswatch.state");
  EXPECT_EQ(state.partitions, matches.partitions);
  EXPECT_EQ(property(state, "cleanup.policy"), "compact");
  EXPECT_EQ(property(state, "segment.ms"), "3600000");
  EXPECT_EQ(property(state, "segment.bytes"), "67108864");
  EXPECT_EQ(property(state, "min.cleanable.dirty.ratio"), "0.1");
  EXPECT_EQ(property(state, "unclean.leader.election.enable"), "false");
  EXPECT_EQ(named(topics, "newswatch.alerts").least_retention, 48h) << "twice the longest expire";
  EXPECT_EQ(named(topics, "newswatch.rejected").partitions, 3);
  EXPECT_EQ(named(topics, "newswatch.undelivered").partitions, 3);
  EXPECT_EQ(named(topics, "newswatch.boilerplate").partitions, 1);
}

TEST(OwnTopics, KeepValuesBeforeThePositionOfAtLeastOnce) {
  config::Common common;
  common.guarantee = config::Guarantee::at_least_once;
  EXPECT_EQ(property(named(own_topics(common, {}, 24h), "newswatch.state"), "min.compaction.lag.ms"), "3600000");
}

TEST(OwnTopics, OfOneStageAreThoseItTouches) {
  const auto topics = own_topics({}, {false, false, true}, 24h);
  ASSERT_EQ(topics.size(), 2u);
  EXPECT_EQ(topics[0].name, "newswatch.alerts");
  EXPECT_EQ(topics[1].name, "newswatch.undelivered");
  named(own_topics({}, {false, true, false}, 24h), "newswatch.rejected");
}

TEST(CreateCommand, HasReplicationOfTheClusterAndWhatFollowsFromIt) {
  config::Kafka kafka;
  kafka.brokers = {"k1:9092", "k2:9092"};
  const TopicSpec spec = named(own_topics({}, {}, 24h), "newswatch.alerts");
  const std::string three = create_command(spec, kafka, 5);
  EXPECT_NE(three.find("--bootstrap-server k1:9092 --create --topic newswatch.alerts --partitions 12"),
            std::string::npos)
      << three;
  EXPECT_NE(three.find("--replication-factor 3"), std::string::npos);
  EXPECT_NE(three.find("min.insync.replicas=2"), std::string::npos);
  const std::string one = create_command(spec, kafka, 1);
  EXPECT_NE(one.find("--replication-factor 1"), std::string::npos);
  EXPECT_EQ(one.find("min.insync.replicas"), std::string::npos);
}

}  // namespace
}  // namespace newswatch::kafka
