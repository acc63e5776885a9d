#include "daemon/deliver/kafka.h"

#include <algorithm>

namespace newswatch::deliver {

TopicRecord topic_record(const Letter& letter) {
  return {letter.alert.rule.key, letter.value, flow::cloud_event_headers(letter.alert)};
}

std::unique_ptr<DestinationSettings> read_kafka(const config::Destination& destination,
                                                yaml::Diagnostics& diagnostics) {
  auto settings = std::make_unique<KafkaSettings>();
  yaml::Mapping map(*destination.section, "a kafka destination", diagnostics);
  config::allow_common_keys(map);
  if (const auto topic = map.text("topic", yaml::required)) {
    const bool legal = !topic->empty() && topic->size() <= 249 && *topic != "." && *topic != ".." &&
                       std::all_of(topic->begin(), topic->end(), [](char c) {
                         return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                c == '.' || c == '_' || c == '-';
                       });
    if (!legal)
      diagnostics.error(map.place_of("topic"), "bad-value", "this is no name of a Kafka topic",
                        "use letters, digits, '.', '_' and '-', at most 249 of them");
    settings->topic = *topic;
  }
  map.finish();
  return settings;
}

}  // namespace newswatch::deliver
