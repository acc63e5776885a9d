// The daemon end to end on a real broker: articles a second and CPU an article beside a client that only consumes the
// same topic (`throughput`), and the time from the produce call to the alert in P.alerts and at a webhook (`latency`).
//
//   bench_pipeline throughput --brokers HOST:PORT [--rules 10,1000] [--articles 300000] [--passes 3] [--guarantee G]
//   bench_pipeline latency    --brokers HOST:PORT [--rules 1000] [--rate 100,1000] [--seconds 60] [--guarantee G]
//   both: [--newswatchd PATH] [--corpus FILE.jsonl.gz] [--work DIR]
//
// Throughput: the articles stand in the topic before the daemon starts; what is measured lies between 50 and 95 % of
// them, by the group's committed offsets. CPU is the daemon's user + system time in that span, all threads.
// Latency: produced at an even rate after 10 s of warm-up; the reader of P.alerts is read_committed.

#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <thread>

#include "bench/workload.h"

namespace newswatch::bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration;
using std::chrono::milliseconds;

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "bench_pipeline: %s\n", why.c_str());
  std::exit(1);
}

struct Options {
  std::string brokers, newswatchd = "newswatchd", corpus, work = "/tmp/newswatch-bench", guarantee = "exactly_once";
  std::vector<std::size_t> rules, rates;
  std::size_t articles = 300'000, passes = 3, seconds = 60;
  int match_workers = 1;
};

using Handle = std::unique_ptr<rd_kafka_t, void (*)(rd_kafka_t*)>;

Handle make_client(rd_kafka_type_t type, const std::vector<std::pair<std::string, std::string>>& settings) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char why[512];
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why, sizeof why) != RD_KAFKA_CONF_OK) die(why);
  }
  rd_kafka_t* client = rd_kafka_new(type, conf, why, sizeof why);
  if (client == nullptr) die(why);
  if (type == RD_KAFKA_CONSUMER) rd_kafka_poll_set_consumer(client);
  return {client, rd_kafka_destroy};
}

void create_topic(const Options& options, const std::string& name, int partitions) {
  auto client = make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", options.brokers}});
  char why[512];
  rd_kafka_NewTopic_t* topic = rd_kafka_NewTopic_new(name.c_str(), partitions, 1, why, sizeof why);
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client.get());
  rd_kafka_CreateTopics(client.get(), &topic, 1, nullptr, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 30'000);
  if (event == nullptr) die("no answer to CreateTopics from " + options.brokers);
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_NewTopic_destroy(topic);
}

class Feeder {
 public:
  explicit Feeder(const Options& options, std::string topic)
      : topic_(std::move(topic)),
        client_(make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", options.brokers},
                                                {"compression.type", "lz4"},
                                                {"linger.ms", "5"},
                                                {"socket.nagle.disable", "true"},
                                                {"partitioner", "murmur2_random"},
                                                {"queue.buffering.max.messages", "100000"}})) {}
  void send(const std::string& key, const std::string& value) {
    for (;;) {
      const auto error = rd_kafka_producev(client_.get(), RD_KAFKA_V_TOPIC(topic_.c_str()),
                                           RD_KAFKA_V_KEY(key.data(), key.size()),
                                           RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
      if (error == RD_KAFKA_RESP_ERR_NO_ERROR) break;
      if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) die(rd_kafka_err2str(error));
      rd_kafka_poll(client_.get(), 50);
    }
    rd_kafka_poll(client_.get(), 0);
  }
  void flush() { rd_kafka_flush(client_.get(), 60'000); }

 private:
  std::string topic_;
  Handle client_;
};

double cpu_seconds(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream rest(text.substr(std::min(text.size(), text.rfind(')') + 2)));
  std::string field;
  double ticks = 0;
  for (int i = 3; rest >> field && i <= 15; ++i) {
    if (i >= 14) ticks += std::stod(field);
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::size_t peak_rss_mb(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stoul(line.substr(6)) / 1024;
  }
  return 0;
}

/// A running daemon with a configuration of its own; stopped by the destructor.
class Daemon {
 public:
  Daemon(const Options& options, const std::string& prefix, const std::string& topic, const std::string& start,
         const std::string& rules_yaml, const std::string& extra) {
    const auto folder = options.work + "/" + prefix;
    std::filesystem::create_directories(folder);
    std::ofstream(folder + "/rules.yaml") << rules_yaml;
    std::ofstream(folder + "/newswatchd.yaml")
        << "instance: bench\nprefix: " << prefix << "\nguarantee: " << options.guarantee
        << "\nworkers: {match: " << options.match_workers << ", alert: 1}\n"
        << "kafka:\n  brokers: [\"" << options.brokers << "\"]\n"
        << "articles:\n  - {feed: bench, topics: [" << topic << "], start: " << start << "}\n"
        << "rules: [" << folder << "/rules.yaml]\nlog: {format: json, level: info}\n"
        << "status: {listen: \"127.0.0.1:0\"}\n" << extra;
    std::fflush(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      const std::string log = folder + "/log";
      if (std::freopen(log.c_str(), "w", stdout) == nullptr || std::freopen(log.c_str(), "a", stderr) == nullptr) _exit(127);
      const std::string config = folder + "/newswatchd.yaml";
      execlp(options.newswatchd.c_str(), "newswatchd", "run", "--config", config.c_str(), nullptr);
      _exit(127);
    }
  }
  ~Daemon() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  void must_run() const {
    if (waitpid(pid_, nullptr, WNOHANG) != 0) die("the daemon ended early; see its log under --work");
  }

 private:
  pid_t pid_ = -1;
};

std::int64_t committed(rd_kafka_t* client, const std::string& topic, int partitions) {
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(partitions);
  for (int i = 0; i < partitions; ++i) rd_kafka_topic_partition_list_add(list, topic.c_str(), i);
  std::int64_t sum = 0;
  if (rd_kafka_committed(client, list, 5000) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    for (int i = 0; i < list->cnt; ++i) sum += std::max<std::int64_t>(0, list->elems[i].offset);
  }
  rd_kafka_topic_partition_list_destroy(list);
  return sum;
}

struct Rate {
  double per_second = 0, cpu_us = 0;
  std::size_t rss_mb = 0;
};

Rate consume_only(const Options& options, const std::string& topic, int partitions) {
  auto client = make_client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", options.brokers},
                                                {"group.id", "bench-consume-only"},
                                                {"enable.auto.commit", "false"},
                                                {"check.crcs", "true"},
                                                {"queued.max.messages.kbytes", "262144"}});
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(partitions);
  for (int i = 0; i < partitions; ++i) rd_kafka_topic_partition_list_add(list, topic.c_str(), i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_assign(client.get(), list);
  rd_kafka_topic_partition_list_destroy(list);
  const auto from = options.articles / 2, to = options.articles * 95 / 100;
  Clock::time_point t0;
  double cpu0 = 0;
  for (std::size_t seen = 0; seen < to;) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client.get(), 1000);
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && ++seen == from) {
      t0 = Clock::now();
      cpu0 = cpu_seconds(getpid());
    }
    rd_kafka_message_destroy(message);
  }
  const double articles = static_cast<double>(to - from);
  const double elapsed = duration<double>(Clock::now() - t0).count();
  return {articles / elapsed, (cpu_seconds(getpid()) - cpu0) * 1e6 / articles, peak_rss_mb(getpid())};
}

Rate run_daemon(const Options& options, const std::string& prefix, const std::string& topic, int partitions,
                const std::string& rules_yaml) {
  auto watcher = make_client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", options.brokers}, {"group.id", prefix + "-match"}});
  Daemon daemon(options, prefix, topic, "earliest", rules_yaml, "");
  const auto total = static_cast<std::int64_t>(options.articles);
  Clock::time_point t0, t1;
  std::int64_t n0 = 0, n1 = 0;
  double cpu0 = 0, cpu1 = 0;
  for (const auto deadline = Clock::now() + std::chrono::minutes(15);;) {
    daemon.must_run();
    if (Clock::now() > deadline) die("no end of " + std::to_string(total) + " articles within 15 min");
    const auto done = committed(watcher.get(), topic, partitions);
    if (n0 == 0 && done * 2 >= total) n0 = done, t0 = Clock::now(), cpu0 = cpu_seconds(daemon.pid());
    if (done * 100 >= total * 95) {
      n1 = done, t1 = Clock::now(), cpu1 = cpu_seconds(daemon.pid());
      break;
    }
    std::this_thread::sleep_for(milliseconds(20));
  }
  const auto articles = static_cast<double>(n1 - n0);
  if (articles <= 0) die("too few articles for a steady part: raise --articles");
  return {articles / duration<double>(t1 - t0).count(), (cpu1 - cpu0) * 1e6 / articles, peak_rss_mb(daemon.pid())};
}

template <typename Get>
std::string median_of(std::vector<Rate> rates, Get get, const char* format) {
  std::sort(rates.begin(), rates.end(), [&](const Rate& a, const Rate& b) { return get(a) < get(b); });
  const auto text = [&](const Rate& rate) {
    char buffer[48];
    std::snprintf(buffer, sizeof buffer, format, static_cast<double>(get(rate)));
    return std::string(buffer);
  };
  return text(rates[rates.size() / 2]) + " [" + text(rates.front()) + " to " + text(rates.back()) + "]";
}

void print_rates(const std::string& name, const std::vector<Rate>& rates) {
  std::printf("| %s | %s | %s | %s |\n", name.c_str(), median_of(rates, [](const Rate& r) { return r.per_second; }, "%.0f").c_str(),
              median_of(rates, [](const Rate& r) { return r.cpu_us; }, "%.2f").c_str(),
              median_of(rates, [](const Rate& r) { return static_cast<double>(r.rss_mb); }, "%.0f").c_str());
  std::fflush(stdout);
}

void throughput(const Options& options) {
  const int partitions = 8;
  const auto run = std::to_string(getpid());
  const auto topic = "bench-articles-" + run;
  const auto sample = load_articles(options.corpus, 2000);
  create_topic(options, topic, partitions);
  std::size_t bytes = 0;
  {
    Feeder feeder(options, topic);
    for (std::size_t i = 0; i < options.articles; ++i) {
      const auto json = article_json(sample[i % sample.size()], i);
      bytes += json.size();
      feeder.send("bench-" + std::to_string(i), json);
    }
    feeder.flush();
  }
  std::printf("%zu articles of %.2f KB JSON, %zu different, lz4, %d partitions; %s; %d match worker(s); medians of %zu [least to most]\n\n",
              options.articles, static_cast<double>(bytes) / static_cast<double>(options.articles) / 1000, sample.size(),
              partitions, options.guarantee.c_str(), options.match_workers, options.passes);
  std::printf("| | articles/s | CPU us an article | peak RSS MB |\n|---|---|---|---|\n");
  consume_only(options, topic, partitions);  // warms the broker
  std::vector<Rate> consumed;
  std::vector<std::vector<Rate>> rates(options.rules.size());
  for (std::size_t pass = 0; pass < options.passes; ++pass) {  // in turns, so that a slow minute hits all alike
    consumed.push_back(consume_only(options, topic, partitions));
    for (std::size_t i = 0; i < options.rules.size(); ++i) {
      const auto prefix = "bench-" + run + "-" + std::to_string(options.rules[i]) + "-" + std::to_string(pass);
      rates[i].push_back(run_daemon(options, prefix, topic, partitions, make_rules(sample, options.rules[i])));
    }
  }
  print_rates("consume only", consumed);
  for (std::size_t i = 0; i < options.rules.size(); ++i) print_rates("newswatchd, " + std::to_string(options.rules[i]) + " rules", rates[i]);
}

/// Times of arrival by article number, from any thread.
class Arrivals {
 public:
  explicit Arrivals(std::size_t articles) : sent_(articles) {}
  void sent(std::size_t number) { sent_[number].store(Clock::now().time_since_epoch().count(), std::memory_order_release); }
  /// `record` holds the article's id somewhere as `bench-NUMBER`; the first such number counts.
  void arrived(std::string_view record, std::size_t measured_from) {
    const auto now = Clock::now();
    for (std::size_t at = record.find("\"bench-"); at != std::string_view::npos; at = record.find("\"bench-", at + 1)) {
      std::size_t number = 0, i = at + 7;
      for (; i < record.size() && record[i] >= '0' && record[i] <= '9'; ++i) number = number * 10 + static_cast<std::size_t>(record[i] - '0');
      if (i == at + 7 || i >= record.size() || record[i] != '"') continue;
      if (number < measured_from || number >= sent_.size()) return;
      const auto sent = sent_[number].load(std::memory_order_acquire);
      const std::lock_guard lock(mutex_);
      latencies_ms_.push_back(duration<double, std::milli>(now - Clock::time_point(Clock::duration(sent))).count());
      return;
    }
  }
  std::string summary() {
    const std::lock_guard lock(mutex_);
    std::sort(latencies_ms_.begin(), latencies_ms_.end());
    if (latencies_ms_.empty()) return "none arrived | | |";
    const auto at = [&](double q) { return latencies_ms_[static_cast<std::size_t>(q * static_cast<double>(latencies_ms_.size() - 1))]; };
    char text[128];
    std::snprintf(text, sizeof text, "%.1f | %.1f | %.1f | %zu", at(0.5), at(0.99), at(1), latencies_ms_.size());
    return text;
  }

 private:
  std::vector<std::atomic<Clock::rep>> sent_;
  std::mutex mutex_;
  std::vector<double> latencies_ms_;
};

/// Answers 200 to every POST and hands its body on; a thread a connection.
class Receiver {
 public:
  explicit Receiver(std::function<void(std::string_view)> on_body)
      : on_body_(std::move(on_body)), acceptor_(context_, {boost::asio::ip::make_address("127.0.0.1"), 0}) {
    thread_ = std::thread([this] {
      for (;;) {
        boost::system::error_code error;
        auto socket = acceptor_.accept(error);
        if (error) return;
        socket.set_option(boost::asio::ip::tcp::no_delay(true));
        std::thread([this, socket = std::move(socket)]() mutable { serve(std::move(socket)); }).detach();
      }
    });
  }
  unsigned short port() const { return acceptor_.local_endpoint().port(); }
  ~Receiver() {
    shutdown(acceptor_.native_handle(), SHUT_RDWR);
    thread_.join();
  }

 private:
  void serve(boost::asio::ip::tcp::socket socket) {
    namespace http = boost::beast::http;
    boost::beast::flat_buffer buffer;
    for (boost::system::error_code error;;) {
      http::request<http::string_body> request;
      http::read(socket, buffer, request, error);
      if (error) return;
      on_body_(request.body());
      http::response<http::empty_body> response(http::status::ok, request.version());
      response.keep_alive(request.keep_alive());
      response.prepare_payload();
      http::write(socket, response, error);
      if (error) return;
    }
  }
  std::function<void(std::string_view)> on_body_;
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::thread thread_;
};

void latency(const Options& options) {
  const auto sample = load_articles(options.corpus, 2000);
  std::printf("%s, %zu rules, %zu s a line after 10 s of warm-up\n\n", options.guarantee.c_str(), options.rules.front(), options.seconds);
  std::printf("| articles/s | to | p50 ms | p99 ms | max ms | alerts |\n|---|---|---|---|---|---|\n");
  for (const auto rate : options.rates) {
    const auto prefix = "bench-" + std::to_string(getpid()) + "-latency-" + std::to_string(rate);
    const auto topic = prefix + "-articles";
    create_topic(options, topic, 8);
    const std::size_t warm_up = rate * 10, total = warm_up + rate * options.seconds;
    Arrivals to_topic(total), to_webhook(total);
    Receiver receiver([&](std::string_view body) { to_webhook.arrived(body, warm_up); });
    Daemon daemon(options, prefix, topic, "earliest", make_rules(sample, options.rules.front(), "bench-hook"),
                  "destinations:\n  bench-hook: {type: webhook, url: \"http://127.0.0.1:" + std::to_string(receiver.port()) + "/hook\"}\n");
    auto reader = make_client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", options.brokers},
                                                  {"group.id", prefix + "-reader"},
                                                  {"auto.offset.reset", "earliest"},
                                                  {"topic.metadata.refresh.interval.ms", "500"},
                                                  {"isolation.level", "read_committed"},
                                                  {"fetch.wait.max.ms", "10"},
                                                  {"socket.nagle.disable", "true"}});
    rd_kafka_topic_partition_list_t* topics = rd_kafka_topic_partition_list_new(12);
    for (int i = 0; i < 12; ++i) rd_kafka_topic_partition_list_add(topics, (prefix + ".alerts").c_str(), i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(reader.get(), topics);
    rd_kafka_topic_partition_list_destroy(topics);
    std::atomic<bool> stop = false;
    std::thread reading([&] {
      while (!stop) {
        rd_kafka_message_t* message = rd_kafka_consumer_poll(reader.get(), 100);
        if (message == nullptr) continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
          to_topic.arrived({static_cast<const char*>(message->payload), message->len}, warm_up);
        }
        rd_kafka_message_destroy(message);
      }
    });
    std::this_thread::sleep_for(std::chrono::seconds(8));  // the daemon joins its groups
    daemon.must_run();
    Feeder feeder(options, topic);
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < total; ++i) {
      std::this_thread::sleep_until(begin + std::chrono::nanoseconds(1'000'000'000 * i / rate));
      const auto json = article_json(sample[i % sample.size()], i);
      to_topic.sent(i);
      to_webhook.sent(i);
      feeder.send("bench-" + std::to_string(i), json);
    }
    feeder.flush();
    std::this_thread::sleep_for(std::chrono::seconds(3));
    daemon.must_run();
    stop = true;
    reading.join();
    std::printf("| %zu | P.alerts | %s |\n| %zu | webhook | %s |\n", rate, to_topic.summary().c_str(), rate, to_webhook.summary().c_str());
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace newswatch::bench

int main(int argc, char** argv) {
  using namespace newswatch::bench;
  CLI::App app("newswatchd end to end on a real broker");
  Options options;
  app.require_subcommand(1);
  app.add_option("--brokers", options.brokers, "bootstrap servers")->required();
  app.add_option("--newswatchd", options.newswatchd, "the program");
  app.add_option("--corpus", options.corpus, "JSON lines of articles, .gz or plain; invented ones without");
  app.add_option("--work", options.work, "folder for configurations and logs");
  app.add_option("--guarantee", options.guarantee, "exactly_once or at_least_once");
  app.add_option("--match-workers", options.match_workers, "match loops");
  auto* run_throughput = app.add_subcommand("throughput")->fallthrough();
  run_throughput->add_option("--rules", options.rules, "numbers of rules")->delimiter(',');
  run_throughput->add_option("--articles", options.articles, "articles in the topic");
  run_throughput->add_option("--passes", options.passes, "runs of each");
  auto* run_latency = app.add_subcommand("latency")->fallthrough();
  run_latency->add_option("--rules", options.rules, "number of rules")->delimiter(',');
  run_latency->add_option("--rate", options.rates, "articles a second")->delimiter(',');
  run_latency->add_option("--seconds", options.seconds, "measured time of each rate");
  CLI11_PARSE(app, argc, argv);
  if (*run_throughput) {
    if (options.rules.empty()) options.rules = {10, 1000};
    throughput(options);
  } else {
    if (options.rules.empty()) options.rules = {1000};
    if (options.rates.empty()) options.rates = {100, 1000};
    latency(options);
  }
}
