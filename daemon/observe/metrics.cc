#include "daemon/observe/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <mutex>
#include <sstream>
#include <vector>

#include "daemon/observe/log.h"

namespace newswatch::observe {
namespace {

constexpr std::array<MetricSpec, static_cast<std::size_t>(Metric::count_)> table{{
    {Metric::articles,
     MetricKind::counter,
     "newswatchd_articles_total",
     "Articles by their one outcome: no_match, matched or rejected.",
     {"feed", "outcome"}},
    {Metric::articles_rejected,
     MetricKind::counter,
     "newswatchd_articles_rejected_total",
     "Records that went to the rejected topic, by reason.",
     {"feed", "reason"}},
    {Metric::articles_boilerplate_only,
     MetricKind::counter,
     "newswatchd_articles_boilerplate_only_total",
     "Articles for which at least one rule would be true only with publisher boilerplate.",
     {"feed"}},
    {Metric::article_bytes,
     MetricKind::counter,
     "newswatchd_article_bytes_total",
     "Bytes of article records read.",
     {"feed"}},
    {Metric::record_times_replaced,
     MetricKind::counter,
     "newswatchd_record_times_replaced_total",
     "Article records whose Kafka timestamp was missing or more than a minute ahead, so that the clock was taken.",
     {"feed"}},
    {Metric::match_seconds,
     MetricKind::histogram,
     "newswatchd_match_seconds",
     "Time to prepare one article and match all rules against it (one article in 64 is measured).",
     {}},
    {Metric::matches,
     MetricKind::counter,
     "newswatchd_matches_total",
     "Matches by outcome: alerted, alerted_shadow, rejected, or the gate that suppressed them (withdrawn, version, "
     "story, cooldown).",
     {"outcome"}},
    {Metric::alerts,
     MetricKind::counter,
     "newswatchd_alerts_total",
     "Alerts written, by kind and severity.",
     {"kind", "severity"}},
    {Metric::state_entries,
     MetricKind::gauge,
     "newswatchd_state_entries",
     "Entries of the alert stage's state in memory.",
     {"worker"}},
    {Metric::restores,
     MetricKind::counter,
     "newswatchd_restores_total",
     "Restores of a partition's state: after an assignment, an abort or an unclear commit.",
     {"worker"}},
    {Metric::restore_seconds,
     MetricKind::histogram,
     "newswatchd_restore_seconds",
     "Time to restore one partition's state.",
     {}},
    {Metric::article_to_alert_seconds,
     MetricKind::histogram,
     "newswatchd_article_to_alert_seconds",
     "From the article record's time to the alert's creation.",
     {}},
    {Metric::deliveries,
     MetricKind::counter,
     "newswatchd_deliveries_total",
     "Alerts by what became of them at a destination: delivered, undelivered (refused for good) or expired.",
     {"destination", "outcome"}},
    {Metric::delivery_attempts,
     MetricKind::counter,
     "newswatchd_delivery_attempts_total",
     "Attempts to deliver by result: ok, retry (will be tried again) or refused.",
     {"destination", "result"}},
    {Metric::delivery_attempt_seconds,
     MetricKind::histogram,
     "newswatchd_delivery_attempt_seconds",
     "Duration of one attempt to deliver.",
     {"destination"}},
    {Metric::alert_to_delivery_seconds,
     MetricKind::histogram,
     "newswatchd_alert_to_delivery_seconds",
     "From an alert's creation to the destination's acceptance.",
     {"destination"}},
    {Metric::deliveries_in_hand,
     MetricKind::gauge,
     "newswatchd_deliveries_in_hand",
     "Alerts that a destination has taken from its topic and not finished.",
     {"destination"}},
    {Metric::destination_up,
     MetricKind::gauge,
     "newswatchd_destination_up",
     "1 when the last attempt to deliver succeeded or none was made yet, else 0.",
     {"destination"}},
    {Metric::records_lost,
     MetricKind::counter,
     "newswatchd_records_lost_total",
     "Records that retention deleted before they were read.",
     {"stage", "topic"}},
    {Metric::transactions,
     MetricKind::counter,
     "newswatchd_transactions_total",
     "Kafka transactions (plain commits with at_least_once) by result: committed, aborted or unclear.",
     {"stage", "worker", "result"}},
    {Metric::commit_seconds,
     MetricKind::histogram,
     "newswatchd_commit_seconds",
     "Time from flush to the broker's answer to the commit.",
     {"stage"}},
    {Metric::clients_recreated,
     MetricKind::counter,
     "newswatchd_clients_recreated_total",
     "Kafka clients destroyed and made anew after a fatal error, a fence or an unclear answer.",
     {"stage", "worker"}},
    {Metric::rebalances,
     MetricKind::counter,
     "newswatchd_rebalances_total",
     "Assignments and revocations of partitions.",
     {"stage", "worker"}},
    {Metric::partitions, MetricKind::gauge, "newswatchd_partitions", "Partitions assigned.", {"stage", "worker"}},
    {Metric::lag_records,
     MetricKind::gauge,
     "newswatchd_lag_records",
     "Records between what is processed and the end of the assigned partitions.",
     {"stage", "worker"}},
    {Metric::build_info,
     MetricKind::gauge,
     "newswatchd_build_info",
     "Always 1; labels name the versions that run.",
     {"version", "librdkafka"}},
    {Metric::ready, MetricKind::gauge, "newswatchd_ready", "1 when /readyz answers 200.", {}},
    {Metric::rules,
     MetricKind::gauge,
     "newswatchd_rules",
     "Rules loaded, by status: live, shadow or disabled.",
     {"status"}},
    {Metric::rules_loaded_timestamp,
     MetricKind::gauge,
     "newswatchd_rules_loaded_timestamp_seconds",
     "When the rules that run were loaded.",
     {}},
    {Metric::reloads, MetricKind::counter, "newswatchd_reloads_total", "Reloads by result: ok or failed.", {"result"}},
    {Metric::reload_success,
     MetricKind::gauge,
     "newswatchd_reload_success",
     "1 when the last reload was taken, 0 when refused.",
     {}},
    {Metric::log_lines,
     MetricKind::counter,
     "newswatchd_log_lines_total",
     "Log lines written at warn and error.",
     {"level"}},
    {Metric::http_requests,
     MetricKind::counter,
     "newswatchd_http_requests_total",
     "Requests to the status address by path (other: anything unknown) and status code.",
     {"path", "code"}},
}};

constexpr bool table_is_in_order() {
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (static_cast<std::size_t>(table[i].metric) != i) return false;
  }
  return true;
}
static_assert(table_is_in_order(), "metric_table: the rows must stand in the order of Metric");

std::size_t label_count(const MetricSpec& spec) {
  return static_cast<std::size_t>(std::ranges::count_if(spec.labels, [](auto name) { return !name.empty(); }));
}

std::string_view kind_name(MetricKind kind) {
  return kind == MetricKind::counter ? "counter" : kind == MetricKind::gauge ? "gauge" : "histogram";
}

struct Series {
  std::vector<std::string> label_values;
  bool shown = true;
  std::atomic<std::uint64_t> cell{0};
  std::unique_ptr<Histogram::Cells> cells;
};

prometheus::MetricFamily process_metric(std::string name, std::string help, prometheus::MetricType type, double value) {
  prometheus::MetricFamily family{std::move(name), std::move(help), type, {}};
  prometheus::ClientMetric metric;
  if (type == prometheus::MetricType::Counter)
    metric.counter.value = value;
  else
    metric.gauge.value = value;
  family.metric.push_back(std::move(metric));
  return family;
}

// The usual names, so that any dashboard for a process works. A value that /proc does not give is left out.
void append_process_metrics(std::vector<prometheus::MetricFamily>& families) {
  using prometheus::MetricType;
  std::ifstream stat("/proc/self/stat");
  std::string line;
  std::getline(stat, line);
  const auto name_end = line.rfind(')');
  if (name_end != std::string::npos) {
    std::istringstream rest(line.substr(name_end + 2));
    std::vector<std::string> fields{std::istream_iterator<std::string>(rest), {}};
    if (fields.size() > 21) {  // proc(5): utime is field 14, the state after the name is field 3
      const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
      const double page = static_cast<double>(sysconf(_SC_PAGESIZE));
      families.push_back(process_metric("process_cpu_seconds_total", "User and system CPU time.", MetricType::Counter,
                                        (std::stod(fields[11]) + std::stod(fields[12])) / ticks));
      families.push_back(process_metric("process_resident_memory_bytes", "Resident memory.", MetricType::Gauge,
                                        std::stod(fields[21]) * page));
      std::ifstream system("/proc/stat");
      std::string word;
      while (system >> word) {
        double boot = 0;
        if (word == "btime" && system >> boot) {
          families.push_back(process_metric("process_start_time_seconds", "When the process was started.",
                                            MetricType::Gauge, boot + std::stod(fields[19]) / ticks));
          break;
        }
      }
    }
  }
}

}  // namespace

struct Metrics::Impl {
  mutable std::mutex mutex;
  std::array<std::deque<Series>, table.size()> series;  // a deque: handles point into it

  Series& find(Metric metric, MetricKind kind, std::initializer_list<std::string_view> values) {
    const MetricSpec& spec = table.at(static_cast<std::size_t>(metric));
    if (spec.kind != kind || label_count(spec) != values.size()) {
      std::fprintf(stderr, "bug: metric %s is a %s with %zu labels\n", std::string(spec.name).c_str(),
                   std::string(kind_name(spec.kind)).c_str(), label_count(spec));
      std::abort();
    }
    const std::lock_guard lock(mutex);
    auto& all = series[static_cast<std::size_t>(metric)];
    for (Series& one : all) {
      if (std::ranges::equal(one.label_values, values)) {
        one.shown = true;
        return one;
      }
    }
    Series& added = all.emplace_back();
    added.label_values.assign(values.begin(), values.end());
    if (kind == MetricKind::histogram) added.cells = std::make_unique<Histogram::Cells>();
    return added;
  }
};

std::span<const MetricSpec> metric_table() { return table; }

void Histogram::observe(std::chrono::nanoseconds duration) const {
  if (!cells_) return;
  const auto nanoseconds = std::max<std::int64_t>(duration.count(), 0);
  const double seconds = static_cast<double>(nanoseconds) * 1e-9;
  const auto bucket = std::ranges::lower_bound(seconds_buckets, seconds) - seconds_buckets.begin();
  cells_->buckets[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  cells_->nanoseconds.fetch_add(static_cast<std::uint64_t>(nanoseconds), std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const {
  std::uint64_t sum = 0;
  if (cells_) {
    for (const auto& bucket : cells_->buckets) sum += bucket.load(std::memory_order_relaxed);
  }
  return sum;
}

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter Metrics::counter(Metric metric, std::initializer_list<std::string_view> label_values) {
  return Counter(&impl_->find(metric, MetricKind::counter, label_values).cell);
}
Gauge Metrics::gauge(Metric metric, std::initializer_list<std::string_view> label_values) {
  return Gauge(&impl_->find(metric, MetricKind::gauge, label_values).cell);
}
Histogram Metrics::histogram(Metric metric, std::initializer_list<std::string_view> label_values) {
  return Histogram(impl_->find(metric, MetricKind::histogram, label_values).cells.get());
}

void Metrics::forget(std::string_view label, std::string_view value) {
  const std::lock_guard lock(impl_->mutex);
  for (std::size_t i = 0; i < table.size(); ++i) {
    const auto at = std::ranges::find(table[i].labels, label);
    if (at == table[i].labels.end()) continue;
    const auto index = static_cast<std::size_t>(at - table[i].labels.begin());
    for (Series& one : impl_->series[i]) {
      if (one.label_values.at(index) == value) one.shown = false;
    }
  }
}

std::string Metrics::render() const {
  for (const auto& [level, name] : {std::pair(LogLevel::warn, "warn"), std::pair(LogLevel::error, "error")}) {
    impl_->find(Metric::log_lines, MetricKind::counter, {name}).cell.store(log_line_count(level));
  }
  std::vector<prometheus::MetricFamily> families;
  {
    const std::lock_guard lock(impl_->mutex);
    for (std::size_t i = 0; i < table.size(); ++i) {
      const MetricSpec& spec = table[i];
      prometheus::MetricFamily family{std::string(spec.name),
                                      std::string(spec.help),
                                      spec.kind == MetricKind::counter ? prometheus::MetricType::Counter
                                      : spec.kind == MetricKind::gauge ? prometheus::MetricType::Gauge
                                                                       : prometheus::MetricType::Histogram,
                                      {}};
      for (const Series& one : impl_->series[i]) {
        if (!one.shown) continue;
        prometheus::ClientMetric metric;
        for (std::size_t l = 0; l < one.label_values.size(); ++l) {
          metric.label.push_back({std::string(spec.labels[l]), one.label_values[l]});
        }
        const std::uint64_t raw = one.cell.load(std::memory_order_relaxed);
        if (spec.kind == MetricKind::counter) metric.counter.value = static_cast<double>(raw);
        if (spec.kind == MetricKind::gauge) metric.gauge.value = std::bit_cast<double>(raw);
        if (spec.kind == MetricKind::histogram) {
          std::uint64_t cumulative = 0;
          for (std::size_t b = 0; b < one.cells->buckets.size(); ++b) {
            cumulative += one.cells->buckets[b].load(std::memory_order_relaxed);
            const double bound =
                b < seconds_buckets.size() ? seconds_buckets[b] : std::numeric_limits<double>::infinity();
            metric.histogram.bucket.push_back({cumulative, bound});
          }
          metric.histogram.sample_count = cumulative;
          metric.histogram.sample_sum =
              static_cast<double>(one.cells->nanoseconds.load(std::memory_order_relaxed)) * 1e-9;
        }
        family.metric.push_back(std::move(metric));
      }
      if (!family.metric.empty()) families.push_back(std::move(family));
    }
  }
  append_process_metrics(families);
  return prometheus::TextSerializer().Serialize(families);
}

std::string describe_metrics() {
  std::string out = "| metric | type | labels | meaning |\n|---|---|---|---|\n";
  for (const MetricSpec& spec : table) {
    std::string labels;
    for (const std::string_view label : spec.labels) {
      if (label.empty()) continue;
      if (!labels.empty()) labels += ", ";
      labels.append("`").append(label).append("`");
    }
    out.append("| `").append(spec.name).append("` | ").append(kind_name(spec.kind)).append(" | ");
    out.append(labels).append(" | ").append(spec.help).append(" |\n");
  }
  return out;
}

}  // namespace newswatch::observe
