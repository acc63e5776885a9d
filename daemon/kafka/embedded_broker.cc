#include "daemon/kafka/embedded_broker.h"

#include "daemon/kafka/handle.h"

// After rdkafka.h, which it needs.
#include <librdkafka/rdkafka_mock.h>

namespace newswatch::kafka {

// The cluster hangs on a client handle of its own, which is never used as one.
struct EmbeddedBroker::Impl {
  HandlePtr host;
  rd_kafka_mock_cluster_t* cluster = nullptr;
  std::string bootstrap;

  ~Impl() {
    if (cluster) rd_kafka_mock_cluster_destroy(cluster);
  }
};

EmbeddedBroker::EmbeddedBroker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EmbeddedBroker::EmbeddedBroker(EmbeddedBroker&&) noexcept = default;
EmbeddedBroker& EmbeddedBroker::operator=(EmbeddedBroker&&) noexcept = default;
EmbeddedBroker::~EmbeddedBroker() = default;

Result<EmbeddedBroker> EmbeddedBroker::start() {
  auto conf = make_conf({}, "newswatchd-embedded-broker");
  if (!conf) return conf.error();
  auto handle = make_handle(RD_KAFKA_PRODUCER, std::move(*conf));
  if (!handle) return handle.error();
  auto impl = std::make_unique<Impl>();
  impl->host = std::move(*handle);
  impl->cluster = rd_kafka_mock_cluster_new(impl->host.get(), 1);
  if (!impl->cluster) return fatal_error("embedded_broker", "the embedded broker cannot be started on the loopback");
  impl->bootstrap = rd_kafka_mock_cluster_bootstraps(impl->cluster);
  return EmbeddedBroker(std::move(impl));
}

const std::string& EmbeddedBroker::bootstrap() const { return impl_->bootstrap; }
rd_kafka_mock_cluster_t* EmbeddedBroker::handle() const { return impl_->cluster; }

Result<void> EmbeddedBroker::create_topic(const std::string& name, int partitions) {
  const rd_kafka_resp_err_t code = rd_kafka_mock_topic_create(impl_->cluster, name.c_str(), partitions, 1);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return to_error(code, "creating " + name + " on the embedded broker");
  return {};
}

}  // namespace newswatch::kafka
