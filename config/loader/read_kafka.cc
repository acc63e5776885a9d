#include <algorithm>

#include "config/loader/reading.h"

namespace newswatch::config {
namespace {

struct Owned {
  std::string_view name, why;
};

/// What the guarantees stand on, or what has a key of its own.
constexpr Owned owned[] = {
    {"bootstrap.servers", "write it as kafka.brokers"},
    {"metadata.broker.list", "write it as kafka.brokers"},
    {"security.protocol", "write it as kafka.security.protocol"},
    {"sasl.mechanism", "write it as kafka.security.mechanism"},
    {"sasl.mechanisms", "write it as kafka.security.mechanism"},
    {"sasl.username", "write it as kafka.security.username"},
    {"sasl.password", "write it as kafka.security.password"},
    {"ssl.ca.location", "write it as kafka.security.ca_file"},
    {"ssl.certificate.location", "write it as kafka.security.certificate_file"},
    {"ssl.key.location", "write it as kafka.security.key_file"},
    {"ssl.key.password", "write it as kafka.security.key_password"},
    {"group.id", "groups are named after prefix and stage"},
    {"group.instance.id", "it is made of prefix, stage, instance and topics, so that a restart keeps its partitions"},
    {"transactional.id", "it is made of prefix, stage, instance and worker, so that a restart fences its predecessor"},
    {"client.id", "clients are named after stage and worker"},
    {"enable.auto.commit", "offsets are committed with the output they belong to"},
    {"enable.auto.offset.store", "offsets are committed with the output they belong to"},
    {"auto.offset.reset", "write it as `start` of an article input; a lost offset must never be passed over in silence"},
    {"isolation.level", "what was aborted must not be read"},
    {"enable.idempotence", "a retry must not double a record"},
    {"acks", "a record counts when all replicas have it"},
    {"request.required.acks", "a record counts when all replicas have it"},
    {"partitioner", "other clients of the same topics partition by murmur2"},
    {"partition.assignment.strategy", "all members of a group must agree"},
    {"group.protocol", "static membership and assignors are of the classic protocol"},
    {"enable.partition.eof", "the end of a partition tells when state is restored"},
    {"max.poll.interval.ms", "it is also the time that a rebalance may take"},
    {"transaction.timeout.ms", "timeouts of transactional calls are derived from it"},
    {"socket.timeout.ms", "it must lie between our own timeout of a transactional call and the transaction's"},
    {"message.timeout.ms", "a record must fail before its transaction does"},
    {"delivery.timeout.ms", "a record must fail before its transaction does"},
};

void check_brokers(const yaml::Node& node, const std::vector<std::string>& brokers, yaml::Diagnostics& diagnostics) {
  if (brokers.empty()) diagnostics.error(node.place, "empty-list", "kafka.brokers is empty", "name one: [localhost:9092]");
  for (std::size_t i = 0; i < brokers.size(); ++i) {
    const std::string& broker = brokers[i];
    const yaml::Place place = node.is_sequence() && i < node.items.size() ? node.items[i].place : node.place;
    const auto colon = broker.rfind(':');
    const std::string port = colon == std::string::npos ? "" : broker.substr(colon + 1);
    const bool digits = !port.empty() && port.size() <= 5 && std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
    if (colon == 0 || !digits || std::stoul(port) == 0 || std::stoul(port) > 65535 || broker.find_first_of(" ,/") != std::string::npos)
      diagnostics.error(place, "bad-value", "`" + broker + "` is no address of a broker", "write host:port, as in kafka-1:9092");
  }
}

void read_security(const yaml::Node& node, Security& security, const Reading& reading) {
  yaml::Diagnostics& diagnostics = reading.diagnostics;
  yaml::Mapping map(node, "kafka.security", diagnostics);
  using enum SecurityProtocol;
  if (const auto protocol = map.choice<SecurityProtocol>(
          "protocol", {{"plaintext", plaintext}, {"ssl", ssl}, {"sasl_plaintext", sasl_plaintext}, {"sasl_ssl", sasl_ssl}}))
    security.protocol = *protocol;
  if (const auto mechanism = map.choice<std::string_view>(
          "mechanism", {{"PLAIN", "PLAIN"}, {"SCRAM-SHA-256", "SCRAM-SHA-256"}, {"SCRAM-SHA-512", "SCRAM-SHA-512"}}))
    security.mechanism = *mechanism;
  if (const auto name = reading.secrets.read(map, "username", diagnostics)) security.username = name->reveal();
  if (auto password = reading.secrets.read(map, "password", diagnostics)) security.password = std::move(*password);
  if (auto file = map.text("ca_file")) security.ca_file = std::move(*file);
  if (auto file = map.text("certificate_file")) security.certificate_file = std::move(*file);
  if (auto file = map.text("key_file")) security.key_file = std::move(*file);
  if (auto password = reading.secrets.read(map, "key_password", diagnostics)) security.key_password = std::move(*password);
  map.finish();
  const bool sasl = security.protocol == sasl_plaintext || security.protocol == sasl_ssl;
  const bool tls = security.protocol == ssl || security.protocol == sasl_ssl;
  for (const char* key : {"mechanism", "username", "password"}) {
    if (sasl && !map.has(key))
      diagnostics.error(map.place(), "missing-key", std::string("a sasl_ protocol needs `") + key + "`");
    if (!sasl && map.has(key))
      diagnostics.error(map.place_of(key), "bad-value", std::string("`") + key + "` is used by the sasl_ protocols only",
                        "set protocol: sasl_ssl, or leave it out");
  }
  for (const char* key : {"ca_file", "certificate_file", "key_file", "key_password"})
    if (!tls && map.has(key))
      diagnostics.error(map.place_of(key), "bad-value", std::string("`") + key + "` is used by ssl and sasl_ssl only",
                        "set protocol: ssl, or leave it out");
  if (map.has("certificate_file") != map.has("key_file"))
    diagnostics.error(map.place(), "missing-key", "certificate_file and key_file come together");
}

void read_topic(yaml::Mapping& map, std::string_view key, Topic& topic, bool only_name, const Reading& reading) {
  const yaml::Node* node = map.find(key);
  if (node == nullptr) return;
  yaml::Mapping one(*node, "topics." + std::string(key), reading.diagnostics);
  if (auto name = one.text("name")) {
    check_name(*one.find("name"), *name, "a topic", reading.diagnostics);
    topic.name = std::move(*name);
  }
  if (!only_name) {
    if (const auto partitions = one.integer("partitions", 1, 10'000)) topic.partitions = static_cast<int>(*partitions);
    if (const auto retention = one.duration("retention")) topic.retention = *retention;
  }
  one.finish();
}

}  // namespace

void read_kafka(const yaml::Node& node, Kafka& kafka, const Reading& reading) {
  yaml::Mapping map(node, "kafka", reading.diagnostics);
  if (auto brokers = map.texts("brokers", yaml::required, true)) {
    const yaml::Node& place = *map.find("brokers");
    // A placeholder is allowed: where the broker is may only be known when the process starts.
    kafka.brokers.clear();
    bool known = true;
    for (std::size_t i = 0; i < brokers->size(); ++i) {
      const yaml::Node& item = place.is_sequence() ? place.items[i] : place;
      const auto text = reading.secrets.read(item, "a broker", reading.diagnostics);
      known = known && text && text->known();
      if (text) kafka.brokers.push_back(text->known() ? text->reveal() : (*brokers)[i]);
    }
    if (known) check_brokers(place, kafka.brokers, reading.diagnostics);
  }
  if (const yaml::Node* security = map.find("security")) read_security(*security, kafka.security, reading);
  if (const yaml::Node* options = map.find("options")) {
    if (!options->is_mapping() && !options->is_null())
      reading.diagnostics.error(options->place, "wrong-type", "kafka.options is a mapping of librdkafka properties",
                                "write options: {linger.ms: 5}");
    for (const yaml::Entry& entry : options->entries) {
      const auto own = std::ranges::find(owned, std::string_view(entry.key), &Owned::name);
      if (own != std::end(owned)) {
        reading.diagnostics.error(entry.key_place, "reserved-option", "newswatchd sets " + entry.key + " itself", std::string(own->why));
        continue;
      }
      if (auto value = reading.secrets.read(entry.value, entry.key, reading.diagnostics))
        kafka.options.push_back({entry.key, std::move(*value)});
    }
  }
  map.finish();
}

void read_topics(const yaml::Node& node, Topics& topics, const Reading& reading) {
  yaml::Mapping map(node, "topics", reading.diagnostics);
  if (const auto replication = map.integer("replication", 0, 32'767)) topics.replication = static_cast<int>(*replication);
  read_topic(map, "matches", topics.matches, false, reading);
  read_topic(map, "state", topics.state, true, reading);
  read_topic(map, "alerts", topics.alerts, false, reading);
  read_topic(map, "rejected", topics.rejected, false, reading);
  read_topic(map, "undelivered", topics.undelivered, false, reading);
  read_topic(map, "boilerplate", topics.boilerplate, true, reading);
  map.finish();
  topics.state.partitions = topics.matches.partitions;
}

}  // namespace newswatch::config
