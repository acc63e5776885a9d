// The loop against what can go wrong around it, on a real Kafka. Each test ends with the same question: is every input
// in the output once, in order, numbered by a state that was never torn?

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <thread>

#include "daemon/kafka/handle.h"
#include "daemon/kafka/loop.h"
#include "daemon/kafka/watchdog.h"
#include "daemon/observe/metrics.h"
#include "tests/support/counting_processor.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/process.h"
#include "tests/support/topic_reader.h"

namespace newswatch::test {
namespace {

using namespace std::chrono_literals;
using config::Guarantee;

constexpr int partitions = 4;

struct Stage {
  const KafkaCluster& cluster;
  std::string prefix = unique("loop");
  std::string input = prefix + ".input", output = prefix + ".output", state = prefix + ".state";
  std::string group = prefix + "-alert";
  int fed = 0;

  explicit Stage(const KafkaCluster& where, std::vector<std::pair<std::string, std::string>> output_properties = {})
      : cluster(where) {
    cluster.create_topic(input, partitions);
    cluster.create_topic(output, 3, std::move(output_properties));
    cluster.create_topic(state, partitions, {{"cleanup.policy", "compact"}});
  }

  void feed(int count, int poison_at = -1) {
    std::vector<kafka::OutRecord> records;
    for (int i = 0; i < count; ++i, ++fed) {
      const int partition = fed % partitions;
      records.push_back({input, "key" + std::to_string(partition),
                         i == poison_at ? std::string("poison") : std::to_string(fed), {}, partition});
    }
    produce(cluster.properties(), records);
  }

  kafka::LoopOptions options(const std::string& instance, Guarantee guarantee = Guarantee::exactly_once) const {
    config::Common common;
    common.kafka = cluster.settings();
    common.prefix = prefix;
    common.instance = instance;
    common.guarantee = guarantee;
    kafka::LoopOptions options = kafka::loop_options(common, "alert", "0");
    options.topics = {input};
    options.output_topics = {output};
    options.start[input] = {config::Start::Kind::earliest, {}, {}};
    options.session_timeout = 6s;
    return options;
  }

  /// What is wrong with the output; empty: all that was fed, once, in order, with unbroken numbers.
  std::string check() const {
    std::string wrong;
    std::map<int, std::int64_t> offset, number;
    std::map<int, int> count;
    for (const ReadRecord& record : read_topic(cluster.properties(), output)) {
      const Counted counted = counted_from(*record.value);
      if (counted.offset != offset[counted.partition]) {
        wrong += "partition " + std::to_string(counted.partition) + ": offset " + std::to_string(counted.offset) +
                 " instead of " + std::to_string(offset[counted.partition]) + "; ";
        break;
      }
      ++offset[counted.partition];
      if (counted.number != ++number[counted.partition]) {
        wrong += "partition " + std::to_string(counted.partition) + ": number " + std::to_string(counted.number) +
                 " instead of " + std::to_string(number[counted.partition]) + "; ";
        break;
      }
    }
    for (const auto& [partition, end] : topic_ends(cluster.properties(), input))
      if (offset[partition] != end)
        wrong += "partition " + std::to_string(partition) + ": " + std::to_string(offset[partition]) + " of " +
                 std::to_string(end) + "; ";
    return wrong;
  }

  bool finished() const {
    return group_offsets(cluster.properties(), group, input) == topic_ends(cluster.properties(), input);
  }
};

struct Worker {
  observe::Metrics metrics;
  kafka::Watchdog watchdog;
  CountingProcessor processor;
  std::mutex mutex;
  std::optional<kafka::LoopFailure> failure;
  std::string stage;
  kafka::Loop loop;

  Worker(const Stage& of, kafka::LoopOptions options, std::chrono::microseconds work = 0us)
      : processor({of.output, of.state, options.client, work}),
        stage(options.stage),
        loop(options, processor, watchdog, metrics, [this](const kafka::LoopFailure& why) {
          const std::lock_guard lock(mutex);
          failure = why;
        }) {
    loop.start();
  }
  ~Worker() { loop.stop(10s); }

  std::optional<kafka::LoopFailure> failed() {
    const std::lock_guard lock(mutex);
    return failure;
  }
  std::uint64_t count(std::string_view result) {
    return metrics.counter(observe::Metric::transactions, {stage, "0", result}).value();
  }
  std::uint64_t recreated() { return metrics.counter(observe::Metric::clients_recreated, {stage, "0"}).value(); }
};

/// Another process that takes our transactional id.
void fence(const kafka::LoopOptions& options) {
  kafka::Properties properties = options.client;
  properties.emplace_back("transactional.id", kafka::transactional_id(options));
  auto conf = kafka::make_conf(properties, "twin");
  ASSERT_TRUE(conf);
  auto handle = kafka::make_handle(RD_KAFKA_PRODUCER, std::move(*conf));
  ASSERT_TRUE(handle) << handle.error().message;
  const kafka::ErrorPtr error(rd_kafka_init_transactions(handle->get(), 20'000));
  ASSERT_FALSE(error) << rd_kafka_error_string(error.get());
}

TEST(Loop, MovesEachRecordOnceAndStandsStillWhenThereIsNothing) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  Stage stage(*cluster);
  stage.feed(400);
  Worker worker(stage, stage.options("a"));
  ASSERT_TRUE(eventually(30s, [&] { return stage.finished(); })) << worker.loop.status().trouble;
  EXPECT_TRUE(eventually(5s, [&] { return worker.loop.status().ready() && worker.loop.status().caught_up; }));
  EXPECT_EQ(worker.loop.status().assigned, partitions);
  // Idle: end-of-partition events may still move an offset behind a marker, then nothing is begun.
  std::uint64_t before = 0;
  EXPECT_TRUE(eventually(10s, [&] {
    const auto now = worker.count("committed");
    const bool still = now == before;
    before = now;
    std::this_thread::sleep_for(1s);  // the claim is about time
    return still;
  }));
  EXPECT_EQ(stage.check(), "");
  EXPECT_EQ(worker.count("aborted"), 0u);
  EXPECT_EQ(worker.processor.aborts, 0);
}

TEST(Loop, RecordThatKafkaRefusesIsFoundAndPutAsideAndNoOtherIsSkipped) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  Stage stage(*cluster, {{"max.message.bytes", "100000"}});
  stage.feed(400, 201);
  Worker worker(stage, stage.options("a"));
  ASSERT_TRUE(eventually(60s, [&] { return stage.finished(); })) << worker.loop.status().trouble;
  EXPECT_EQ(worker.processor.poisoned, 1);
  EXPECT_GE(worker.processor.aborts, 2) << "once for the round, then for ever smaller ones";
  int parked = 0;
  for (const ReadRecord& record : read_topic(cluster->properties(), stage.output))
    parked += counted_from(*record.value).value == "parked";
  EXPECT_EQ(parked, 1);
  stage.feed(40);
  ASSERT_TRUE(eventually(30s, [&] { return stage.finished(); }));
  // The parked one has no key, so it may stand in another partition of the output: count, do not compare order there.
  std::map<std::string, int> seen;
  for (const ReadRecord& record : read_topic(cluster->properties(), stage.output))
    ++seen[counted_from(*record.value).value];
  EXPECT_EQ(seen.size(), 440u);
  for (const auto& [value, times] : seen) EXPECT_EQ(times, 1) << value;
}

TEST(Loop, RefusedRecordIsFoundWithAtLeastOnceToo) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  Stage stage(*cluster, {{"max.message.bytes", "100000"}});
  stage.feed(200, 77);
  Worker worker(stage, stage.options("a", Guarantee::at_least_once));
  ASSERT_TRUE(eventually(60s, [&] { return stage.finished(); })) << worker.loop.status().trouble;
  EXPECT_EQ(worker.processor.poisoned, 1);
  std::map<std::string, int> seen;
  for (const ReadRecord& record : read_topic(cluster->properties(), stage.output))
    ++seen[counted_from(*record.value).value];
  EXPECT_EQ(seen.size(), 200u) << "nothing lost";
}

TEST(Loop, FencedOnceItTakesItsIdBackAndNothingIsDoubled) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  Stage stage(*cluster);
  stage.feed(200);
  Worker worker(stage, stage.options("a"));
  ASSERT_TRUE(eventually(30s, [&] { return stage.finished(); }));
  fence(stage.options("a"));
  stage.feed(200);
  ASSERT_TRUE(eventually(30s, [&] { return stage.finished(); })) << worker.loop.status().trouble;
  EXPECT_EQ(worker.recreated(), 1u);
  EXPECT_FALSE(worker.failed());
  EXPECT_EQ(stage.check(), "");
}

TEST(Loop, FencedAgainWithinSecondsItStopsWith78) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  Stage stage(*cluster);
  stage.feed(40);
  Worker worker(stage, stage.options("a"));
  ASSERT_TRUE(eventually(30s, [&] { return stage.finished(); }));
  EXPECT_TRUE(eventually(30s, [&] {
    fence(stage.options("a"));
    stage.feed(4);
    return worker.failed().has_value();
  }));
  ASSERT_TRUE(worker.failed());
  EXPECT_EQ(worker.failed()->exit_code, 78);
  EXPECT_EQ(worker.failed()->error.code, "twin");
  EXPECT_NE(worker.failed()->error.message.find("instance"), std::string::npos) << "must say what to change";
}

TEST(Loop, StaticTwinOfTheConsumerStopsOneWith78) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  Stage stage(*cluster);
  stage.feed(40);
  Worker first(stage, stage.options("same"));
  ASSERT_TRUE(eventually(30s, [&] { return stage.finished(); }));
  Worker second(stage, stage.options("same"));
  EXPECT_TRUE(eventually(60s, [&] {
    stage.feed(4);
    std::this_thread::sleep_for(200ms);
    return first.failed() || second.failed();
  }));
  const auto failure = first.failed() ? first.failed() : second.failed();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->exit_code, 78);
}

TEST(Loop, MemberThatComesAndGoesUnderCooperativeStickyLeavesNoGap) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  Stage stage(*cluster);
  stage.feed(400);
  Worker first(stage, stage.options("a"), 500us);
  ASSERT_TRUE(eventually(30s, [&] { return first.processor.processed > 50; }));
  {
    Worker second(stage, stage.options("b"), 500us);
    for (int i = 0; i < 10; ++i) {
      stage.feed(200);
      std::this_thread::sleep_for(300ms);
    }
    EXPECT_TRUE(eventually(30s, [&] { return second.processor.processed > 50; })) << second.loop.status().trouble;
    EXPECT_TRUE(eventually(
        10s, [&] { return first.loop.status().assigned + second.loop.status().assigned == partitions; }));
  }
  stage.feed(200);
  ASSERT_TRUE(eventually(60s, [&] { return stage.finished(); })) << first.loop.status().trouble;
  EXPECT_EQ(first.loop.status().assigned, partitions);
  EXPECT_EQ(stage.check(), "");
}

TEST(Loop, BrokerAbsentAtStartIsWaitedForAndItsRestartSurvived) {
  const auto cluster = KafkaCluster::start(1);
  NEWSWATCH_NEED_KAFKA(cluster);
  Stage stage(*cluster);
  stage.feed(400);
  cluster->stop_node(1);
  Worker worker(stage, stage.options("a"), 200us);
  std::this_thread::sleep_for(3s);  // long enough for a crash loop to show
  EXPECT_FALSE(worker.failed());
  EXPECT_EQ(worker.loop.status().state, kafka::LoopStatus::State::connecting);
  cluster->start_node(1);
  ASSERT_TRUE(eventually(30s, [&] { return stage.finished(); })) << worker.loop.status().trouble;
  for (int restart = 0; restart < 2; ++restart) {
    stage.feed(1000);
    ASSERT_TRUE(eventually(30s, [&, before = worker.processor.processed.load()] {
      return worker.processor.processed > before + 20;
    }));
    if (restart == 0)
      cluster->stop_node(1);
    else
      cluster->kill9(1);
    cluster->start_node(1);
    ASSERT_TRUE(eventually(60s, [&] { return stage.finished(); })) << worker.loop.status().trouble;
  }
  EXPECT_FALSE(worker.failed());
  EXPECT_EQ(stage.check(), "");
}

TEST(Loop, RecordsDeletedBeforeTheyWereReadAreCountedAndPassedOver) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  Stage stage(*cluster);
  stage.feed(400);
  {
    Worker worker(stage, stage.options("a"));
    ASSERT_TRUE(eventually(30s, [&] { return stage.finished(); }));
  }
  stage.feed(200);  // 50 a partition, of which the first 30 of partition 0 go
  {
    auto conf = kafka::make_conf(cluster->properties(), "test");
    ASSERT_TRUE(conf);
    auto handle = kafka::make_handle(RD_KAFKA_PRODUCER, std::move(*conf));
    const kafka::ListPtr list = kafka::make_list(1);
    rd_kafka_topic_partition_list_add(list.get(), stage.input.c_str(), 0)->offset = 130;
    auto* request = rd_kafka_DeleteRecords_new(list.get());
    const kafka::QueuePtr queue(rd_kafka_queue_new(handle->get()));
    rd_kafka_DeleteRecords(handle->get(), &request, 1, nullptr, queue.get());
    const kafka::EventPtr event(rd_kafka_queue_poll(queue.get(), 20'000));
    rd_kafka_DeleteRecords_destroy(request);
    ASSERT_TRUE(event);
  }
  {
    kafka::LoopOptions options = stage.options("a");
    options.on_lost_offsets = config::OnLostOffsets::stop;
    Worker worker(stage, options);
    ASSERT_TRUE(eventually(30s, [&] { return worker.failed().has_value(); }));
    EXPECT_EQ(worker.failed()->error.code, "lost_offsets");
  }
  Worker worker(stage, stage.options("a"));
  ASSERT_TRUE(eventually(30s, [&] { return stage.finished(); })) << worker.loop.status().trouble;
  EXPECT_EQ(worker.metrics.counter(observe::Metric::records_lost, {"alert", stage.input}).value(), 30u);
  EXPECT_EQ(read_topic(cluster->properties(), stage.output).size(), 570u);
}

TEST(Loop, IdleMemberIsNotEvicted) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  Stage stage(*cluster);
  kafka::LoopOptions options = stage.options("a");
  options.client.emplace_back("max.poll.interval.ms", "6000");
  options.client.emplace_back("session.timeout.ms", "6000");
  Worker worker(stage, options);
  ASSERT_TRUE(eventually(30s, [&] { return worker.loop.status().ready(); })) << worker.loop.status().trouble;
  const auto rebalances = worker.metrics.counter(observe::Metric::rebalances, {"alert", "0"});
  const auto before = rebalances.value();
  std::this_thread::sleep_for(8s);  // longer than the interval: the claim is about time
  EXPECT_EQ(rebalances.value(), before);
  stage.feed(8);
  ASSERT_TRUE(eventually(10s, [&] { return stage.finished(); }));
  EXPECT_EQ(stage.check(), "");
}

TEST(Loop, OneBrokerOfThreeDiesAndNothingIsLostOrDoubled) {
  const auto cluster = KafkaCluster::start(3);
  NEWSWATCH_NEED_KAFKA(cluster);
  Stage stage(*cluster);
  stage.feed(400);
  Worker worker(stage, stage.options("a"), 200us);
  ASSERT_TRUE(eventually(60s, [&] { return worker.processor.processed > 20; })) << worker.loop.status().trouble;
  stage.feed(2000);
  cluster->kill9(1 + static_cast<int>(test_seed() % 3));
  // First by the worker's own word: a reader made anew for each look may try the dead broker first, for seconds.
  ASSERT_TRUE(eventually(60s, [&] { return worker.processor.processed >= 2400; })) << worker.loop.status().trouble;
  ASSERT_TRUE(eventually(90s, [&] { return stage.finished(); })) << worker.loop.status().trouble;
  EXPECT_FALSE(worker.failed());
  EXPECT_EQ(stage.check(), "");
}

TEST(Loop, NewGroupBeginsWhereStartSays) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  Stage stage(*cluster);
  stage.feed(100);
  std::this_thread::sleep_for(1100ms);  // record times differ by it
  const auto middle = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  std::this_thread::sleep_for(50ms);
  stage.feed(60);
  using Kind = config::Start::Kind;
  const auto count_of = [&](config::Start start, const std::string& prefix) {
    kafka::LoopOptions options = stage.options("a");
    options.prefix = prefix;
    options.group = prefix + "-alert";
    options.start[stage.input] = start;
    Worker worker(stage, options);
    EXPECT_TRUE(eventually(30s, [&] { return worker.loop.status().ready() && worker.loop.status().caught_up; }));
    return worker.processor.processed.load();
  };
  EXPECT_EQ(count_of({Kind::latest, {}, {}}, stage.prefix + "-1"), 0);
  EXPECT_EQ(count_of({Kind::earliest, {}, {}}, stage.prefix + "-2"), 160);
  EXPECT_EQ(count_of({Kind::time, middle, {}}, stage.prefix + "-3"), 60);
  EXPECT_EQ(count_of({Kind::back, {}, 1h}, stage.prefix + "-4"), 160);
  // The second run of a group does not ask again.
  EXPECT_EQ(count_of({Kind::earliest, {}, {}}, stage.prefix + "-1"), 0);
}

}  // namespace
}  // namespace newswatch::test
