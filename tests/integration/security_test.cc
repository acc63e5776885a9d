// kafka.security against a real broker: TLS with a login, and what the operator is told when one of them is wrong.

#include <gtest/gtest.h>
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
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

class Security : public testing::Test {
 protected:
  static void SetUpTestSuite() { cluster_ = KafkaCluster::start_secure(); }
  static void TearDownTestSuite() { cluster_.reset(); }

  void SetUp() override {
    NEWSWATCH_NEED_KAFKA(cluster_);
    std::filesystem::create_directories(folder_);
    write("rules.yaml", "rules:\n  - {id: watched, any: [sanction]}\n");
    cluster_->create_topic(prefix_ + ".articles", 2);
  }
  ~Security() override {
    daemon_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  std::string authority() const { return ", ca_file: \"" + cluster_->ca_file() + "\""; }
  void start(const std::string& mechanism, const std::string& password, const std::string& more,
             std::map<std::string, std::string> environment = {}) {
    write("newswatchd.yaml", "prefix: " + prefix_ + "\nkafka:\n  brokers: [\"" + cluster_->secure_bootstrap() +
                                 "\"]\n  security: {protocol: sasl_ssl, mechanism: " + mechanism +
                                 ", username: " + KafkaCluster::secure_user + ", password: \"" + password + "\"" +
                                 more + "}\narticles: [{feed: wires, topics: [" + prefix_ +
                                 ".articles], start: earliest}]\nrules: [rules.yaml]\n"
                                 "status: {listen: \"127.0.0.1:0\"}\nlog: {format: text}\nworkers: {match: 1}\n");
    daemon_ = std::make_unique<Process>(
        std::vector<std::string>{NEWSWATCH_BINARY, "run", "--config", (folder_ / "newswatchd.yaml").string()},
        std::move(environment));
    ASSERT_TRUE(daemon_->wait_for_output("status address")) << daemon_->output();
    const std::string out = daemon_->output();
    port_ = std::stoi(out.substr(out.find("port=") + 5));
  }
  std::string readiness() { return get(port_, "/readyz").substr(0, 12); }
  void becomes_ready() {
    ASSERT_TRUE(eventually(60s, [this] { return readiness() == "HTTP/1.1 200"; }))
        << get(port_, "/readyz") << daemon_->output();
  }
  // In and out over the plain listener, so that only the daemon depends on what is tested.
  void an_article_becomes_an_alert() {
    produce(
        cluster_->properties(),
        {{prefix_ + ".articles", "1", R"({"id": "1", "title": "New sanctions", "body": "Text."})", {}, std::nullopt}});
    EXPECT_TRUE(eventually(30s, [this] { return read_topic(cluster_->properties(), prefix_ + ".alerts").size() == 1; }))
        << daemon_->output();
  }
  void ends_cleanly() {
    daemon_->signal(SIGTERM);
    EXPECT_EQ(daemon_->wait(30s), 0) << daemon_->output();
  }
  // The line of the log that holds the text; empty when none does.
  std::string line_with(const std::string& text) {
    if (!daemon_->wait_for_output(text)) return "";
    const std::string out = daemon_->output();
    const auto at = out.find(text);
    const auto begin = out.rfind('\n', at);
    return out.substr(begin == std::string::npos ? 0 : begin + 1, out.find('\n', at) - begin);
  }

  static std::unique_ptr<KafkaCluster> cluster_;
  const std::string prefix_ = unique("security");
  const std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) / prefix_;
  std::unique_ptr<Process> daemon_;
  int port_ = 0;
};

std::unique_ptr<KafkaCluster> Security::cluster_;

TEST_F(Security, ScramOverTlsRunsTheWholeLine) {
  write("password", std::string(KafkaCluster::secure_password) + "\n");
  start("SCRAM-SHA-512", "${file:" + (folder_ / "password").string() + "}", authority());
  becomes_ready();
  an_article_becomes_an_alert();
  ends_cleanly();
  EXPECT_EQ(daemon_->output().find(KafkaCluster::secure_password), std::string::npos) << daemon_->output();
}

TEST_F(Security, PlainOverTlsRunsTheWholeLine) {
  start("PLAIN", "${env:NEWSWATCH_TEST_PASSWORD}", authority(),
        {{"NEWSWATCH_TEST_PASSWORD", KafkaCluster::secure_password}});
  becomes_ready();
  an_article_becomes_an_alert();
  ends_cleanly();
  EXPECT_EQ(daemon_->output().find(KafkaCluster::secure_password), std::string::npos) << daemon_->output();
}

class SecurityLogin : public Security, public testing::WithParamInterface<const char*> {};

TEST_P(SecurityLogin, AWrongPasswordIsSaidAndAReloadWithTheRightOneGoesOn) {
  write("password", "mistaken-identity\n");
  start(GetParam(), "${file:" + (folder_ / "password").string() + "}", authority());
  const std::string line = line_with("authentication failed at a Kafka broker");
  EXPECT_NE(line.find("kafka.security: mechanism, username, password"), std::string::npos) << daemon_->output();
  ASSERT_TRUE(daemon_->wait_for_output("waiting for Kafka")) << "it did not ask again: " << daemon_->output();
  EXPECT_TRUE(daemon_->running()) << daemon_->output();
  EXPECT_EQ(readiness(), "HTTP/1.1 503");
  EXPECT_EQ(get(port_, "/healthz").substr(0, 12), "HTTP/1.1 200");

  write("password", std::string(KafkaCluster::secure_password) + "\n");
  daemon_->signal(SIGHUP);
  becomes_ready();
  an_article_becomes_an_alert();
  ends_cleanly();
  EXPECT_EQ(daemon_->output().find("mistaken-identity"), std::string::npos) << daemon_->output();
  EXPECT_EQ(daemon_->output().find(KafkaCluster::secure_password), std::string::npos) << daemon_->output();
}

INSTANTIATE_TEST_SUITE_P(Mechanisms, SecurityLogin, testing::Values("PLAIN", "SCRAM-SHA-512"),
                         [](const auto& mechanism) {
                           return std::string(mechanism.param) == "PLAIN" ? "Plain" : "Scram";
                         });

TEST_F(Security, ACertificateOfAnUnknownAuthorityIsRefusedAndSaid) {
  start("PLAIN", "${env:NEWSWATCH_TEST_PASSWORD}", "", {{"NEWSWATCH_TEST_PASSWORD", KafkaCluster::secure_password}});
  const std::string line = line_with("the certificate of a Kafka broker is refused");
  EXPECT_NE(line.find("kafka.security.ca_file"), std::string::npos) << daemon_->output();
  ASSERT_TRUE(daemon_->wait_for_output("waiting for Kafka")) << "it did not ask again: " << daemon_->output();
  EXPECT_TRUE(daemon_->running()) << daemon_->output();
  EXPECT_EQ(readiness(), "HTTP/1.1 503");
  ends_cleanly();
}

}  // namespace
