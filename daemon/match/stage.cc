// The worker of the match stage keeps nothing: what an article becomes is a function of the article and the rules. So
// an abort only forgets counts, and a partition may begin anywhere.
//
// Counts are held back until they are durable, so that an article that comes again after an abort is counted once.

#include "daemon/match/stage.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>

#include "daemon/flow/identity.h"
#include "daemon/flow/record_codec.h"
#include "daemon/flow/rejected.h"
#include "daemon/kafka/watchdog.h"
#include "daemon/match/matching.h"
#include "daemon/observe/log.h"
#include "daemon/observe/metrics.h"

namespace newswatch::match {

using observe::Metric;
using std::chrono::milliseconds;

struct Rules::Impl {
  mutable std::mutex mutex;
  std::shared_ptr<const engine::RuleSet> rules;
  std::atomic<std::uint64_t> generation{1};
};

Rules::Rules(std::shared_ptr<const engine::RuleSet> rules) : impl_(std::make_unique<Impl>()) {
  impl_->rules = std::move(rules);
}
Rules::~Rules() = default;

void Rules::set(std::shared_ptr<const engine::RuleSet> rules) {
  const std::lock_guard lock(impl_->mutex);
  impl_->rules.swap(rules);  // the old set is destroyed by the caller, without the lock
  impl_->generation.fetch_add(1, std::memory_order_release);
}

void Rules::refresh(std::shared_ptr<const engine::RuleSet>& held, std::uint64_t& seen) const {
  if (impl_->generation.load(std::memory_order_acquire) == seen) return;
  std::shared_ptr<const engine::RuleSet> old;  // destroyed without the lock
  const std::lock_guard lock(impl_->mutex);
  old = std::move(held);
  held = impl_->rules;
  seen = impl_->generation.load(std::memory_order_relaxed);
}

namespace {

constexpr std::array outcomes{flow::ArticleOutcome::no_match, flow::ArticleOutcome::matched,
                              flow::ArticleOutcome::rejected};
constexpr std::uint32_t measure_one_in = 64;

// What is counted of one input, and what waits to be.
struct Counts {
  std::array<observe::Counter, outcomes.size()> outcome;
  observe::Counter bytes, clock_used, only_boilerplate;
  std::array<std::uint64_t, outcomes.size()> outcome_waits{};
  std::uint64_t bytes_wait = 0, clock_used_waits = 0, only_boilerplate_waits = 0;
  std::map<std::string, std::uint64_t> rejected_wait;  // by code: a small fixed set
};

class MatchProcessor : public kafka::Processor {
 public:
  MatchProcessor(const config::Topics& topics, const config::MatchStage& settings, const Rules& rules,
                 observe::Metrics& metrics, std::function<Time()> now)
      : topics_(topics), rules_(rules), metrics_(metrics), now_(std::move(now)) {
    match_seconds_ = metrics.histogram(Metric::match_seconds);
    for (const config::ArticleInput& input : settings.articles) {
      inputs_.push_back(std::make_unique<Input>(input));
      Counts& counts = inputs_.back()->counts;
      for (std::size_t i = 0; i < outcomes.size(); ++i) {
        counts.outcome[i] = metrics.counter(Metric::articles, {input.feed, flow::name(outcomes[i])});
      }
      counts.bytes = metrics.counter(Metric::article_bytes, {input.feed});
      counts.clock_used = metrics.counter(Metric::record_times_replaced, {input.feed});
      counts.only_boilerplate = metrics.counter(Metric::articles_boilerplate_only, {input.feed});
      for (const std::string& topic : input.topics) by_topic_[topic] = inputs_.back().get();
    }
  }

  void process(const kafka::Record& record, kafka::Output& output) override {
    Input& input = *by_topic_.at(record.from().topic);
    rules_.refresh(held_, seen_);
    const auto began = std::chrono::steady_clock::now();
    const Outcome& outcome = input.matching.process(
        {record.value().value_or(std::string_view()), record.timestamp(), origin(record)}, *held_, now_());
    if (++measured_ % measure_one_in == 0) match_seconds_.observe(std::chrono::steady_clock::now() - began);

    Counts& counts = input.counts;
    ++counts.outcome_waits[static_cast<std::size_t>(outcome.outcome)];
    counts.bytes_wait += record.value().value_or(std::string_view()).size();
    counts.clock_used_waits += outcome.clock_used ? 1 : 0;
    counts.only_boilerplate_waits += outcome.only_boilerplate > 0 ? 1 : 0;
    if (outcome.outcome == flow::ArticleOutcome::rejected) {
      reject(record, outcome.error, output);
    }
    for (const flow::MatchRecord& match : outcome.matches) {
      output.produce({topics_.matches.name, match.rule.key, flow::encode(match), {}, std::nullopt});
    }
  }

  void aborted() override {
    for (const auto& input : inputs_) forget(input->counts);
  }

  void committed() override {
    for (const auto& input : inputs_) {
      Counts& counts = input->counts;
      for (std::size_t i = 0; i < outcomes.size(); ++i) counts.outcome[i].add(counts.outcome_waits[i]);
      counts.bytes.add(counts.bytes_wait);
      counts.clock_used.add(counts.clock_used_waits);
      counts.only_boilerplate.add(counts.only_boilerplate_waits);
      for (const auto& [code, n] : counts.rejected_wait) {
        metrics_.counter(Metric::articles_rejected, {input->feed, code}).add(n);
      }
      forget(counts);
    }
  }

  Poison poison(const kafka::Record& record, const Error& error, kafka::Output& output) override {
    Counts& counts = by_topic_.at(record.from().topic)->counts;
    ++counts.outcome_waits[static_cast<std::size_t>(flow::ArticleOutcome::rejected)];
    reject(record, error, output);
    return Poison::parked;
  }

 private:
  struct Input {
    explicit Input(const config::ArticleInput& input) : feed(input.feed), matching(input) {}
    std::string feed;
    Matching matching;
    Counts counts;
  };

  static flow::Origin origin(const kafka::Record& record) {
    return {record.from().topic, record.from().partition, record.offset()};
  }

  static void forget(Counts& counts) {
    counts.outcome_waits.fill(0);
    counts.bytes_wait = counts.clock_used_waits = counts.only_boilerplate_waits = 0;
    counts.rejected_wait.clear();
  }

  void reject(const kafka::Record& record, const Error& error, kafka::Output& output) {
    Input& input = *by_topic_.at(record.from().topic);
    ++input.counts.rejected_wait[error.code];
    const flow::RejectedRecord rejected = flow::reject("match", error.code, error.message, origin(record), now_(),
                                                       record.value().value_or(std::string_view()));
    kafka::OutRecord out;
    out.topic = topics_.rejected.name;
    const Article& article = input.matching.article();
    if (!article.id.empty()) {
      out.key = flow::article_name(article.feed, article.id);
    } else if (record.key()) {
      out.key = std::string(*record.key());
    }
    out.value = rejected.value;
    for (const flow::RecordHeader& header : rejected.headers) out.headers.emplace_back(header.name, header.value);
    output.produce(std::move(out));
    refused_.log(observe::LogLevel::warn, "an article could not be read and went to the rejected topic",
                 {{"topic", record.from().topic},
                  {"partition", record.from().partition},
                  {"offset", record.offset()},
                  {"code", error.code},
                  {"reason", error.message}});
  }

  const config::Topics topics_;
  const Rules& rules_;
  observe::Metrics& metrics_;
  const std::function<Time()> now_;
  std::vector<std::unique_ptr<Input>> inputs_;
  std::map<std::string, Input*, std::less<>> by_topic_;
  std::shared_ptr<const engine::RuleSet> held_;
  std::uint64_t seen_ = 0;
  std::uint32_t measured_ = 0;
  observe::Histogram match_seconds_;
  observe::LogRepeat refused_;
};

Time wall_clock() { return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now()); }

}  // namespace

std::unique_ptr<kafka::Processor> make_processor(const config::Topics& topics, const config::MatchStage& settings,
                                                 const Rules& rules, observe::Metrics& metrics,
                                                 std::function<Time()> now) {
  return std::make_unique<MatchProcessor>(topics, settings, rules, metrics, std::move(now));
}

kafka::LoopOptions worker_options(const config::Common& common, const config::MatchStage& settings, int worker,
                                  bool embedded) {
  kafka::LoopOptions options = kafka::loop_options(common, "match", std::to_string(worker));
  options.output_topics = {common.topics.matches.name, common.topics.rejected.name};
  options.embedded = embedded;
  // 1.3 s of 8,000 articles a second and worker at 3 KB: librdkafka stops fetching for a second when this is full.
  options.prefetch_kbytes = 32 * 1024;
  for (const config::ArticleInput& input : settings.articles) {
    for (const std::string& topic : input.topics) {
      options.topics.push_back(topic);
      options.start[topic] = input.start;
      options.on_lost_offsets_of[topic] = input.on_lost_offsets;
    }
    // A record above max_article_bytes is still read, to be set aside: it may be as large as the broker lets it.
    options.fetch_message_bytes = std::max(
        options.fetch_message_bytes, static_cast<int>(std::min<std::uint64_t>(input.max_article_bytes, 64u << 20)));
  }
  return options;
}

struct Stage::Worker {
  Worker(kafka::LoopOptions options, std::unique_ptr<kafka::Processor> its, kafka::Watchdog& watchdog,
         observe::Metrics& metrics, std::function<void(const kafka::LoopFailure&)> failed)
      : processor(std::move(its)), loop(std::move(options), *processor, watchdog, metrics, std::move(failed)) {}
  std::unique_ptr<kafka::Processor> processor;  // outlives the loop
  kafka::Loop loop;
};

Stage::Stage(const config::Common& common, const config::MatchStage& settings,
             std::shared_ptr<const engine::RuleSet> rules, kafka::Watchdog& watchdog, observe::Metrics& metrics,
             std::function<void(const kafka::LoopFailure&)> failed, bool embedded)
    : rules_(std::move(rules)) {
  for (int worker = 0; worker < settings.workers; ++worker) {
    workers_.push_back(std::make_unique<Worker>(worker_options(common, settings, worker, embedded),
                                                make_processor(common.topics, settings, rules_, metrics, wall_clock),
                                                watchdog, metrics, failed));
  }
}

Stage::~Stage() { stop(milliseconds(0)); }

void Stage::start() {
  for (const auto& worker : workers_) worker->loop.start();
}

void Stage::set_rules(std::shared_ptr<const engine::RuleSet> rules) { rules_.set(std::move(rules)); }

void Stage::request_stop() {
  for (const auto& worker : workers_) worker->loop.request_stop();
}

void Stage::stop(milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  request_stop();
  for (const auto& worker : workers_) {
    worker->loop.stop(
        std::max(std::chrono::duration_cast<milliseconds>(end - std::chrono::steady_clock::now()), milliseconds(0)));
  }
}

std::vector<kafka::LoopStatus> Stage::status() const {
  std::vector<kafka::LoopStatus> all;
  for (const auto& worker : workers_) all.push_back(worker->loop.status());
  return all;
}

}  // namespace newswatch::match
