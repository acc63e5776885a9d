// The loop over the embedded broker: at least once only, which is all that broker can show.

#include "daemon/kafka/loop.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
// After rdkafka.h, which it needs.
#include <librdkafka/rdkafka_mock.h>

#include <map>

#include "daemon/kafka/embedded_broker.h"
#include "daemon/kafka/watchdog.h"
#include "daemon/observe/metrics.h"
#include "tests/support/counting_processor.h"
#include "tests/support/process.h"
#include "tests/support/topic_reader.h"

namespace newswatch::kafka {
namespace {

using namespace std::chrono_literals;
using test::eventually;

LoopOptions embedded_options(const EmbeddedBroker& broker) {
  config::Common common;
  common.kafka.brokers = {broker.bootstrap()};
  common.instance = "demo";
  common.guarantee = config::Guarantee::at_least_once;
  LoopOptions options = loop_options(common, "match", "0");
  options.topics = {"in"};
  options.output_topics = {"out"};
  options.session_timeout = 3s;
  options.embedded = true;
  options.start["in"] = {config::Start::Kind::earliest, {}, {}};
  return options;
}

void feed(const EmbeddedBroker& broker, int from, int to) {
  std::vector<OutRecord> records;
  for (int i = from; i < to; ++i) records.push_back({"in", std::nullopt, std::to_string(i), {}, i % 2});
  test::produce({{"bootstrap.servers", broker.bootstrap()}}, records);
}

std::map<std::string, int> seen(const EmbeddedBroker& broker) {
  std::map<std::string, int> values;
  for (const auto& record : test::read_topic({{"bootstrap.servers", broker.bootstrap()}}, "out"))
    ++values[test::counted_from(*record.value).value];
  return values;
}

TEST(LoopOnEmbeddedBroker, MovesRecordsAndGoesOnWhereItStopped) {
  auto broker = EmbeddedBroker::start();
  ASSERT_TRUE(broker);
  ASSERT_TRUE(broker->create_topic("in", 2));
  ASSERT_TRUE(broker->create_topic("out", 1));
  const LoopOptions options = embedded_options(*broker);
  observe::Metrics metrics;
  Watchdog watchdog;
  feed(*broker, 0, 50);
  {
    test::CountingProcessor processor({"out", "", options.client, 0us});
    Loop loop(options, processor, watchdog, metrics, [](const LoopFailure&) { FAIL(); });
    loop.start();
    ASSERT_TRUE(eventually(20s, [&] { return seen(*broker).size() == 50; })) << loop.status().trouble;
    EXPECT_TRUE(eventually(5s, [&] { return loop.status().ready(); }));
    loop.stop(5s);
    EXPECT_EQ(loop.status().state, LoopStatus::State::stopped);
  }
  feed(*broker, 50, 60);
  test::CountingProcessor processor({"out", "", options.client, 0us});
  Loop loop(options, processor, watchdog, metrics, [](const LoopFailure&) { FAIL(); });
  loop.start();
  ASSERT_TRUE(eventually(20s, [&] { return seen(*broker).size() == 60; })) << loop.status().trouble;
  loop.stop(5s);
  EXPECT_EQ(processor.processed, 10) << "a stop in order commits all that was done";
}

TEST(LoopOnEmbeddedBroker, IsNotReadyWhileItsPartitionsAreLostWithTheBroker) {
  auto broker = EmbeddedBroker::start();
  ASSERT_TRUE(broker);
  ASSERT_TRUE(broker->create_topic("in", 2));
  ASSERT_TRUE(broker->create_topic("out", 1));
  const LoopOptions options = embedded_options(*broker);
  observe::Metrics metrics;
  Watchdog watchdog;
  test::CountingProcessor processor({"out", "", options.client, 0us});
  Loop loop(options, processor, watchdog, metrics, [](const LoopFailure&) { FAIL(); });
  loop.start();
  ASSERT_TRUE(eventually(20s, [&] { return loop.status().ready() && loop.status().assigned == 2; }));
  rd_kafka_mock_broker_set_down(broker->handle(), 1);
  ASSERT_TRUE(eventually(20s, [&] { return loop.status().assigned == 0; })) << "the session ended";
  EXPECT_FALSE(loop.status().ready());
  rd_kafka_mock_broker_set_up(broker->handle(), 1);
  EXPECT_TRUE(eventually(30s, [&] { return loop.status().ready() && loop.status().assigned == 2; }));
  loop.stop(5s);
}

/// Has something to write when it is told to finish.
class LateProcessor final : public test::CountingProcessor {
 public:
  using CountingProcessor::CountingProcessor;
  void finish(std::span<const TopicPartition>, std::chrono::milliseconds, Output& output) override {
    output.produce({"out", std::nullopt, "late", {}, std::nullopt});
  }
};

TEST(LoopOnEmbeddedBroker, StopsInItsTimeAlsoWhenTheBrokerIsAway) {
  auto broker = EmbeddedBroker::start();
  ASSERT_TRUE(broker);
  ASSERT_TRUE(broker->create_topic("in", 2));
  ASSERT_TRUE(broker->create_topic("out", 1));
  const LoopOptions options = embedded_options(*broker);
  observe::Metrics metrics;
  Watchdog watchdog;
  LateProcessor processor({"out", "", options.client, 0us});
  Loop loop(options, processor, watchdog, metrics, [](const LoopFailure&) { FAIL(); });
  loop.start();
  ASSERT_TRUE(eventually(20s, [&] { return loop.status().ready() && loop.status().assigned == 2; }));
  rd_kafka_mock_broker_set_down(broker->handle(), 1);
  const auto begun = std::chrono::steady_clock::now();
  loop.stop(500ms);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 6s);
  rd_kafka_mock_broker_set_up(broker->handle(), 1);
}

}  // namespace
}  // namespace newswatch::kafka
