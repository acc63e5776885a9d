#include "daemon/kafka/client.h"

#include <gtest/gtest.h>

#include "daemon/kafka/embedded_broker.h"
#include "daemon/kafka/session.h"

namespace newswatch::kafka {
namespace {

std::string last(const Properties& properties, const std::string& name) {
  std::string value;
  for (const auto& [key, text] : properties)
    if (key == name) value = text;
  return value;
}

LoopOptions some_options() {
  config::Common common;
  common.instance = "news-1";
  common.kafka.brokers = {"k1:9092", "k2:9092"};
  LoopOptions options = loop_options(common, "match", "0");
  options.topics = {"articles"};
  return options;
}

TEST(ClientProperties, CarryBrokersSecurityAndTimeouts) {
  config::Kafka kafka;
  kafka.brokers = {"k1:9093", "k2:9093"};
  kafka.security.protocol = config::SecurityProtocol::sasl_ssl;
  kafka.security.mechanism = "SCRAM-SHA-512";
  kafka.security.username = "newswatch";
  kafka.security.password = config::Secret("secret");
  const Properties properties = client_properties(kafka);
  EXPECT_EQ(last(properties, "bootstrap.servers"), "k1:9093,k2:9093");
  EXPECT_EQ(last(properties, "security.protocol"), "sasl_ssl");
  EXPECT_EQ(last(properties, "sasl.mechanism"), "SCRAM-SHA-512");
  EXPECT_EQ(last(properties, "sasl.password"), "secret");
  EXPECT_EQ(last(properties, "socket.timeout.ms"), "9900");
  EXPECT_EQ(last(properties, "socket.nagle.disable"), "true");
}

TEST(ClientProperties, OptionsOfTheOperatorWinOverOurDefaults) {
  config::Kafka kafka;
  kafka.brokers = {"k1:9092"};
  kafka.options = {{"socket.nagle.disable", config::Secret("false")}, {"linger.ms", config::Secret("7")}};
  const Properties properties = client_properties(kafka);
  EXPECT_EQ(last(properties, "socket.nagle.disable"), "false");
  EXPECT_EQ(last(properties, "linger.ms"), "7");
}

TEST(Option, ProblemNamesTheOptionAndNeverTheValue) {
  EXPECT_EQ(option_problem("linger.ms", "5"), std::nullopt);
  const auto unknown = option_problem("lingerms", "hunter2");
  ASSERT_TRUE(unknown);
  EXPECT_NE(unknown->find("lingerms"), std::string::npos);
  const auto bad = option_problem("linger.ms", "hunter2");
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->find("hunter2"), std::string::npos);
}

TEST(Guarantees, ConsumerNeverResetsByItselfAndReadsCommitted) {
  const Properties properties = consumer_guarantees(some_options(), "id");
  EXPECT_EQ(last(properties, "auto.offset.reset"), "error");
  EXPECT_EQ(last(properties, "enable.auto.commit"), "false");
  EXPECT_EQ(last(properties, "enable.auto.offset.store"), "false");
  EXPECT_EQ(last(properties, "isolation.level"), "read_committed");
  EXPECT_EQ(last(properties, "enable.partition.eof"), "true");
  EXPECT_EQ(last(properties, "partition.assignment.strategy"), "range");
  EXPECT_EQ(last(properties, "group.instance.id"), "id");
}

TEST(Guarantees, ProducerAgreesWithJavaAndEndsItsTransactionsIn10Seconds) {
  LoopOptions options = some_options();
  const Properties properties = producer_guarantees(options);
  EXPECT_EQ(last(properties, "partitioner"), "murmur2_random");
  EXPECT_EQ(last(properties, "enable.idempotence"), "true");
  EXPECT_EQ(last(properties, "transactional.id"), "newswatch-match-news-1-0");
  EXPECT_EQ(last(properties, "transaction.timeout.ms"), "10000");
  options.guarantee = config::Guarantee::at_least_once;
  EXPECT_EQ(last(producer_guarantees(options), "transactional.id"), "");
}

TEST(Names, OfGroupsAndIds) {
  EXPECT_EQ(group_id("newswatch", "match"), "newswatch-match");
  EXPECT_EQ(group_id("newswatch", "deliver", "ops-slack"), "newswatch-deliver-ops-slack");
  EXPECT_EQ(some_options().assignor, Assignor::range);
  config::Common common;
  EXPECT_EQ(loop_options(common, "alert", "0").assignor, Assignor::cooperative_sticky);
}

TEST(Names, StaticMemberIdChangesWithTopicsCountsAndAssignor) {
  LoopOptions options = some_options();
  const std::string id = group_instance_id(options, {{"articles", 8}});
  EXPECT_EQ(id, group_instance_id(options, {{"articles", 8}})) << "stable over restarts";
  EXPECT_EQ(id.rfind(transactional_id(options) + "-", 0), 0u);
  EXPECT_NE(id, group_instance_id(options, {{"articles", 9}}));
  EXPECT_NE(id, group_instance_id(options, {{"articles", 8}, {"more", 1}}));
  options.assignor = Assignor::cooperative_sticky;
  EXPECT_NE(id, group_instance_id(options, {{"articles", 8}}));
}

TEST(Errors, AreOfThreeKinds) {
  EXPECT_EQ(to_error(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "writing").code, "record_too_large");
  EXPECT_TRUE(to_error(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "writing").permanent());
  EXPECT_EQ(to_error(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "writing").code, "topic_denied");
  EXPECT_EQ(to_error(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "writing").code, "unknown_topic");
  EXPECT_TRUE(to_error(RD_KAFKA_RESP_ERR__TIMED_OUT, "committing").retryable());
  EXPECT_TRUE(is_fenced(RD_KAFKA_RESP_ERR__FENCED));
  EXPECT_TRUE(is_fenced(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID));
}

TEST(EmbeddedBroker, TakesRecordsAndGivesThemBack) {
  auto broker = EmbeddedBroker::start();
  ASSERT_TRUE(broker) << broker.error().message;
  ASSERT_TRUE(broker->create_topic("t", 2));
  const Properties properties{{"bootstrap.servers", broker->bootstrap()}};
  auto publisher = Publisher::open(properties);
  ASSERT_TRUE(publisher);
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(publisher->publish({"t", "key", "value " + std::to_string(i), {{"h", "x"}}, i % 2}, 1'700'000'000'000));
  ASSERT_TRUE(publisher->publish({"t", "key", std::nullopt, {}, 1}));
  const auto flushed = publisher->flush();
  ASSERT_TRUE(flushed) << flushed.error().message;

  auto reader = PartitionReader::open(properties);
  ASSERT_TRUE(reader);
  EXPECT_EQ(*reader->partition_count("t", std::chrono::seconds(5)), 2);
  std::vector<std::string> values;
  bool tombstone = false;
  PartitionReader::Limits limits;
  limits.until = 6;
  const auto end = reader->read({"t", 1}, limits, [&](const Record& record) {
    if (!record.value()) {
      tombstone = true;
      return;
    }
    values.emplace_back(*record.value());
    EXPECT_EQ(record.key(), "key");
    EXPECT_EQ(record.header("h"), "x");
    EXPECT_EQ(record.header("none"), std::nullopt);
    EXPECT_EQ(record.timestamp()->time_since_epoch().count(), 1'700'000'000'000);
  });
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(*end, 6);
  EXPECT_TRUE(tombstone);
  EXPECT_EQ(values, (std::vector<std::string>{"value 1", "value 3", "value 5", "value 7", "value 9"}));
}

TEST(PartitionReader, CancelledReadEndsWithARetryableError) {
  auto broker = EmbeddedBroker::start();
  ASSERT_TRUE(broker);
  ASSERT_TRUE(broker->create_topic("t", 1));
  auto reader = PartitionReader::open({{"bootstrap.servers", broker->bootstrap()}});
  ASSERT_TRUE(reader);
  PartitionReader::Limits limits;
  limits.until = 1;  // never comes
  int asked = 0;
  limits.cancelled = [&] { return ++asked > 2; };
  const auto end = reader->read({"t", 0}, limits, [](const Record&) {});
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, "cancelled");
  EXPECT_TRUE(end.error().retryable());
}

}  // namespace
}  // namespace newswatch::kafka
