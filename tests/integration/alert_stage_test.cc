// The alert stage alone on a real Kafka, fed with match records. What must come out is what the pure core makes of the
// records of P.matches in their order: the same alerts for each rule, byte for byte, and in P.state the same entries
// and the same time for each partition. Through kill -9, and through aborts on purpose; the control keeps the state of
// an aborted try, and the same check must find it wanting.

#include "daemon/alert/stage.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "daemon/alert/core.h"
#include "daemon/alert/restore.h"
#include "daemon/flow/record_codec.h"
#include "daemon/kafka/watchdog.h"
#include "daemon/observe/metrics.h"
#include "tests/support/alert_schema.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/process.h"
#include "tests/support/sample_match.h"
#include "tests/support/topic_reader.h"

namespace newswatch::test {
namespace {

using namespace std::chrono_literals;
using alert::Core;

constexpr int partitions = 4;
constexpr auto remember = 14 * 24h;
const std::vector<config::Route> routes{{{"medium"}, {}, {"desk"}}};

/// One run's topics and settings.
struct Scene {
  explicit Scene(const KafkaCluster& its_cluster, bool exactly_once = true) : cluster(its_cluster) {
    common.kafka = cluster.settings();
    common.prefix = unique("alert");
    common.instance = "a";
    common.topics = config::Topics::named(common.prefix);
    common.guarantee = exactly_once ? config::Guarantee::exactly_once : config::Guarantee::at_least_once;
    cluster.create_topic(common.topics.matches.name, partitions);
    cluster.create_topic(common.topics.state.name, partitions,
                         {{"cleanup.policy", "compact"}, {"min.compaction.lag.ms", "3600000"}});
    cluster.create_topic(common.topics.rejected.name, 1);
  }
  void create_alerts(std::vector<std::pair<std::string, std::string>> properties = {}) const {
    cluster.create_topic(common.topics.alerts.name, 3, std::move(properties));
  }
  std::string group() const { return common.prefix + "-alert"; }

  void feed(const std::vector<flow::MatchRecord>& matches, std::size_t from, std::size_t to) const {
    std::vector<kafka::OutRecord> records;
    for (std::size_t i = from; i < to; ++i) {
      kafka::OutRecord record;
      record.topic = common.topics.matches.name;
      record.key = matches[i].rule.key;
      record.value = flow::encode(matches[i]);
      records.push_back(std::move(record));
    }
    produce(cluster.properties(), records);
  }
  bool all_read(std::chrono::milliseconds limit) const {
    return eventually(limit, [&] {
      return group_offsets(cluster.properties(), group(), common.topics.matches.name) ==
             topic_ends(cluster.properties(), common.topics.matches.name);
    });
  }

  const KafkaCluster& cluster;
  config::Common common;
};

/// Records in which every gate takes part, over `rules` rules.
std::vector<flow::MatchRecord> records(int count, int rules) {
  std::mt19937 random(test_seed());
  std::vector<flow::MatchRecord> all = random_matches(random, count);
  for (flow::MatchRecord& match : all)
    match.rule.key += "-" + std::to_string(random() % static_cast<unsigned>((rules + 4) / 5));
  return all;
}

/// What the core makes of P.matches.
struct Expected {
  std::map<std::string, std::vector<std::string>> alerts;  ///< by rule key, encoded
  std::vector<std::map<std::string, std::string>> states;  ///< by partition
  std::vector<Time> times;
};

Expected oracle(const Scene& scene) {
  Expected expected;
  std::vector<Core> cores;
  for (int i = 0; i < partitions; ++i) cores.emplace_back(remember);
  for (const ReadRecord& record : read_topic(scene.cluster.properties(), scene.common.topics.matches.name)) {
    const auto match = flow::decode_match(*record.value);
    if (!match) continue;
    const Core::Step step = cores[static_cast<std::size_t>(record.partition)].process(*match, routes);
    if (step.alert) expected.alerts[match->rule.key].push_back(flow::encode(*step.alert));
  }
  for (const Core& core : cores) {
    expected.states.push_back(core.state().snapshot());
    expected.times.push_back(core.time());
  }
  return expected;
}

/// What is wrong with P.alerts and P.state; empty: nothing. `repeats`: an alert may come again after its first.
std::string check(const Scene& scene, bool repeats = false) {
  const kafka::Properties properties = scene.cluster.properties();
  const Expected expected = oracle(scene);
  std::map<std::string, std::vector<std::string>> alerts;
  std::set<std::string> seen;
  std::string wrong;
  for (const ReadRecord& record : read_topic(properties, scene.common.topics.alerts.name)) {
    if (const std::string problems = alert_problems(*record.value); !problems.empty()) wrong += problems + "; ";
    if (repeats && !seen.insert(*record.value).second) continue;
    alerts[*record.key].push_back(*record.value);
  }
  std::size_t total = 0, total_expected = 0;
  for (const auto& [rule, list] : alerts) total += list.size();
  for (const auto& [rule, list] : expected.alerts) total_expected += list.size();
  if (total != total_expected)
    wrong += std::to_string(total) + " alerts instead of " + std::to_string(total_expected) + "; ";
  for (const auto& [rule, list] : expected.alerts)
    if (alerts[rule] != list) wrong += "alerts of " + rule + " differ; ";

  std::vector<alert::Restore> restores(partitions);
  for (const ReadRecord& record : read_topic(properties, scene.common.topics.state.name)) {
    const std::optional<std::string_view> value = record.value;
    const auto taken = restores[static_cast<std::size_t>(record.partition)].take(*record.key, value);
    if (!taken) return wrong + taken.error().message;
  }
  const auto offsets = group_offsets(properties, scene.group(), scene.common.topics.matches.name);
  for (std::size_t i = 0; i < partitions; ++i) {
    const std::string here = " of partition " + std::to_string(i) + " differs; ";
    const alert::Restore::Outcome outcome = std::move(restores[i]).finish();
    if (outcome.state.snapshot() != expected.states[i]) wrong += "state" + here;
    const auto offset = offsets.find(static_cast<int>(i));
    if (!outcome.position) {
      if (offset != offsets.end() && offset->second > 0) wrong += "position" + here;
      continue;
    }
    if (outcome.position->time != expected.times[i]) wrong += "time" + here;
    if (offset == offsets.end() || outcome.position->next != offset->second) wrong += "offset" + here;
  }
  return wrong;
}

Process start_worker(const Scene& scene, const std::string& instance) {
  const bool exactly_once = scene.common.guarantee == config::Guarantee::exactly_once;
  return Process({std::string(NEWSWATCH_PROGRAMS) + "/alert_worker_program", "brokers=" + scene.cluster.bootstrap(),
                  "prefix=" + scene.common.prefix, "instance=" + instance,
                  std::string("guarantee=") + (exactly_once ? "exactly_once" : "at_least_once")});
}

/// Two instances; ten times one of them is killed at a random moment and started again, while matches arrive.
void run_with_kills(const Scene& scene, const std::vector<flow::MatchRecord>& matches) {
  std::mt19937 random(test_seed() + 1);
  const auto draw = [&](int low, int high) { return std::uniform_int_distribution(low, high)(random); };
  std::vector<Process> running;
  running.push_back(start_worker(scene, "a"));
  running.push_back(start_worker(scene, "b"));
  std::size_t fed = 0;
  const auto feed = [&](std::size_t to) {
    scene.feed(matches, fed, to);
    fed = to;
  };
  feed(matches.size() / 10);
  ASSERT_TRUE(eventually(60s, [&] {
    return !group_offsets(scene.cluster.properties(), scene.group(), scene.common.topics.matches.name).empty();
  })) << running[0].output();
  for (std::size_t kill = 1; kill <= 10; ++kill) {
    const std::size_t goal = matches.size() / 10 + (matches.size() - matches.size() / 10) * kill / 10;
    // In portions, so that it works while it is killed.
    const auto victim = static_cast<std::size_t>(draw(0, 1));
    const int portions = draw(3, 12);
    for (int portion = 1; portion <= portions; ++portion) {
      feed(fed + (goal - fed) / 2);
      std::this_thread::sleep_for(std::chrono::milliseconds(draw(0, 120)));  // a random moment is the point
    }
    running[victim].kill9();
    feed(goal);
    running[victim] = start_worker(scene, victim == 0 ? "a" : "b");
  }
  EXPECT_TRUE(scene.all_read(120s)) << running[0].output() << running[1].output();
  for (Process& process : running) EXPECT_EQ(process.terminate(), 0) << process.output();
}

TEST(AlertStage, ExactlyOnceThroughTenKills) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  const Scene scene(*cluster);
  scene.create_alerts();
  run_with_kills(scene, records(4000, 40));
  EXPECT_EQ(check(scene), "");
}

TEST(AlertStage, AtLeastOnceThroughTenKillsLosesNothingAndRepeatsUnderTheSameId) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  const Scene scene(*cluster, false);
  scene.create_alerts();
  run_with_kills(scene, records(4000, 40));
  EXPECT_EQ(check(scene, true), "");
}

TEST(AlertStage, AnInstanceThatWasPausedAndReturnsChangesNothing) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  const Scene scene(*cluster);
  scene.create_alerts();
  const std::vector<flow::MatchRecord> matches = records(1500, 40);
  Process paused = start_worker(scene, "a");
  Process stays = start_worker(scene, "b");
  scene.feed(matches, 0, 300);
  ASSERT_TRUE(scene.all_read(60s)) << paused.output() << stays.output();
  // Both hold partitions by now; it is paused in the middle of its work.
  std::thread feeding([&] { scene.feed(matches, 300, 900); });
  paused.signal(SIGSTOP);
  feeding.join();
  EXPECT_TRUE(scene.all_read(90s)) << stays.output();  // the other one has taken over all
  paused.signal(SIGCONT);
  scene.feed(matches, 900, 1500);
  EXPECT_TRUE(scene.all_read(90s)) << paused.output() << stays.output();
  EXPECT_EQ(paused.terminate(), 0) << paused.output();
  EXPECT_EQ(stays.terminate(), 0) << stays.output();
  EXPECT_EQ(check(scene), "");
}

/// Lets the stage's processor work, and makes some of its rounds fail by a record that no topic takes.
class Aborting final : public kafka::Processor {
 public:
  Aborting(std::unique_ptr<kafka::Processor> inner, std::string topic, bool keeps_state)
      : inner_(std::move(inner)), topic_(std::move(topic)), keeps_state_(keeps_state) {}

  bool restores() const override { return inner_->restores(); }
  Result<std::unique_ptr<kafka::Restored>> restore(const kafka::RestoreContext& context) override {
    return inner_->restore(context);
  }
  Result<std::int64_t> start(const kafka::TopicPartition& partition, std::optional<std::int64_t> committed,
                             std::int64_t earliest, std::unique_ptr<kafka::Restored> restored) override {
    if (keeps_state_ && !started_.insert(partition.partition).second) return committed.value_or(earliest);
    return inner_->start(partition, committed, earliest, std::move(restored));
  }
  void revoked(std::span<const kafka::TopicPartition> gone) override { inner_->revoked(gone); }
  void aborted() override {
    ++aborts;
    if (!keeps_state_) inner_->aborted();
  }
  void process(const kafka::Record& record, kafka::Output& output) override {
    inner_->process(record, output);
    // Each record once at most, or the loop would find it to be the culprit.
    if (++processed_ % 250 != 0 || !struck_.insert({record.from().partition, record.offset()}).second) return;
    kafka::OutRecord out;
    out.topic = topic_;
    out.value = std::string(5'000'000, 'x');
    output.produce(std::move(out));
  }
  int phases() const override { return inner_->phases(); }
  void flush_phase(int phase, std::span<const kafka::Position> positions, kafka::Output& output) override {
    inner_->flush_phase(phase, positions, output);
  }
  bool wants_commit() const override { return inner_->wants_commit(); }
  bool has_room(const kafka::TopicPartition& partition) override { return inner_->has_room(partition); }
  void committed() override { inner_->committed(); }
  Poison poison(const kafka::Record& record, const Error& error, kafka::Output& output) override {
    return inner_->poison(record, error, output);
  }

  std::atomic<int> aborts{0};

 private:
  std::unique_ptr<kafka::Processor> inner_;
  std::string topic_;
  bool keeps_state_;
  int processed_ = 0;
  std::set<std::int32_t> started_;
  std::set<std::pair<std::int32_t, std::int64_t>> struck_;
};

std::string run_with_aborts(const Scene& scene, bool keeps_state) {
  observe::Metrics metrics;
  kafka::Watchdog watchdog;
  const alert::Routes its_routes(routes);
  kafka::LoopOptions options = alert::worker_options(scene.common, 0, false);
  alert::ProcessorOptions its;
  its.topics = scene.common.topics;
  its.group = options.group;
  its.exactly_once = scene.common.guarantee == config::Guarantee::exactly_once;
  its.remember = remember;
  its.client = options.client;
  Aborting processor(alert::make_processor(std::move(its), its_routes, metrics), scene.common.topics.alerts.name,
                     keeps_state);
  kafka::Loop loop(options, processor, watchdog, metrics,
                   [](const kafka::LoopFailure& failure) { ADD_FAILURE() << failure.error.message; });
  loop.start();
  const std::vector<flow::MatchRecord> matches = records(1500, 20);
  for (std::size_t at = 0; at < matches.size(); at += 100) scene.feed(matches, at, at + 100);
  EXPECT_TRUE(scene.all_read(120s));
  loop.stop(10s);
  EXPECT_GE(processor.aborts.load(), 3) << "too few aborts to show anything";
  return check(scene, !(scene.common.guarantee == config::Guarantee::exactly_once));
}

TEST(AlertStage, AbortsLeaveNoTrace) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  const Scene scene(*cluster);
  scene.create_alerts();
  EXPECT_EQ(run_with_aborts(scene, false), "");
}

TEST(AlertStage, AbortsAtLeastOnceLoseNothing) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  const Scene scene(*cluster, false);
  scene.create_alerts();
  EXPECT_EQ(run_with_aborts(scene, false), "");
}

TEST(AlertStage, ControlThatKeepsStateAfterAnAbortIsCaught) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  const Scene scene(*cluster);
  scene.create_alerts();
  const std::string found = run_with_aborts(scene, true);
  std::cout << "found: " << found << "\n";
  EXPECT_NE(found.find("alerts instead of"), std::string::npos)
      << "the check does not see lost alerts, so it shows nothing";
}

/// A stage in this process; its failure, if any.
class RunningStage {
 public:
  explicit RunningStage(const Scene& scene)
      : stage_(scene.common, settings(), watchdog_, metrics_, [this](const kafka::LoopFailure& failure) {
          const std::lock_guard lock(mutex_);
          failure_ = failure.error.message;
        }) {
    stage_.start();
  }
  ~RunningStage() { stage_.stop(10s); }
  std::string failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }
  alert::Stage& stage() { return stage_; }
  const observe::Metrics& metrics() const { return metrics_; }

 private:
  static config::AlertStage settings() {
    config::AlertStage made;
    made.routes = routes;
    return made;
  }
  observe::Metrics metrics_;
  kafka::Watchdog watchdog_;
  mutable std::mutex mutex_;
  std::string failure_;
  alert::Stage stage_;
};

TEST(AlertStage, SetsAsideWhatIsNoMatchAndGoesOn) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  const Scene scene(*cluster);
  scene.create_alerts();
  const std::string key = "rule";
  produce(cluster->properties(), {{scene.common.topics.matches.name, key, "no match\n", {}, {}},
                                  {scene.common.topics.matches.name, key, std::nullopt, {}, {}}});
  scene.feed({small_match(key, "a", 0)}, 0, 1);
  {
    RunningStage stage(scene);
    EXPECT_TRUE(scene.all_read(60s)) << stage.failure();
    EXPECT_NE(stage.metrics().render().find("newswatchd_matches_total{outcome=\"rejected\"} 2"), std::string::npos);
    EXPECT_NE(stage.metrics().render().find("newswatchd_matches_total{outcome=\"alerted\"} 1"), std::string::npos);
  }
  EXPECT_EQ(check(scene), "");
  const auto rejected = read_topic(cluster->properties(), scene.common.topics.rejected.name);
  ASSERT_EQ(rejected.size(), 2u);
  EXPECT_EQ(rejected[0].key, key);
  EXPECT_EQ(rejected[0].value, "no match\n");
  std::map<std::string, std::string> headers(rejected[0].headers.begin(), rejected[0].headers.end());
  EXPECT_EQ(headers["nw_stage"], "alert");
  EXPECT_EQ(headers["nw_code"], "bad_record");
  EXPECT_EQ(headers["nw_topic"], scene.common.topics.matches.name);
  EXPECT_EQ(headers["nw_offset"], "0");
}

TEST(AlertStage, CutsAnAlertThatTheTopicDoesNotTake) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  const Scene scene(*cluster);
  scene.create_alerts({{"max.message.bytes", "60000"}});
  flow::MatchRecord large = small_match("rule", "a", 0);
  std::mt19937 random(1);
  for (int i = 0; i < 100; ++i) {
    std::string text;
    for (int j = 0; j < 2000; ++j) text += static_cast<char>('!' + random() % 90);  // does not compress
    large.evidence.hits.push_back({"t", "", Field::body, 1, 2, text});
  }
  large.evidence.hits_total = 0;
  scene.feed({small_match("rule", "before", 0), large, small_match("rule", "after", 1)}, 0, 3);
  {
    RunningStage stage(scene);
    EXPECT_TRUE(scene.all_read(120s)) << stage.failure();
  }
  std::vector<std::string> articles;
  for (const ReadRecord& record : read_topic(cluster->properties(), scene.common.topics.alerts.name)) {
    const auto alert = flow::decode_alert(*record.value);
    ASSERT_TRUE(alert);
    articles.push_back(alert->article.id);
    if (alert->article.id != "a") continue;
    EXPECT_LE(record.value->size(), 60'000u);
    EXPECT_EQ(alert->evidence.hits_total, 101u);
    EXPECT_LT(alert->evidence.hits.size(), 100u);
  }
  EXPECT_EQ(articles, (std::vector<std::string>{"before", "a", "after"}));
  EXPECT_TRUE(read_topic(cluster->properties(), scene.common.topics.rejected.name).empty());
}

TEST(AlertStage, RefusesOffsetsThatDisagreeWithItsState) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  const Scene scene(*cluster);
  scene.create_alerts();
  scene.feed(records(200, 20), 0, 200);
  {
    RunningStage stage(scene);
    ASSERT_TRUE(scene.all_read(60s)) << stage.failure();
  }
  // Somebody moves the group: the state belongs to another place now.
  for (const ReadRecord& record : read_topic(cluster->properties(), scene.common.topics.state.name)) {
    if (*record.key != alert::position_key) continue;
    const auto position = alert::decode_position(*record.value);
    ASSERT_TRUE(position);
    if (position->next == 0) continue;
    alert::Position moved = *position;
    moved.next -= 1;
    kafka::OutRecord out;
    out.topic = scene.common.topics.state.name;
    out.key = *record.key;
    out.value = encode(moved);
    out.partition = record.partition;
    produce(cluster->properties(), {out});
    break;
  }
  RunningStage stage(scene);
  ASSERT_TRUE(eventually(60s, [&] { return !stage.failure().empty(); }));
  EXPECT_NE(stage.failure().find("--reset-offsets --to-offset"), std::string::npos) << stage.failure();
  EXPECT_NE(stage.failure().find(scene.common.topics.state.name), std::string::npos) << stage.failure();
}

TEST(AlertStage, RefusesAnotherNumberOfPartitions) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  const Scene scene(*cluster);
  scene.create_alerts();
  kafka::OutRecord out;
  out.topic = scene.common.topics.state.name;
  out.key = std::string(alert::position_key);
  out.value = encode(alert::Position{0, 3, {}});
  out.partition = 0;
  produce(cluster->properties(), {out});
  RunningStage stage(scene);
  ASSERT_TRUE(eventually(60s, [&] { return !stage.failure().empty(); }));
  EXPECT_NE(stage.failure().find("has 4 partitions"), std::string::npos) << stage.failure();
  EXPECT_NE(stage.failure().find("written for 3"), std::string::npos) << stage.failure();
}

}  // namespace
}  // namespace newswatch::test
