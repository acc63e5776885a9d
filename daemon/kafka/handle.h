#pragma once
// Internal to daemon/kafka: the one header that includes librdkafka. Owners for its objects, its errors as ours.

#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>
#include <string_view>

#include "daemon/kafka/client.h"
#include "daemon/observe/result.h"

namespace newswatch::kafka {

template <auto Function>
struct Deleter {
  template <class T>
  void operator()(T* pointer) const {
    Function(pointer);
  }
};
using ConfPtr = std::unique_ptr<rd_kafka_conf_t, Deleter<rd_kafka_conf_destroy>>;
using MessagePtr = std::unique_ptr<rd_kafka_message_t, Deleter<rd_kafka_message_destroy>>;
using QueuePtr = std::unique_ptr<rd_kafka_queue_t, Deleter<rd_kafka_queue_destroy>>;
using ListPtr = std::unique_ptr<rd_kafka_topic_partition_list_t, Deleter<rd_kafka_topic_partition_list_destroy>>;
using ErrorPtr = std::unique_ptr<rd_kafka_error_t, Deleter<rd_kafka_error_destroy>>;
using EventPtr = std::unique_ptr<rd_kafka_event_t, Deleter<rd_kafka_event_destroy>>;
using TopicPtr = std::unique_ptr<rd_kafka_topic_t, Deleter<rd_kafka_topic_destroy>>;
using HeadersPtr = std::unique_ptr<rd_kafka_headers_t, Deleter<rd_kafka_headers_destroy>>;
using GroupMetadataPtr =
    std::unique_ptr<rd_kafka_consumer_group_metadata_t, Deleter<rd_kafka_consumer_group_metadata_destroy>>;
using MetadataPtr = std::unique_ptr<const struct rd_kafka_metadata, Deleter<rd_kafka_metadata_destroy>>;
using HandlePtr = std::unique_ptr<rd_kafka_t, Deleter<rd_kafka_destroy>>;

/// The error as ours: what was tried, what Kafka says, and whether it is worth trying again.
Error to_error(rd_kafka_resp_err_t code, std::string_view doing, std::string_view detail = {});
/// The kind alone.
ErrorKind error_kind(rd_kafka_resp_err_t code);
/// Another producer took the transactional id, or another member the group.instance.id.
bool is_fenced(rd_kafka_resp_err_t code);

/// A configuration with the properties set and librdkafka's log led into ours. `owner` names the client in the log.
/// Error: fatal `bad_option`.
Result<ConfPtr> make_conf(const Properties& properties, const std::string& owner);
/// Takes the configuration.
Result<HandlePtr> make_handle(rd_kafka_type_t type, ConfPtr conf);

ListPtr make_list(int size);

/// produce one record; `partition` -1 for the partitioner. Copies everything.
rd_kafka_resp_err_t produce_record(rd_kafka_t* handle, const OutRecord& record, std::int64_t timestamp);

}  // namespace newswatch::kafka
