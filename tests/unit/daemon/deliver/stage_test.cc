// The stage over the embedded broker. What a real one does is in tests/integration/deliver_test.cc.

#include "daemon/deliver/stage.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
// After rdkafka.h, which it needs.
#include <librdkafka/rdkafka_mock.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <map>
#include <mutex>

#include "daemon/http/client.h"
#include "daemon/kafka/embedded_broker.h"
#include "daemon/kafka/watchdog.h"
#include "daemon/observe/metrics.h"
#include "tests/support/process.h"
#include "tests/support/sample_alert.h"
#include "tests/support/topic_reader.h"

namespace newswatch::deliver {
namespace {

using namespace std::chrono_literals;
using test::eventually;

constexpr std::int16_t produce_request = 0;  // of the Kafka protocol

/// Refuses the first alert for good, but only after it took the two others.
struct Endpoint {
  std::mutex mutex;
  std::map<std::string, int> tries;
  int taken = 0;
  std::function<void()> refuse;
};

class EndpointSender : public Sender {
 public:
  EndpointSender(boost::asio::io_context& io, std::shared_ptr<Endpoint> endpoint)
      : io_(io), endpoint_(std::move(endpoint)) {}
  void send(std::shared_ptr<const Letter> letter, Time, std::function<void(Outcome)> done) override {
    const std::lock_guard lock(endpoint_->mutex);
    ++endpoint_->tries[letter->alert.id];
    const auto refuse = [done] { done({Outcome::Kind::park, "answered 400", std::nullopt, false}); };
    if (letter->alert.id != "nw-some-0") {
      boost::asio::post(io_, [done] { done({}); });
      if (++endpoint_->taken == 2 && endpoint_->refuse) boost::asio::post(io_, std::exchange(endpoint_->refuse, {}));
    } else if (endpoint_->taken >= 2) {
      boost::asio::post(io_, refuse);
    } else {
      endpoint_->refuse = refuse;
    }
  }

 private:
  boost::asio::io_context& io_;
  const std::shared_ptr<Endpoint> endpoint_;
};

class EndpointSettings : public DestinationSettings {
 public:
  explicit EndpointSettings(std::shared_ptr<Endpoint> endpoint) : endpoint_(std::move(endpoint)) {
    name = group = "hook";
    type = "webhook";
  }
  std::string fingerprint() const override { return {}; }
  std::unique_ptr<Sender> open(boost::asio::io_context& io) const override {
    return std::make_unique<EndpointSender>(io, endpoint_);
  }

 private:
  const std::shared_ptr<Endpoint> endpoint_;
};

TEST(DeliverStage, SendsNothingTwiceWhileTheUndeliveredTopicRefusesAnAlert) {
  auto broker = kafka::EmbeddedBroker::start();
  ASSERT_TRUE(broker);
  config::Common common;
  common.kafka.brokers = {broker->bootstrap()};
  common.instance = "test";
  ASSERT_TRUE(broker->create_topic(common.topics.alerts.name, 1));
  ASSERT_TRUE(broker->create_topic(common.topics.undelivered.name, 1));
  const kafka::Properties client{{"bootstrap.servers", broker->bootstrap()}};
  std::vector<kafka::OutRecord> records;
  for (int n = 0; n < 3; ++n)
    records.push_back(test::alert_record(common.topics.alerts.name, test::sample_alert("some", n, {"hook"})));
  test::produce(client, records);
  constexpr auto denied = RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
  rd_kafka_mock_push_request_errors(broker->handle(), produce_request, 3, denied, denied, denied);

  observe::Metrics metrics;
  kafka::Watchdog watchdog;
  http::IoThread io;
  const auto endpoint = std::make_shared<Endpoint>();
  {
    Stage stage(
        common, io.context(), watchdog, metrics, [](const kafka::LoopFailure&) { FAIL(); }, true);
    stage.apply({std::make_shared<EndpointSettings>(endpoint)});
    EXPECT_TRUE(eventually(40s, [&] { return test::read_topic(client, common.topics.undelivered.name).size() == 1; }));
    stage.stop(5s);
  }
  EXPECT_EQ(endpoint->tries, (std::map<std::string, int>{{"nw-some-0", 4}, {"nw-some-1", 1}, {"nw-some-2", 1}}));
}

}  // namespace
}  // namespace newswatch::deliver
