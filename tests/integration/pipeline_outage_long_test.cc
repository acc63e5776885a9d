// The broker gone for a minute: no crash loop, and alerts flow within 10 s of its return.

#include <gtest/gtest.h>

#include <thread>

#include "tests/integration/newsroom.h"

namespace newswatch::test {
namespace {

using namespace std::chrono_literals;

TEST(PipelineOutage, AfterAMinuteWithoutBrokerAlertsFlowWithinTenSecondsOfItsReturn) {
  const auto cluster = KafkaCluster::start(1);
  NEWSWATCH_NEED_KAFKA(cluster);
  if (const std::string why = Newsroom::why_no_articles(); !why.empty()) GTEST_SKIP() << why;
  Newsroom room(*cluster, {"exactly_once", 2000, "", ""});
  Process daemon = room.start("a");
  ASSERT_TRUE(Newsroom::wait_ready(daemon)) << daemon.output();
  room.feed(room.left() / 2);
  ASSERT_TRUE(eventually(60s, [&] { return room.finished(); })) << room.progress() << daemon.output();
  const std::size_t before = room.alert_ids().size();
  const pid_t pid = daemon.pid();
  cluster->kill9(1);
  std::this_thread::sleep_for(60s);
  ASSERT_TRUE(daemon.running()) << daemon.output();
  cluster->start_node(1);
  room.feed(room.left());
  EXPECT_TRUE(eventually(10s, [&] { return room.alert_ids().size() > before; })) << daemon.output();
  ASSERT_TRUE(eventually(60s, [&] { return room.finished(); })) << room.progress() << daemon.output();
  EXPECT_EQ(daemon.pid(), pid);
  EXPECT_EQ(daemon.terminate(), 0) << daemon.output();
  EXPECT_EQ(room.check_matches(), "");
  EXPECT_EQ(room.check_alerts(), "");
}

}  // namespace
}  // namespace newswatch::test
