#include "daemon/kafka/client.h"

#include <array>

#include "daemon/kafka/handle.h"

namespace newswatch::kafka {
namespace {

const char* protocol_name(config::SecurityProtocol protocol) {
  switch (protocol) {
    case config::SecurityProtocol::plaintext:
      return "plaintext";
    case config::SecurityProtocol::ssl:
      return "ssl";
    case config::SecurityProtocol::sasl_plaintext:
      return "sasl_plaintext";
    case config::SecurityProtocol::sasl_ssl:
      return "sasl_ssl";
  }
  return "plaintext";
}

}  // namespace

Properties client_properties(const config::Kafka& kafka) {
  Properties properties;
  std::string brokers;
  for (const std::string& broker : kafka.brokers) brokers += (brokers.empty() ? "" : ",") + broker;
  properties.emplace_back("bootstrap.servers", brokers);
  properties.emplace_back("security.protocol", protocol_name(kafka.security.protocol));
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) properties.emplace_back(name, value);
  };
  add("sasl.mechanism", kafka.security.mechanism);
  add("sasl.username", kafka.security.username);
  add("sasl.password", kafka.security.password.reveal());
  add("ssl.ca.location", kafka.security.ca_file);
  add("ssl.certificate.location", kafka.security.certificate_file);
  add("ssl.key.location", kafka.security.key_file);
  add("ssl.key.password", kafka.security.key_password.reveal());
  // Nagle costs up to 40 ms a small request before 2.10. A broker that is back is found within two seconds.
  properties.emplace_back("socket.nagle.disable", "true");
  properties.emplace_back("reconnect.backoff.ms", "100");
  properties.emplace_back("reconnect.backoff.max.ms", "2000");
  properties.emplace_back("socket.connection.setup.timeout.ms", "5000");
  // Below the transaction timeout of 10 s, above the 8 s that a transactional call may take: we see the timeout before
  // librdkafka sends the request again, and answer it with a new epoch.
  properties.emplace_back("socket.timeout.ms", "9900");
  properties.emplace_back("broker.address.ttl", "5000");
  for (const config::KafkaOption& option : kafka.options) properties.emplace_back(option.name, option.value.reveal());
  return properties;
}

std::optional<std::string> option_problem(const std::string& name, const std::string& value) {
  const ConfPtr conf(rd_kafka_conf_new());
  std::array<char, 512> why{};
  switch (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why.data(), why.size())) {
    case RD_KAFKA_CONF_OK:
      return std::nullopt;
    case RD_KAFKA_CONF_UNKNOWN:
      return "librdkafka " + library_version() + " has no option " + name;
    default:
      return "librdkafka refuses this value of " + name;  // its own words may repeat the value, perhaps a password
  }
}

std::string library_version() { return rd_kafka_version_str(); }

std::optional<std::string> library_warning(config::Guarantee guarantee) {
  const int version = rd_kafka_version() >> 8;
  if (guarantee != config::Guarantee::exactly_once || version < 0x020a00 || version > 0x020f00) return std::nullopt;
  return "librdkafka " + library_version() +
         " can hang in a transaction after the death of a broker (its issue 5511; 2.10.0 to 2.15.0); the watchdog then "
         "ends the process. Use 2.8.0 or the distribution's, or guarantee: at_least_once.";
}

struct Publisher::Impl {
  HandlePtr handle;
  std::optional<Error> failure;

  static void delivered(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    auto* self = static_cast<Impl*>(opaque);
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && !self->failure)
      self->failure = to_error(message->err, std::string("writing to ") + rd_kafka_topic_name(message->rkt));
  }
};

Publisher::Publisher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Publisher::Publisher(Publisher&&) noexcept = default;
Publisher& Publisher::operator=(Publisher&&) noexcept = default;
Publisher::~Publisher() {
  if (impl_ && impl_->handle) rd_kafka_purge(impl_->handle.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
}

Result<Publisher> Publisher::open(const Properties& properties) {
  auto impl = std::make_unique<Impl>();
  Properties all{{"linger.ms", "5"}, {"compression.type", "lz4"}, {"queue.buffering.max.kbytes", "65536"}};
  all.insert(all.end(), properties.begin(), properties.end());
  all.insert(all.end(), {{"enable.idempotence", "true"}, {"partitioner", "murmur2_random"}});
  auto conf = make_conf(all, "newswatchd-publisher");
  if (!conf) return conf.error();
  rd_kafka_conf_set_opaque(conf->get(), impl.get());
  rd_kafka_conf_set_dr_msg_cb(conf->get(), Impl::delivered);
  auto handle = make_handle(RD_KAFKA_PRODUCER, std::move(*conf));
  if (!handle) return handle.error();
  impl->handle = std::move(*handle);
  return Publisher(std::move(impl));
}

Result<void> Publisher::publish(const OutRecord& record, std::optional<std::int64_t> timestamp,
                                std::chrono::milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const rd_kafka_resp_err_t code = produce_record(impl_->handle.get(), record, timestamp.value_or(0));
    rd_kafka_poll(impl_->handle.get(), code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 50 : 0);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || std::chrono::steady_clock::now() >= until)
      return to_error(code, "writing to " + record.topic);
  }
}

Result<void> Publisher::flush(std::chrono::milliseconds timeout) {
  const rd_kafka_resp_err_t code = rd_kafka_flush(impl_->handle.get(), static_cast<int>(timeout.count()));
  if (impl_->failure) {
    Error failure = std::move(*impl_->failure);
    impl_->failure.reset();
    return failure;
  }
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return to_error(code, "waiting for acknowledgements");
  return {};
}

}  // namespace newswatch::kafka
