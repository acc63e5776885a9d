// newswatchd itself on a real Kafka: 2,000 real articles through all three stages, and what came out compared with the
// oracle of the rule language and with the pure alert core over the recorded matches. Exactly.

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "tests/support/http_receiver.h"
#include "tests/integration/newsroom.h"
#include "tests/support/topic_reader.h"

namespace newswatch::test {
namespace {

using namespace std::chrono_literals;

#define NEED_ARTICLES() \
  if (const std::string why = Newsroom::why_no_articles(); !why.empty()) GTEST_SKIP() << why

TEST(Pipeline, ArticlesBecomeTheMatchesOfTheOracleAndTheAlertsOfTheCore) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  NEED_ARTICLES();
  std::mutex mutex;
  std::multiset<std::string> hooked;
  HttpReceiver receiver([&](const ReceivedRequest& request) {
    const std::lock_guard lock(mutex);
    hooked.insert(request.header("webhook-id"));
    return Reaction{};
  });
  Newsroom room(*cluster, {"exactly_once", 2000, receiver.url(), ""});
  Process daemon = room.start("a");
  ASSERT_TRUE(Newsroom::wait_ready(daemon)) << daemon.output();
  room.feed(room.left());
  ASSERT_TRUE(eventually(120s, [&] { return room.finished(); })) << room.progress() << daemon.output();
  EXPECT_EQ(daemon.terminate(), 0) << daemon.output();
  EXPECT_EQ(room.check_matches(), "");
  EXPECT_EQ(room.check_alerts(), "");
  const auto ids = room.alert_ids();
  const std::lock_guard lock(mutex);
  EXPECT_EQ(hooked, std::multiset<std::string>(ids.begin(), ids.end())) << "nothing failed, so once each";
}

/// Ten kills at random moments of two instances; one is restarted with a topic added at half time.
void run_with_kills(Newsroom& room) {
  std::mt19937 random(test_seed());
  const auto draw = [&](int low, int high) { return std::uniform_int_distribution(low, high)(random); };
  std::vector<Process> running;
  running.push_back(room.start("a"));
  running.push_back(room.start("b"));
  ASSERT_TRUE(Newsroom::wait_ready(running[0])) << running[0].output();
  ASSERT_TRUE(Newsroom::wait_ready(running[1])) << running[1].output();
  const std::size_t part = room.left() / 22;
  bool added = false;
  for (int kill = 1; kill <= 10; ++kill) {
    room.feed(part);
    if (added) room.feed(part, true);
    std::this_thread::sleep_for(std::chrono::milliseconds(draw(50, 1500)));  // a random moment is the point
    const int victim = draw(0, 1);
    auto& process = running[static_cast<std::size_t>(victim)];
    process.kill9();
    room.feed(part / 2);
    // From half time on, a comes back with a topic added that b never reads.
    if (kill >= 5 && victim == 0 && !added) {
      added = true;
      room.feed(part, true);
    }
    process = room.start(victim == 0 ? "a" : "b", victim == 0 && added);
    ASSERT_TRUE(Newsroom::wait_ready(process)) << process.output();
  }
  if (!added) {
    EXPECT_EQ(running[0].terminate(), 0) << running[0].output();
    room.feed(part, true);
    running[0] = room.start("a", true);
    ASSERT_TRUE(Newsroom::wait_ready(running[0])) << running[0].output();
  }
  room.feed(room.left());
  ASSERT_TRUE(eventually(120s, [&] { return room.finished(); }))
      << room.progress() << running[0].output() << running[1].output();
  for (Process& process : running) EXPECT_EQ(process.terminate(), 0) << process.output();
}

TEST(PipelineKill, TenKillsOfTwoInstancesAndATopicAddedLoseNothingAndDoubleNothing) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  NEED_ARTICLES();
  std::mutex mutex;
  std::set<std::string> hooked;
  HttpReceiver receiver([&](const ReceivedRequest& request) {
    const std::lock_guard lock(mutex);
    hooked.insert(request.header("webhook-id"));
    return Reaction{};
  });
  Newsroom room(*cluster, {"exactly_once", 2000, receiver.url(), ""});
  run_with_kills(room);
  EXPECT_EQ(room.check_matches(), "");
  EXPECT_EQ(room.check_alerts(), "");
  const auto ids = room.alert_ids();
  const std::lock_guard lock(mutex);
  EXPECT_EQ(hooked, std::set<std::string>(ids.begin(), ids.end())) << "each at least once, under its own id";
}

TEST(PipelineKill, ControlWithOffsetsOutsideTheTransactionIsCaughtAndLosesNothing) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  NEED_ARTICLES();
  // Offsets follow their output after up to three seconds, so a kill falls between the two.
  Newsroom room(*cluster, {"at_least_once", 2000, "", "commit_interval: 3s\n"});
  run_with_kills(room);
  EXPECT_NE(room.check_matches() + room.check_alerts(), "")
      << "offsets were committed apart from the output and nothing was doubled: the check shows nothing";
  EXPECT_EQ(room.check_matches(true), "") << "at least once may double, but must not lose";
  EXPECT_EQ(room.check_nothing_lost(), "");
}

TEST(Pipeline, BrokerAbsentAtStartAndRestartedMidRun) {
  const auto cluster = KafkaCluster::start(1);
  NEWSWATCH_NEED_KAFKA(cluster);
  NEED_ARTICLES();
  Newsroom room(*cluster, {"exactly_once", 1000, "", ""});
  cluster->stop_node(1);
  Process daemon = room.start("a");
  std::this_thread::sleep_for(5s);  // long enough for a crash loop to show
  EXPECT_TRUE(daemon.running()) << daemon.output();
  cluster->start_node(1);
  ASSERT_TRUE(Newsroom::wait_ready(daemon)) << daemon.output();
  room.feed(room.left() / 2);
  cluster->kill9(1);
  cluster->start_node(1);
  room.feed(room.left());
  ASSERT_TRUE(eventually(120s, [&] { return room.finished(); })) << room.progress() << daemon.output();
  EXPECT_EQ(daemon.terminate(), 0) << daemon.output();
  EXPECT_EQ(room.check_matches(), "");
  EXPECT_EQ(room.check_alerts(), "");
}

}  // namespace
}  // namespace newswatch::test
