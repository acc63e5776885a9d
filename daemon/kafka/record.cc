#include "daemon/kafka/record.h"

#include "daemon/kafka/handle.h"

namespace newswatch::kafka {
namespace {

std::optional<std::string_view> view(const void* data, std::size_t size) {
  if (!data) return std::nullopt;
  return std::string_view(static_cast<const char*>(data), size);
}

}  // namespace

Record::Record(const TopicPartition& from, rd_kafka_message_s* message)
    : from_(&from),
      message_(message),
      offset_(message->offset),
      key_(view(message->key, message->key_len)),
      value_(view(message->payload, message->len)) {}

std::optional<std::chrono::sys_time<std::chrono::milliseconds>> Record::timestamp() const {
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const std::int64_t at = rd_kafka_message_timestamp(message_, &type);
  if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || at < 0) return std::nullopt;
  return std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(at));
}

std::optional<std::string_view> Record::header(const char* name) const {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(message_, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  const void* value = nullptr;
  std::size_t size = 0;
  if (rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  return view(value, size);
}

std::vector<std::pair<std::string_view, std::string_view>> Record::headers() const {
  std::vector<std::pair<std::string_view, std::string_view>> all;
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(message_, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return all;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
    all.emplace_back(name, view(value, size).value_or(std::string_view()));
  return all;
}

}  // namespace newswatch::kafka
