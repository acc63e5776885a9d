#include "daemon/kafka/watchdog.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

namespace newswatch::kafka {
namespace {

using namespace std::chrono_literals;

struct Bites {
  std::mutex mutex;
  std::condition_variable changed;
  std::string last;
  bool wait(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, limit, [this] { return !last.empty(); });
  }
  std::function<void(const std::string&)> take() {
    return [this](const std::string& what) {
      const std::lock_guard lock(mutex);
      last = what;
      changed.notify_all();
    };
  }
};

TEST(Watchdog, BitesWhenACallOverrunsTimeoutAndGraceAndNamesIt) {
  Bites bites;
  Watchdog watchdog(100ms, bites.take());
  const auto slot = watchdog.slot("match 0");
  const Watchdog::Call call(*slot, "rd_kafka_commit_transaction", 50ms);
  ASSERT_TRUE(bites.wait(10s));
  EXPECT_EQ(bites.last, "match 0 is stuck in rd_kafka_commit_transaction");
}

TEST(Watchdog, LeavesCallsThatEndAndLoopsThatRestAlone) {
  Bites bites;
  Watchdog watchdog(40ms, bites.take());
  const auto slot = watchdog.slot("match 0");
  for (int i = 0; i < 3; ++i) const Watchdog::Call call(*slot, "rd_kafka_flush", 1ms);
  EXPECT_FALSE(bites.wait(200ms));
}

TEST(Watchdog, TimeOfAnInnerCallIsNotTheOutersAndTheOuterIsWatchedAgain) {
  Bites bites;
  Watchdog watchdog(100ms, bites.take());
  const auto slot = watchdog.slot("alert 0");
  const Watchdog::Call outer(*slot, "rd_kafka_consumer_poll", 50ms);
  {
    const Watchdog::Call inner(*slot, "rd_kafka_commit_transaction", 10s);
    EXPECT_FALSE(bites.wait(400ms));
  }
  ASSERT_TRUE(bites.wait(10s));
  EXPECT_EQ(bites.last, "alert 0 is stuck in rd_kafka_consumer_poll");
}

}  // namespace
}  // namespace newswatch::kafka
