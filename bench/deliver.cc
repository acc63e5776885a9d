// What delivery can do on this machine, without Kafka: signed deliveries a second to a receiver in the same process,
// and whether a dead endpoint moves the 99th percentile of a healthy one.
//
//   bench_deliver [seconds each part]
//
// Receiver and daemon share the machine's cores, as they would on a small one. Times are from the alert's arrival at
// the dispatcher to the receiver's handler. The parts alone and beside are run in turns, five times.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "daemon/deliver/dispatcher.h"
#include "daemon/deliver/webhook.h"
#include "daemon/flow/record_codec.h"
#include "daemon/http/client.h"
#include "daemon/observe/metrics.h"
#include "tests/support/http_receiver.h"
#include "tests/support/sample_alert.h"

using namespace newswatch;
using Clock = std::chrono::steady_clock;

namespace {

std::shared_ptr<deliver::WebhookSettings> webhook(const std::string& name, const std::string& url, int concurrency) {
  auto settings = std::make_shared<deliver::WebhookSettings>();
  settings->name = settings->group = name;
  settings->type = "webhook";
  settings->http.url = std::get<http::Url>(http::parse_url(url));
  settings->secrets = {config::Secret("a key of thirty-two bytes, as is")};
  settings->pace.concurrency = concurrency;
  return settings;
}

std::shared_ptr<const deliver::Letter> letter(int n) {
  auto made = std::make_shared<deliver::Letter>();
  made->alert = test::sample_alert("bench", n, {"healthy"});
  made->value = flow::encode(made->alert);
  made->offset = n;
  made->written = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return made;
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

void throughput(double seconds, int concurrency) {
  observe::Metrics metrics;
  http::IoThread io;
  std::atomic<std::size_t> got = 0;
  test::HttpReceiver receiver([&](const test::ReceivedRequest&) {
    ++got;
    return test::Reaction();
  });
  const auto dispatcher = std::make_shared<deliver::Dispatcher>(
      io.context(), webhook("healthy", receiver.url(), concurrency), deliver::DeliverMetrics(metrics, "healthy"));
  dispatcher->open();
  const auto begin = Clock::now();
  const double cpu = cpu_seconds();
  std::size_t sent = 0, done = 0;
  while (std::chrono::duration<double>(Clock::now() - begin).count() < seconds) {
    // As the stage does: a window of letters in hand, refilled as they end.
    while (sent - done < 1'000) dispatcher->accept(letter(static_cast<int>(sent++)));
    done += dispatcher->take_delivered().size();
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  std::printf("concurrency %3d: %8.0f signed deliveries/s, %5.1f us CPU each (receiver included), %zu connections\n",
              concurrency, static_cast<double>(got) / took, (cpu_seconds() - cpu) / static_cast<double>(got) * 1e6,
              receiver.connections());
  dispatcher->close();
}

struct Percentiles {
  double p50 = 0, p99 = 0;
};

Percentiles latency(double seconds, bool beside_dead) {
  observe::Metrics metrics;
  http::IoThread io;
  std::mutex mutex;
  std::unordered_map<std::string, Clock::time_point> began;
  std::vector<double> times;
  test::HttpReceiver receiver([&](const test::ReceivedRequest& request) {
    const auto now = Clock::now();
    std::lock_guard lock(mutex);
    times.push_back(std::chrono::duration<double, std::milli>(now - began.at(request.header("webhook-id"))).count());
    return test::Reaction();
  });
  test::HttpReceiver dead([](const test::ReceivedRequest&) { return test::Reaction{.hang = true}; });
  const auto healthy = std::make_shared<deliver::Dispatcher>(io.context(), webhook("healthy", receiver.url(), 16),
                                                             deliver::DeliverMetrics(metrics, "healthy"));
  healthy->open();
  auto slow = webhook("dead", dead.url(), 16);
  slow->http.timeout = std::chrono::milliseconds(500);
  const auto other =
      std::make_shared<deliver::Dispatcher>(io.context(), slow, deliver::DeliverMetrics(metrics, "dead"));
  other->open();
  if (beside_dead)
    for (int n = 0; n < 12'000; ++n) other->accept(letter(n));
  const auto begin = Clock::now();
  int sent = 0;
  for (;;) {  // 1,000 a second
    const auto due = begin + std::chrono::milliseconds(sent);
    if (due - begin > std::chrono::duration<double>(seconds)) break;
    std::this_thread::sleep_until(due);
    auto one = letter(sent++);
    {
      std::lock_guard lock(mutex);
      began[one->alert.id] = Clock::now();
    }
    healthy->accept(std::move(one));
    healthy->take_delivered();
  }
  for (;;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::lock_guard lock(mutex);
    if (times.size() >= static_cast<std::size_t>(sent)) break;
  }
  healthy->close();
  other->close();
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times[times.size() * 99 / 100]};
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 5;
  for (const int concurrency : {1, 16, 64}) throughput(seconds, concurrency);
  std::vector<double> alone, beside;
  for (int turn = 0; turn < 5; ++turn) {
    const Percentiles one = latency(seconds, false), two = latency(seconds, true);
    std::printf(
        "1,000 alerts/s, healthy endpoint: alone p50 %.3f p99 %.3f ms; beside a dead one p50 %.3f p99 %.3f ms\n",
        one.p50, one.p99, two.p50, two.p99);
    alone.push_back(one.p99);
    beside.push_back(two.p99);
  }
  std::sort(alone.begin(), alone.end());
  std::sort(beside.begin(), beside.end());
  std::printf("median p99: alone %.3f ms, beside a dead one %.3f ms (%+.0f %%)\n", alone[2], beside[2],
              (beside[2] / alone[2] - 1) * 100);
}
