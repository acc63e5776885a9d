#include "daemon/alert/stage.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "daemon/alert/core.h"
#include "daemon/alert/restore.h"
#include "daemon/flow/identity.h"
#include "daemon/flow/record_codec.h"
#include "daemon/flow/rejected.h"
#include "daemon/kafka/client.h"
#include "daemon/kafka/watchdog.h"
#include "daemon/observe/log.h"
#include "daemon/observe/metrics.h"

// What stands behind exactly once here is short, because the decisions are pure (core.h):
//
//   * A commit makes alerts, state, position and the group's offset durable together. The position holds the very
//   offset
//     that the group gets, also where only transaction markers were passed, so a restore can tell whether the two
//     belong together.
//   * After anything else than a clean commit, aborted() throws away all state in memory. The records come again, and
//     must meet the state of before their first try, or the version gate would suppress what nobody was told.
//   * At least once has no transaction: alerts are acknowledged before state is written, state before the position. A
//     crash in between repeats alerts, with the same ids, since the restore stops at the last position.
//
// In memory are at most: the state of the partitions held, and what one commit will write (`most_pending_bytes`; past
// it has_room() says no and the loop commits). Alerts are not kept: they go to the producer's bounded queue at once.

namespace newswatch::alert {
namespace {

using flow::MatchOutcome;
using kafka::TopicPartition;
using observe::Metric;

constexpr std::size_t most_pending_bytes = 8 << 20;
constexpr std::chrono::seconds metadata_limit{8};

// A broker may take less than our 900,000 bytes. An alert that it refuses is written again within these; if it refuses
// the last too, the match is set aside.
constexpr std::array<std::size_t, 3> alert_limits{flow::max_record_bytes, 100'000, 20'000};

// Of a match that is set aside; the second when the topic took no more.
constexpr std::size_t all_bytes = flow::rejected_whole_bytes, least_rejected_bytes = 8'000;

struct RestoredState final : kafka::Restored {
  Restore::Outcome outcome;
  std::int32_t partitions = 0;  // of P.matches
  std::int64_t earliest = 0;    // of this one
};

class AlertProcessor final : public kafka::Processor {
 public:
  AlertProcessor(ProcessorOptions options, const Routes& routes, observe::Metrics& metrics);

  bool restores() const override { return true; }
  Result<std::unique_ptr<kafka::Restored>> restore(const kafka::RestoreContext& context) override;
  Result<std::int64_t> start(const TopicPartition& partition, std::optional<std::int64_t> committed,
                             std::int64_t earliest, std::unique_ptr<kafka::Restored> restored) override;
  void revoked(std::span<const TopicPartition> partitions) override;
  void aborted() override;
  void process(const kafka::Record& record, kafka::Output& output) override;
  int phases() const override { return 3; }
  void flush_phase(int phase, std::span<const kafka::Position> positions, kafka::Output& output) override;
  bool wants_commit() const override { return alerts_waiting_ || pending_bytes_ > most_pending_bytes; }
  bool has_room(const TopicPartition&) override { return pending_bytes_ <= most_pending_bytes; }
  void committed() override;
  Poison poison(const kafka::Record& record, const Error& error, kafka::Output& output) override;

 private:
  struct Partition {
    Core core;
    std::int32_t partitions = 0;
    std::optional<Position> written;                            // durable
    std::optional<Position> flushed;                            // on its way
    std::map<std::string, std::optional<std::string>> changes;  // of state since the last commit; the last of a key
  };

  void decide(Partition& partition, const flow::MatchRecord& match, std::size_t limit, kafka::Output& output);
  void set_aside(const kafka::Record& record, const Error& error, std::size_t keep, kafka::Output& output);
  void forget_pending();
  void show_entries() const;

  const ProcessorOptions options_;
  const Routes& routes_;
  std::map<std::int32_t, Partition> partitions_;
  // How often Kafka refused what a record gave; few, and gone once they are behind us.
  std::map<std::pair<std::int32_t, std::int64_t>, std::size_t> refused_;

  // Of what is not committed yet.
  bool alerts_waiting_ = false;
  std::size_t pending_bytes_ = 0;
  std::map<MatchOutcome, std::uint64_t> outcomes_;
  std::map<std::pair<flow::AlertKind, flow::Severity>, std::uint64_t> alerts_;
  std::vector<Time> alerted_record_times_;

  // Of the restore thread alone.
  kafka::StateReader state_reader_;
  std::optional<kafka::PartitionReader> metadata_;

  std::map<MatchOutcome, observe::Counter> outcome_counters_;
  std::map<std::pair<flow::AlertKind, flow::Severity>, observe::Counter> alert_counters_;
  observe::Gauge entries_;
  observe::Histogram article_to_alert_;
  observe::LogRepeat rejected_log_;
};

AlertProcessor::AlertProcessor(ProcessorOptions options, const Routes& routes, observe::Metrics& metrics)
    : options_(std::move(options)), routes_(routes), state_reader_(options_.client) {
  using flow::Severity;
  for (const MatchOutcome outcome : flow::all_match_outcomes)
    outcome_counters_[outcome] = metrics.counter(Metric::matches, {flow::name(outcome)});
  for (const Severity severity : {Severity::low, Severity::medium, Severity::high, Severity::critical})
    alert_counters_[{flow::AlertKind::alert, severity}] =
        metrics.counter(Metric::alerts, {flow::name(flow::AlertKind::alert), flow::name(severity)});
  entries_ = metrics.gauge(Metric::state_entries, {options_.worker});
  article_to_alert_ = metrics.histogram(Metric::article_to_alert_seconds);
}

Result<std::unique_ptr<kafka::Restored>> AlertProcessor::restore(const kafka::RestoreContext& context) {
  if (!metadata_) {
    auto opened = kafka::PartitionReader::open(options_.client);
    if (!opened) return opened.error();
    metadata_.emplace(std::move(*opened));
  }
  const auto partitions = metadata_->partition_count(options_.topics.matches.name, metadata_limit);
  if (!partitions)
    return retryable_error(partitions.error().code, "the number of partitions of " + options_.topics.matches.name +
                                                        ": " + partitions.error().message);

  const auto marks = metadata_->watermarks(context.partition, metadata_limit);
  if (!marks) return marks.error();

  const TopicPartition source{options_.topics.state.name, context.partition.partition};
  Restore restore;
  std::optional<Error> trouble;
  const auto read = state_reader_.read(
      source, [&] { return trouble || context.cancelled(); }, context.progress,
      [&](const kafka::Record& record) {
        if (trouble) return;
        if (!record.key()) {
          trouble = fatal_error("bad_state", "a record without key");
        } else if (auto taken = restore.take(*record.key(), record.value()); !taken) {
          trouble = taken.error();
        }
        if (trouble)
          trouble->message = source.topic + " partition " + std::to_string(source.partition) + ", offset " +
                             std::to_string(record.offset()) + ": " + trouble->message;
      });
  if (trouble) return *trouble;
  if (!read) return read.error();

  auto restored = std::make_unique<RestoredState>();
  restored->outcome = std::move(restore).finish();
  restored->partitions = *partitions;
  restored->earliest = marks->low;
  observe::log_debug(
      "state restored",
      {{"partition", source.partition}, {"records", *read}, {"entries", restored->outcome.state.size()}});
  return std::unique_ptr<kafka::Restored>(std::move(restored));
}

Result<std::int64_t> AlertProcessor::start(const TopicPartition& partition, std::optional<std::int64_t> committed,
                                           std::int64_t /*earliest*/, std::unique_ptr<kafka::Restored> restored) {
  auto& state = static_cast<RestoredState&>(*restored);
  StartFacts facts;
  facts.matches_topic = partition.topic;
  facts.state_topic = options_.topics.state.name;
  facts.group = options_.group;
  facts.partition = partition.partition;
  facts.partitions = state.partitions;
  facts.exactly_once = options_.exactly_once;
  facts.committed = committed;
  facts.earliest = state.earliest;
  facts.position = state.outcome.position;
  const auto offset = start_offset(facts);
  if (!offset) return offset.error();

  const Time time = facts.position ? facts.position->time : Time{};
  Partition started{Core(options_.remember, std::move(state.outcome.state), time),
                    state.partitions,
                    facts.position,
                    std::nullopt,
                    {}};
  partitions_.insert_or_assign(partition.partition, std::move(started));
  show_entries();
  return *offset;
}

void AlertProcessor::revoked(std::span<const TopicPartition> partitions) {
  for (const TopicPartition& partition : partitions) partitions_.erase(partition.partition);
  show_entries();
}

// The one repair (DESIGN 2.5): nothing in memory may know of what did not happen.
void AlertProcessor::aborted() {
  partitions_.clear();
  forget_pending();
  show_entries();
}

void AlertProcessor::process(const kafka::Record& record, kafka::Output& output) {
  const auto found = partitions_.find(record.from().partition);
  if (found == partitions_.end()) std::abort();  // the loop hands out started partitions only
  const auto match = flow::decode_match(record.value().value_or(std::string_view()));
  if (!match) {
    set_aside(record, match.error(), all_bytes, output);
    return;
  }
  decide(found->second, *match, alert_limits.front(), output);
}

void AlertProcessor::decide(Partition& partition, const flow::MatchRecord& match, std::size_t limit,
                            kafka::Output& output) {
  Core::Step step = partition.core.process(match, *routes_.get());
  ++outcomes_[step.outcome];
  if (step.alert) {
    const flow::Alert& alert = *step.alert;
    kafka::OutRecord out;
    out.topic = options_.topics.alerts.name;
    out.key = alert.rule.key;
    out.value = flow::encode(alert, limit);
    for (flow::RecordHeader& header : flow::cloud_event_headers(alert))
      out.headers.emplace_back(std::move(header.name), std::move(header.value));
    output.produce(std::move(out));
    alerts_waiting_ = true;
    ++alerts_[{alert.kind, alert.rule.severity}];
    alerted_record_times_.push_back(match.record_time);
  }
  for (StateChange& change : step.changes) {
    pending_bytes_ += change.key.size() + (change.value ? change.value->size() : 0) + 100;
    partition.changes.insert_or_assign(std::move(change.key), std::move(change.value));
  }
}

// Nothing is lost: the bytes stand in the rejected topic with the reason, and the partition goes on.
void AlertProcessor::set_aside(const kafka::Record& record, const Error& error, std::size_t keep,
                               kafka::Output& output) {
  const flow::Origin origin{record.from().topic, record.from().partition, record.offset()};
  flow::RejectedRecord rejected =
      flow::reject("alert", error.code, error.message, origin, record.timestamp().value_or(Time{}),
                   record.value().value_or(std::string_view()));
  if (rejected.value.size() > keep) rejected.value.resize(keep);
  kafka::OutRecord out;
  out.topic = options_.topics.rejected.name;
  if (record.key()) out.key = flow::bounded_id(*record.key());
  out.value = std::move(rejected.value);
  for (flow::RecordHeader& header : rejected.headers)
    out.headers.emplace_back(std::move(header.name), std::move(header.value));
  output.produce(std::move(out));
  ++outcomes_[MatchOutcome::rejected];
  rejected_log_.log(observe::LogLevel::error, "match record set aside",
                    {{"topic", origin.topic},
                     {"partition", origin.partition},
                     {"offset", origin.offset},
                     {"code", error.code},
                     {"reason", error.message},
                     {"now_in", options_.topics.rejected.name}});
}

void AlertProcessor::flush_phase(int phase, std::span<const kafka::Position> positions, kafka::Output& output) {
  if (phase == 1) {
    for (auto& [number, partition] : partitions_) {
      for (const auto& [key, value] : partition.changes) {
        kafka::OutRecord out;
        out.topic = options_.topics.state.name;
        out.partition = number;
        out.key = key;
        out.value = value;
        output.produce(std::move(out));
      }
    }
  } else if (phase == 2) {
    for (const kafka::Position& reached : positions) {
      const auto found = partitions_.find(reached.partition->partition);
      if (found == partitions_.end()) continue;
      Partition& partition = found->second;
      const Position position{reached.next, partition.partitions, partition.core.time()};
      if (partition.written == position) continue;
      partition.flushed = position;
      kafka::OutRecord out;
      out.topic = options_.topics.state.name;
      out.partition = found->first;
      out.key = std::string(position_key);
      out.value = encode(position);
      output.produce(std::move(out));
    }
  }
}

void AlertProcessor::committed() {
  for (auto& [number, partition] : partitions_) {
    if (partition.flushed) partition.written = std::exchange(partition.flushed, std::nullopt);
    partition.changes.clear();
    if (!partition.written) continue;
    const std::int64_t next = partition.written->next;
    std::erase_if(refused_, [&, n = number](const auto& r) { return r.first.first == n && r.first.second < next; });
  }
  for (const auto& [outcome, count] : outcomes_) outcome_counters_[outcome].add(count);
  for (const auto& [kind, count] : alerts_) alert_counters_[kind].add(count);
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  for (const Time time : alerted_record_times_) article_to_alert_.observe(now - time);
  forget_pending();
  show_entries();
}

// Comes in place of process(), with the state of before the record. Should what is written here be refused too, it
// comes again.
kafka::Processor::Poison AlertProcessor::poison(const kafka::Record& record, const Error& error,
                                                kafka::Output& output) {
  // All topics here are our own: a missing or denied one is nothing that the record did.
  if (error.code == "topic_denied" || error.code == "unknown_topic") return Poison::retry;
  const std::size_t refused = ++refused_[{record.from().partition, record.offset()}];
  const auto match = flow::decode_match(record.value().value_or(std::string_view()));
  if (match && refused < alert_limits.size()) {
    decide(partitions_.at(record.from().partition), *match, alert_limits[refused], output);
  } else {
    set_aside(record, match ? error : match.error(), refused > alert_limits.size() ? least_rejected_bytes : all_bytes,
              output);
  }
  return Poison::parked;
}

void AlertProcessor::forget_pending() {
  alerts_waiting_ = false;
  pending_bytes_ = 0;
  outcomes_.clear();
  alerts_.clear();
  alerted_record_times_.clear();
}

void AlertProcessor::show_entries() const {
  std::size_t entries = 0;
  for (const auto& [number, partition] : partitions_) entries += partition.core.state().size();
  entries_.set(static_cast<double>(entries));
}

}  // namespace

void Routes::set(List list) {
  auto fresh = std::make_shared<const List>(std::move(list));
  const std::lock_guard lock(mutex_);
  list_ = std::move(fresh);
}

std::shared_ptr<const Routes::List> Routes::get() const {
  const std::lock_guard lock(mutex_);
  return list_;
}

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
  std::unique_ptr<kafka::Processor> processor;
  std::unique_ptr<kafka::Loop> loop;
};

Stage::Stage(const config::Common& common, const config::AlertStage& settings, kafka::Watchdog& watchdog,
             observe::Metrics& metrics, std::function<void(const kafka::LoopFailure&)> failed, bool embedded)
    : routes_(settings.routes) {
  for (int number = 0; number < settings.workers; ++number) {
    kafka::LoopOptions loop = worker_options(common, number, embedded);
    ProcessorOptions options;
    options.topics = common.topics;
    options.group = loop.group;
    options.worker = std::to_string(number);
    options.exactly_once = loop.guarantee == config::Guarantee::exactly_once;
    options.remember = settings.remember;
    options.client = loop.client;
    auto worker = std::make_unique<Worker>();
    worker->processor = make_processor(std::move(options), routes_, metrics);
    worker->loop = std::make_unique<kafka::Loop>(std::move(loop), *worker->processor, watchdog, metrics, failed);
    workers_.push_back(std::move(worker));
  }
}

Stage::~Stage() { stop(std::chrono::milliseconds(0)); }

void Stage::start() {
  for (const auto& worker : workers_) worker->loop->start();
}

void Stage::set_routes(std::vector<config::Route> routes) { routes_.set(std::move(routes)); }

void Stage::request_stop() {
  for (const auto& worker : workers_) worker->loop->request_stop();
}

void Stage::stop(std::chrono::milliseconds deadline) {
  request_stop();
  const auto end = std::chrono::steady_clock::now() + deadline;
  for (const auto& worker : workers_) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    worker->loop->stop(std::max(left, std::chrono::milliseconds(0)));
  }
}

std::vector<kafka::LoopStatus> Stage::status() const {
  std::vector<kafka::LoopStatus> all;
  for (const auto& worker : workers_) all.push_back(worker->loop->status());
  return all;
}

}  // namespace newswatch::alert
