#include "tests/support/kafka_cluster.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "daemon/kafka/topics.h"

namespace newswatch::test {
namespace {

std::string why;

bool port_free(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool free = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return free;
}

// Below the ephemeral ports, so that no outgoing connection takes one between the look and the start.
int free_port_base(int nodes) {
  std::mt19937 random(std::random_device{}());
  for (int attempt = 0; attempt < 200; ++attempt) {
    const int base = std::uniform_int_distribution(260, 319)(random) * 100;
    bool free = true;
    for (int node = 1; node <= nodes; ++node)
      for (int port = 2; port <= 5; ++port) free = free && port_free(base + 10 * node + port);
    if (free) return base;
  }
  return 0;
}

std::pair<int, std::string> run(const std::string& command) {
  std::string output;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (!pipe) return {-1, "cannot run " + command};
  std::array<char, 4096> buffer{};
  while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), size);
  return {::pclose(pipe), output};
}

}  // namespace

const std::string& KafkaCluster::why_none() { return why; }

KafkaCluster* KafkaCluster::shared() {
  static const std::unique_ptr<KafkaCluster> cluster = [] {
    const char* brokers = std::getenv("NEWSWATCH_TEST_BROKERS");
    if (!brokers || !*brokers) return start(1);
    std::unique_ptr<KafkaCluster> given(new KafkaCluster);
    given->bootstrap_ = brokers;
    return given;
  }();
  return cluster.get();
}

std::unique_ptr<KafkaCluster> KafkaCluster::start(int nodes, bool secure) {
  std::unique_ptr<KafkaCluster> cluster(new KafkaCluster);
  cluster->secure_ = secure;
  std::string directory = (std::filesystem::temp_directory_path() / "newswatch-kafka-XXXXXX").string();
  if (!::mkdtemp(directory.data())) {
    why = "no temporary directory";
    return nullptr;
  }
  cluster->data_ = directory;
  for (int attempt = 0; attempt < 3; ++attempt) {
    cluster->port_base_ = free_port_base(nodes);
    const std::string fetch = std::string(NEWSWATCH_SOURCE_DIR) + "/scripts/kafka fetch";
    if (const auto [status, output] = run(fetch); status != 0) {
      why = "scripts/kafka fetch: " + output;
      return nullptr;
    }
    cluster->script("up " + std::to_string(nodes));
    cluster->bootstrap_ = cluster->script("bootstrap");
    while (!cluster->bootstrap_.empty() && cluster->bootstrap_.back() == '\n') cluster->bootstrap_.pop_back();
    if (cluster->script("status").find("down") == std::string::npos && !cluster->bootstrap_.empty()) return cluster;
    why = "scripts/kafka up: " + cluster->script("log 1 20");
    cluster->script("wipe");
  }
  return nullptr;
}

KafkaCluster::~KafkaCluster() {
  if (data_.empty()) return;
  script("wipe");
  std::error_code ignored;
  std::filesystem::remove_all(data_, ignored);
}

std::string KafkaCluster::script(const std::string& command) const {
  const std::string line = "KAFKA_DATA='" + data_ + "' KAFKA_PORT_BASE=" + std::to_string(port_base_) +
                           (secure_ ? " KAFKA_SECURE=1" : "") + " '" + NEWSWATCH_SOURCE_DIR + "/scripts/kafka' " +
                           command;
  auto [status, output] = run(line);
  if (status != 0) std::fprintf(stderr, "scripts/kafka %s: %s\n", command.c_str(), output.c_str());
  return output;
}

std::string KafkaCluster::tool(const std::string& arguments) const { return script("tool " + arguments); }

config::Kafka KafkaCluster::settings() const {
  config::Kafka settings;
  settings.brokers = {bootstrap_};
  return settings;
}

kafka::Properties KafkaCluster::properties() const { return kafka::client_properties(settings()); }

void KafkaCluster::create_topic(const std::string& name, int partitions,
                                std::vector<std::pair<std::string, std::string>> properties) const {
  config::Common common;
  common.kafka = settings();
  kafka::TopicSpec spec;
  spec.name = name;
  spec.partitions = partitions;
  spec.properties = std::move(properties);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const auto problems =
      kafka::prepare_topics(common, {spec}, {}, [&] { return std::chrono::steady_clock::now() > until; });
  ASSERT_TRUE(problems) << problems.error().message;
  for (const auto& problem : *problems)
    if (problem.kind == kafka::TopicProblem::Kind::missing) ADD_FAILURE() << problem.message;
}

std::string unique(const std::string& stem) {
  static std::atomic<int> count{0};
  const auto now = std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
  return stem + "-" + std::to_string(now % 1'000'000'000) + "-" + std::to_string(::getpid()) + "-" +
         std::to_string(++count);
}

unsigned test_seed() {
  static const unsigned seed = [] {
    const char* given = std::getenv("NEWSWATCH_TEST_SEED");
    const unsigned chosen = given ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
    std::printf("seed: NEWSWATCH_TEST_SEED=%u\n", chosen);
    std::fflush(stdout);
    return chosen;
  }();
  return seed;
}

}  // namespace newswatch::test
