#pragma once
// Kind `kafka`: a topic of the user's on the same cluster. The stage writes it in the transaction that commits the
// offsets, so its readers see each alert exactly once.

#include <memory>
#include <string>
#include <vector>

#include "config/loader/destination.h"
#include "daemon/deliver/destination.h"
#include "daemon/flow/record_codec.h"

namespace newswatch::deliver {

class KafkaSettings : public DestinationSettings {
 public:
  std::string fingerprint() const override { return topic; }
  std::unique_ptr<Sender> open(boost::asio::io_context&) const override { return nullptr; }
};

/// What stands in the user's topic: the alert as in P.alerts, a CloudEvent in binary mode, keyed by the rule.
struct TopicRecord {
  std::string key;
  std::string value;
  std::vector<flow::RecordHeader> headers;
};
TopicRecord topic_record(const Letter& letter);

std::unique_ptr<DestinationSettings> read_kafka(const config::Destination& destination, yaml::Diagnostics& diagnostics);

}  // namespace newswatch::deliver
