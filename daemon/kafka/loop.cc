// The loop. What it promises and why it is built this way.
//
// *A round* is everything from one commit to the next: records handed to the processor, what it wrote, its state. With
// exactly once a round is a transaction: outputs, state and processed offsets become visible together or not at all.
// With at least once outputs are acknowledged first, then state, then position, and offsets follow.
//
// *One repair.* Whatever goes wrong in a round, it breaks (break_round), and repair() does the same each time: the
// processor forgets its state, the transaction is aborted or the producer replaced, and each partition is positioned
// anew (committed offset, restore, start, seek) by the same steps as after an assignment. There is no path on which
// some partitions are rewound and others go on: that is how input gets skipped.
//
// *Unclear is fatal to the producer.* librdkafka speaks version 1 of the transaction protocol: an EndTxn that timed out
// here may still arrive there and end the next transaction. So calls get 8 s, less than the 9.9 s after which librdkafka
// itself would send again; after any answer but success or "abort", the producer is destroyed and another one takes the
// transactional id, whose new epoch fences whatever is still on its way. Only then are offsets asked for, stable ones.
//
// *Offsets are our own.* `processed` is what the processor has had, not what poll() returned; at the end of a partition
// it becomes the end's offset, since transaction markers take offsets. Every transaction carries the offsets of all
// running partitions, changed or not, with the live group metadata: this is what fences an instance that has lost its
// partitions and does not know it.
//
// *No pause and resume.* Each partition's queue is led to one data queue when its state is there, and the data queue is
// read only when there is room. Partitions wait by not being led, which costs no traffic.
//
// *Latency and size.* When output waits and nothing more is there to read, commit at once (10 ms after the last commit at
// the earliest); under load a round lasts commit_interval.

#include "daemon/kafka/loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "daemon/kafka/loop_impl.h"

namespace newswatch::kafka {

using namespace std::chrono_literals;

namespace {

constexpr auto least_commit_gap = 10ms;
constexpr auto finish_limit = 10s;  // of 60 s that a member may take for a rebalance

/// 100 ms, doubled with each failure, 5 s at most.
Clock::duration backoff(int failures) {
  return std::min<Clock::duration>(100ms * (1 << std::min(failures, 6)), 5s);
}

/// On the embedded broker a rebalance takes as long as a session may.
LoopOptions of_the_broker(LoopOptions options) {
  if (options.embedded) options.session_timeout = 3s;
  return options;
}

}  // namespace

LoopOptions loop_options(const config::Common& common, std::string stage, std::string worker) {
  LoopOptions options;
  options.stage = std::move(stage);
  options.worker = std::move(worker);
  options.group = group_id(common.prefix, options.stage, options.stage == "deliver" ? options.worker : "");
  options.guarantee = common.guarantee;
  options.instance = common.instance;
  options.prefix = common.prefix;
  options.commit_interval = common.commit_interval;
  options.client = client_properties(common.kafka);
  if (options.stage == "alert") options.assignor = Assignor::cooperative_sticky;
  return options;
}

std::string group_id(std::string_view prefix, std::string_view stage, std::string_view destination) {
  std::string id = std::string(prefix) + "-" + std::string(stage);
  if (!destination.empty()) id += "-" + std::string(destination);
  return id;
}

std::string transactional_id(const LoopOptions& options) {
  return options.prefix + "-" + options.stage + "-" + options.instance + "-" + options.worker;
}

Loop::Loop(LoopOptions options, Processor& processor, Watchdog& watchdog, observe::Metrics& metrics,
           std::function<void(const LoopFailure&)> failed)
    : impl_(std::make_unique<Impl>(of_the_broker(std::move(options)), processor, watchdog, metrics, std::move(failed))) {}
Loop::~Loop() { stop(0ms); }
void Loop::start() { impl_->start(); }
void Loop::request_stop() { impl_->request_stop(std::nullopt); }
void Loop::stop(std::chrono::milliseconds deadline) {
  impl_->request_stop(deadline);
  impl_->join();
}
void Loop::wake() { impl_->wake(); }
LoopStatus Loop::status() const { return impl_->status(); }

Loop::Impl::Impl(LoopOptions options, Processor& processor, Watchdog& watchdog, observe::Metrics& metrics,
                 std::function<void(const LoopFailure&)> failed)
    : options_(std::move(options)),
      processor_(processor),
      metrics_(metrics),
      failed_(std::move(failed)),
      watch_(watchdog.slot(options_.stage + " " + options_.worker)),
      wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  using observe::Metric;
  const std::string_view stage = options_.stage, worker = options_.worker;
  committed_ = metrics.counter(Metric::transactions, {stage, worker, "committed"});
  aborted_ = metrics.counter(Metric::transactions, {stage, worker, "aborted"});
  unclear_ = metrics.counter(Metric::transactions, {stage, worker, "unclear"});
  recreated_ = metrics.counter(Metric::clients_recreated, {stage, worker});
  rebalances_ = metrics.counter(Metric::rebalances, {stage, worker});
  commit_seconds_ = metrics.histogram(Metric::commit_seconds, {stage});
  partitions_ = metrics.gauge(Metric::partitions, {stage, worker});
  lag_ = metrics.gauge(Metric::lag_records, {stage, worker});
  if (processor.restores()) {
    restores_done_ = metrics.counter(Metric::restores, {worker});
    restore_seconds_ = metrics.histogram(Metric::restore_seconds);
  }
}

Loop::Impl::~Impl() { ::close(wake_fd_); }

void Loop::Impl::start() {
  beat_ = Clock::now().time_since_epoch().count();
  thread_ = std::thread([this] { run(); });
}

void Loop::Impl::request_stop(std::optional<std::chrono::milliseconds> deadline) {
  const auto by = (Clock::now() + deadline.value_or(20s)).time_since_epoch().count();
  if (!stopping_.exchange(true) || deadline) stop_by_ = std::min(stop_by_.load(), by);
  wake();
}

void Loop::Impl::join() {
  if (thread_.joinable()) thread_.join();
}

void Loop::Impl::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);
}

std::chrono::milliseconds Loop::Impl::left_of_stop() const {
  if (!stopping_) return call_timeout;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      Clock::time_point(Clock::duration(stop_by_.load())) - Clock::now());
  return std::clamp<std::chrono::milliseconds>(left, 0ms, call_timeout);
}

std::chrono::milliseconds Loop::Impl::limit_of_call() const {
  return std::max<std::chrono::milliseconds>(left_of_stop(), 1s);
}

void Loop::Impl::run() noexcept {
  if (processor_.restores()) restores_.emplace(processor_, [this] { wake(); });
  while (!stopping_) turn();
  shut_down();
  publish_status(true);
  if (failure_) failed_(*failure_);
}

void Loop::Impl::turn() {
  beat_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
  if (consumer_) consumer_->poll_events();
  if (consumer_error_) {
    drop_consumer(*std::exchange(consumer_error_, std::nullopt));
    if (failure_) return;
  }
  if (producer_) {
    producer_->poll();
    if (producer_->failure() && !broken_) break_round(Outcome::abort, *producer_->failure());
  }
  if (broken_) return repair();
  if (Clock::now() < not_before_) return wait(not_before_);
  if (!clients_ready()) return;

  take_restores();
  advance_partitions();
  if (broken_ || failure_) return;
  if (must_commit_ && !commit(true)) return;
  const bool drained = read();
  if (broken_ || failure_) return;
  next_idle_ = processor_.idle(*producer_);
  if (!broken_ && commit_is_due(drained, Clock::now())) {
    if (!commit(false)) return;
  }
  if (options_.guarantee == config::Guarantee::at_least_once) commit_offsets_again();
  publish_status(false);
  if (!drained) return;
  auto until = Clock::now() + 1s;  // an idle member must poll, or it is evicted
  if (next_idle_) until = std::min(until, *next_idle_);
  if (round_began_) {
    const bool waits = producer_->produced() > 0 || processor_.wants_commit();
    until = std::min(until, waits ? last_commit_ + least_commit_gap : *round_began_ + options_.commit_interval);
  }
  if (offsets_pending_) until = std::min(until, last_offsets_ + options_.commit_interval);
  for (const auto& [partition, held] : held_) {
    if (held.step != Held::Step::running && held.step != Held::Step::restoring) until = std::min(until, next_advance_);
    // A commit may have made room; no event of librdkafka would tell of what is read already.
    if (!held.stash.empty() && held.step == Held::Step::running && processor_.has_room(partition)) return;
  }
  wait(until);
}

void Loop::Impl::wait(Clock::time_point until) {
  const auto now = Clock::now();
  until = std::min(until, now + 1s);
  if (until > now) {
    pollfd fd{wake_fd_, POLLIN, 0};
    const auto span = std::chrono::ceil<std::chrono::milliseconds>(until - now);
    ::poll(&fd, 1, static_cast<int>(span.count()));
  }
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(wake_fd_, &count, sizeof count);
}

// --- clients -------------------------------------------------------------------------------------------------------

bool Loop::Impl::clients_ready() {
  // The producer first: its init ends what a dead instance of our name left open, so that offsets asked for afterwards
  // are the last word.
  return (producer_ready_ || open_producer()) && (consumer_ || open_consumer());
}

void Loop::Impl::back_off(const Error& why, const char* doing) {
  trouble_ = why.message;
  repeat_open_.log(observe::LogLevel::warn, "waiting for Kafka",
                   {{"stage", options_.stage}, {"worker", options_.worker}, {"doing", doing}, {"error", why.message}});
  not_before_ = Clock::now() + backoff(++failures_);
  publish_status(true);
}

bool Loop::Impl::open_producer() {
  if (!producer_) {
    auto opened = LoopProducer::open(options_, *watch_);
    if (!opened) {
      fail(78, opened.error());
      return false;
    }
    producer_ = std::move(*opened);
  }
  if (const auto ready = producer_->init(); !ready) {
    back_off(ready.error(), "taking the transactional id");
    if (ready.error().fatal()) {
      recreated_.add();
      producer_.reset();
    }
    return false;
  }
  producer_->warm(options_.output_topics);
  producer_ready_ = true;
  return true;
}

bool Loop::Impl::open_consumer() {
  auto opened = GroupConsumer::open(options_, *this, *watch_, wake_fd_);
  if (!opened) {
    if (opened.error().fatal())
      fail(78, opened.error());
    else
      back_off(opened.error(), "joining the group");
    return false;
  }
  consumer_ = std::move(*opened);
  joined_ = false;
  failures_ = 0;
  trouble_.clear();
  return true;
}

void Loop::Impl::drop_consumer(const Error& why) {
  observe::log_warn("the consumer failed for good; making another",
                    {{"stage", options_.stage}, {"worker", options_.worker}, {"error", why.message}});
  // Right after a join that itself followed a fence: that is another process, not a broker that mixed up our own
  // attempts while it was restarted (which happens). A twin is noticed with the next heartbeat.
  const auto now = Clock::now();
  const bool fenced = std::exchange(consumer_fenced_, false);
  const bool twin = fenced && joined_after_fence_ && now - *joined_after_fence_ < 8s;
  consumer_was_fenced_ = fenced;
  joined_after_fence_.reset();
  dropping_consumer_ = true;
  std::vector<TopicPartition> all;
  for (const auto& [partition, held] : held_) all.push_back(partition);
  on_revoked(all, true);
  consumer_->close(3s);
  consumer_.reset();
  dropping_consumer_ = false;
  joined_ = false;
  recreated_.add();
  not_before_ = Clock::now() + backoff(++failures_);
  if (twin)
    fail(78, fatal_error("twin", "another process is a member of group " + options_.group +
                                     " under this instance's name twice in seconds; give each instance its own name "
                                     "(instance: in the configuration, now " +
                                     options_.instance + ")"));
}

// --- rounds --------------------------------------------------------------------------------------------------------

void Loop::Impl::break_round(Outcome what, Error why, bool quiet) {
  if (!broken_) broken_ = Broken{what, std::move(why), quiet};
}

void Loop::Impl::repair() {
  const Broken broken = std::move(*broken_);
  broken_.reset();
  trouble_ = broken.why.message;
  if (!broken.quiet)
    repeat_broken_.log(observe::LogLevel::warn, "a commit failed; its records come again",
                       {{"stage", options_.stage}, {"worker", options_.worker}, {"error", broken.why.message}});

  // A refused record: which one it was is found by rounds of half the size, down to one record. (One by one from the
  // start, as simple as it sounds, took 30 s for a round of 400: a transaction is some 70 ms when it follows another at
  // once. And the broker refuses whole batches, so its answer names no record.)
  bool searching = false;
  const bool nobody_read = broken.why.permanent() && round_records_ == 0;
  if (broken.why.permanent()) {
    searching = round_records_ > 1 || (round_last_ && !round_last_->culprit);
    if (round_records_ == 1 && round_last_)
      round_last_->culprit = Held::Culprit{round_last_offset_, broken.why};
    round_limit_ = std::max<std::uint64_t>(1, std::min(round_limit_ ? round_limit_ : round_records_, round_records_) / 2);
    for (auto& [partition, held] : held_) held.careful_until = std::max(held.careful_until, held.processed);
  }

  if (!searching) ++failures_;  // a search makes headway by itself: no waiting
  processor_.aborted();
  Error why;
  Outcome what = broken.what;
  if (what == Outcome::abort && producer_) {
    // After a refused record the sequence numbers have a hole. librdkafka would mend it by an epoch of its own making,
    // which on 2.0.2 fails the next transactions for up to 20 s: abort, then take a new epoch ourselves.
    const bool hole = producer_->failure().has_value();
    what = producer_->abort(why);
    (what == Outcome::ok ? aborted_ : unclear_).add();
    if (what == Outcome::ok && hole) what = Outcome::recreate;
  } else {
    unclear_.add();
  }
  if (what != Outcome::ok && producer_) {
    producer_.reset();
    producer_ready_ = false;
    recreated_.add();
  }
  for (auto& [partition, held] : held_) reset(held);
  round_began_.reset();
  round_records_ = 0;
  round_last_ = nullptr;
  must_commit_ = false;
  offsets_pending_ = false;
  // Refused is what nothing read in this round gave (an alert given up later): it is refused again as soon as tried.
  if (nobody_read) not_before_ = std::max<Clock::time_point>(not_before_, Clock::now() + 1s);
  not_before_ = std::max(not_before_, Clock::now() + (failures_ > 1 ? backoff(failures_) : Clock::duration::zero()));
  if (what == Outcome::fenced && producer_twin_.fenced(Clock::now()))
    fail(78, fatal_error("twin", "another process uses the transactional id " + transactional_id(options_) +
                                     "; give each instance its own name (instance: in the configuration, now " +
                                     options_.instance + ")"));
}

bool Loop::Impl::progressed() {
  for (const auto& [partition, held] : held_)
    if (held.step == Held::Step::running &&
        std::min(held.processed, processor_.committable(partition, held.processed)) != held.sent)
      return true;
  return false;
}

bool Loop::Impl::commit_is_due(bool drained, Clock::time_point now) {
  const bool waits = producer_->produced() > 0 || processor_.wants_commit();
  if (!waits && !progressed()) {
    round_began_.reset();
    return false;
  }
  if (!round_began_) round_began_ = now;
  if (waits && drained && now - last_commit_ >= least_commit_gap) return true;
  return now - *round_began_ >= options_.commit_interval;
}

Outcome Loop::Impl::write_phases(const std::vector<PartitionOffset>& offsets, Error& why) {
  positions_.clear();
  for (const PartitionOffset& at : offsets) positions_.push_back({&at.partition, at.offset});
  const bool in_order = options_.guarantee == config::Guarantee::at_least_once;
  const int phases = processor_.phases();
  for (int phase = 0; phase < std::max(phases, 1); ++phase) {
    if (phase < phases) processor_.flush_phase(phase, positions_, *producer_);
    if (producer_->failure()) {
      why = *producer_->failure();
      return Outcome::abort;
    }
    if (!in_order || producer_->produced() == 0) continue;
    if (const Outcome outcome = producer_->flush(limit_of_call(), why); outcome != Outcome::ok) return outcome;
    producer_->forget_produced();
  }
  return Outcome::ok;
}

/// `last`: the partitions go, or must not be read before the group knows where they begin: wait for the answer.
bool Loop::Impl::commit(bool last) {
  const auto begun = Clock::now();
  std::vector<PartitionOffset> offsets;
  for (const auto& [partition, held] : held_)
    if (held.step == Held::Step::running)
      offsets.push_back({partition, std::min(held.processed, processor_.committable(partition, held.processed))});
  if (offsets.empty()) {
    must_commit_ = false;
    // Nothing would fence this output by the group's generation, and with no partition there is nothing to say.
    if (producer_->produced() > 0 || producer_->in_transaction())
      break_round(Outcome::abort, retryable_error("no_partition", "output without a partition"), true);
    return !broken_;
  }
  Error why;
  Outcome outcome = write_phases(offsets, why);
  if (outcome == Outcome::ok) {
    if (options_.guarantee == config::Guarantee::exactly_once) {
      const GroupMetadataPtr group = consumer_->group_metadata();
      outcome = producer_->commit(offsets, group.get(), left_of_stop(), why);
      // What happened to a record says more than the failed commit that it brings about.
      if (outcome != Outcome::ok) producer_->poll();
      if ((outcome == Outcome::abort || outcome == Outcome::recreate) && producer_->failure()) {
        why = *producer_->failure();
        outcome = Outcome::abort;
      }
    } else {
      offsets_pending_ = true;
      if (last) {
        if (const auto done = consumer_->commit(offsets, limit_of_call()); !done)
          observe::log_info("offsets not committed; records may come again",
                            {{"stage", options_.stage}, {"error", done.error().message}});
        offsets_pending_ = false;
      }
    }
  }
  if (outcome != Outcome::ok) {
    break_round(outcome, std::move(why));
    return false;
  }
  for (const PartitionOffset& at : offsets) {
    Held& held = held_.at(at.partition);
    held.sent = at.offset;
    if (!held.culprit || held.culprit->offset >= at.offset) continue;
    held.culprit.reset();  // found and passed: full rounds again; a second one would be searched for anew
    round_limit_ = 0;
    for (auto& [partition, other] : held_) other.careful_until = -1;
  }
  producer_->forget_produced();
  processor_.committed();
  committed_.add();
  last_commit_ = Clock::now();
  commit_seconds_.observe(last_commit_ - begun);
  round_began_.reset();
  round_records_ = 0;
  round_last_ = nullptr;
  must_commit_ = false;
  failures_ = 0;
  trouble_.clear();
  return true;
}

/// At least once: offsets follow what is acknowledged, one request under way at a time.
void Loop::Impl::commit_offsets_again() {
  if (const auto error = consumer_->poll_commits()) {
    repeat_commit_.log(observe::LogLevel::info, "offsets not committed; they are sent again",
                       {{"stage", options_.stage}, {"error", error->message}});
    offsets_pending_ = true;
  }
  if (!offsets_pending_ || Clock::now() - last_offsets_ < options_.commit_interval) return;
  std::vector<PartitionOffset> offsets;
  for (const auto& [partition, held] : held_)
    if (held.step == Held::Step::running && held.sent >= 0) offsets.push_back({partition, held.sent});
  const auto sent = consumer_->commit(offsets, 0ms);
  if (sent && *sent) offsets_pending_ = false;
  last_offsets_ = Clock::now();
}

// --- the end -------------------------------------------------------------------------------------------------------

void Loop::Impl::fail(int exit_code, Error error) {
  if (failure_) return;
  observe::log_error("a worker cannot go on",
                     {{"stage", options_.stage}, {"worker", options_.worker}, {"error", error.message}});
  trouble_ = error.message;
  failure_ = LoopFailure{exit_code, std::move(error)};
  stop_by_ = std::min(stop_by_.load(), (Clock::now() + 5s).time_since_epoch().count());
  stopping_ = true;
}

void Loop::Impl::shut_down() {
  for (auto& [partition, held] : held_) cancel_restore(held);
  if (consumer_ && producer_ready_ && !broken_ && !failure_) {
    std::vector<TopicPartition> all;
    for (const auto& [partition, held] : held_)
      if (held.step == Held::Step::running) all.push_back(partition);
    processor_.finish(all, std::min<std::chrono::milliseconds>(finish_limit, left_of_stop()), *producer_);
    if (producer_->produced() > 0 || processor_.wants_commit() || progressed() || offsets_pending_) commit(true);
  }
  if (consumer_) {
    // What close() revokes was committed above, or is not to be.
    dropping_consumer_ = true;
    consumer_->close(limit_of_call());
    consumer_.reset();
  }
  restores_.reset();
  if (producer_) {
    Error ignored;
    // An open transaction would hold back every reader until the broker times it out.
    if (producer_->in_transaction() && (!broken_ || broken_->what == Outcome::abort)) producer_->abort(ignored);
    producer_.reset();
  }
  held_.clear();
}

LoopStatus Loop::Impl::status() const {
  LoopStatus status;
  {
    const std::lock_guard lock(status_mutex_);
    status = status_;
  }
  status.since = Clock::time_point(Clock::duration(beat_.load(std::memory_order_relaxed)));
  return status;
}

void Loop::Impl::publish_status(bool now) {
  const auto at = Clock::now();
  if (!now && at - status_at_ < 50ms) return;
  status_at_ = at;
  LoopStatus status;
  using State = LoopStatus::State;
  status.state = failure_    ? State::failed
                 : stopping_ ? State::stopped
                 : !consumer_ ? State::connecting
                 : joined_    ? State::running
                              : State::joining;
  status.assigned = static_cast<int>(held_.size());
  double restored = 0;
  int restoring = 0;
  status.caught_up = true;
  for (const auto& [partition, held] : held_) {
    if (held.step == Held::Step::restoring) {
      ++restoring;
      restored += held.ticket->progress.load();
    }
    if (held.step == Held::Step::running) {
      ++status.started;
      if (const std::int64_t end = consumer_ ? consumer_->known_end(partition) : -1; end > held.processed)
        status.lag += end - held.processed;
    }
    if (!held.at_end) status.caught_up = false;
  }
  if (restoring > 0) status.restored = restored / restoring;
  if (trouble_told_ && at - *trouble_told_ > 30s) {  // an idle worker would show it for ever
    trouble_told_.reset();
    trouble_.clear();
  }
  status.trouble = trouble_;
  partitions_.set(status.assigned);
  lag_.set(static_cast<double>(status.lag));
  const std::lock_guard lock(status_mutex_);
  status_ = std::move(status);
}

}  // namespace newswatch::kafka
