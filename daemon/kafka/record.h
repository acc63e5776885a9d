#pragma once
// Records as they come from Kafka and go to it, without librdkafka's types.

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct rd_kafka_message_s;

namespace newswatch::kafka {

struct TopicPartition {
  std::string topic;
  std::int32_t partition = 0;
  auto operator<=>(const TopicPartition&) const = default;
};

/// One consumed record: a view into librdkafka's memory, which lives as long as the call it is handed to.
class Record {
 public:
  Record(const TopicPartition& from, rd_kafka_message_s* message);

  const TopicPartition& from() const { return *from_; }
  std::int64_t offset() const { return offset_; }
  /// The record's Kafka timestamp; none when the producer wrote none.
  std::optional<std::chrono::sys_time<std::chrono::milliseconds>> timestamp() const;
  std::optional<std::string_view> key() const { return key_; }
  /// None: a tombstone.
  std::optional<std::string_view> value() const { return value_; }
  /// The last header of that name. Parsed on the first call.
  std::optional<std::string_view> header(const char* name) const;
  std::vector<std::pair<std::string_view, std::string_view>> headers() const;

 private:
  const TopicPartition* from_;
  rd_kafka_message_s* message_;
  std::int64_t offset_;
  std::optional<std::string_view> key_, value_;
};

struct OutRecord {
  std::string topic;
  std::optional<std::string> key;
  std::optional<std::string> value;  ///< none: a tombstone
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::int32_t> partition;  ///< none: murmur2 of the key, as Java's clients do
};

}  // namespace newswatch::kafka
