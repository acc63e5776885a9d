#pragma once
// Whole topics in and out, for tests.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/kafka/client.h"

namespace newswatch::test {

struct ReadRecord {
  int partition = 0;
  std::int64_t offset = 0;
  std::optional<std::int64_t> timestamp;
  std::optional<std::string> key, value;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// All partitions to their ends as of now, by partition and offset. read_committed waits for open transactions below
/// those ends. A failure is reported to GoogleTest.
std::vector<ReadRecord> read_topic(const kafka::Properties& properties, const std::string& topic,
                                   kafka::PartitionReader::Isolation isolation =
                                       kafka::PartitionReader::Isolation::read_committed);

/// Writes and waits for the acknowledgements.
void produce(const kafka::Properties& properties, const std::vector<kafka::OutRecord>& records);

/// The group's offsets on a topic; partitions without one are absent.
std::map<int, std::int64_t> group_offsets(const kafka::Properties& properties, const std::string& group,
                                          const std::string& topic);
/// High watermarks.
std::map<int, std::int64_t> topic_ends(const kafka::Properties& properties, const std::string& topic);

}  // namespace newswatch::test
