#include "daemon/observe/metrics.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

using namespace newswatch::observe;
using namespace std::chrono_literals;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// One series of every metric, as a running daemon would have them.
void touch_all(Metrics& metrics) {
  for (const MetricSpec& spec : metric_table()) {
    const auto labels = spec.labels[0].empty() ? 0 : spec.labels[1].empty() ? 1 : spec.labels[2].empty() ? 2 : 3;
    const auto with = [&](auto call) {
      if (labels == 0) call(std::initializer_list<std::string_view>{});
      if (labels == 1) call(std::initializer_list<std::string_view>{"a"});
      if (labels == 2) call(std::initializer_list<std::string_view>{"a", "b"});
      if (labels == 3) call(std::initializer_list<std::string_view>{"a", "b", "c"});
    };
    with([&](std::initializer_list<std::string_view> values) {
      if (spec.kind == MetricKind::counter) metrics.counter(spec.metric, values).add(2);
      if (spec.kind == MetricKind::gauge) metrics.gauge(spec.metric, values).set(1.5);
      if (spec.kind == MetricKind::histogram) metrics.histogram(spec.metric, values).observe(3ms);
    });
  }
}

TEST(Metrics, RendersCountersGaugesAndHistograms) {
  Metrics metrics;
  metrics.counter(Metric::articles, {"wires", "matched"}).add(7);
  metrics.gauge(Metric::partitions, {"match", "0"}).set(12);
  metrics.histogram(Metric::commit_seconds, {"match"}).observe(3ms);
  metrics.histogram(Metric::commit_seconds, {"match"}).observe(2min);
  const std::string text = metrics.render();
  EXPECT_TRUE(contains(text, "newswatchd_articles_total{feed=\"wires\",outcome=\"matched\"} 7\n")) << text;
  EXPECT_TRUE(contains(text, "newswatchd_partitions{stage=\"match\",worker=\"0\"} 12\n")) << text;
  EXPECT_TRUE(contains(text, "newswatchd_commit_seconds_bucket{stage=\"match\",le=\"0.005\"} 1\n")) << text;
  EXPECT_TRUE(contains(text, "newswatchd_commit_seconds_bucket{stage=\"match\",le=\"+Inf\"} 2\n")) << text;
  EXPECT_TRUE(contains(text, "newswatchd_commit_seconds_count{stage=\"match\"} 2\n")) << text;
  EXPECT_TRUE(contains(text, "process_resident_memory_bytes ")) << text;
}

TEST(Metrics, GivesTheSameSeriesForTheSameLabels) {
  Metrics metrics;
  const Counter one = metrics.counter(Metric::alerts, {"alert", "high"});
  const Counter two = metrics.counter(Metric::alerts, {"alert", "high"});
  one.add();
  EXPECT_EQ(two.value(), 1u);
}

TEST(Metrics, CountsFromManyThreadsWithoutLoss) {
  Metrics metrics;
  const Counter counter = metrics.counter(Metric::article_bytes, {"wires"});
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 10'000; ++n) counter.add();
      });
    }
  }
  EXPECT_EQ(counter.value(), 40'000u);
}

TEST(Metrics, ForgetsTheSeriesOfARemovedDestinationAndTakesThemBack) {
  Metrics metrics;
  const Gauge up = metrics.gauge(Metric::destination_up, {"risk"});
  up.set(1);
  metrics.forget("destination", "risk");
  EXPECT_FALSE(contains(metrics.render(), "newswatchd_destination_up"));
  up.set(0);  // the handle of a loop that is still stopping
  metrics.gauge(Metric::destination_up, {"risk"});
  EXPECT_TRUE(contains(metrics.render(), "newswatchd_destination_up{destination=\"risk\"} 0"));
}

TEST(Metrics, AHandleMadeByDefaultCountsNothing) {
  Counter().add();
  Gauge().set(1);
  Histogram().observe(1s);
}

TEST(MetricsDeathTest, AbortsOnAWrongNumberOfLabels) {
  Metrics metrics;
  EXPECT_DEATH(metrics.counter(Metric::articles, {"wires"}), "bug: metric newswatchd_articles_total");
}

TEST(MetricTable, NamesAreUniqueAndDescribed) {
  std::set<std::string_view> names;
  for (const MetricSpec& spec : metric_table()) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    EXPECT_TRUE(spec.help.ends_with('.')) << spec.name;
    EXPECT_TRUE(contains(describe_metrics(), std::string(spec.name)));
  }
}

TEST(MetricTable, TheDocumentHasItAsTheProgramPrintsIt) {
  std::ifstream file(NEWSWATCH_SOURCE_DIR "/docs/metrics.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_TRUE(contains(text, describe_metrics())) << "docs/metrics.md is not what `newswatchd metrics` prints";
}

TEST(Metrics, ThePageIsCleanForPromtool) {
  if (std::system("command -v promtool > /dev/null 2>&1") != 0) {
    GTEST_SKIP() << "promtool is not installed (package prometheus)";
  }
  Metrics metrics;
  touch_all(metrics);
  std::FILE* const pipe = popen("promtool check metrics 2>&1", "w");
  ASSERT_NE(pipe, nullptr);
  const std::string page = metrics.render();
  ASSERT_EQ(std::fwrite(page.data(), 1, page.size(), pipe), page.size());
  EXPECT_EQ(WEXITSTATUS(pclose(pipe)), 0) << page;
}

}  // namespace
