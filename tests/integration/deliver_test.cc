// The deliver stage against a real Kafka and a receiver that misbehaves.

#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/parse.hpp>
#include <map>
#include <mutex>
#include <random>
#include <set>

#include "daemon/deliver/kafka.h"
#include "daemon/deliver/stage.h"
#include "daemon/deliver/webhook.h"
#include "daemon/flow/record_codec.h"
#include "daemon/http/client.h"
#include "daemon/kafka/watchdog.h"
#include "daemon/observe/metrics.h"
#include "tests/support/http_receiver.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/process.h"
#include "tests/support/sample_alert.h"
#include "tests/support/topic_reader.h"

namespace newswatch::deliver {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::HttpReceiver;
using test::KafkaCluster;
using test::Reaction;
using test::ReceivedRequest;

/// A receiver that counts what it got by id.
class Receiver {
 public:
  explicit Receiver(Reaction reaction = {})
      : reaction_(std::move(reaction)), server_([this](const ReceivedRequest& request) {
          std::lock_guard lock(mutex_);
          ++got_[request.header("webhook-id")];
          return reaction_;
        }) {}
  std::map<std::string, int> got() {
    std::lock_guard lock(mutex_);
    return got_;
  }
  void react(Reaction reaction) {
    std::lock_guard lock(mutex_);
    reaction_ = std::move(reaction);
  }
  std::string url() const { return server_.url(); }

 private:
  std::mutex mutex_;
  std::map<std::string, int> got_;
  Reaction reaction_;
  HttpReceiver server_;
};

class DeliverTest : public testing::Test {
 protected:
  void SetUp() override {
    cluster = KafkaCluster::shared();
    NEWSWATCH_NEED_KAFKA(cluster);
    common.kafka = cluster->settings();
    common.prefix = test::unique("deliver");
    common.topics = config::Topics::named(common.prefix);
    common.instance = "a";
    cluster->create_topic(common.topics.alerts.name, 4);
    cluster->create_topic(common.topics.undelivered.name, 3);
  }

  std::unique_ptr<Stage> start(const Stage::Destinations& destinations) {
    auto stage = std::make_unique<Stage>(
        common, io.context(), watchdog, metrics,
        [](const kafka::LoopFailure& failure) { ADD_FAILURE() << "the loop failed: " << failure.error.message; });
    stage->apply(destinations);
    return stage;
  }
  static std::shared_ptr<WebhookSettings> webhook(const std::string& name, const std::string& url) {
    auto settings = std::make_shared<WebhookSettings>();
    settings->name = settings->group = name;
    settings->type = "webhook";
    settings->http.url = std::get<http::Url>(http::parse_url(url));
    settings->pace.retry = {100ms, 2, 1s};
    return settings;
  }
  static std::shared_ptr<KafkaSettings> topic(const std::string& name, const std::string& wanted) {
    auto settings = std::make_shared<KafkaSettings>();
    settings->name = settings->group = name;
    settings->type = "kafka";
    settings->topic = wanted;
    return settings;
  }
  void feed(int from, int to, const std::vector<std::string>& destinations) {
    std::vector<kafka::OutRecord> records;
    for (int n = from; n < to; ++n)
      records.push_back(test::alert_record(common.topics.alerts.name, test::sample_alert("x", n, destinations)));
    test::produce(cluster->properties(), records);
  }
  static std::map<std::string, int> once(int from, int to) {
    std::map<std::string, int> ids;
    for (int n = from; n < to; ++n) ids[test::sample_alert("x", n, {}).id] = 1;
    return ids;
  }
  bool all_committed(const std::string& group) {
    return eventually(60s, [&] {
      return test::group_offsets(cluster->properties(), common.prefix + "-deliver-" + group,
                                 common.topics.alerts.name) ==
             test::topic_ends(cluster->properties(), common.topics.alerts.name);
    });
  }
  std::vector<boost::json::object> undelivered() {
    std::vector<boost::json::object> all;
    for (const auto& record : test::read_topic(cluster->properties(), common.topics.undelivered.name)) {
      all.push_back(boost::json::parse(*record.value).as_object());
      EXPECT_EQ(all.back().at("destination").as_string(), *record.key);
    }
    return all;
  }

  KafkaCluster* cluster = nullptr;
  config::Common common;
  http::IoThread io;
  observe::Metrics metrics;
  kafka::Watchdog watchdog;
};

TEST_F(DeliverTest, AHungWebhookDelaysNoOther) {
  Receiver hung(Reaction{.hang = true}), healthy;
  auto slow = webhook("hung", hung.url());
  slow->http.timeout = 60s;
  const auto stage = start({slow, webhook("healthy", healthy.url())});
  feed(0, 3'000, {"hung", "healthy"});
  EXPECT_TRUE(eventually(60s, [&] { return healthy.got() == once(0, 3'000); })) << healthy.got().size();
  EXPECT_TRUE(all_committed("healthy"));
  EXPECT_LE(hung.got().size(), 16u) << "no more requests than its concurrency";
  EXPECT_TRUE(undelivered().empty());
  // It comes to life: nothing was lost.
  hung.react({});
  stage->stop(1s);
  const auto again = start({webhook("hung", hung.url())});
  EXPECT_TRUE(eventually(60s, [&] { return hung.got().size() == 3'000u; })) << hung.got().size();
  EXPECT_TRUE(all_committed("hung"));
}

TEST_F(DeliverTest, SendsOnlyWhatNamesItAndGoesOnWhereItStopped) {
  Receiver receiver;
  feed(0, 50, {"hook"});
  feed(50, 100, {"other"});
  auto stage = start({webhook("hook", receiver.url())});
  EXPECT_TRUE(eventually(60s, [&] { return receiver.got() == once(0, 50); }));
  EXPECT_TRUE(all_committed("hook"));
  stage->stop(10s);
  feed(100, 150, {"hook", "other"});
  stage = start({webhook("hook", receiver.url())});
  EXPECT_TRUE(eventually(60s,
                         [&] {
                           auto expected = once(0, 50);
                           expected.merge(once(100, 150));
                           return receiver.got() == expected;
                         }))
      << "each exactly once over a clean stop; got " << receiver.got().size() << " assigned "
      << stage->status()[0].loop.assigned << " started " << stage->status()[0].loop.started << " lag "
      << stage->status()[0].loop.lag << " in hand " << stage->status()[0].in_hand << " ends "
      << testing::PrintToString(test::topic_ends(cluster->properties(), common.topics.alerts.name)) << " group "
      << testing::PrintToString(
             test::group_offsets(cluster->properties(), common.prefix + "-deliver-hook", common.topics.alerts.name));
}

TEST_F(DeliverTest, AnOutageIsSurvivedInOrderOfReturn) {
  Receiver receiver(Reaction{.status = 503});
  const auto stage = start({webhook("hook", receiver.url())});
  feed(0, 500, {"hook"});
  EXPECT_TRUE(eventually(60s, [&] {
    const auto all = stage->status();
    return all.size() == 1 && all[0].held_back && all[0].in_hand == 500;
  }));
  EXPECT_NE(stage->status()[0].last_error.find("503"), std::string::npos);
  receiver.react({});
  EXPECT_TRUE(eventually(60s, [&] { return receiver.got().size() == 500u; }));
  EXPECT_TRUE(all_committed("hook"));
  EXPECT_TRUE(undelivered().empty());
}

TEST_F(DeliverTest, WhatIsRefusedForGoodIsPutAsideWithItsReason) {
  Receiver receiver(Reaction{.status = 404, .body = "no such hook"});
  const auto stage = start({webhook("hook", receiver.url())});
  feed(0, 20, {"hook"});
  EXPECT_TRUE(all_committed("hook"));
  const auto aside = undelivered();
  ASSERT_EQ(aside.size(), 20u);
  std::set<std::string> ids;
  for (const auto& one : aside) {
    EXPECT_EQ(one.at("reason").as_string(), "answered 404 (no such hook)");
    EXPECT_EQ(one.at("attempts").as_int64(), 1);
    EXPECT_FALSE(one.at("expired").as_bool());
    ids.insert(std::string(one.at("alert").at("id").as_string()));
  }
  EXPECT_EQ(ids.size(), 20u);
}

TEST_F(DeliverTest, WhatExpiresIsPutAsideWhileTheEndpointIsDead) {
  std::string gone;
  {
    Receiver receiver;
    gone = receiver.url();
  }
  auto dead = webhook("dead", gone);
  dead->expire = 3s;
  const auto stage = start({dead});
  feed(0, 30, {"dead"});
  EXPECT_TRUE(all_committed("dead"));
  const auto aside = undelivered();
  ASSERT_EQ(aside.size(), 30u);
  for (const auto& one : aside) {
    EXPECT_TRUE(one.at("expired").as_bool());
    EXPECT_TRUE(one.at("reason").as_string().starts_with("expired")) << one.at("reason");
  }
}

TEST_F(DeliverTest, ARecordThatNobodyCanReadIsPutAside) {
  Receiver receiver;
  const auto stage = start({webhook("hook", receiver.url())});
  test::produce(cluster->properties(), {{common.topics.alerts.name, "k", "no alert", {}, std::nullopt}});
  feed(0, 5, {"hook"});
  EXPECT_TRUE(eventually(60s, [&] { return receiver.got() == once(0, 5); }));
  EXPECT_TRUE(all_committed("hook"));
  const auto aside = undelivered();
  ASSERT_EQ(aside.size(), 1u);
  EXPECT_FALSE(aside[0].contains("alert"));
  EXPECT_EQ(aside[0].at("record").at("topic").as_string(), common.topics.alerts.name);
}

TEST_F(DeliverTest, ATopicGetsTheAlertAsItIs) {
  const std::string desk = common.prefix + ".desk";
  cluster->create_topic(desk, 2);
  const auto stage = start({topic("desk", desk)});
  feed(0, 100, {"desk"});
  feed(100, 110, {"other"});
  EXPECT_TRUE(all_committed("desk"));
  std::map<std::string, int> got;
  for (const auto& record : test::read_topic(cluster->properties(), desk)) {
    const auto alert = flow::decode_alert(*record.value);
    ASSERT_TRUE(alert);
    EXPECT_EQ(*record.key, alert->rule.key);
    ++got[alert->id];
    std::map<std::string, std::string> headers(record.headers.begin(), record.headers.end());
    EXPECT_EQ(headers["ce_id"], alert->id);
    EXPECT_EQ(headers["ce_specversion"], "1.0");
  }
  EXPECT_EQ(got, once(0, 100));
}

TEST_F(DeliverTest, WhatIsTooLargeForTheTopicIsPutAsideAndTheOthersGoOn) {
  const std::string desk = common.prefix + ".desk";
  cluster->create_topic(desk, 2, {{"max.message.bytes", "6000"}});
  const auto stage = start({topic("desk", desk)});
  feed(0, 40, {"desk"});
  for (const int n : {100, 101}) {
    flow::Alert large = test::sample_alert("x", n, {"desk"});
    std::mt19937 random(test::test_seed());  // so that it does not compress below the limit
    for (int i = 0; i < 20'000; ++i) large.article.title += static_cast<char>('!' + random() % 90);
    test::produce(cluster->properties(), {test::alert_record(common.topics.alerts.name, large)});
  }
  feed(40, 80, {"desk"});
  EXPECT_TRUE(all_committed("desk"));
  std::map<std::string, int> got;
  for (const auto& record : test::read_topic(cluster->properties(), desk)) ++got[flow::decode_alert(*record.value)->id];
  EXPECT_EQ(got, once(0, 80));
  const auto aside = undelivered();
  ASSERT_EQ(aside.size(), 2u);
  EXPECT_EQ(aside[0].at("destination").as_string(), "desk");
  EXPECT_FALSE(aside[0].at("expired").as_bool());
}

TEST_F(DeliverTest, AMissingTopicIsWaitedFor) {
  const std::string desk = common.prefix + ".desk";
  Receiver receiver;
  const auto stage = start({topic("desk", desk), webhook("hook", receiver.url())});
  feed(0, 20, {"desk", "hook"});
  EXPECT_TRUE(eventually(60s, [&] { return receiver.got() == once(0, 20); })) << "others go on";
  EXPECT_TRUE(eventually(
      60s, [&] { return !stage->status()[0].last_error.empty() || !stage->status()[0].loop.trouble.empty(); }));
  cluster->create_topic(desk, 2);
  EXPECT_TRUE(all_committed("desk"));
  std::map<std::string, int> got;
  for (const auto& record : test::read_topic(cluster->properties(), desk)) ++got[flow::decode_alert(*record.value)->id];
  EXPECT_EQ(got, once(0, 20));
  EXPECT_TRUE(undelivered().empty());
}

TEST_F(DeliverTest, AHandoverToAnotherInstanceLosesNothing) {
  Receiver receiver(Reaction{.delay = 5ms});
  auto first = start({webhook("hook", receiver.url())});
  feed(0, 1'000, {"hook"});
  EXPECT_TRUE(eventually(60s, [&] { return receiver.got().size() > 100; }));
  config::Common other = common;
  other.instance = "b";
  Stage second(other, io.context(), watchdog, metrics,
               [](const kafka::LoopFailure& failure) { ADD_FAILURE() << failure.error.message; });
  second.apply({webhook("hook", receiver.url())});
  feed(1'000, 2'000, {"hook"});
  EXPECT_TRUE(
      eventually(60s, [&] { return second.status()[0].loop.assigned == 2 && second.status()[0].loop.ready(); }));
  feed(2'000, 3'000, {"hook"});
  first->stop(10s);
  EXPECT_TRUE(eventually(60s, [&] { return receiver.got().size() == 3'000u; })) << receiver.got().size();
  EXPECT_TRUE(all_committed("hook"));
  int repeated = 0;
  for (const auto& [id, times] : receiver.got()) repeated += times - 1;
  EXPECT_EQ(repeated, 0) << "what was in flight was waited for, and what was finished was committed";
}

TEST_F(DeliverTest, AReloadChangesOnlyWhatChanged) {
  Receiver first, second, kept;
  const auto stage = start({webhook("moved", first.url()), webhook("kept", kept.url()), webhook("gone", first.url())});
  feed(0, 20, {"moved", "kept"});
  EXPECT_TRUE(eventually(60s, [&] { return first.got() == once(0, 20) && kept.got() == once(0, 20); }));
  stage->apply({webhook("kept", kept.url()), webhook("moved", second.url())});
  ASSERT_EQ(stage->status().size(), 2u);
  EXPECT_EQ(stage->status()[0].name, "kept");
  feed(20, 40, {"moved", "kept", "gone"});
  EXPECT_TRUE(eventually(60s, [&] { return second.got() == once(20, 40) && kept.got() == once(0, 40); }));
  EXPECT_EQ(first.got(), once(0, 20));
}

}  // namespace
}  // namespace newswatch::deliver
