#include "tests/support/topic_reader.h"

#include <gtest/gtest.h>

#include <thread>

#include "daemon/kafka/handle.h"

namespace newswatch::test {

using kafka::PartitionReader;

namespace {

constexpr std::chrono::seconds limit{20};

std::optional<PartitionReader> open(const kafka::Properties& properties, PartitionReader::Isolation isolation) {
  auto reader = PartitionReader::open(properties, isolation);
  if (!reader) {
    ADD_FAILURE() << reader.error().message;
    return std::nullopt;
  }
  return std::move(*reader);
}

/// Asks again for a while: the leaders of a topic that was just made, or of a node that just went, are not known at once.
template <typename Ask>
auto patiently(Ask ask) {
  const auto until = std::chrono::steady_clock::now() + limit;
  auto answer = ask();
  while (!answer && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    answer = ask();
  }
  return answer;
}

}  // namespace

std::vector<ReadRecord> read_topic(const kafka::Properties& properties, const std::string& topic,
                                   PartitionReader::Isolation isolation) {
  std::vector<ReadRecord> records;
  auto marks_reader = open(properties, PartitionReader::Isolation::read_uncommitted);
  auto reader = open(properties, isolation);
  if (!marks_reader || !reader) return records;
  const auto partitions = patiently([&] { return marks_reader->partition_count(topic, limit); });
  if (!partitions) {
    ADD_FAILURE() << partitions.error().message;
    return records;
  }
  for (int partition = 0; partition < *partitions; ++partition) {
    const kafka::TopicPartition from{topic, partition};
    const auto marks = patiently([&] { return marks_reader->watermarks(from, limit); });
    if (!marks) {
      ADD_FAILURE() << marks.error().message;
      return records;
    }
    if (marks->low == marks->high) continue;
    PartitionReader::Limits limits;
    limits.until = marks->high;
    const auto end = reader->read(from, limits, [&](const kafka::Record& record) {
      ReadRecord read;
      read.partition = partition;
      read.offset = record.offset();
      if (const auto at = record.timestamp()) read.timestamp = at->time_since_epoch().count();
      if (record.key()) read.key = std::string(*record.key());
      if (record.value()) read.value = std::string(*record.value());
      for (const auto& [name, value] : record.headers()) read.headers.emplace_back(name, value);
      records.push_back(std::move(read));
    });
    if (!end) ADD_FAILURE() << end.error().message;
  }
  return records;
}

void produce(const kafka::Properties& properties, const std::vector<kafka::OutRecord>& records) {
  auto publisher = kafka::Publisher::open(properties);
  ASSERT_TRUE(publisher) << publisher.error().message;
  for (const kafka::OutRecord& record : records) {
    const auto done = publisher->publish(record);
    ASSERT_TRUE(done) << done.error().message;
  }
  const auto done = publisher->flush();
  ASSERT_TRUE(done) << done.error().message;
}

std::map<int, std::int64_t> topic_ends(const kafka::Properties& properties, const std::string& topic) {
  std::map<int, std::int64_t> ends;
  auto reader = open(properties, PartitionReader::Isolation::read_uncommitted);
  if (!reader) return ends;
  const auto partitions = reader->partition_count(topic, limit);
  for (int partition = 0; partitions && partition < *partitions; ++partition)
    if (const auto marks = patiently([&] { return reader->watermarks({topic, partition}, limit); }))
      ends[partition] = marks->high;
  return ends;
}

std::map<int, std::int64_t> group_offsets(const kafka::Properties& properties, const std::string& group,
                                          const std::string& topic) {
  std::map<int, std::int64_t> offsets;
  const auto ends = topic_ends(properties, topic);
  kafka::Properties all = properties;
  all.emplace_back("group.id", group);
  auto conf = kafka::make_conf(all, "test");
  auto handle = kafka::make_handle(RD_KAFKA_CONSUMER, std::move(*conf));
  if (!handle) {
    ADD_FAILURE() << handle.error().message;
    return offsets;
  }
  const kafka::ListPtr list = kafka::make_list(static_cast<int>(ends.size()));
  for (const auto& [partition, end] : ends) rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
  rd_kafka_committed(handle->get(), list.get(), 10'000);
  for (int i = 0; i < list->cnt; ++i)
    if (list->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR && list->elems[i].offset >= 0)
      offsets[list->elems[i].partition] = list->elems[i].offset;
  return offsets;
}

}  // namespace newswatch::test
