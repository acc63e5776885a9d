#include "daemon/deliver/dispatcher.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>

#include "daemon/http/client.h"
#include "tests/support/process.h"

namespace newswatch::deliver {
namespace {

using namespace std::chrono_literals;
using test::eventually;

/// A destination whose tries the test ends by hand.
struct ByHand {
  struct Try {
    std::shared_ptr<const Letter> letter;
    std::function<void(Outcome)> done;
  };
  std::mutex mutex;
  std::vector<Try> tries;
  std::atomic<bool> open = false;

  std::size_t count() {
    std::lock_guard lock(mutex);
    return tries.size();
  }
};

class HandSender : public Sender {
 public:
  explicit HandSender(std::shared_ptr<ByHand> hand) : hand_(std::move(hand)) { hand_->open = true; }
  ~HandSender() override { hand_->open = false; }
  void send(std::shared_ptr<const Letter> letter, Time, std::function<void(Outcome)> done) override {
    std::lock_guard lock(hand_->mutex);
    hand_->tries.push_back({std::move(letter), std::move(done)});
  }

 private:
  std::shared_ptr<ByHand> hand_;
};

class HandSettings : public DestinationSettings {
 public:
  explicit HandSettings(std::shared_ptr<ByHand> hand) : hand_(std::move(hand)) { name = "hand"; }
  std::string fingerprint() const override { return {}; }
  std::unique_ptr<Sender> open(boost::asio::io_context&) const override { return std::make_unique<HandSender>(hand_); }

 private:
  std::shared_ptr<ByHand> hand_;
};

class DispatcherTest : public testing::Test {
 protected:
  DispatcherTest() {
    auto settings = std::make_shared<HandSettings>(hand);
    settings->pace.concurrency = 4;
    settings->pace.retry = {20ms, 2, 100ms};
    dispatcher = std::make_shared<Dispatcher>(io.context(), settings, DeliverMetrics(metrics, "hand"));
    dispatcher->open();
  }
  ~DispatcherTest() override {
    if (dispatcher) dispatcher->close();
  }
  void accept(std::int64_t offset, std::int32_t partition = 0) {
    auto letter = std::make_shared<Letter>();
    letter->partition = partition;
    letter->offset = offset;
    letter->written = std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
    dispatcher->accept(std::move(letter));
  }
  /// Ends try number `n` on the io thread.
  void end(std::size_t n, Outcome outcome) {
    std::function<void(Outcome)> done;
    {
      std::lock_guard lock(hand->mutex);
      done = hand->tries.at(n).done;
    }
    std::promise<void> ended;
    boost::asio::post(io.context(), [&] {
      done(std::move(outcome));
      ended.set_value();
    });
    ended.get_future().wait();
  }

  http::IoThread io;
  observe::Metrics metrics;
  std::shared_ptr<ByHand> hand = std::make_shared<ByHand>();
  std::shared_ptr<Dispatcher> dispatcher;
};

TEST_F(DispatcherTest, TriesWhatItAcceptsAndRetriesByItself) {
  accept(1);
  ASSERT_TRUE(eventually(10s, [&] { return hand->count() == 1; }));
  end(0, {Outcome::Kind::retry, "busy", std::nullopt, false});
  ASSERT_TRUE(eventually(10s, [&] { return hand->count() == 2; }));
  EXPECT_EQ(dispatcher->status().last_error, "busy");
  end(1, {});
  EXPECT_EQ(dispatcher->take_delivered().size(), 1u);
  EXPECT_EQ(dispatcher->status().last_error, "");
  EXPECT_EQ(dispatcher->status().in_hand, 0);
}

TEST_F(DispatcherTest, WakesForWhatIsGivenUpAndForRoomWhenAsked) {
  std::atomic<int> woken = 0;
  dispatcher->set_wake([&] { ++woken; });
  accept(1);
  accept(2);
  accept(3);
  ASSERT_TRUE(eventually(10s, [&] { return hand->count() == 3; }));
  end(0, {});
  EXPECT_EQ(woken, 0) << "nobody waits";
  dispatcher->wake_at_next_end();
  end(1, {});
  EXPECT_EQ(woken, 1);
  end(2, {Outcome::Kind::park, "no", std::nullopt, false});
  EXPECT_GE(woken, 2);
  EXPECT_EQ(dispatcher->take_parked().size(), 1u);
}

TEST_F(DispatcherTest, SettlingWaitsForTriesInFlightAndStartsNoMore) {
  for (int i = 0; i < 10; ++i) accept(i);
  ASSERT_TRUE(eventually(10s, [&] { return hand->count() == 4; }));
  const std::vector<std::int32_t> partitions{0};
  auto settled = std::async(std::launch::async, [&] { dispatcher->settle(partitions, 30s); });
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(settled.wait_for(20ms), std::future_status::timeout);
    end(i, {});
  }
  EXPECT_EQ(settled.wait_for(10s), std::future_status::ready);
  EXPECT_EQ(hand->count(), 4u);
  EXPECT_EQ(dispatcher->take_delivered().size(), 4u);
}

TEST_F(DispatcherTest, SettlingGivesUpAtItsLimit) {
  accept(1);
  ASSERT_TRUE(eventually(10s, [&] { return hand->count() == 1; }));
  const std::vector<std::int32_t> partitions{0};
  dispatcher->settle(partitions, 50ms);
  EXPECT_TRUE(dispatcher->take_delivered().empty());
}

TEST_F(DispatcherTest, NothingCallsBackAfterClosing) {
  std::atomic<int> woken = 0;
  dispatcher->set_wake([&] { ++woken; });
  accept(1);
  ASSERT_TRUE(eventually(10s, [&] { return hand->count() == 1; }));
  dispatcher->close();
  EXPECT_FALSE(hand->open);
  std::weak_ptr<Dispatcher> weak = dispatcher;
  dispatcher.reset();
  EXPECT_TRUE(eventually(10s, [&] { return weak.expired(); }));
  end(0, {Outcome::Kind::park, "late", std::nullopt, false});
  EXPECT_EQ(woken, 0);
}

}  // namespace
}  // namespace newswatch::deliver
