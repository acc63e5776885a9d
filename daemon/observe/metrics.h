#pragma once
// Every counter, gauge and histogram of the program. metric_table() names them all: the documentation is printed from
// it, /metrics is rendered from it, and a metric that is not in it cannot be counted.
//
//   Metrics metrics;                                                       // the app owns it
//   const Counter read = metrics.counter(Metric::articles, {"wires", "matched"});   // at set-up: takes a lock
//   read.add();                                                            // hot path: one relaxed atomic addition
//
// Values of labels come from the configuration or from constants of the program, never from an article, so that their
// number is bounded by what the operator wrote.

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace newswatch::observe {

enum class Metric : std::uint8_t {
  // match
  articles,
  articles_rejected,
  articles_boilerplate_only,
  article_bytes,
  record_times_replaced,
  match_seconds,
  // alert
  matches,
  alerts,
  state_entries,
  restores,
  restore_seconds,
  article_to_alert_seconds,
  // deliver
  deliveries,
  delivery_attempts,
  delivery_attempt_seconds,
  alert_to_delivery_seconds,
  deliveries_in_hand,
  destination_up,
  // Kafka
  records_lost,
  transactions,
  commit_seconds,
  clients_recreated,
  rebalances,
  partitions,
  lag_records,
  // the process
  build_info,
  ready,
  rules,
  rules_loaded_timestamp,
  reloads,
  reload_success,
  log_lines,
  http_requests,
  count_,
};

enum class MetricKind : std::uint8_t { counter, gauge, histogram };

struct MetricSpec {
  Metric metric;
  MetricKind kind;
  std::string_view name;
  std::string_view help;
  std::array<std::string_view, 3> labels;  ///< unused ones are empty
};

/// In the order of Metric.
std::span<const MetricSpec> metric_table();

/// Upper bounds of every histogram of ours, in seconds; the last bucket has none.
inline constexpr std::array<double, 14> seconds_buckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                        0.1,    0.25,  0.5,    1,     2.5,  10,    60};

// Handles are pointers into a Metrics, which must outlive them; a handle made by default counts nothing. Any thread.
class Counter {
 public:
  Counter() = default;
  void add(std::uint64_t n = 1) const {
    if (cell_) cell_->fetch_add(n, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return cell_ ? cell_->load(std::memory_order_relaxed) : 0; }

 private:
  friend class Metrics;
  explicit Counter(std::atomic<std::uint64_t>* cell) : cell_(cell) {}
  std::atomic<std::uint64_t>* cell_ = nullptr;
};

class Gauge {
 public:
  Gauge() = default;
  void set(double value) const {
    if (cell_) cell_->store(std::bit_cast<std::uint64_t>(value), std::memory_order_relaxed);
  }
  double value() const { return cell_ ? std::bit_cast<double>(cell_->load(std::memory_order_relaxed)) : 0; }

 private:
  friend class Metrics;
  explicit Gauge(std::atomic<std::uint64_t>* cell) : cell_(cell) {}
  std::atomic<std::uint64_t>* cell_ = nullptr;
};

class Histogram {
 public:
  struct Cells {
    std::array<std::atomic<std::uint64_t>, seconds_buckets.size() + 1> buckets{};
    std::atomic<std::uint64_t> nanoseconds{0};
  };
  Histogram() = default;
  /// Negative values count as 0.
  void observe(std::chrono::nanoseconds duration) const;
  std::uint64_t count() const;

 private:
  friend class Metrics;
  explicit Histogram(Cells* cells) : cells_(cells) {}
  Cells* cells_ = nullptr;
};

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// The same handle for the same label values; those in the order of the table, as many as it names (else: abort).
  Counter counter(Metric metric, std::initializer_list<std::string_view> label_values = {});
  Gauge gauge(Metric metric, std::initializer_list<std::string_view> label_values = {});
  Histogram histogram(Metric metric, std::initializer_list<std::string_view> label_values = {});
  /// A destination or feed that a reload took away: its series go from the page; its handles stay usable and count
  /// into nothing that is shown.
  void forget(std::string_view label, std::string_view value);

  /// Prometheus text format 0.0.4, process_* of this process included.
  std::string render() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What `newswatchd metrics` prints: a Markdown table of name, type, labels and meaning.
std::string describe_metrics();

}  // namespace newswatch::observe
