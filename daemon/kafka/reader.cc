// Reads whole partitions: PartitionReader and, on it, StateReader.

#include <algorithm>

#include "daemon/kafka/client.h"
#include "daemon/kafka/handle.h"

namespace newswatch::kafka {

using namespace std::chrono_literals;

struct PartitionReader::Impl {
  HandlePtr handle;
};

PartitionReader::PartitionReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PartitionReader::PartitionReader(PartitionReader&&) noexcept = default;
PartitionReader& PartitionReader::operator=(PartitionReader&&) noexcept = default;
PartitionReader::~PartitionReader() {
  if (impl_ && impl_->handle) rd_kafka_assign(impl_->handle.get(), nullptr);
}

Result<PartitionReader> PartitionReader::open(const Properties& properties, Isolation isolation) {
  // A group must be named for the consumer's API; it is never joined and nothing is committed.
  Properties all{{"queued.max.messages.kbytes", "65536"}, {"fetch.wait.max.ms", "100"}};
  all.insert(all.end(), properties.begin(), properties.end());
  all.insert(all.end(), {{"group.id", "newswatchd-reader"},
                         {"enable.auto.commit", "false"},
                         {"enable.auto.offset.store", "false"},
                         {"enable.partition.eof", "true"},
                         {"auto.offset.reset", "error"},
                         {"isolation.level",
                          isolation == Isolation::read_committed ? "read_committed" : "read_uncommitted"}});
  auto conf = make_conf(all, "newswatchd-reader");
  if (!conf) return conf.error();
  auto handle = make_handle(RD_KAFKA_CONSUMER, std::move(*conf));
  if (!handle) return handle.error();
  rd_kafka_poll_set_consumer(handle->get());
  auto impl = std::make_unique<Impl>();
  impl->handle = std::move(*handle);
  return PartitionReader(std::move(impl));
}

Result<PartitionReader::Watermarks> PartitionReader::watermarks(const TopicPartition& partition,
                                                                std::chrono::milliseconds timeout) {
  Watermarks marks;
  const rd_kafka_resp_err_t code =
      rd_kafka_query_watermark_offsets(impl_->handle.get(), partition.topic.c_str(), partition.partition, &marks.low,
                                       &marks.high, static_cast<int>(timeout.count()));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return to_error(code, "asking for the ends of " + partition.topic + " " + std::to_string(partition.partition));
  return marks;
}

Result<int> PartitionReader::partition_count(const std::string& topic, std::chrono::milliseconds timeout) {
  const TopicPtr handle(rd_kafka_topic_new(impl_->handle.get(), topic.c_str(), nullptr));
  const struct rd_kafka_metadata* raw = nullptr;
  rd_kafka_resp_err_t code =
      rd_kafka_metadata(impl_->handle.get(), 0, handle.get(), &raw, static_cast<int>(timeout.count()));
  const MetadataPtr metadata(raw);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt == 1) code = metadata->topics[0].err;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return to_error(code, "asking for the partitions of " + topic);
  return metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
}

Result<std::int64_t> PartitionReader::read(const TopicPartition& partition, const Limits& limits,
                                           const std::function<void(const Record&)>& each) {
  rd_kafka_t* handle = impl_->handle.get();
  const auto marks = watermarks(partition, 9s);
  if (!marks) return marks.error();
  std::int64_t next = std::max(limits.from, marks->low);
  const std::string doing = "reading " + partition.topic + " " + std::to_string(partition.partition);
  const ListPtr list = make_list(1);
  rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition)->offset = next;
  if (const auto code = rd_kafka_assign(handle, list.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return to_error(code, doing);
  struct Unassign {
    rd_kafka_t* handle;
    ~Unassign() { rd_kafka_assign(handle, nullptr); }
  } const unassign{handle};

  auto moved = std::chrono::steady_clock::now();
  for (std::uint32_t turn = 0;; ++turn) {
    // Cancellation costs a call through std::function: not for each of a million records.
    if (turn % 256 == 0 && limits.cancelled && limits.cancelled()) return retryable_error("cancelled", doing);
    const MessagePtr message(rd_kafka_consumer_poll(handle, 100));
    if (!message) {
      if (limits.cancelled && limits.cancelled()) return retryable_error("cancelled", doing);
      if (std::chrono::steady_clock::now() - moved > limits.patience)
        return retryable_error("stalled", doing + ": no progress behind offset " + std::to_string(next) +
                                              "; is a broker down, or an open transaction of a dead client before it?");
      continue;
    }
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      moved = std::chrono::steady_clock::now();
      next = message->offset + 1;
      each(Record(partition, message.get()));
      if (limits.progress && turn % 1024 == 0) limits.progress(next);
    } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      next = std::max(next, message->offset);
      if (limits.progress) limits.progress(next);
      if (next >= limits.until) return next;
    } else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
      return retryable_error("offset_out_of_range", doing + ": the log was cut while it was read");
    } else if (error_kind(message->err) != ErrorKind::retryable) {
      return to_error(message->err, doing, rd_kafka_message_errstr(message.get()));
    }
  }
}

struct StateReader::Impl {
  Properties properties;
  std::optional<PartitionReader> committed, uncommitted;
};

StateReader::StateReader(Properties properties) : impl_(std::make_unique<Impl>()) {
  impl_->properties = std::move(properties);
}
StateReader::~StateReader() = default;

Result<std::uint64_t> StateReader::read(const TopicPartition& partition, const std::function<bool()>& cancelled,
                                        const std::function<void(double)>& progress,
                                        const std::function<void(const Record&)>& each) {
  const auto open = [&](std::optional<PartitionReader>& reader, PartitionReader::Isolation isolation) -> Result<void> {
    if (reader) return {};
    auto opened = PartitionReader::open(impl_->properties, isolation);
    if (!opened) return opened.error();
    reader.emplace(std::move(*opened));
    return {};
  };
  if (auto ok = open(impl_->uncommitted, PartitionReader::Isolation::read_uncommitted); !ok) return ok.error();
  if (auto ok = open(impl_->committed, PartitionReader::Isolation::read_committed); !ok) return ok.error();

  // What a dead instance wrote in a transaction that is still open lies below this mark, and a read_committed reader
  // is held back before it until the broker has decided: reading to past the mark sees the decision.
  const auto marks = impl_->uncommitted->watermarks(partition, 9s);
  if (!marks) return marks.error();
  if (marks->high == marks->low) {
    progress(1);
    return 0;
  }
  std::uint64_t count = 0;
  const double whole = static_cast<double>(marks->high - marks->low);
  PartitionReader::Limits limits;
  limits.until = marks->high;
  limits.cancelled = cancelled;
  limits.progress = [&, low = marks->low](std::int64_t next) {
    progress(std::min(1.0, static_cast<double>(next - low) / whole));
  };
  const auto end = impl_->committed->read(partition, limits, [&](const Record& record) {
    ++count;
    each(record);
  });
  if (!end) return end.error();
  progress(1);
  return count;
}

}  // namespace newswatch::kafka
