// The daemon as its operator meets it: readiness, reload, signals, a broker that is not there.

#include <gtest/gtest.h>
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/kafka_cluster.h"
#include "tests/support/process.h"
#include "tests/support/topic_reader.h"

using namespace newswatch;
using namespace newswatch::test;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;

namespace {

// Status line and body; empty when nobody answers.
std::string get(int port, const std::string& path) {
  boost::asio::io_context io;
  tcp::socket socket(io);
  boost::system::error_code error;
  socket.connect({boost::asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(port)}, error);
  if (error) return "";
  boost::asio::write(
      socket, boost::asio::buffer("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), error);
  std::string answer;
  boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);
  return answer;
}

class Run : public testing::Test {
 protected:
  Run() { std::filesystem::create_directories(folder_); }
  ~Run() override {
    daemon_.reset();
    std::filesystem::remove_all(folder_);
  }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  void rules(const std::string& word, const std::string& more = "") {
    write("rules.yaml", "rules:\n  - {id: watched, any: [" + word + "]" + more + "}\n");
  }
  void configuration(const std::string& brokers, const std::string& more = "") {
    write("newswatchd.yaml",
          "prefix: " + prefix_ + "\nkafka: {brokers: [\"" + brokers + "\"]}\narticles: [{feed: wires, topics: [" +
              prefix_ +
              ".articles], start: earliest}]\nrules: [rules.yaml]\nstatus: {listen: \"127.0.0.1:0\"}\n"
              "log: {format: text}\nworkers: {match: 1}\n" +
              more);
  }
  void start() {
    daemon_ = std::make_unique<Process>(
        std::vector<std::string>{NEWSWATCH_BINARY, "run", "--config", (folder_ / "newswatchd.yaml").string()});
    ASSERT_TRUE(daemon_->wait_for_output("status address")) << daemon_->output();
    const std::string out = daemon_->output();
    port_ = std::stoi(out.substr(out.find("port=") + 5));
  }
  std::string status(const std::string& path) { return get(port_, path).substr(0, 12); }
  bool becomes_ready() {
    return eventually(60s, [this] { return status("/readyz") == "HTTP/1.1 200"; });
  }
  std::string metric(const std::string& name) {
    const std::string page = get(port_, "/metrics");
    const auto at = page.find("\n" + name + " ");
    return at == std::string::npos ? ""
                                   : page.substr(at + name.size() + 2, page.find('\n', at + 1) - at - name.size() - 2);
  }

  const std::string prefix_ = unique("run");
  const std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) / prefix_;
  std::unique_ptr<Process> daemon_;
  int port_ = 0;
};

// With a real Kafka.
class RunOnKafka : public Run {
 protected:
  void SetUp() override {
    NEWSWATCH_NEED_KAFKA(KafkaCluster::shared());
    KafkaCluster::shared()->create_topic(prefix_ + ".articles", 2);
  }
  kafka::Properties properties() const { return KafkaCluster::shared()->properties(); }
  void article(const std::string& id, const std::string& title) {
    produce(properties(), {{prefix_ + ".articles",
                            id,
                            "{\"id\": \"" + id + "\", \"title\": \"" + title + "\", \"body\": \"Text " + id + ".\"}",
                            {},
                            std::nullopt}});
  }
  std::size_t alerts() { return read_topic(properties(), prefix_ + ".alerts").size(); }
  bool alerts_become(std::size_t n) {
    return eventually(30s, [&] { return alerts() == n; });
  }
};

TEST_F(Run, WaitsForABrokerThatIsAbsentAndEndsOnSigterm) {
  rules("sanction");
  configuration("127.0.0.1:1");
  start();
  EXPECT_EQ(status("/healthz"), "HTTP/1.1 200") << "waiting is no illness";
  const std::string ready = get(port_, "/readyz");
  EXPECT_EQ(ready.substr(0, 12), "HTTP/1.1 503");
  EXPECT_NE(ready.find("\"waiting_for\":\"the brokers\""), std::string::npos) << ready;
  daemon_->signal(SIGTERM);
  EXPECT_EQ(daemon_->wait(30s), 0) << daemon_->output();
}

TEST_F(Run, TakesARuleFixWhileItWaitsForTheBroker) {
  rules("sanction");
  configuration("127.0.0.1:1");
  start();
  rules("embargo");
  daemon_->signal(SIGHUP);
  EXPECT_TRUE(daemon_->wait_for_output("INFO  reloaded")) << daemon_->output();
  daemon_->signal(SIGTERM);
  EXPECT_EQ(daemon_->wait(30s), 0);
}

TEST_F(RunOnKafka, IsReadyWhenAssignedAndRestoredAndStopsCleanly) {
  rules("sanction");
  configuration(KafkaCluster::shared()->bootstrap());
  start();
  ASSERT_TRUE(becomes_ready()) << get(port_, "/readyz") << daemon_->output();
  article("1", "New sanctions");
  EXPECT_TRUE(alerts_become(1)) << daemon_->output();
  daemon_->signal(SIGTERM);
  EXPECT_EQ(daemon_->wait(30s), 0) << daemon_->output();
}

TEST_F(RunOnKafka, AReloadSwapsTheRules) {
  rules("sanction");
  configuration(KafkaCluster::shared()->bootstrap());
  start();
  ASSERT_TRUE(becomes_ready()) << daemon_->output();
  article("1", "A zeppelin");
  rules("zeppelin");
  ASSERT_TRUE(
      eventually(30s, [&] { return metric("newswatchd_articles_total{feed=\"wires\",outcome=\"no_match\"}") == "1"; }));
  daemon_->signal(SIGHUP);
  ASSERT_TRUE(daemon_->wait_for_output("INFO  reloaded")) << daemon_->output();
  article("2", "Another zeppelin");
  EXPECT_TRUE(alerts_become(1)) << daemon_->output();
  EXPECT_EQ(metric("newswatchd_reload_success"), "1");
}

TEST_F(RunOnKafka, ABadReloadKeepsTheRunningRulesAndSaysWhere) {
  rules("sanction");
  configuration(KafkaCluster::shared()->bootstrap());
  start();
  ASSERT_TRUE(becomes_ready()) << daemon_->output();
  rules("zeppelin", ", severty: high");
  daemon_->signal(SIGHUP);
  ASSERT_TRUE(daemon_->wait_for_output("reload refused")) << daemon_->output();
  EXPECT_NE(daemon_->output().find("rules.yaml:2:"), std::string::npos) << daemon_->output();
  EXPECT_EQ(metric("newswatchd_reload_success"), "0");
  EXPECT_EQ(metric("newswatchd_reloads_total{result=\"failed\"}"), "1");
  article("1", "New sanctions");
  EXPECT_TRUE(alerts_become(1)) << "the old rules do not run any more: " << daemon_->output();
}

TEST_F(RunOnKafka, AReloadNamesWhatNeedsARestartAndTakesTheRest) {
  rules("sanction");
  configuration(KafkaCluster::shared()->bootstrap());
  start();
  ASSERT_TRUE(becomes_ready()) << daemon_->output();
  rules("zeppelin");
  configuration(KafkaCluster::shared()->bootstrap(), "remember: 30d\n");
  daemon_->signal(SIGHUP);
  ASSERT_TRUE(daemon_->wait_for_output("INFO  reloaded")) << daemon_->output();
  EXPECT_NE(daemon_->output().find("option=remember"), std::string::npos) << daemon_->output();
  article("1", "A zeppelin");
  EXPECT_TRUE(alerts_become(1)) << daemon_->output();
}

TEST_F(RunOnKafka, AReloadAddsAndTakesAwayDestinations) {
  rules("sanction");
  KafkaCluster::shared()->create_topic(prefix_ + ".desk", 1);
  const std::string desk = "destinations:\n  desk: {type: kafka, topic: " + prefix_ +
                           ".desk}\nroutes: [{when: {severity: medium}, to: [desk]}]\n";
  configuration(KafkaCluster::shared()->bootstrap());
  start();
  ASSERT_TRUE(becomes_ready()) << daemon_->output();
  configuration(KafkaCluster::shared()->bootstrap(), desk);
  daemon_->signal(SIGHUP);
  ASSERT_TRUE(daemon_->wait_for_output("INFO  reloaded")) << daemon_->output();
  ASSERT_TRUE(becomes_ready()) << daemon_->output();
  article("1", "New sanctions");
  EXPECT_TRUE(eventually(30s, [&] { return read_topic(properties(), prefix_ + ".desk").size() == 1; }))
      << daemon_->output();
  EXPECT_NE(get(port_, "/readyz").find("deliver-desk"), std::string::npos);
  configuration(KafkaCluster::shared()->bootstrap());
  daemon_->signal(SIGHUP);
  EXPECT_TRUE(eventually(30s, [&] { return get(port_, "/readyz").find("deliver-desk") == std::string::npos; }));
}

TEST_F(RunOnKafka, WithoutLeaveToCreateTopicsNamesTheMissingOnesAndTheCommand) {
  rules("sanction");
  configuration(KafkaCluster::shared()->bootstrap(), "create_topics: false\n");
  start();
  EXPECT_EQ(daemon_->wait(60s), 78) << daemon_->output();
  EXPECT_NE(daemon_->output().find(prefix_ + ".matches"), std::string::npos) << daemon_->output();
  EXPECT_NE(daemon_->output().find("kafka-topics.sh"), std::string::npos) << daemon_->output();
}

// `timeout` signals the process and then its group.
TEST_F(RunOnKafka, TwoSignalsInOneGoAreOneWishToStop) {
  rules("sanction");
  configuration(KafkaCluster::shared()->bootstrap());
  start();
  ASSERT_TRUE(becomes_ready()) << daemon_->output();
  daemon_->signal(SIGTERM);
  daemon_->signal(SIGTERM);
  EXPECT_EQ(daemon_->wait(30s), 0) << daemon_->output();
}

}  // namespace
