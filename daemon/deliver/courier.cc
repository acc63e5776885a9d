#include "daemon/deliver/courier.h"

#include <algorithm>

#include "daemon/deliver/retry.h"

namespace newswatch::deliver {
namespace {

double burst(const Pace& pace) { return std::max(1.0, pace.per_second); }

}  // namespace

Courier::Courier(const Pace& pace, milliseconds expire, std::function<double()> random)
    : pace_(pace), expire_(expire), random_(std::move(random)), tokens_(burst(pace)) {}

void Courier::accept(std::shared_ptr<const Letter> letter, const Moment& now) {
  Item item;
  item.due = now.steady;
  // A stamp ahead of our clock gives no more than the full time.
  const auto age = std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(now.wall - letter->written));
  item.expires = now.steady + std::max(milliseconds(0), expire_ - age);
  item.letter = std::move(letter);
  bytes_ += item.letter->value.size();
  const Ticket ticket = next_ticket_++;
  waiting_.emplace(item.due, ticket);
  expiry_.emplace(item.expires, ticket);
  items_.emplace(ticket, std::move(item));
}

void Courier::refill(Steady now) {
  if (pace_.per_second <= 0) return;
  if (refilled_ != Steady{}) {
    const double seconds = std::chrono::duration<double>(now - refilled_).count();
    tokens_ = std::min(burst(pace_), tokens_ + std::max(0.0, seconds) * pace_.per_second);
  }
  refilled_ = now;
}

Courier::Ticket Courier::choose(Steady now) const {
  if (waiting_.empty()) return 0;
  if (!down_) return waiting_.begin()->first <= now ? waiting_.begin()->second : 0;
  if (probe_ != 0 || now < probe_at_) return 0;
  // The alert that failed least: one that fails by its own fault must not be the probe for ever.
  Ticket best = 0;
  int fewest = 0;
  for (const auto& [due, ticket] : waiting_) {
    const int tries = items_.at(ticket).tries;
    if (best != 0 && tries >= fewest) continue;
    best = ticket;
    fewest = tries;
    if (fewest == 0) break;
  }
  return best;
}

std::vector<Courier::Try> Courier::start(const Moment& now) {
  give_up_expired(now);
  refill(now.steady);
  std::vector<Try> tries;
  while (in_flight_ < pace_.concurrency) {
    if (pace_.per_second > 0 && tokens_ < 1) break;
    const Ticket ticket = choose(now.steady);
    if (ticket == 0) break;
    Item& item = items_.at(ticket);
    waiting_.erase({item.due, ticket});
    expiry_.erase({item.expires, ticket});
    item.flying = true;
    item.blames_endpoint = false;
    if (item.tries++ == 0) item.first_try = now.wall;
    item.last_try = now.wall;
    ++in_flight_;
    if (down_) probe_ = ticket;
    if (pace_.per_second > 0) tokens_ -= 1;
    tries.push_back({ticket, item.letter, item.tries});
  }
  return tries;
}

std::optional<Courier::Steady> Courier::next() const {
  std::optional<Steady> when;
  if (!expiry_.empty()) when = expiry_.begin()->first;
  if (waiting_.empty() || in_flight_ >= pace_.concurrency || (down_ && probe_ != 0)) return when;
  Steady start = down_ ? probe_at_ : waiting_.begin()->first;
  if (pace_.per_second > 0 && tokens_ < 1) {
    const auto wait = std::chrono::duration<double>((1 - tokens_) / pace_.per_second);
    // Rounded up, else the timer would fire a moment before the token is there, again and again.
    start = std::max(start, refilled_ + std::chrono::ceil<milliseconds>(wait));
  }
  return when ? std::min(*when, start) : start;
}

void Courier::give_up_expired(const Moment& now) {
  while (!expiry_.empty() && expiry_.begin()->first <= now.steady) {
    const auto found = items_.find(expiry_.begin()->second);
    const Item& item = found->second;
    std::string reason = "expired";
    reason += item.tries == 0 ? " before it could be tried" : ": the last try said: " + item.last_reason;
    park(found, std::move(reason), true, now);
  }
}

void Courier::finished(Ticket ticket, const Outcome& outcome, const Moment& now) {
  const auto found = items_.find(ticket);
  if (found == items_.end() || !found->second.flying) return;
  Item& item = found->second;
  item.flying = false;
  --in_flight_;
  const bool probe = probe_ == ticket;
  if (probe) probe_ = 0;

  if (outcome.kind == Outcome::Kind::retry && outcome.endpoint_down)
    endpoint_failed(probe, outcome, now.steady);
  else if (outcome.kind != Outcome::Kind::retry)
    endpoint_answered(now.steady);
  else if (probe)
    probe_at_ = now.steady + pace_.retry.first;  // it said nothing about the endpoint

  if (item.dropped) {
    erase(found);
    return;
  }
  switch (outcome.kind) {
    case Outcome::Kind::delivered:
      delivered_.push_back(item.letter);
      erase(found);
      return;
    case Outcome::Kind::park:
      park(found, outcome.reason, false, now);
      return;
    case Outcome::Kind::retry:
      break;
  }
  item.last_reason = outcome.reason;
  item.blames_endpoint = outcome.endpoint_down;
  item.due = now.steady + retry_delay(pace_.retry, item.tries, random_(), outcome.retry_after);
  if (!item.held) waiting_.emplace(item.due, ticket);
  expiry_.emplace(item.expires, ticket);
}

void Courier::endpoint_failed(bool probe, const Outcome& outcome, Steady now) {
  ++failures_in_row_;
  if (!down_ && failures_in_row_ < down_after && !outcome.retry_after) return;
  if (down_ && !probe) {
    // Sent before the hold began; only a new Retry-After says anything new.
    if (outcome.retry_after)
      probe_at_ = std::max(probe_at_, now + retry_delay(pace_.retry, 1, 0.5, outcome.retry_after));
    return;
  }
  RetryPolicy policy = pace_.retry;
  policy.max = std::min(policy.max, longest_hold);
  policy.first = std::min(policy.first, policy.max);
  down_ = true;
  probe_at_ = now + retry_delay(policy, ++holds_, random_(), outcome.retry_after);
}

void Courier::endpoint_answered(Steady now) {
  failures_in_row_ = 0;
  if (!down_) return;
  down_ = false;
  holds_ = 0;
  // What waited because of the endpoint waits no longer. Alerts that fail on their own keep their schedule.
  for (auto& [ticket, item] : items_) {
    if (item.flying || item.held || item.dropped || !item.blames_endpoint || item.due <= now) continue;
    waiting_.erase({item.due, ticket});
    item.due = now;
    item.blames_endpoint = false;
    waiting_.emplace(item.due, ticket);
  }
}

void Courier::park(Items::iterator found, std::string reason, bool expired, const Moment& now) {
  const Item& item = found->second;
  parked_.push_back({item.letter, std::move(reason), expired, item.tries, item.first_try, item.last_try, now.wall});
  erase(found);
}

/// From everywhere. For an item in flight the queues hold nothing, which is fine.
Courier::Items::iterator Courier::erase(Items::iterator found) {
  const auto& [ticket, item] = *found;
  waiting_.erase({item.due, ticket});
  expiry_.erase({item.expires, ticket});
  bytes_ -= item.letter->value.size();
  return items_.erase(found);
}

void Courier::hold(std::int32_t partition) {
  for (auto& [ticket, item] : items_) {
    if (item.letter->partition != partition || item.held) continue;
    item.held = true;
    if (!item.flying) waiting_.erase({item.due, ticket});
  }
}

void Courier::drop(std::int32_t partition) {
  for (auto it = items_.begin(); it != items_.end();) {
    auto& [ticket, item] = *it;
    if (item.dropped || item.letter->partition != partition) {
      ++it;
    } else if (item.flying) {
      item.dropped = true;
      ++it;
    } else {
      it = erase(it);
    }
  }
  const auto of_it = [&](const auto& letter) { return letter->partition == partition; };
  std::erase_if(delivered_, of_it);
  std::erase_if(parked_, [&](const Parked& one) { return of_it(one.letter); });
}

int Courier::in_flight(std::int32_t partition) const {
  int count = 0;
  for (const auto& [ticket, item] : items_)
    if (item.flying && !item.dropped && item.letter->partition == partition) ++count;
  return count;
}

}  // namespace newswatch::deliver
