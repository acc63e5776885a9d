// Exactly once under kill -9, shown over a stage that numbers its records: every input once in the output, in order,
// with numbers that only unbroken state gives. The control runs the same with offsets outside the transaction, and
// the same check must find it wanting.

#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <random>
#include <thread>

#include "tests/support/counting_processor.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/process.h"
#include "tests/support/topic_reader.h"

namespace newswatch::test {
namespace {

using namespace std::chrono_literals;

constexpr int partitions = 4;
constexpr int inputs = 6000;

struct Names {
  std::string prefix = unique("loop-kill");
  std::string input = prefix + ".input", added = prefix + ".added", output = prefix + ".output",
              state = prefix + ".state";
};

/// What is wrong with the output; empty: exactly once, in order, numbered without a gap.
std::string check(const std::vector<ReadRecord>& records, int expected) {
  std::map<std::pair<std::string, int>, std::int64_t> last_offset, last_number;
  std::map<std::string, int> seen;
  for (const ReadRecord& record : records) ++seen[counted_from(*record.value).value];
  int doubled = 0;
  for (const auto& [value, times] : seen) doubled += times > 1;
  std::string wrong;
  if (doubled > 0) wrong += std::to_string(doubled) + " doubled; ";
  if (static_cast<int>(seen.size()) != expected)
    wrong += std::to_string(expected - static_cast<int>(seen.size())) + " missing; ";
  // One output partition a key, one key an input partition: so offsets and numbers ascend within each.
  for (const ReadRecord& record : records) {
    const Counted counted = counted_from(*record.value);
    const std::pair from(counted.topic, counted.partition);
    if (last_offset.count(from) && counted.offset <= last_offset[from]) {
      wrong += "order broken at " + *record.value + "; ";
      break;
    }
    last_offset[from] = counted.offset;
    if (counted.number != ++last_number[from]) {
      wrong += "number " + std::to_string(counted.number) + " instead of " + std::to_string(last_number[from]) + "; ";
      break;
    }
  }
  return wrong;
}

std::vector<kafka::OutRecord> numbered(const std::string& topic, int from, int to) {
  std::vector<kafka::OutRecord> records;
  for (int i = from; i < to; ++i) {
    const int partition = i % partitions;
    records.push_back({topic, "key" + std::to_string(partition), topic + "/" + std::to_string(i), {}, partition});
  }
  return records;
}

class Workers {
 public:
  Workers(const KafkaCluster& cluster, const Names& names, std::string guarantee)
      : cluster_(cluster), names_(names), guarantee_(std::move(guarantee)) {}

  Process start(const std::string& instance) const {
    return Process({std::string(NEWSWATCH_PROGRAMS) + "/loop_worker_program", "brokers=" + cluster_.bootstrap(),
                    "prefix=" + names_.prefix, "instance=" + instance, "guarantee=" + guarantee_,
                    guarantee_ == "at_least_once" ? "commit_ms=1000" : "commit_ms=100",
                    "topics=" + names_.input, "output=" + names_.output, "state=" + names_.state, "work_us=1000"});
  }

  /// Ten times: let them work, kill one at random, start it again. What is read is fed meanwhile.
  void run_with_kills() {
    std::mt19937 random(test_seed());
    const auto draw = [&](int low, int high) { return std::uniform_int_distribution(low, high)(random); };
    const auto properties = cluster_.properties();
    std::vector<Process> running;
    running.push_back(start("a"));
    running.push_back(start("b"));
    int fed = 0;
    const auto feed = [&](int to) {
      produce(properties, numbered(names_.input, fed, to));
      fed = to;
    };
    feed(inputs / 4);
    ASSERT_TRUE(eventually(60s, [&] { return !group_offsets(properties, names_.prefix + "-alert", names_.input).empty(); }))
        << running[0].output();
    for (int kill = 1; kill <= 10; ++kill) {
      std::this_thread::sleep_for(std::chrono::milliseconds(draw(300, 1200)));  // a random moment is the point
      const int victim = draw(0, 1);
      running[static_cast<std::size_t>(victim)].kill9();
      std::this_thread::sleep_for(std::chrono::milliseconds(draw(0, 300)));
      running[static_cast<std::size_t>(victim)] = start(victim == 0 ? "a" : "b");
      feed(inputs / 4 + (inputs - inputs / 4) * kill / 10);
    }
    const auto ends = topic_ends(properties, names_.input);
    EXPECT_TRUE(eventually(120s, [&] { return group_offsets(properties, names_.prefix + "-alert", names_.input) == ends; }))
        << running[0].output() << running[1].output();
    for (Process& process : running) EXPECT_EQ(process.terminate(), 0) << process.output();
  }

 private:
  const KafkaCluster& cluster_;
  const Names& names_;
  const std::string guarantee_;
};

void make_topics(const KafkaCluster& cluster, const Names& names) {
  cluster.create_topic(names.input, partitions);
  cluster.create_topic(names.output, 3);
  cluster.create_topic(names.state, partitions, {{"cleanup.policy", "compact"}});
}

TEST(LoopKill, ExactlyOnceThroughTenKills) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  const Names names;
  make_topics(*cluster, names);
  Workers workers(*cluster, names, "exactly_once");
  workers.run_with_kills();
  EXPECT_EQ(check(read_topic(cluster->properties(), names.output), inputs), "");
}

// A kill between an output and its offset is a matter of luck: so several tries, of which one must show it.
TEST(LoopKill, ControlWithOffsetsOutsideTheTransactionIsCaught) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  std::string wrong;
  for (int tries = 0; tries < 4 && wrong.empty(); ++tries) {
    const Names names;
    make_topics(*cluster, names);
    Workers workers(*cluster, names, "at_least_once");
    workers.run_with_kills();
    const auto records = read_topic(cluster->properties(), names.output);
    wrong = check(records, inputs);
    std::map<std::string, int> seen;
    for (const ReadRecord& record : records) ++seen[counted_from(*record.value).value];
    ASSERT_EQ(static_cast<int>(seen.size()), inputs) << "at least once may double, but must not lose";
  }
  EXPECT_NE(wrong, "") << "the check does not see doubled records, so it shows nothing";
}

TEST(LoopKill, PausedInstanceThatReturnsAfterATakeoverMakesNothingVisible) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  const Names names;
  make_topics(*cluster, names);
  Workers workers(*cluster, names, "exactly_once");
  const auto properties = cluster->properties();
  Process paused = workers.start("a");
  produce(properties, numbered(names.input, 0, 2000));
  ASSERT_TRUE(eventually(60s, [&] { return !group_offsets(properties, names.prefix + "-alert", names.input).empty(); }));
  ASSERT_TRUE(paused.wait_for_output("partitions assigned")) << paused.output();
  Process other = workers.start("b");
  std::this_thread::sleep_for(1s);
  paused.signal(SIGSTOP);          // in the middle of a transaction, most likely
  std::this_thread::sleep_for(15s);  // longer than session and transaction may last
  produce(properties, numbered(names.input, 2000, 3000));
  paused.signal(SIGCONT);
  const auto ends = topic_ends(properties, names.input);
  EXPECT_TRUE(eventually(90s, [&] { return group_offsets(properties, names.prefix + "-alert", names.input) == ends; }))
      << paused.output() << other.output();
  EXPECT_EQ(paused.terminate(), 0) << paused.output();
  EXPECT_EQ(other.terminate(), 0) << other.output();
  EXPECT_EQ(check(read_topic(properties, names.output), 3000), "");
}

TEST(LoopKill, TopicAddedWhileAStaticMemberWasDownIsRead) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  Names names;
  names.state.clear();
  cluster->create_topic(names.input, partitions);
  cluster->create_topic(names.added, partitions);
  cluster->create_topic(names.output, 3);
  const auto properties = cluster->properties();
  const auto start = [&](const std::string& instance, const std::string& topics) {
    return Process({std::string(NEWSWATCH_PROGRAMS) + "/loop_worker_program", "brokers=" + cluster->bootstrap(),
                    "prefix=" + names.prefix, "instance=" + instance, "guarantee=exactly_once", "assignor=range",
                    "topics=" + topics, "output=" + names.output});
  };
  Process stays = start("a", names.input);
  Process changes = start("b", names.input);
  produce(properties, numbered(names.input, 0, 200));
  ASSERT_TRUE(eventually(20s, [&] { return read_topic(properties, names.output).size() == 200; }))
      << stays.output() << changes.output() << read_topic(properties, names.output).size();
  changes.kill9();
  produce(properties, numbered(names.added, 0, 100));
  changes = start("b", names.input + "," + names.added);
  produce(properties, numbered(names.input, 200, 300));
  EXPECT_TRUE(eventually(60s, [&] { return read_topic(properties, names.output).size() >= 400; }))
      << changes.output() << stays.output();
  produce(properties, numbered(names.added, 100, 200));
  EXPECT_TRUE(eventually(30s, [&] { return read_topic(properties, names.output).size() >= 500; }))
      << changes.output();
  EXPECT_EQ(changes.terminate(), 0) << changes.output();
  EXPECT_EQ(stays.terminate(), 0) << stays.output();
  std::map<std::string, int> seen;
  for (const auto& record : read_topic(properties, names.output)) ++seen[counted_from(*record.value).value];
  EXPECT_EQ(seen.size(), 500u);
  for (const auto& [value, times] : seen) EXPECT_EQ(times, 1) << value;
}

}  // namespace
}  // namespace newswatch::test
