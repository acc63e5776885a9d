// The alert stage over Kafka. All decisions are Core's; here stands where they are read from, written to and kept.
//
// A partition of P.matches has one Core, which is restored from the partition of P.state of the same number before its
// first record. After any abort every Core is thrown away and restored (the loop asks for it), so a record that comes
// again never meets what its own aborted try left behind. Alerts are written as they fire, changes of the state and the
// position at the commit, in this order, which at least once depends on.
//
// The position is written for every partition whose offset goes with the commit and differs from its last position,
// also when no record of it was processed: offsets of transaction markers move too, and under exactly once the group's
// offset and the position must be equal.

#include "daemon/alert/stage.h"

#include <algorithm>
#include <map>

#include "daemon/alert/core.h"
#include "daemon/alert/restore.h"
#include "daemon/flow/outcome.h"
#include "daemon/flow/record_codec.h"
#include "daemon/flow/rejected.h"
#include "daemon/kafka/client.h"
#include "daemon/kafka/watchdog.h"
#include "daemon/observe/log.h"
#include "daemon/observe/metrics.h"

namespace newswatch::alert {

using observe::Metric;
using std::chrono::milliseconds;

void Routes::set(List list) {
  auto next = std::make_shared<const List>(std::move(list));
  const std::lock_guard lock(mutex_);
  list_.swap(next);
}

std::shared_ptr<const Routes::List> Routes::get() const {
  const std::lock_guard lock(mutex_);
  return list_;
}

namespace {

constexpr milliseconds metadata_limit{10'000};
constexpr int state_phase = 0, position_phase = 1;

Time wall_clock() { return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now()); }

struct RestoredState final : kafka::Restored {
  Restore::Outcome outcome;
  std::int32_t partitions = 0;  // of P.matches now
};

class AlertProcessor final : public kafka::Processor {
 public:
  AlertProcessor(ProcessorOptions options, const Routes& routes, observe::Metrics& metrics)
      : options_(std::move(options)), routes_(routes), metrics_(metrics), state_reader_(options_.client) {
    for (const auto outcome : flow::all_match_outcomes) {
      outcomes_[outcome].counter = metrics.counter(Metric::matches, {flow::name(outcome)});
    }
    article_to_alert_ = metrics.histogram(Metric::article_to_alert_seconds);
    entries_ = metrics.gauge(Metric::state_entries, {options_.worker});
  }

  bool restores() const override { return true; }

  Result<std::unique_ptr<kafka::Restored>> restore(const kafka::RestoreContext& context) override {
    auto restored = std::make_unique<RestoredState>();
    auto reader = kafka::PartitionReader::open(options_.client);
    if (!reader) return reader.error();
    const auto partitions = reader->partition_count(options_.topics.matches.name, metadata_limit);
    if (!partitions) return partitions.error();
    restored->partitions = *partitions;
    Restore restore;
    Result<void> taken;
    const auto stop = [&] { return !taken || context.cancelled(); };
    const kafka::TopicPartition from{options_.topics.state.name, context.partition.partition};
    const auto read = state_reader_.read(from, stop, context.progress, [&](const kafka::Record& record) {
      if (taken) taken = restore.take(record.key().value_or(std::string_view()), record.value());
    });
    if (!taken) {
      Error error = taken.error();
      error.message = from.topic + " partition " + std::to_string(from.partition) + " cannot be read: " + error.message;
      return error;
    }
    if (!read) return read.error();
    restored->outcome = std::move(restore).finish();
    return std::unique_ptr<kafka::Restored>(std::move(restored));
  }

  Result<std::int64_t> start(const kafka::TopicPartition& partition, std::optional<std::int64_t> committed,
                             std::int64_t earliest, std::unique_ptr<kafka::Restored> restored) override {
    auto& its = static_cast<RestoredState&>(*restored);
    StartFacts facts;
    facts.matches_topic = options_.topics.matches.name;
    facts.state_topic = options_.topics.state.name;
    facts.group = options_.group;
    facts.partition = partition.partition;
    facts.partitions = its.partitions;
    facts.exactly_once = options_.exactly_once;
    facts.committed = committed;
    facts.earliest = earliest;
    facts.position = its.outcome.position;
    const auto offset = start_offset(facts);
    if (!offset) return offset.error();
    Partition fresh{Core(options_.remember), {}, {}, {}, its.partitions};
    if (its.outcome.position) {
      fresh.core = Core(options_.remember, std::move(its.outcome.state), its.outcome.position->time);
      fresh.durable = its.outcome.position;
    }
    partitions_.insert_or_assign(partition.partition, std::move(fresh));
    show_entries();
    return *offset;
  }

  void revoked(std::span<const kafka::TopicPartition> partitions) override {
    for (const auto& partition : partitions) partitions_.erase(partition.partition);
    show_entries();
  }

  void aborted() override {
    partitions_.clear();
    for (auto& [outcome, count] : outcomes_) count.waits = 0;
    waiting_alerts_.clear();
    show_entries();
  }

  void process(const kafka::Record& record, kafka::Output& output) override {
    Partition& partition = partitions_.at(record.from().partition);
    const auto match = flow::decode_match(record.value().value_or(std::string_view()));
    if (!match) {
      reject(record, match.error(), output);
      return;
    }
    Core::Step step = partition.core.process(*match, *routes_.get());
    ++outcomes_[step.outcome].waits;
    std::ranges::move(step.changes, std::back_inserter(partition.changes));
    if (!step.alert) return;
    const flow::Alert& alert = *step.alert;
    kafka::OutRecord out;
    out.topic = options_.topics.alerts.name;
    out.key = alert.rule.key;
    out.value = flow::encode(alert);
    for (flow::RecordHeader& header : flow::cloud_event_headers(alert)) {
      out.headers.emplace_back(std::move(header.name), std::move(header.value));
    }
    output.produce(std::move(out));
    waiting_alerts_.push_back({flow::name(alert.kind), alert.rule.severity, wall_clock() - match->record_time});
  }

  int phases() const override { return 2; }

  void flush_phase(int phase, std::span<const kafka::Position> positions, kafka::Output& output) override {
    for (const kafka::Position& at : positions) {
      const auto found = partitions_.find(at.partition->partition);
      if (found == partitions_.end()) continue;
      Partition& partition = found->second;
      const auto write = [&](std::string key, std::optional<std::string> value) {
        output.produce({options_.topics.state.name, std::move(key), std::move(value), {}, found->first});
      };
      if (phase == state_phase) {
        for (StateChange& change : partition.changes) write(std::move(change.key), std::move(change.value));
        partition.changes.clear();
      } else if (phase == position_phase) {
        const Position position{at.next, partition.count, partition.core.time()};
        if (partition.durable == position) continue;
        write(std::string(position_key), encode(position));
        partition.written = position;
      }
    }
  }

  void committed() override {
    for (auto& [number, partition] : partitions_) {
      if (partition.written) partition.durable = std::exchange(partition.written, std::nullopt);
    }
    for (auto& [outcome, count] : outcomes_) count.counter.add(std::exchange(count.waits, 0));
    for (const WaitingAlert& alert : waiting_alerts_) {
      metrics_.counter(Metric::alerts, {alert.kind, flow::name(alert.severity)}).add();
      article_to_alert_.observe(alert.age);
    }
    waiting_alerts_.clear();
    show_entries();
  }

  Poison poison(const kafka::Record& record, const Error& error, kafka::Output& output) override {
    // All topics here are our own: a missing or denied one is nothing that the record did.
    if (error.code == "topic_denied" || error.code == "unknown_topic") return Poison::retry;
    reject(record, error, output);
    return Poison::parked;
  }

 private:
  struct Partition {
    Core core;
    std::vector<StateChange> changes;  // since the last commit; at most a commit interval's worth
    std::optional<Position> durable;   // what stands in P.state
    std::optional<Position> written;   // what the commit under way makes durable
    std::int32_t count = 0;            // partitions of P.matches
  };
  struct Count {
    observe::Counter counter;
    std::uint64_t waits = 0;
  };
  struct WaitingAlert {
    std::string_view kind;
    engine::Severity severity;
    milliseconds age;
  };

  void reject(const kafka::Record& record, const Error& error, kafka::Output& output) {
    ++outcomes_[flow::MatchOutcome::rejected].waits;
    const flow::Origin origin{record.from().topic, record.from().partition, record.offset()};
    flow::RejectedRecord rejected = flow::reject("alert", error.code, error.message, origin, wall_clock(),
                                                 record.value().value_or(std::string_view()));
    kafka::OutRecord out;
    out.topic = options_.topics.rejected.name;
    if (record.key()) out.key = std::string(*record.key());
    out.value = std::move(rejected.value);
    for (flow::RecordHeader& header : rejected.headers) {
      out.headers.emplace_back(std::move(header.name), std::move(header.value));
    }
    output.produce(std::move(out));
    refused_.log(observe::LogLevel::error, "a match cannot be used and went to the rejected topic",
                 {{"topic", origin.topic},
                  {"partition", origin.partition},
                  {"offset", origin.offset},
                  {"code", error.code},
                  {"reason", error.message}});
  }

  void show_entries() {
    std::size_t sum = 0;
    for (const auto& [number, partition] : partitions_) sum += partition.core.state().size();
    entries_.set(static_cast<double>(sum));
  }

  const ProcessorOptions options_;
  const Routes& routes_;
  observe::Metrics& metrics_;
  kafka::StateReader state_reader_;  // of the restore thread
  std::map<std::int32_t, Partition> partitions_;
  std::map<flow::MatchOutcome, Count> outcomes_;
  std::vector<WaitingAlert> waiting_alerts_;  // of one round
  observe::Histogram article_to_alert_;
  observe::Gauge entries_;
  observe::LogRepeat refused_;
};

}  // namespace

std::unique_ptr<kafka::Processor> make_processor(ProcessorOptions options, const Routes& routes,
                                                 observe::Metrics& metrics) {
  return std::make_unique<AlertProcessor>(std::move(options), routes, metrics);
}

kafka::LoopOptions worker_options(const config::Common& common, int worker, bool embedded) {
  kafka::LoopOptions options = kafka::loop_options(common, "alert", std::to_string(worker));
  options.topics = {common.topics.matches.name};
  options.output_topics = {common.topics.alerts.name, common.topics.state.name, common.topics.rejected.name};
  options.embedded = embedded;
  return options;
}

struct Stage::Worker {
  Worker(kafka::LoopOptions options, std::unique_ptr<kafka::Processor> its, kafka::Watchdog& watchdog,
         observe::Metrics& metrics, std::function<void(const kafka::LoopFailure&)> failed)
      : processor(std::move(its)), loop(std::move(options), *processor, watchdog, metrics, std::move(failed)) {}
  std::unique_ptr<kafka::Processor> processor;  // outlives the loop
  kafka::Loop loop;
};

Stage::Stage(const config::Common& common, const config::AlertStage& settings, kafka::Watchdog& watchdog,
             observe::Metrics& metrics, std::function<void(const kafka::LoopFailure&)> failed, bool embedded)
    : routes_(settings.routes) {
  for (int worker = 0; worker < settings.workers; ++worker) {
    kafka::LoopOptions options = worker_options(common, worker, embedded);
    ProcessorOptions its;
    its.topics = common.topics;
    its.group = options.group;
    its.worker = options.worker;
    its.exactly_once = common.guarantee == config::Guarantee::exactly_once;
    its.remember = settings.remember;
    its.client = options.client;
    workers_.push_back(std::make_unique<Worker>(std::move(options), make_processor(std::move(its), routes_, metrics),
                                                watchdog, metrics, failed));
  }
}

Stage::~Stage() { stop(milliseconds(0)); }

void Stage::start() {
  for (const auto& worker : workers_) worker->loop.start();
}

void Stage::set_routes(std::vector<config::Route> routes) { routes_.set(std::move(routes)); }

void Stage::request_stop() {
  for (const auto& worker : workers_) worker->loop.request_stop();
}

void Stage::stop(milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  request_stop();
  for (const auto& worker : workers_) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - std::chrono::steady_clock::now());
    worker->loop.stop(std::max(left, milliseconds(0)));
  }
}

std::vector<kafka::LoopStatus> Stage::status() const {
  std::vector<kafka::LoopStatus> all;
  for (const auto& worker : workers_) all.push_back(worker->loop.status());
  return all;
}

}  // namespace newswatch::alert
