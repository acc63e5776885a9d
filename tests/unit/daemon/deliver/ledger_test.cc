#include "daemon/deliver/ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace newswatch::deliver {
namespace {

TEST(Ledger, CommitsWhatWasNotReadYetWhenNothingIsInHand) {
  Ledger ledger(40);
  EXPECT_EQ(ledger.committable(), 40);
  ledger.skip_to(55);
  EXPECT_EQ(ledger.committable(), 55);
  ledger.skip_to(50);
  EXPECT_EQ(ledger.committable(), 55) << "never goes back";
}

TEST(Ledger, CommitsTheOldestUnfinishedOffset) {
  Ledger ledger(0);
  for (const std::int64_t offset : {3, 5, 9}) ledger.add(offset);
  ledger.skip_to(20);
  EXPECT_EQ(ledger.committable(), 3);
  EXPECT_TRUE(ledger.finish(5));
  EXPECT_EQ(ledger.committable(), 3);
  EXPECT_TRUE(ledger.finish(3));
  EXPECT_EQ(ledger.committable(), 9);
  EXPECT_TRUE(ledger.finish(9));
  EXPECT_EQ(ledger.committable(), 20);
}

TEST(Ledger, FinishesAnOffsetOnce) {
  Ledger ledger(0);
  ledger.add(1);
  ledger.add(2);
  EXPECT_FALSE(ledger.finish(7));
  EXPECT_TRUE(ledger.finish(2));
  EXPECT_FALSE(ledger.finish(2));
  EXPECT_TRUE(ledger.finish(1));
  EXPECT_FALSE(ledger.finish(1));
  EXPECT_EQ(ledger.unfinished(), 0u);
}

TEST(Ledger, IsFullAThousandPastTheOldestUnfinished) {
  Ledger ledger(0);
  for (std::int64_t offset = 0; offset < 1'000; ++offset) {
    EXPECT_FALSE(ledger.full());
    ledger.add(offset);
  }
  EXPECT_TRUE(ledger.full());
  for (std::int64_t offset = 1; offset < 1'000; ++offset) ledger.finish(offset);
  EXPECT_TRUE(ledger.full()) << "one that hangs holds the window";
  ledger.finish(0);
  EXPECT_FALSE(ledger.full());
}

// Whatever the order of completion: nothing unfinished is ever committed, and everything is in the end.
TEST(Ledger, NeverCommitsUnfinishedWorkInAnyOrder) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int run = 0; run < 300; ++run) {
    std::int64_t offset = random() % 1'000;
    Ledger ledger(offset);
    std::set<std::int64_t> open;
    std::int64_t last_commit = offset;
    for (int step = 0; step < 400; ++step) {
      const unsigned what = random() % 5;
      if (what < 2 && !ledger.full()) {
        offset += 1 + random() % 3;
        ledger.add(offset);
        open.insert(offset);
      } else if (what == 2) {
        offset += random() % 4;
        ledger.skip_to(offset + 1);
      } else if (!open.empty()) {
        auto one = open.begin();
        std::advance(one, random() % open.size());
        EXPECT_TRUE(ledger.finish(*one));
        open.erase(one);
      }
      const std::int64_t commit = ledger.committable();
      ASSERT_GE(commit, last_commit);
      if (!open.empty()) {
        ASSERT_EQ(commit, *open.begin());
      }
      ASSERT_EQ(ledger.unfinished(), open.size());
      last_commit = commit;
    }
    for (const std::int64_t one : open) ledger.finish(one);
    EXPECT_GT(ledger.committable(), offset - 1);
  }
}

}  // namespace
}  // namespace newswatch::deliver
