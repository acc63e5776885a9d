// Before a worker joins its group: what are the topics like, and where does a group begin that never read them?
//
// An instance that finds no offset for any partition of a topic resolves the configured start for all of them and sets
// them in the group with AlterConsumerGroupOffsets. A broker takes that only while the group has no member, so of many
// instances that start together the first one decides and the others find offsets. When the group has members that do
// not read the topic (one instance of several was restarted with a topic added) it is refused for as long as they
// live. Then each of ours keeps what it resolved and commits it for the partitions that it is assigned, before their
// first record.

#include <algorithm>
#include <array>
#include <thread>

#include "daemon/kafka/session.h"
#include "daemon/observe/log.h"

namespace newswatch::kafka {
namespace {

using namespace std::chrono_literals;

constexpr int refusals = 3;

class Scout {
 public:
  Scout(const LoopOptions& options, Watchdog::Slot& watch, HandlePtr handle)
      : options_(options), watch_(watch), handle_(std::move(handle)) {}

  Result<Scouted> run() {
    Scouted scouted;
    for (const std::string& topic : options_.topics) {
      const auto count = partitions(topic);
      if (!count) return count.error();
      scouted.partition_counts[topic] = *count;
    }
    for (const auto& [topic, start] : options_.start) {
      const auto found = scouted.partition_counts.find(topic);
      if (found == scouted.partition_counts.end()) continue;
      if (auto done = settle(topic, found->second, start, scouted); !done) return done.error();
    }
    return scouted;
  }

 private:
  Result<int> partitions(const std::string& topic) {
    const Watchdog::Call call(watch_, "rd_kafka_metadata", call_timeout);
    const TopicPtr handle(rd_kafka_topic_new(handle_.get(), topic.c_str(), nullptr));
    const struct rd_kafka_metadata* raw = nullptr;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(handle_.get(), 0, handle.get(), &raw, static_cast<int>(call_timeout.count()));
    const MetadataPtr metadata(raw);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt == 1) code = metadata->topics[0].err;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return to_error(code, "looking up the input topic " + topic);
    if (metadata->topic_cnt != 1 || metadata->topics[0].partition_cnt == 0)
      return retryable_error("unknown_topic", "the input topic " + topic + " has no partitions yet");
    return metadata->topics[0].partition_cnt;
  }

  Result<void> settle(const std::string& topic, int count, const config::Start& start, Scouted& scouted) {
    for (int attempt = 1;; ++attempt) {
      const auto known = any_committed(topic, count);
      if (!known) return known.error();
      if (*known) return {};
      auto resolved = resolve(topic, count, start);
      if (!resolved) return resolved.error();
      if (!options_.embedded) {
        const auto done = set_in_group(**resolved);
        if (done) {
          observe::log_info("a new group begins on a topic", {{"group", options_.group}, {"topic", topic}});
          return {};
        }
        if (attempt < refusals) {
          std::this_thread::sleep_for(500ms);  // another instance was first: its answer stands in a moment
          continue;
        }
        observe::log_info("the group has members already; its start on a topic is committed as partitions are assigned",
                          {{"group", options_.group}, {"topic", topic}, {"detail", done.error().message}});
      }
      for (int i = 0; i < (*resolved)->cnt; ++i) {
        const auto& partition = (*resolved)->elems[i];
        scouted.starts[{partition.topic, partition.partition}] = partition.offset;
      }
      return {};
    }
  }

  Result<bool> any_committed(const std::string& topic, int count) {
    const ListPtr list = make_list(count);
    rd_kafka_topic_partition_list_add_range(list.get(), topic.c_str(), 0, count - 1);
    const Watchdog::Call call(watch_, "rd_kafka_committed", call_timeout);
    const rd_kafka_resp_err_t code =
        rd_kafka_committed(handle_.get(), list.get(), static_cast<int>(call_timeout.count()));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return to_error(code, "asking for the offsets of group " + options_.group);
    for (int i = 0; i < list->cnt; ++i) {
      if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return to_error(list->elems[i].err, "asking for the offsets of group " + options_.group);
      if (list->elems[i].offset >= 0) return true;
    }
    return false;
  }

  Result<ListPtr> resolve(const std::string& topic, int count, const config::Start& start) {
    ListPtr list = make_list(count);
    rd_kafka_topic_partition_list_add_range(list.get(), topic.c_str(), 0, count - 1);
    const bool by_time = start.kind == config::Start::Kind::time || start.kind == config::Start::Kind::back;
    if (by_time) {
      const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
      const auto at = start.kind == config::Start::Kind::time ? start.time : now - start.back;
      for (int i = 0; i < count; ++i) list->elems[i].offset = std::max<std::int64_t>(at.time_since_epoch().count(), 0);
      const Watchdog::Call call(watch_, "rd_kafka_offsets_for_times", call_timeout);
      const auto code = rd_kafka_offsets_for_times(handle_.get(), list.get(), static_cast<int>(call_timeout.count()));
      if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return to_error(code, "looking for the start time in " + topic);
    }
    for (int i = 0; i < count; ++i) {
      auto& element = list->elems[i];
      if (by_time && element.offset >= 0) continue;  // else nothing is so young: begin at the end
      std::int64_t low = 0, high = 0;
      const Watchdog::Call call(watch_, "rd_kafka_query_watermark_offsets", call_timeout);
      const auto code = rd_kafka_query_watermark_offsets(handle_.get(), topic.c_str(), element.partition, &low, &high,
                                                         static_cast<int>(call_timeout.count()));
      if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return to_error(code, "asking for the ends of " + topic);
      element.offset = start.kind == config::Start::Kind::earliest ? low : high;
    }
    return list;
  }

  Result<void> set_in_group(const rd_kafka_topic_partition_list_t& list) {
    const std::string doing = "setting the start of group " + options_.group;
    using AlterPtr =
        std::unique_ptr<rd_kafka_AlterConsumerGroupOffsets_t, Deleter<rd_kafka_AlterConsumerGroupOffsets_destroy>>;
    using OptionsPtr = std::unique_ptr<rd_kafka_AdminOptions_t, Deleter<rd_kafka_AdminOptions_destroy>>;
    const AlterPtr alter(rd_kafka_AlterConsumerGroupOffsets_new(options_.group.c_str(), &list));
    const OptionsPtr admin(rd_kafka_AdminOptions_new(handle_.get(), RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS));
    std::array<char, 256> why{};
    rd_kafka_AdminOptions_set_request_timeout(admin.get(), static_cast<int>(call_timeout.count()), why.data(),
                                              why.size());
    const QueuePtr queue(rd_kafka_queue_new(handle_.get()));
    const Watchdog::Call call(watch_, "rd_kafka_AlterConsumerGroupOffsets", call_timeout + 2s);
    rd_kafka_AlterConsumerGroupOffsets_t* request = alter.get();
    rd_kafka_AlterConsumerGroupOffsets(handle_.get(), &request, 1, admin.get(), queue.get());
    const EventPtr event(rd_kafka_queue_poll(queue.get(), static_cast<int>((call_timeout + 2s).count())));
    if (!event) return to_error(RD_KAFKA_RESP_ERR__TIMED_OUT, doing);
    if (const auto code = rd_kafka_event_error(event.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return to_error(code, doing, rd_kafka_event_error_string(event.get()));
    const auto* result = rd_kafka_event_AlterConsumerGroupOffsets_result(event.get());
    std::size_t count = 0;
    const rd_kafka_group_result_t** groups =
        result ? rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &count) : nullptr;
    for (std::size_t i = 0; i < count; ++i) {
      if (const rd_kafka_error_t* error = rd_kafka_group_result_error(groups[i]))
        return to_error(rd_kafka_error_code(error), doing, rd_kafka_error_string(error));
      const rd_kafka_topic_partition_list_t* partitions = rd_kafka_group_result_partitions(groups[i]);
      for (int k = 0; partitions && k < partitions->cnt; ++k)
        if (partitions->elems[k].err != RD_KAFKA_RESP_ERR_NO_ERROR) return to_error(partitions->elems[k].err, doing);
    }
    return {};
  }

  const LoopOptions& options_;
  Watchdog::Slot& watch_;
  HandlePtr handle_;
};

}  // namespace

Result<Scouted> scout(const LoopOptions& options, Watchdog::Slot& watch) {
  Properties properties = options.client;
  properties.emplace_back("group.id", options.group);
  properties.emplace_back("enable.auto.commit", "false");
  properties.emplace_back("isolation.level", "read_committed");
  auto conf = make_conf(properties, "newswatchd-" + options.stage + "-" + options.worker + "-scout");
  if (!conf) return conf.error();
  auto handle = make_handle(RD_KAFKA_CONSUMER, std::move(*conf));
  if (!handle) return handle.error();
  return Scout(options, watch, std::move(*handle)).run();
}

}  // namespace newswatch::kafka
