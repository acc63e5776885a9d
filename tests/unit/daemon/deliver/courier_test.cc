#include "daemon/deliver/courier.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace newswatch::deliver {
namespace {

using namespace std::chrono_literals;
using Kind = Outcome::Kind;

const Outcome ok{};
const Outcome down{Kind::retry, "connection refused", std::nullopt, true};
const Outcome again{Kind::retry, "our own pool is full", std::nullopt, false};
const Outcome refused{Kind::park, "answered 404", std::nullopt, false};

class CourierTest : public testing::Test {
 protected:
  void make(Pace pace, milliseconds expire = 24h) {
    courier = std::make_unique<Courier>(pace, expire, [] { return 0.5; });
  }
  void accept(std::int64_t offset, std::int32_t partition = 0, milliseconds age = 0ms) {
    auto letter = std::make_shared<Letter>();
    letter->partition = partition;
    letter->offset = offset;
    letter->written = clock.wall - age;
    letter->value = std::string(100, 'x');
    letter->alert.id = "nw-" + std::to_string(partition) + "-" + std::to_string(offset);
    courier->accept(std::move(letter), clock);
  }
  std::vector<Courier::Try> start() { return courier->start(clock); }
  void pass(milliseconds duration) {
    clock.steady += duration;
    clock.wall += duration;
  }
  milliseconds until_next() {
    const auto next = courier->next();
    return next ? std::chrono::duration_cast<milliseconds>(*next - clock.steady) : milliseconds(-1);
  }

  Moment clock{Courier::Steady(1000h), Time(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1))};
  std::unique_ptr<Courier> courier;
};

TEST_F(CourierTest, TriesInOrderUpToItsConcurrency) {
  make({.concurrency = 2});
  for (int i = 0; i < 5; ++i) accept(i);
  auto tries = start();
  ASSERT_EQ(tries.size(), 2u);
  EXPECT_EQ(tries[0].letter->offset, 0);
  EXPECT_EQ(tries[1].letter->offset, 1);
  EXPECT_TRUE(start().empty());
  courier->finished(tries[0].ticket, ok, clock);
  tries = start();
  ASSERT_EQ(tries.size(), 1u);
  EXPECT_EQ(tries[0].letter->offset, 2);
}

TEST_F(CourierTest, HandsOutWhatWasDeliveredOnce) {
  make({});
  accept(7);
  courier->finished(start()[0].ticket, ok, clock);
  const auto delivered = courier->take_delivered();
  ASSERT_EQ(delivered.size(), 1u);
  EXPECT_EQ(delivered[0]->offset, 7);
  EXPECT_TRUE(courier->take_delivered().empty());
  EXPECT_EQ(courier->in_hand(), 0u);
}

TEST_F(CourierTest, CountsTheBytesInHandHoweverAnAlertLeaves) {
  make({.concurrency = 3}, 1h);
  for (int i = 0; i < 5; ++i) accept(i, i == 4 ? 1 : 0);
  EXPECT_EQ(courier->bytes_in_hand(), 500u);
  const auto tries = start();
  courier->finished(tries[0].ticket, ok, clock);
  courier->finished(tries[1].ticket, refused, clock);
  EXPECT_EQ(courier->bytes_in_hand(), 300u);
  courier->drop(1);
  EXPECT_EQ(courier->bytes_in_hand(), 200u);
  pass(1h);
  start();
  EXPECT_EQ(courier->bytes_in_hand(), 100u) << "the one in flight";
  courier->drop(0);
  courier->finished(tries[2].ticket, ok, clock);
  EXPECT_EQ(courier->bytes_in_hand(), 0u);
}

TEST_F(CourierTest, TriesAgainAfterItsWaitWithTheSameLetter) {
  make({.retry = {1s, 2, 10min}});
  accept(7);
  const auto first = start();
  courier->finished(first[0].ticket, again, clock);
  EXPECT_TRUE(start().empty());
  EXPECT_EQ(until_next(), 1s);
  pass(1s);
  const auto second = start();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].letter, first[0].letter);
  EXPECT_EQ(second[0].number, 2);
  courier->finished(second[0].ticket, again, clock);
  EXPECT_EQ(until_next(), 2s);
}

TEST_F(CourierTest, ParksWhatIsRefusedForGood) {
  make({});
  accept(7);
  courier->finished(start()[0].ticket, refused, clock);
  const auto parked = courier->take_parked();
  ASSERT_EQ(parked.size(), 1u);
  EXPECT_EQ(parked[0].reason, "answered 404");
  EXPECT_EQ(parked[0].tries, 1);
  EXPECT_FALSE(parked[0].expired);
  EXPECT_TRUE(start().empty());
}

TEST_F(CourierTest, GivesUpWhatExpiresAlsoWhileTheEndpointIsDead) {
  make({.retry = {1s, 2, 10min}}, 1h);
  accept(1);
  accept(2, 0, 59min);  // read late: a minute is left
  accept(3, 0, 61min);  // too old already
  auto tries = start();
  ASSERT_EQ(tries.size(), 2u);
  auto parked = courier->take_parked();
  ASSERT_EQ(parked.size(), 1u);
  EXPECT_EQ(parked[0].letter->offset, 3);
  EXPECT_EQ(parked[0].tries, 0);
  EXPECT_EQ(parked[0].reason, "expired before it could be tried");
  for (const auto& one : tries) courier->finished(one.ticket, down, clock);
  std::map<std::int64_t, milliseconds> given_up;
  const auto begin = clock.steady;
  while (given_up.size() < 2 && clock.steady - begin < 2h) {
    pass(std::max(until_next(), 1ms));
    for (const auto& one : start()) courier->finished(one.ticket, down, clock);
    for (const auto& one : courier->take_parked()) {
      EXPECT_TRUE(one.expired);
      EXPECT_EQ(one.reason, "expired: the last try said: connection refused");
      given_up[one.letter->offset] = std::chrono::duration_cast<milliseconds>(clock.steady - begin);
    }
  }
  EXPECT_EQ(given_up, (std::map<std::int64_t, milliseconds>{{1, 1h}, {2, 1min}}));
  EXPECT_EQ(courier->in_hand(), 0u);
}

TEST_F(CourierTest, ATryInFlightIsNotGivenUp) {
  make({}, 1h);
  accept(1);
  const auto tries = start();
  pass(2h);
  EXPECT_TRUE(start().empty());
  EXPECT_TRUE(courier->take_parked().empty());
  courier->finished(tries[0].ticket, ok, clock);
  EXPECT_EQ(courier->take_delivered().size(), 1u);
}

TEST_F(CourierTest, AClockSetBackDoesNotProlongLife) {
  make({}, 1h);
  accept(1, 0, -3h);  // stamped in the future
  const auto tries = start();
  courier->finished(tries[0].ticket, refused, clock);
  accept(2, 0, -3h);
  auto one = start();
  courier->finished(one[0].ticket, again, clock);
  pass(1h);
  start();
  EXPECT_EQ(courier->take_parked().size(), 2u);
}

TEST_F(CourierTest, HoldsAllBackWhenTheEndpointIsDownAndProbesOneAtATime) {
  make({.concurrency = 8, .retry = {1s, 2, 10min}});
  for (int i = 0; i < 1'000; ++i) accept(i);
  for (const auto& one : start()) courier->finished(one.ticket, down, clock);
  EXPECT_TRUE(courier->held_back());
  int requests = 0;
  const auto begin = clock.steady;
  while (clock.steady - begin < 1h) {
    pass(until_next());
    const auto probes = start();
    ASSERT_LE(probes.size(), 1u);
    for (const auto& one : probes) {
      EXPECT_TRUE(start().empty()) << "one probe at a time";
      courier->finished(one.ticket, down, clock);
      ++requests;
    }
  }
  EXPECT_LT(requests, 140) << "a dead endpoint costs a request each half minute";
  EXPECT_GT(requests, 100);

  // It comes back: the probe's success frees everybody, at once.
  pass(until_next());
  auto probe = start();
  ASSERT_EQ(probe.size(), 1u);
  courier->finished(probe[0].ticket, ok, clock);
  EXPECT_FALSE(courier->held_back());
  std::size_t sent = 1;
  for (auto tries = start(); !tries.empty(); tries = start()) {
    sent += tries.size();
    for (const auto& one : tries) courier->finished(one.ticket, ok, clock);
  }
  EXPECT_EQ(sent, 1'000u);
}

TEST_F(CourierTest, AnAlertThatAlwaysFailsHoldsNobodyBack) {
  make({.concurrency = 4, .retry = {1s, 2, 1min}}, 1h);
  accept(0);
  int good = 0;
  for (int second = 0; second < 600; ++second) {
    accept(1 + second);
    for (const auto& one : start()) {
      const bool poison = one.letter->offset == 0;
      courier->finished(one.ticket, poison ? down : ok, clock);
      good += poison ? 0 : 1;
    }
    ASSERT_FALSE(courier->held_back());
    pass(1s);
  }
  EXPECT_EQ(good, 600);
}

TEST_F(CourierTest, RetryAfterHoldsTheWholeEndpointBack) {
  make({.concurrency = 4, .retry = {1s, 2, 1min}});
  for (int i = 0; i < 10; ++i) accept(i);
  const auto tries = start();
  courier->finished(tries[0].ticket, {Kind::retry, "answered 429", 90s, true}, clock);
  for (std::size_t i = 1; i < tries.size(); ++i)
    courier->finished(tries[i].ticket, {Kind::retry, "answered 429", 5s, true}, clock);
  EXPECT_TRUE(start().empty());
  EXPECT_EQ(until_next(), 90s);
  pass(89s);
  EXPECT_TRUE(start().empty());
  pass(1s);
  EXPECT_EQ(start().size(), 1u);
}

TEST_F(CourierTest, KeepsItsRate) {
  make({.concurrency = 10, .per_second = 1});
  for (int i = 0; i < 100; ++i) accept(i);
  int sent = 0;
  for (int ms = 0; ms < 10'000; ms += 50) {
    for (const auto& one : start()) {
      courier->finished(one.ticket, ok, clock);
      ++sent;
    }
    pass(50ms);
  }
  EXPECT_GE(sent, 10);
  EXPECT_LE(sent, 11);
}

TEST_F(CourierTest, SleepsUntilTheNextTokenAndNotLess) {
  make({.concurrency = 10, .per_second = 3});
  for (int i = 0; i < 100; ++i) accept(i);
  int turns = 0, sent = 0;
  const auto begin = clock.steady;
  while (sent < 100) {
    for (const auto& one : start()) {
      courier->finished(one.ticket, ok, clock);
      ++sent;
    }
    if (sent < 100) {
      ASSERT_GT(until_next(), 0ms);
      pass(until_next());
    }
    ++turns;
  }
  EXPECT_LE(turns, 101);
  EXPECT_NEAR(std::chrono::duration<double>(clock.steady - begin).count(), 97.0 / 3, 1);
}

TEST_F(CourierTest, ForgetsADroppedPartitionButNotTheOthers) {
  make({.concurrency = 2});
  for (int i = 0; i < 4; ++i) accept(i, i % 2);
  const auto tries = start();  // one of each
  courier->hold(0);
  EXPECT_EQ(courier->in_flight(0), 1);
  courier->drop(0);
  EXPECT_EQ(courier->in_flight(0), 0);
  EXPECT_TRUE(start().empty()) << "a dropped try still takes its place";
  courier->finished(tries[0].ticket, ok, clock);
  EXPECT_TRUE(courier->take_delivered().empty()) << "what ends after the drop counts for nothing";
  const auto rest = start();
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].letter->offset, 3);
}

TEST_F(CourierTest, AHeldPartitionStartsNothingNew) {
  make({.concurrency = 1});
  accept(0);
  accept(1);
  const auto tries = start();
  courier->hold(0);
  courier->finished(tries[0].ticket, ok, clock);
  EXPECT_TRUE(start().empty());
  EXPECT_EQ(courier->take_delivered().size(), 1u);
}

// A whole life of a destination by seed: outages, refusals, hangs, rebalances. Every alert ends once, as delivered or
// parked, and nothing is in flight twice.
TEST_F(CourierTest, SimulatedLivesLoseNothing) {
  const auto base = std::random_device{}();
  SCOPED_TRACE("base seed " + std::to_string(base));
  for (unsigned run = 0; run < 200; ++run) {
    std::mt19937 random(base + run);
    const auto chance = [&](double p) { return std::uniform_real_distribution<double>(0, 1)(random) < p; };
    const Pace pace{static_cast<int>(1 + random() % 8), chance(0.5) ? 0.0 : 5.0, {100ms, 2, 10s}};
    courier =
        std::make_unique<Courier>(pace, 5min, [&] { return std::uniform_real_distribution<double>(0, 1)(random); });
    struct Flight {
      std::int64_t offset;
      Courier::Steady ends;
      Courier::Ticket ticket;
    };
    std::vector<Flight> flights;
    std::map<std::int64_t, int> ended;
    const std::int64_t total = 300;
    std::int64_t read = 0;
    bool outage = false;
    for (int turn = 0; turn < 60'000 && static_cast<std::int64_t>(ended.size()) < total; ++turn) {
      if (chance(0.002)) outage = !outage;
      if (read < total && chance(0.5)) accept(read++);
      for (auto& one : courier->start(clock)) {
        for (const Flight& other : flights) ASSERT_NE(other.offset, one.letter->offset) << "in flight twice";
        flights.push_back({one.letter->offset, clock.steady + milliseconds(random() % 500), one.ticket});
      }
      ASSERT_LE(static_cast<int>(flights.size()), pace.concurrency);
      for (std::size_t i = 0; i < flights.size();) {
        if (flights[i].ends > clock.steady) {
          ++i;
          continue;
        }
        const Outcome outcome = outage ? down : chance(0.05) ? refused : chance(0.1) ? again : ok;
        courier->finished(flights[i].ticket, outcome, clock);
        flights.erase(flights.begin() + static_cast<std::ptrdiff_t>(i));
      }
      for (const auto& letter : courier->take_delivered()) ++ended[letter->offset];
      for (const auto& parked : courier->take_parked()) ++ended[parked.letter->offset];
      pass(milliseconds(1 + random() % 50));
    }
    ASSERT_EQ(static_cast<std::int64_t>(ended.size()), total) << "run " << run;
    for (const auto& [offset, times] : ended) ASSERT_EQ(times, 1) << offset;
    ASSERT_EQ(courier->in_hand(), 0u);
    ASSERT_EQ(courier->bytes_in_hand(), 0u);
    ASSERT_EQ(courier->in_flight(), 0);
  }
}

}  // namespace
}  // namespace newswatch::deliver
