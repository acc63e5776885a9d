// The two ways from P.alerts to a destination.
//
// *Posted* (webhook, slack, stdout): the loop reads ahead, a courier tries, alerts end in any order. What the group
// commits is the oldest unfinished alert of a partition (ledger.h), as a plain commit: at least once, whatever
// `guarantee` says. An alert that is given up is written to P.undelivered, and counts as finished only then: the loop
// has everything that was written acknowledged before it commits an offset.
//
// *Written* (kafka): each alert becomes a record of the user's topic, in the transaction that commits the offsets.
// Nothing is in hand between two commits, so there is no ledger. A record that Kafka refuses for good comes back alone,
// to poison().
//
// Both forget everything at an abort: the records come again.

#include "daemon/deliver/stage.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>

#include "daemon/deliver/dispatcher.h"
#include "daemon/deliver/fingerprint.h"
#include "daemon/deliver/kafka.h"
#include "daemon/deliver/ledger.h"
#include "daemon/deliver/undelivered.h"
#include "daemon/flow/record_codec.h"
#include "daemon/kafka/processor.h"
#include "daemon/observe/log.h"
#include "daemon/observe/metrics.h"

namespace newswatch::deliver {
namespace {

constexpr std::chrono::milliseconds reload_drain{10'000};
/// How long a rebalance waits for tries in flight: all members of the group stand still meanwhile, and what is cut off
/// is only sent twice.
constexpr std::chrono::milliseconds handover_drain{3'000};
/// Of alerts' JSON in the hands of one destination; as values and decoded, some three times as much memory. 12,000
/// alerts of 2 KB stay below; of the largest, 900 KB, there are 36, and one more a partition, so that each goes on.
constexpr std::size_t most_bytes_in_hand = 32u << 20;

Time wall_now() { return std::chrono::floor<milliseconds>(std::chrono::system_clock::now()); }

/// An alert of P.alerts for this destination; null when it is for others. One that cannot be read is for everybody:
/// each destination reports it, since nobody can tell whom it names. It has no id then.
std::shared_ptr<const Letter> read_letter(const kafka::Record& record, const std::string& destination,
                                          std::string& fault) {
  auto letter = std::make_shared<Letter>();
  letter->partition = record.from().partition;
  letter->offset = record.offset();
  letter->written = record.timestamp().value_or(wall_now());
  auto alert = flow::decode_alert(record.value().value_or(std::string_view()));
  if (!alert) {
    fault = "the record of " + record.from().topic + " cannot be read: " + alert.error().message;
    return letter;
  }
  const auto& names = alert->destinations;
  if (std::find(names.begin(), names.end(), destination) == names.end()) return nullptr;
  letter->alert = std::move(*alert);
  letter->value = std::string(record.value().value_or(std::string_view()));
  return letter;
}

/// What both ways share: where given-up alerts go.
class Parking {
 public:
  Parking(std::string topic, std::string alerts_topic, std::string destination)
      : topic_(std::move(topic)), alerts_topic_(std::move(alerts_topic)), destination_(std::move(destination)) {}

  void write(const Courier::Parked& parked, kafka::Output& output) {
    output.produce({topic_, destination_, encode_undelivered(parked, destination_, alerts_topic_), {}, std::nullopt});
    repeat_->log(observe::LogLevel::error, "an alert was not delivered",
                 {{"destination", destination_},
                  {"alert", parked.letter->alert.id},
                  {"reason", parked.reason},
                  {"attempts", parked.tries},
                  {"topic", topic_}});
  }

 private:
  std::string topic_, alerts_topic_, destination_;
  std::unique_ptr<observe::LogRepeat> repeat_ = std::make_unique<observe::LogRepeat>();  // movable
};

// --- posted
// -----------------------------------------------------------------------------------------------------------

class PostedProcessor : public kafka::Processor {
 public:
  PostedProcessor(std::shared_ptr<Dispatcher> dispatcher, std::string destination, Parking parking,
                  DeliverMetrics metrics)
      : dispatcher_(std::move(dispatcher)),
        destination_(std::move(destination)),
        parking_(std::move(parking)),
        metrics_(metrics) {}

  Result<std::int64_t> start(const kafka::TopicPartition& partition, std::optional<std::int64_t> committed,
                             std::int64_t earliest, std::unique_ptr<kafka::Restored>) override {
    const std::int64_t from = committed.value_or(earliest);
    ledgers_.insert_or_assign(partition.partition, Ledger(from));
    return from;
  }

  void revoked(std::span<const kafka::TopicPartition> partitions) override {
    const auto numbers = numbers_of(partitions);
    dispatcher_->drop(numbers);
    for (const std::int32_t number : numbers) {
      ledgers_.erase(number);
      delivered_.erase(number);
    }
  }

  /// What was written is gone, but no abort takes back what an endpoint has taken: while P.undelivered refuses one
  /// alert, those behind it come again and again, and must not be sent each time.
  void aborted() override {
    for (const auto& letter : dispatcher_->take_delivered()) finish(*letter);
    dispatcher_->drop_all();
    ledgers_.clear();
    wrote_ = false;
  }

  void process(const kafka::Record& record, kafka::Output& output) override {
    Ledger& ledger = ledgers_.at(record.from().partition);
    if (const auto known = delivered_.find(record.from().partition);
        known != delivered_.end() && known->second.contains(record.offset()))
      return ledger.skip_to(record.offset() + 1);
    std::string fault;
    auto letter = read_letter(record, destination_, fault);
    if (!letter) return ledger.skip_to(record.offset() + 1);
    if (!fault.empty()) {
      park({std::move(letter), std::move(fault), false, 0, {}, {}, wall_now()}, output);
      return ledger.skip_to(record.offset() + 1);
    }
    ledger.add(record.offset());
    dispatcher_->accept(std::move(letter));
  }

  std::optional<std::chrono::steady_clock::time_point> idle(kafka::Output& output) override {
    collect(output);
    return std::nullopt;  // completions that matter wake the loop
  }

  bool wants_commit() const override { return wrote_; }
  void committed() override {
    wrote_ = false;
    for (const auto& [number, ledger] : ledgers_) {
      auto& known = delivered_[number];
      if (known.size() > 2 * Ledger::window) known.erase(known.begin(), known.lower_bound(ledger.committable()));
    }
  }

  std::int64_t committable(const kafka::TopicPartition& partition, std::int64_t processed) override {
    for (const auto& letter : dispatcher_->take_delivered()) finish(*letter);
    const auto ledger = ledgers_.find(partition.partition);
    if (ledger == ledgers_.end() || ledger->second.unfinished() == 0) return processed;
    return std::min(processed, ledger->second.committable());
  }

  bool has_room(const kafka::TopicPartition& partition) override {
    const auto ledger = ledgers_.find(partition.partition);
    if (ledger == ledgers_.end() || has_room(ledger->second)) return true;
    dispatcher_->wake_at_next_end();
    for (const auto& letter : dispatcher_->take_delivered()) finish(*letter);
    return has_room(ledger->second);
  }

  /// Only P.undelivered is written here, and not by the record at hand unless it cannot be read: what was refused was
  /// given up long after it was read. A missing or denied topic is for the operator, who is told by the loop.
  Poison poison(const kafka::Record& record, const Error& error, kafka::Output& output) override {
    if (error.code == "unknown_topic" || error.code == "topic_denied") return Poison::retry;
    observe::log_error("an undelivered alert could not be put aside; it is tried again",
                       {{"destination", destination_}, {"error", error.message}});
    process(record, output);
    return Poison::parked;
  }

  void finish(std::span<const kafka::TopicPartition> partitions, std::chrono::milliseconds limit,
              kafka::Output& output) override {
    dispatcher_->settle(numbers_of(partitions), stopping_ ? limit : std::min(limit, handover_drain));
    collect(output);
  }

  /// Any thread: what comes is the end, not a handover.
  void stopping() { stopping_ = true; }

 private:
  bool has_room(const Ledger& ledger) const {
    return !ledger.full() && (ledger.unfinished() == 0 || dispatcher_->bytes_in_hand() < most_bytes_in_hand);
  }

  static std::vector<std::int32_t> numbers_of(std::span<const kafka::TopicPartition> partitions) {
    std::vector<std::int32_t> numbers;
    for (const auto& one : partitions) numbers.push_back(one.partition);
    return numbers;
  }

  void finish(const Letter& letter) {
    const auto ledger = ledgers_.find(letter.partition);
    if (ledger == ledgers_.end() || !ledger->second.finish(letter.offset)) return;
    auto& known = delivered_[letter.partition];
    known.insert(known.end(), letter.offset);
    metrics_.delivered.add();
    metrics_.alert_seconds.observe(wall_now() - letter.written);
  }

  void park(const Courier::Parked& parked, kafka::Output& output) {
    parking_.write(parked, output);
    wrote_ = true;
    (parked.expired ? metrics_.expired : metrics_.undelivered).add();
  }

  void collect(kafka::Output& output) {
    for (const auto& letter : dispatcher_->take_delivered()) finish(*letter);
    for (const Courier::Parked& parked : dispatcher_->take_parked()) {
      const auto ledger = ledgers_.find(parked.letter->partition);
      if (ledger == ledgers_.end()) continue;
      park(parked, output);
      ledger->second.finish(parked.letter->offset);
    }
  }

  const std::shared_ptr<Dispatcher> dispatcher_;
  const std::string destination_;
  Parking parking_;
  const DeliverMetrics metrics_;
  std::map<std::int32_t, Ledger> ledgers_;
  /// Offsets that the endpoint has taken, from before the committed one on: two windows a partition and what one round
  /// ends.
  std::map<std::int32_t, std::set<std::int64_t>> delivered_;
  bool wrote_ = false;  // something that is to be committed soon
  std::atomic<bool> stopping_ = false;
};

// --- written
// ----------------------------------------------------------------------------------------------------------

class WrittenProcessor : public kafka::Processor {
 public:
  WrittenProcessor(std::shared_ptr<const DestinationSettings> settings, Parking parking, DeliverMetrics metrics)
      : settings_(std::move(settings)), parking_(std::move(parking)), metrics_(metrics) {}

  void process(const kafka::Record& record, kafka::Output& output) override {
    std::string fault;
    const auto letter = read_letter(record, settings_->name, fault);
    if (!letter) return;
    if (!fault.empty()) return park(letter, fault, false, 0, output);
    if (expired(*letter))
      return park(letter, trouble_.empty() ? "expired before it could be written" : "expired: " + trouble_, true, 0,
                  output);
    TopicRecord out = topic_record(*letter);
    std::vector<std::pair<std::string, std::string>> headers;
    headers.reserve(out.headers.size());
    for (auto& header : out.headers) headers.emplace_back(std::move(header.name), std::move(header.value));
    output.produce({settings_->topic, std::move(out.key), std::move(out.value), std::move(headers), std::nullopt});
    delivered_.push_back(letter->written);
  }

  bool wants_commit() const override { return !delivered_.empty() || !parked_.empty(); }

  void committed() override {
    const Time now = wall_now();
    for (const Time written : delivered_) {
      metrics_.delivered.add();
      metrics_.tries_ok.add();
      metrics_.alert_seconds.observe(now - written);
    }
    for (const bool expired : parked_) (expired ? metrics_.expired : metrics_.undelivered).add();
    if (!delivered_.empty()) {
      metrics_.up.set(1);
      trouble_.clear();
      std::lock_guard lock(mutex_);
      last_error_.clear();
    }
    delivered_.clear();
    parked_.clear();
  }

  void aborted() override {
    delivered_.clear();
    parked_.clear();
  }

  Poison poison(const kafka::Record& record, const Error& error, kafka::Output& output) override {
    metrics_.up.set(0);
    {
      std::lock_guard lock(mutex_);
      last_error_ = error.message;
    }
    trouble_ = error.message;
    std::string fault;
    const auto letter = read_letter(record, settings_->name, fault);
    if (!letter) return Poison::parked;  // nothing of ours could be refused
    const bool too_late = fault.empty() && expired(*letter);
    if (!too_late && (error.code == "unknown_topic" || error.code == "topic_denied")) {
      metrics_.tries_retry.add();
      repeat_.log(observe::LogLevel::warn, "the topic of the destination is missing or denied; its alerts wait",
                  {{"destination", settings_->name}, {"topic", settings_->topic}, {"error", error.message}});
      return Poison::retry;
    }
    metrics_.tries_refused.add();
    park(letter, too_late ? "expired: " + error.message : error.message, too_late, 1, output);
    return Poison::parked;
  }

  std::string last_error() const {
    std::lock_guard lock(mutex_);
    return last_error_;
  }

 private:
  bool expired(const Letter& letter) const { return wall_now() - letter.written >= settings_->expire; }

  void park(const std::shared_ptr<const Letter>& letter, const std::string& reason, bool too_late, int tries,
            kafka::Output& output) {
    const Time now = wall_now();
    parking_.write({letter, reason, too_late, tries, now, now, now}, output);
    parked_.push_back(too_late);
  }

  const std::shared_ptr<const DestinationSettings> settings_;
  Parking parking_;
  const DeliverMetrics metrics_;
  std::vector<Time> delivered_;  // since the last commit: when each was written to P.alerts
  std::vector<bool> parked_;     // since the last commit: whether each was expired
  std::string trouble_;
  mutable std::mutex mutex_;
  std::string last_error_;  // under mutex_
  observe::LogRepeat repeat_;
};

std::string fingerprint(const DestinationSettings& settings) {
  Fingerprint print;
  const auto count = [](milliseconds duration) { return static_cast<double>(duration.count()); };
  print.add(settings.type).add(settings.group).number(count(settings.expire)).add(settings.topic);
  print.number(settings.pace.concurrency).number(settings.pace.per_second);
  print.number(count(settings.pace.retry.first))
      .number(settings.pace.retry.factor)
      .number(count(settings.pace.retry.max));
  return print.add(settings.fingerprint()).text();
}

}  // namespace

struct Stage::Impl {
  /// One destination at work.
  struct Worker {
    std::shared_ptr<const DestinationSettings> settings;
    std::string fingerprint;
    std::shared_ptr<Dispatcher> dispatcher;  // null: written
    std::unique_ptr<kafka::Processor> processor;
    std::unique_ptr<kafka::Loop> loop;

    ~Worker() {
      if (dispatcher) dispatcher->set_wake(nullptr);
      loop.reset();
      if (dispatcher) dispatcher->close();
    }
    void request_stop() {
      if (dispatcher) static_cast<PostedProcessor&>(*processor).stopping();
      loop->request_stop();
    }
    DestinationStatus status() const {
      DestinationStatus status{settings->name, settings->type, loop->status(), 0, false, {}};
      if (dispatcher) {
        const auto now = dispatcher->status();
        status.in_hand = now.in_hand;
        status.held_back = now.held_back;
        status.last_error = now.last_error;
      } else {
        status.last_error = static_cast<const WrittenProcessor&>(*processor).last_error();
      }
      return status;
    }
  };

  std::unique_ptr<Worker> make(const std::shared_ptr<const DestinationSettings>& settings) {
    auto worker = std::make_unique<Worker>();
    worker->settings = settings;
    worker->fingerprint = fingerprint(*settings);
    const DeliverMetrics counted(metrics, settings->name);
    Parking parking(common.topics.undelivered.name, common.topics.alerts.name, settings->name);

    kafka::LoopOptions options = kafka::loop_options(common, "deliver", settings->name);
    options.group = kafka::group_id(common.prefix, "deliver", settings->group);
    options.topics = {common.topics.alerts.name};
    options.output_topics = {common.topics.undelivered.name};
    options.assignor = kafka::Assignor::range;
    options.prefetch_kbytes = 1'024;
    options.embedded = embedded;
    if (settings->topic.empty()) {
      options.guarantee = config::Guarantee::at_least_once;  // no transaction reaches beyond Kafka
      worker->dispatcher = std::make_shared<Dispatcher>(io, settings, counted);
      try {
        worker->dispatcher->open();
      } catch (const std::exception& error) {
        throw std::runtime_error("destination " + settings->name + ": " + error.what());
      }
      worker->processor =
          std::make_unique<PostedProcessor>(worker->dispatcher, settings->name, std::move(parking), counted);
    } else {
      options.output_topics.push_back(settings->topic);
      worker->processor = std::make_unique<WrittenProcessor>(settings, std::move(parking), counted);
    }
    worker->loop = std::make_unique<kafka::Loop>(std::move(options), *worker->processor, watchdog, metrics, failed);
    if (worker->dispatcher) worker->dispatcher->set_wake([loop = worker->loop.get()] { loop->wake(); });
    return worker;
  }

  /// All of them at the same time, each within what is left.
  void end(std::vector<std::unique_ptr<Worker>> over, std::chrono::milliseconds deadline) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    for (auto& worker : over) worker->request_stop();
    for (auto& worker : over) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      worker->loop->stop(std::max(left, std::chrono::milliseconds(0)));
    }
  }

  const config::Common& common;
  boost::asio::io_context& io;
  kafka::Watchdog& watchdog;
  observe::Metrics& metrics;
  const std::function<void(const kafka::LoopFailure&)> failed;
  const bool embedded;
  mutable std::mutex mutex;  // for `workers`: never held while something stops
  std::vector<std::unique_ptr<Worker>> workers;
};

Stage::Stage(const config::Common& common, boost::asio::io_context& io, kafka::Watchdog& watchdog,
             observe::Metrics& metrics, std::function<void(const kafka::LoopFailure&)> failed, bool embedded)
    : impl_(new Impl{common, io, watchdog, metrics, std::move(failed), embedded, {}, {}}) {}

Stage::~Stage() { stop(std::chrono::milliseconds(0)); }

void Stage::apply(const Destinations& destinations) {
  using Worker = Impl::Worker;
  std::vector<std::unique_ptr<Worker>> made;  // null where a running one goes on
  std::vector<std::string> prints;
  for (const auto& settings : destinations) {
    prints.push_back(fingerprint(*settings));
    const bool unchanged = std::any_of(impl_->workers.begin(), impl_->workers.end(), [&](const auto& running) {
      return running->settings->name == settings->name && running->fingerprint == prints.back();
    });
    made.push_back(unchanged ? nullptr : impl_->make(settings));
  }
  std::vector<std::unique_ptr<Worker>> next, over;
  std::vector<std::string> gone;
  {
    std::lock_guard lock(impl_->mutex);
    for (std::size_t i = 0; i < destinations.size(); ++i) {
      if (!made[i]) {
        const auto running = std::find_if(impl_->workers.begin(), impl_->workers.end(), [&](const auto& one) {
          return one && one->settings->name == destinations[i]->name && one->fingerprint == prints[i];
        });
        next.push_back(std::move(*running));
      } else {
        next.push_back(nullptr);
      }
    }
    for (auto& worker : impl_->workers) {
      if (!worker) continue;
      const bool named = std::any_of(destinations.begin(), destinations.end(),
                                     [&](const auto& settings) { return settings->name == worker->settings->name; });
      if (!named) gone.push_back(worker->settings->name);
      over.push_back(std::move(worker));
    }
    impl_->workers.clear();
    for (auto& worker : next)
      if (worker) impl_->workers.push_back(std::move(worker));
  }
  // A changed destination keeps its group and its ids, so the old one must be gone before the new one comes.
  impl_->end(std::move(over), reload_drain);
  for (const std::string& name : gone) impl_->metrics.forget("destination", name);
  for (auto& worker : made)
    if (worker) worker->loop->start();

  std::lock_guard lock(impl_->mutex);
  for (auto& worker : made)
    if (worker) impl_->workers.push_back(std::move(worker));
  const auto place = [&](const std::unique_ptr<Worker>& worker) {
    return std::find_if(destinations.begin(), destinations.end(),
                        [&](const auto& settings) { return settings->name == worker->settings->name; });
  };
  std::sort(impl_->workers.begin(), impl_->workers.end(),
            [&](const auto& a, const auto& b) { return place(a) < place(b); });
}

void Stage::request_stop() {
  std::lock_guard lock(impl_->mutex);
  for (auto& worker : impl_->workers) worker->request_stop();
}

void Stage::stop(std::chrono::milliseconds deadline) {
  std::vector<std::unique_ptr<Impl::Worker>> workers;
  {
    std::lock_guard lock(impl_->mutex);
    workers.swap(impl_->workers);
  }
  impl_->end(std::move(workers), deadline);
}

std::vector<DestinationStatus> Stage::status() const {
  std::lock_guard lock(impl_->mutex);
  std::vector<DestinationStatus> all;
  for (const auto& worker : impl_->workers) all.push_back(worker->status());
  return all;
}

}  // namespace newswatch::deliver
