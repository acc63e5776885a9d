// Delivery under kill -9: a webhook gets every alert at least once, with its id unchanged; a topic of the user's gets
// each exactly once. The control writes the topic outside of transactions, and the same check must find it wanting.

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <algorithm>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "config/loader/settings.h"
#include "tests/support/http_receiver.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/process.h"
#include "tests/support/sample_alert.h"
#include "tests/support/topic_reader.h"

namespace newswatch::test {
namespace {

using namespace std::chrono_literals;

constexpr int alerts = 4'000;
constexpr int kills = 8;

struct Names {
  std::string prefix = unique("deliver-kill");
  config::Topics topics = config::Topics::named(prefix);
  std::string desk = prefix + ".desk";
};

void make_topics(const KafkaCluster& cluster, const Names& names) {
  cluster.create_topic(names.topics.alerts.name, 4);
  cluster.create_topic(names.topics.undelivered.name, 3);
  cluster.create_topic(names.desk, 3);
}

std::set<std::string> expected_ids() {
  std::set<std::string> ids;
  for (int n = 0; n < alerts; ++n) ids.insert(sample_alert("kill", n, {}).id);
  return ids;
}

/// Feeds alerts while one worker is killed at random moments, until the group has done all.
void run_with_kills(const KafkaCluster& cluster, const Names& names, const std::string& destination,
                    const std::string& group, const std::string& guarantee) {
  std::mt19937 random(test_seed());
  const auto draw = [&](int low, int high) { return std::uniform_int_distribution(low, high)(random); };
  const auto properties = cluster.properties();
  const auto start = [&] {
    return Process({std::string(NEWSWATCH_PROGRAMS) + "/deliver_worker_program", "brokers=" + cluster.bootstrap(),
                    "prefix=" + names.prefix, "instance=a", "guarantee=" + guarantee, destination,
                    guarantee == "at_least_once" ? "commit_ms=1000" : "commit_ms=100"});
  };
  int fed = 0;
  const auto feed = [&](int to) {
    std::vector<kafka::OutRecord> records;
    for (; fed < to; ++fed)
      records.push_back(alert_record(names.topics.alerts.name, sample_alert("kill", fed, {"hook", "desk"})));
    produce(properties, records);
  };
  Process worker = start();
  for (int kill = 1; kill <= kills; ++kill) {
    // Fed in small pieces, so that a random moment hits work under way.
    const int until = alerts * kill / kills;
    const int left = draw(200, 1'500);
    for (int step = 0; step < 10; ++step) {
      feed(fed + (until - fed) / (10 - step));
      std::this_thread::sleep_for(std::chrono::milliseconds(left / 10));
    }
    worker.kill9();
    worker = start();
  }
  const auto ends = topic_ends(properties, names.topics.alerts.name);
  EXPECT_TRUE(eventually(120s, [&] { return group_offsets(properties, group, names.topics.alerts.name) == ends; }))
      << worker.output();
  EXPECT_EQ(worker.terminate(), 0) << worker.output();
}

TEST(DeliverKill, AWebhookGetsEveryAlertWithItsIdUnchanged) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  const Names names;
  make_topics(*cluster, names);
  std::mutex mutex;
  std::map<std::string, std::multiset<std::string>> bodies;  // by webhook-id
  int count = 0;
  HttpReceiver receiver([&](const ReceivedRequest& request) {
    std::lock_guard lock(mutex);
    const std::string id = request.header("webhook-id");
    EXPECT_EQ(request.header("idempotency-key"), id);
    bodies[id].insert(request.body);
    // Every hundredth answer is lost, every fiftieth is a refusal for now.
    ++count;
    if (count % 100 == 0) return Reaction{.close = true};
    if (count % 50 == 0) return Reaction{.status = 503};
    return Reaction{};
  });
  run_with_kills(*cluster, names, "webhook.hook=" + receiver.url(), names.prefix + "-deliver-hook", "exactly_once");

  std::lock_guard lock(mutex);
  std::set<std::string> got;
  std::size_t repeated = 0;
  for (const auto& [id, all] : bodies) {
    got.insert(id);
    repeated += all.size() - 1;
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 1u) << id << " came with different bodies";
    EXPECT_EQ(boost::json::parse(*all.begin()).at("id").as_string(), id);
  }
  EXPECT_EQ(got, expected_ids());
  // What waits for a retry holds the watermark back: at each kill up to 1,000 alerts of each partition come again.
  EXPECT_LE(repeated, static_cast<std::size_t>(kills * std::min(alerts, 4 * 1000)));
  RecordProperty("repeated", static_cast<int>(repeated));
  EXPECT_TRUE(read_topic(cluster->properties(), names.topics.undelivered.name).empty());
}

/// What is wrong with the user's topic; empty: each alert once.
std::string check(const std::vector<ReadRecord>& records) {
  std::map<std::string, int> times;
  for (const ReadRecord& record : records)
    for (const auto& [name, value] : record.headers)
      if (name == "ce_id") ++times[value];
  int doubled = 0, missing = 0;
  for (const std::string& id : expected_ids()) {
    doubled += times[id] > 1 ? 1 : 0;
    missing += times[id] == 0 ? 1 : 0;
  }
  std::string wrong;
  if (missing > 0) wrong += std::to_string(missing) + " missing; ";
  if (doubled > 0) wrong += std::to_string(doubled) + " doubled; ";
  return wrong;
}

TEST(DeliverKill, ATopicGetsEveryAlertOnce) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  const Names names;
  make_topics(*cluster, names);
  run_with_kills(*cluster, names, "kafka.desk=" + names.desk, names.prefix + "-deliver-desk", "exactly_once");
  EXPECT_EQ(check(read_topic(cluster->properties(), names.desk)), "");
}

// A kill between an output and its offset is a matter of luck: so several tries, of which one must show it.
TEST(DeliverKill, ControlWithoutTransactionsIsCaught) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  std::string wrong;
  for (int tries = 0; tries < 4 && wrong.find("doubled") == std::string::npos; ++tries) {
    const Names names;
    make_topics(*cluster, names);
    run_with_kills(*cluster, names, "kafka.desk=" + names.desk, names.prefix + "-deliver-desk", "at_least_once");
    wrong = check(read_topic(cluster->properties(), names.desk));
    ASSERT_EQ(wrong.find("missing"), std::string::npos) << wrong;
  }
  EXPECT_NE(wrong.find("doubled"), std::string::npos) << "the check does not see doubled records, so it shows nothing";
}

}  // namespace
}  // namespace newswatch::test
