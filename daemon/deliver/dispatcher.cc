#include "daemon/deliver/dispatcher.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <random>

namespace newswatch::deliver {
namespace {

Moment now() {
  return {std::chrono::steady_clock::now(), std::chrono::floor<milliseconds>(std::chrono::system_clock::now())};
}

std::function<double()> dice() {
  std::random_device seed;
  return [engine = std::mt19937_64((std::uint64_t{seed()} << 32) | seed())]() mutable {
    return std::uniform_real_distribution<double>(0, 1)(engine);
  };
}

}  // namespace

DeliverMetrics::DeliverMetrics(observe::Metrics& metrics, const std::string& destination)
    : delivered(metrics.counter(observe::Metric::deliveries, {destination, "delivered"})),
      undelivered(metrics.counter(observe::Metric::deliveries, {destination, "undelivered"})),
      expired(metrics.counter(observe::Metric::deliveries, {destination, "expired"})),
      tries_ok(metrics.counter(observe::Metric::delivery_attempts, {destination, "ok"})),
      tries_retry(metrics.counter(observe::Metric::delivery_attempts, {destination, "retry"})),
      tries_refused(metrics.counter(observe::Metric::delivery_attempts, {destination, "refused"})),
      try_seconds(metrics.histogram(observe::Metric::delivery_attempt_seconds, {destination})),
      alert_seconds(metrics.histogram(observe::Metric::alert_to_delivery_seconds, {destination})),
      in_hand(metrics.gauge(observe::Metric::deliveries_in_hand, {destination})),
      up(metrics.gauge(observe::Metric::destination_up, {destination})) {
  up.set(1);
}

struct Dispatcher::Timer {
  explicit Timer(boost::asio::io_context& io) : timer(io) {}
  boost::asio::steady_timer timer;
};

Dispatcher::Dispatcher(boost::asio::io_context& io, std::shared_ptr<const DestinationSettings> settings,
                       DeliverMetrics metrics)
    : io_(io),
      settings_(std::move(settings)),
      metrics_(metrics),
      courier_(settings_->pace, settings_->expire, dice()),
      timer_(std::make_unique<Timer>(io)) {}

Dispatcher::~Dispatcher() = default;

void Dispatcher::open() { sender_ = settings_->open(io_); }

void Dispatcher::set_wake(std::function<void()> wake) {
  std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

void Dispatcher::close() {
  {
    std::lock_guard lock(mutex_);
    wake_ = nullptr;
  }
  const auto closed = std::make_shared<std::promise<void>>();
  boost::asio::post(io_, [self = shared_from_this(), closed] {
    self->timer_->timer.cancel();
    self->sender_.reset();
    closed->set_value();
  });
  const auto done = closed->get_future();
  while (done.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready)
    if (io_.stopped()) return;  // no io thread any more, so nothing calls back either
}

void Dispatcher::accept(std::shared_ptr<const Letter> letter) {
  std::lock_guard lock(mutex_);
  if (std::find(known_.begin(), known_.end(), letter->partition) == known_.end()) known_.push_back(letter->partition);
  courier_.accept(std::move(letter), now());
  metrics_.in_hand.set(static_cast<double>(courier_.in_hand()));
  post_pump();
}

void Dispatcher::post_pump() {
  if (std::exchange(pump_posted_, true)) return;
  boost::asio::post(io_, [self = shared_from_this()] { self->pump(); });
}

void Dispatcher::pump() {
  if (!sender_) return;
  std::vector<Courier::Try> tries;
  std::optional<Courier::Steady> next;
  const Moment moment = now();
  bool parked = false;
  {
    std::lock_guard lock(mutex_);
    pump_posted_ = false;
    tries = courier_.start(moment);
    next = courier_.next();
    parked = courier_.has_parked();
    if (parked && wake_) wake_();
  }
  if (next) {
    timer_->timer.expires_at(*next);
    timer_->timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      if (const auto self = weak.lock(); self && !error) self->pump();
    });
  }
  for (Courier::Try& one : tries)
    sender_->send(std::move(one.letter), moment.wall,
                  [weak = weak_from_this(), ticket = one.ticket, since = moment.steady](const Outcome& outcome) {
                    if (const auto self = weak.lock()) self->finished(ticket, outcome, since);
                  });
}

void Dispatcher::finished(Courier::Ticket ticket, const Outcome& outcome, std::chrono::steady_clock::time_point since) {
  const Moment moment = now();
  metrics_.try_seconds.observe(moment.steady - since);
  switch (outcome.kind) {
    case Outcome::Kind::delivered:
      metrics_.tries_ok.add();
      break;
    case Outcome::Kind::retry:
      metrics_.tries_retry.add();
      break;
    case Outcome::Kind::park:
      metrics_.tries_refused.add();
      break;
  }
  {
    std::lock_guard lock(mutex_);
    const bool was_held_back = courier_.held_back();
    courier_.finished(ticket, outcome, moment);
    report(outcome, was_held_back);
    const bool ended = outcome.kind != Outcome::Kind::retry;
    if (wake_ && (courier_.has_parked() || (ended && std::exchange(wake_wanted_, false)))) wake_();
    metrics_.in_hand.set(static_cast<double>(courier_.in_hand()));
    ended_.notify_all();
    post_pump();
  }
}

void Dispatcher::report(const Outcome& outcome, bool was_held_back) {
  if (outcome.kind == Outcome::Kind::delivered) {
    last_error_.clear();
    metrics_.up.set(1);
    if (was_held_back) observe::log_info("the destination answers again", {{"destination", settings_->name}});
    return;
  }
  last_error_ = outcome.reason;
  metrics_.up.set(0);
  if (!was_held_back && courier_.held_back())
    observe::log_warn("the destination is down: its alerts wait, one is tried now and then",
                      {{"destination", settings_->name}, {"error", outcome.reason}, {"in_hand", courier_.in_hand()}});
  else if (outcome.kind == Outcome::Kind::park)
    failures_.log(observe::LogLevel::error, "the destination refuses an alert; it goes to the undelivered topic",
                  {{"destination", settings_->name}, {"error", outcome.reason}});
  else
    failures_.log(observe::LogLevel::warn, "an alert could not be delivered and will be tried again",
                  {{"destination", settings_->name}, {"error", outcome.reason}});
}

std::vector<std::shared_ptr<const Letter>> Dispatcher::take_delivered() {
  std::lock_guard lock(mutex_);
  return courier_.take_delivered();
}

std::size_t Dispatcher::bytes_in_hand() const {
  std::lock_guard lock(mutex_);
  return courier_.bytes_in_hand();
}

std::vector<Courier::Parked> Dispatcher::take_parked() {
  std::lock_guard lock(mutex_);
  return courier_.take_parked();
}

void Dispatcher::wake_at_next_end() {
  std::lock_guard lock(mutex_);
  wake_wanted_ = true;
}

void Dispatcher::settle(std::span<const std::int32_t> partitions, std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  for (const std::int32_t partition : partitions) courier_.hold(partition);
  ended_.wait_for(lock, limit, [&] {
    return std::all_of(partitions.begin(), partitions.end(),
                       [&](std::int32_t partition) { return courier_.in_flight(partition) == 0; });
  });
}

void Dispatcher::drop(std::span<const std::int32_t> partitions) {
  std::lock_guard lock(mutex_);
  for (const std::int32_t partition : partitions) courier_.drop(partition);
  metrics_.in_hand.set(static_cast<double>(courier_.in_hand()));
}

void Dispatcher::drop_all() {
  std::vector<std::int32_t> all;
  {
    std::lock_guard lock(mutex_);
    all = known_;
  }
  drop(all);
}

Dispatcher::Status Dispatcher::status() const {
  std::lock_guard lock(mutex_);
  return {static_cast<std::int64_t>(courier_.in_hand()), courier_.held_back(), last_error_};
}

}  // namespace newswatch::deliver
