// Topics on a real Kafka: created as the design says, compared with what must be, and named when they are missing.

#include <gtest/gtest.h>

#include <algorithm>

#include "daemon/kafka/topics.h"
#include "tests/support/kafka_cluster.h"

namespace newswatch::test {
namespace {

using namespace std::chrono_literals;

struct House {
  config::Common common;
  explicit House(const KafkaCluster& cluster) {
    common.prefix = unique("topics");
    common.topics = config::Topics::named(common.prefix);
    common.kafka = cluster.settings();
  }
  std::vector<kafka::TopicProblem> prepare(const std::vector<std::string>& inputs = {}) const {
    const auto problems =
        kafka::prepare_topics(common, kafka::own_topics(common, {}, 24h), inputs, [] { return false; });
    EXPECT_TRUE(problems) << problems.error().message;
    return problems ? *problems : std::vector<kafka::TopicProblem>();
  }
};

TEST(Topics, MissingOnesAreCreatedOnceAndFoundRightAfterwards) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  const House house(*cluster);
  EXPECT_TRUE(house.prepare().empty());
  EXPECT_TRUE(house.prepare().empty()) << "what was created is what is wanted";
  auto reader = kafka::PartitionReader::open(cluster->properties());
  EXPECT_EQ(*reader->partition_count(house.common.topics.matches.name, 10s), 12);
  EXPECT_EQ(*reader->partition_count(house.common.topics.state.name, 10s), 12);
}

TEST(Topics, WithoutLeaveToCreateEachMissingOneIsNamedWithItsCommand) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  House house(*cluster);
  house.common.create_topics = false;
  const auto problems = house.prepare({house.common.prefix + ".articles"});
  ASSERT_EQ(problems.size(), 7u);
  for (const auto& problem : problems) {
    EXPECT_EQ(problem.kind, kafka::TopicProblem::Kind::missing);
    EXPECT_TRUE(problem.blocking);
    EXPECT_NE(problem.message.find(problem.topic), std::string::npos);
    EXPECT_NE(problem.command.find("--create --topic " + problem.topic), std::string::npos) << problem.command;
  }
}

TEST(Topics, WhatBreaksAPromiseIsAnErrorWithBothValuesAndTheCommand) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  const House house(*cluster);
  cluster->create_topic(house.common.topics.matches.name, 5);
  cluster->create_topic(house.common.topics.state.name, 12, {{"cleanup.policy", "delete"}});
  cluster->create_topic(house.common.topics.alerts.name, 12, {{"retention.ms", "3600000"}});
  const auto problems = house.prepare();
  const auto about = [&](const std::string& topic) {
    const auto found = std::find_if(problems.begin(), problems.end(), [&](const auto& p) { return p.topic == topic; });
    EXPECT_NE(found, problems.end()) << topic;
    return found == problems.end() ? kafka::TopicProblem() : *found;
  };
  const auto matches = about(house.common.topics.matches.name);
  EXPECT_TRUE(matches.blocking);
  EXPECT_NE(matches.message.find("5 partitions"), std::string::npos) << matches.message;
  EXPECT_NE(matches.message.find("12"), std::string::npos) << matches.message;
  const auto state = about(house.common.topics.state.name);
  EXPECT_NE(state.message.find("cleanup.policy=delete"), std::string::npos) << state.message;
  EXPECT_NE(state.command.find("cleanup.policy=compact"), std::string::npos) << state.command;
  const auto alerts = about(house.common.topics.alerts.name);
  EXPECT_NE(alerts.message.find("3600000"), std::string::npos) << alerts.message;
  EXPECT_NE(alerts.message.find("2d"), std::string::npos) << alerts.message;
  EXPECT_NE(alerts.command.find("retention.ms=172800000"), std::string::npos) << alerts.command;
}

}  // namespace
}  // namespace newswatch::test
