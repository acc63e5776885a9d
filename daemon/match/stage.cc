#include "daemon/match/stage.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>
#include <utility>

#include "daemon/flow/identity.h"
#include "daemon/flow/record_codec.h"
#include "daemon/flow/rejected.h"
#include "daemon/match/matching.h"
#include "daemon/observe/log.h"
#include "daemon/observe/metrics.h"

namespace newswatch::match {

using namespace std::chrono_literals;

namespace {

using observe::Metric;

/// What is counted of one feed. An article counts when it is committed, so that one that comes again after an abort
/// counts once.
class FeedCount {
 public:
  FeedCount(const std::string& feed, observe::Metrics& metrics) : feed_(feed), metrics_(metrics) {
    for (const auto outcome : {flow::ArticleOutcome::no_match, flow::ArticleOutcome::matched, flow::ArticleOutcome::rejected})
      outcomes_[static_cast<std::size_t>(outcome)] = metrics.counter(Metric::articles, {feed, name(outcome)});
    only_boilerplate_ = metrics.counter(Metric::articles_boilerplate_only, {feed});
    bytes_ = metrics.counter(Metric::article_bytes, {feed});
    times_ = metrics.counter(Metric::record_times_replaced, {feed});
  }

  void count(const Outcome& outcome, std::size_t bytes) {
    ++pending_.outcomes[static_cast<std::size_t>(outcome.outcome)];
    pending_.bytes += bytes;
    pending_.times += outcome.clock_used ? 1 : 0;
    pending_.only_boilerplate += outcome.only_boilerplate > 0 && outcome.matches.empty() ? 1 : 0;
    if (outcome.outcome == flow::ArticleOutcome::rejected) ++pending_.reasons[outcome.error.code];
  }
  void committed() {
    for (std::size_t i = 0; i < outcomes_.size(); ++i) outcomes_[i].add(pending_.outcomes[i]);
    bytes_.add(pending_.bytes);
    times_.add(pending_.times);
    only_boilerplate_.add(pending_.only_boilerplate);
    for (const auto& [reason, n] : pending_.reasons) metrics_.counter(Metric::articles_rejected, {feed_, reason}).add(n);
    pending_ = {};
  }
  void aborted() { pending_ = {}; }

 private:
  struct Pending {
    std::array<std::uint64_t, 3> outcomes{};
    std::uint64_t bytes = 0, times = 0, only_boilerplate = 0;
    std::map<std::string, std::uint64_t> reasons;  // codes of ingest and of Kafka: a small fixed set
  };
  const std::string feed_;
  observe::Metrics& metrics_;
  std::array<observe::Counter, 3> outcomes_;
  observe::Counter only_boilerplate_, bytes_, times_;
  Pending pending_;
};

class MatchProcessor final : public kafka::Processor {
 public:
  MatchProcessor(const config::Topics& topics, const config::MatchStage& settings, const Rules& rules,
                 observe::Metrics& metrics, std::function<Time()> now)
      : topics_(topics), rules_(rules), now_(std::move(now)), seconds_(metrics.histogram(Metric::match_seconds)) {
    for (const config::ArticleInput& input : settings.articles) {
      auto& count = counts_[input.feed];
      if (!count) count = std::make_unique<FeedCount>(input.feed, metrics);
      for (const std::string& topic : input.topics)
        inputs_.emplace(topic, Input{std::make_unique<Matching>(input), count.get()});
    }
    rules_.refresh(held_, generation_);
  }

  void process(const kafka::Record& record, kafka::Output& output) override {
    rules_.refresh(held_, generation_);
    Input& input = inputs_.at(record.from().topic);
    const ArticleRecord article{record.value().value_or(std::string_view{}), record.timestamp(), origin(record)};
    const bool measured = ++articles_ % 64 == 0;
    const auto begin = measured ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point{};
    const Outcome& outcome = input.matching->process(article, *held_, now_());
    if (measured) seconds_.observe(std::chrono::steady_clock::now() - begin);
    for (const flow::MatchRecord& match : outcome.matches)
      output.produce({topics_.matches.name, match.rule.key, flow::encode(match), {}, std::nullopt});
    if (outcome.outcome == flow::ArticleOutcome::rejected)
      reject(record, input, outcome.error, outcome.record_time, flow::rejected_whole_bytes, output);
    input.count->count(outcome, article.value.size());
  }

  /// What Kafka refuses of an article: its matches are cut to fit, so this is a topic with a smaller limit than ours.
  Poison poison(const kafka::Record& record, const Error& error, kafka::Output& output) override {
    if (error.code != "record_too_large" && error.code != "record_refused") return Poison::retry;
    Input& input = inputs_.at(record.from().topic);
    Outcome outcome;
    outcome.outcome = flow::ArticleOutcome::rejected;
    outcome.error = permanent_error(error.code, "Kafka refused a match of this article: " + error.message);
    input.matching->process({record.value().value_or(std::string_view{}), record.timestamp(), origin(record)}, *held_, now_());
    // Perhaps it was the original in P.rejected that was refused, so no more than its head.
    reject(record, input, outcome.error, record_time(record.timestamp(), now_()).time, flow::rejected_head_bytes, output);
    input.count->count(outcome, record.value().value_or(std::string_view{}).size());
    return Poison::parked;
  }

  void committed() override {
    for (auto& [feed, count] : counts_) count->committed();
  }
  void aborted() override {
    for (auto& [feed, count] : counts_) count->aborted();
  }

 private:
  struct Input {
    std::unique_ptr<Matching> matching;
    FeedCount* count;
  };

  static flow::Origin origin(const kafka::Record& record) {
    return {record.from().topic, record.from().partition, record.offset()};
  }

  void reject(const kafka::Record& record, const Input& input, const Error& error, Time time, std::size_t most_bytes,
              kafka::Output& output) {
    const Article& article = input.matching->article();
    // A key of megabytes would be refused however little is kept of the value, and the partition would stand for ever.
    std::optional<std::string> key;
    if (!article.id.empty()) {
      key = flow::article_name(article.feed, flow::bounded_id(article.id));
    } else if (record.key()) {
      key = flow::bounded_id(*record.key());
    }
    flow::RejectedRecord rejected =
        flow::reject("match", error.code, error.message, origin(record), time, record.value().value_or(std::string_view{}));
    if (rejected.value.size() > most_bytes) rejected.value.resize(most_bytes);
    kafka::OutRecord out{topics_.rejected.name, std::move(key), std::move(rejected.value), {}, std::nullopt};
    for (flow::RecordHeader& header : rejected.headers) out.headers.emplace_back(std::move(header.name), std::move(header.value));
    output.produce(std::move(out));
    repeat_rejected_.log(observe::LogLevel::warn, "an article cannot be read; it went to the rejected topic",
                         {{"feed", article.feed},
                          {"topic", record.from().topic},
                          {"partition", record.from().partition},
                          {"offset", record.offset()},
                          {"code", error.code},
                          {"reason", error.message}});
  }

  const config::Topics topics_;
  const Rules& rules_;
  const std::function<Time()> now_;
  std::unordered_map<std::string, Input> inputs_;  // by topic
  std::map<std::string, std::unique_ptr<FeedCount>> counts_;
  std::shared_ptr<const engine::RuleSet> held_;
  std::uint64_t generation_ = 0;
  std::uint64_t articles_ = 0;
  observe::Histogram seconds_;
  observe::LogRepeat repeat_rejected_;
};

}  // namespace

void Rules::set(std::shared_ptr<const engine::RuleSet> rules) {
  {
    const std::lock_guard lock(mutex_);
    rules_.swap(rules);
  }
  generation_.fetch_add(1, std::memory_order_release);
}

void Rules::refresh(std::shared_ptr<const engine::RuleSet>& held, std::uint64_t& generation) const {
  const std::uint64_t now = generation_.load(std::memory_order_acquire);
  if (now == generation) return;
  generation = now;
  std::shared_ptr<const engine::RuleSet> current;
  {
    const std::lock_guard lock(mutex_);
    current = rules_;
  }
  held = std::move(current);  // the old set may go here, without the lock
}

std::unique_ptr<kafka::Processor> make_processor(const config::Topics& topics, const config::MatchStage& settings,
                                                 const Rules& rules, observe::Metrics& metrics,
                                                 std::function<Time()> now) {
  return std::make_unique<MatchProcessor>(topics, settings, rules, metrics, std::move(now));
}

kafka::LoopOptions worker_options(const config::Common& common, const config::MatchStage& settings, int worker,
                                  bool embedded) {
  kafka::LoopOptions options = kafka::loop_options(common, "match", std::to_string(worker));
  for (const config::ArticleInput& input : settings.articles) {
    for (const std::string& topic : input.topics) {
      options.topics.push_back(topic);
      options.start[topic] = input.start;
      options.on_lost_offsets_of[topic] = input.on_lost_offsets;
    }
  }
  options.output_topics = {common.topics.matches.name, common.topics.rejected.name};
  // A larger record than fetch_message_bytes is still read: brokers send at least one record (KIP-74).
  // librdkafka 2.0.2 stops fetching for a second when its prefetch is full, so 1.3 s of the wanted rate: 20,000 articles
  // of 3 KB a second over all workers.
  options.prefetch_kbytes = std::max(16, 80 / std::max(1, settings.workers)) * 1024;
  options.embedded = embedded;
  return options;
}

struct Stage::Worker {
  Worker(const config::Common& common, const config::MatchStage& settings, const Rules& rules, int number,
         kafka::Watchdog& watchdog, observe::Metrics& metrics, std::function<void(const kafka::LoopFailure&)> failed,
         bool embedded)
      : processor(make_processor(common.topics, settings, rules, metrics,
                                 [] { return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()); })),
        loop(worker_options(common, settings, number, embedded), *processor, watchdog, metrics, std::move(failed)) {}
  std::unique_ptr<kafka::Processor> processor;
  kafka::Loop loop;
};

Stage::Stage(const config::Common& common, const config::MatchStage& settings,
             std::shared_ptr<const engine::RuleSet> rules, kafka::Watchdog& watchdog, observe::Metrics& metrics,
             std::function<void(const kafka::LoopFailure&)> failed, bool embedded)
    : settings_(settings), rules_(std::move(rules)) {
  for (int i = 0; i < settings_.workers; ++i)
    workers_.push_back(std::make_unique<Worker>(common, settings_, rules_, i, watchdog, metrics, failed, embedded));
}

Stage::~Stage() { stop(0ms); }

void Stage::start() {
  for (const auto& worker : workers_) worker->loop.start();
}

void Stage::set_rules(std::shared_ptr<const engine::RuleSet> rules) { rules_.set(std::move(rules)); }

void Stage::request_stop() {
  for (const auto& worker : workers_) worker->loop.request_stop();
}

void Stage::stop(std::chrono::milliseconds deadline) {
  const auto by = std::chrono::steady_clock::now() + deadline;
  if (deadline > 0ms) request_stop();  // all at once, then one after another
  for (const auto& worker : workers_) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(by - std::chrono::steady_clock::now());
    worker->loop.stop(std::max(left, 0ms));
  }
}

std::vector<kafka::LoopStatus> Stage::status() const {
  std::vector<kafka::LoopStatus> out;
  for (const auto& worker : workers_) out.push_back(worker->loop.status());
  return out;
}

}  // namespace newswatch::match
