#include <algorithm>
#include <array>
#include <cstring>

#include "daemon/kafka/session.h"
#include "daemon/observe/log.h"

namespace newswatch::kafka {

using namespace std::chrono_literals;

namespace {

// FNV-1a: the id must be the same in every build and on every machine.
std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

const char* assignor_name(Assignor assignor) {
  return assignor == Assignor::range ? "range" : "cooperative-sticky";
}

}  // namespace

std::string group_instance_id(const LoopOptions& options, const std::map<std::string, int>& partition_counts) {
  std::string assignment = assignor_name(options.assignor);
  for (const auto& [topic, count] : partition_counts) assignment += "\n" + topic + " " + std::to_string(count);
  std::array<char, 17> hash{};
  std::snprintf(hash.data(), hash.size(), "%016llx", static_cast<unsigned long long>(stable_hash(assignment)));
  return transactional_id(options) + "-" + std::string(hash.data(), 8);
}

Properties consumer_guarantees(const LoopOptions& options, const std::string& instance_id) {
  Properties properties{{"group.id", options.group},
                        {"partition.assignment.strategy", assignor_name(options.assignor)},
                        {"enable.auto.commit", "false"},
                        {"enable.auto.offset.store", "false"},
                        {"enable.partition.eof", "true"},
                        {"auto.offset.reset", "error"},
                        {"allow.auto.create.topics", "false"},
                        // Also with at least once: what upstream aborted is nobody's article.
                        {"isolation.level", "read_committed"}};
  if (!instance_id.empty()) properties.emplace_back("group.instance.id", instance_id);
  return properties;
}

struct GroupConsumer::Impl {
  Impl(const LoopOptions& loop_options, Listener& told, Watchdog::Slot& slot)
      : options(loop_options), listener(told), watch(slot) {}

  const LoopOptions& options;
  Listener& listener;
  Watchdog::Slot& watch;
  Scouted scouted;
  HandlePtr handle;
  QueuePtr main_queue, data_queue, commit_queue;
  std::map<TopicPartition, QueuePtr> queues;
  int commits_under_way = 0;
  std::optional<Error> commit_error;
  bool assigned_once = false;

  bool leave_lying() const {
    return !assigned_once && options.assignor == Assignor::cooperative_sticky && rd_kafka_version() < 0x020300ff;
  }

  ~Impl() {
    // A handle that stays must not write to a descriptor that is closed, and perhaps another's by then.
    if (main_queue && leave_lying()) rd_kafka_queue_io_event_enable(main_queue.get(), -1, nullptr, 0);
    queues.clear();
    commit_queue.reset();
    data_queue.reset();
    main_queue.reset();
    if (!handle) return;
    // Before 2.3.0 destroying a cooperative-sticky member that never was assigned anything aborts the process
    // (its issue 4381). close() has left the group; the handle is left lying, which a stop soon after the start and a
    // fence before the first assignment can afford.
    if (leave_lying()) {
      static_cast<void>(handle.release());
      return;
    }
    const Watchdog::Call call(watch, "rd_kafka_destroy (consumer)", 15s);
    // close() has left the group; where it could not, closing again here would wait without bound.
    rd_kafka_destroy_flags(handle.release(), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }

  static std::vector<TopicPartition> partitions_of(const rd_kafka_topic_partition_list_t* list) {
    std::vector<TopicPartition> partitions;
    for (int i = 0; i < list->cnt; ++i) partitions.push_back({list->elems[i].topic, list->elems[i].partition});
    return partitions;
  }

  bool cooperative() const {
    const char* protocol = rd_kafka_rebalance_protocol(handle.get());
    return protocol && std::strcmp(protocol, "COOPERATIVE") == 0;
  }

  static void rebalance(rd_kafka_t*, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* list, void* opaque) {
    auto& self = *static_cast<Impl*>(opaque);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
      self.assign(list);
    else
      self.revoke(list);
  }

  // Queues are led nowhere yet: the loop leads each to the data queue when the partition's state is there.
  //
  // The offsets are numbers from the start. Taking a partition at its end for a placeholder and seeking once the place
  // is known loses records: on 2.0.2 the answer to the question for the end arrives after the seek and wins.
  void assign(rd_kafka_topic_partition_list_t* list) {
    assigned_once = true;
    const std::vector<std::int64_t> offsets = listener.on_assigned(partitions_of(list));
    for (int i = 0; i < list->cnt; ++i) {
      auto& element = list->elems[i];
      QueuePtr queue(rd_kafka_queue_get_partition(handle.get(), element.topic, element.partition));
      if (queue) {
        rd_kafka_queue_forward(queue.get(), nullptr);
        queues[{element.topic, element.partition}] = std::move(queue);
      }
      element.offset = offsets[static_cast<std::size_t>(i)];
    }
    if (cooperative())
      ErrorPtr(rd_kafka_incremental_assign(handle.get(), list));
    else
      rd_kafka_assign(handle.get(), list);
  }

  void revoke(rd_kafka_topic_partition_list_t* list) {
    const auto partitions = partitions_of(list);
    listener.on_revoked(partitions, rd_kafka_assignment_lost(handle.get()) != 0);
    for (const TopicPartition& partition : partitions) queues.erase(partition);
    if (cooperative())
      ErrorPtr(rd_kafka_incremental_unassign(handle.get(), list));
    else
      rd_kafka_assign(handle.get(), nullptr);
  }

  static void failed(rd_kafka_t* handle, int code, const char* reason, void* opaque) {
    auto& self = *static_cast<Impl*>(opaque);
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
      std::array<char, 512> why{};
      const rd_kafka_resp_err_t original = rd_kafka_fatal_error(handle, why.data(), why.size());
      self.listener.on_client_error(original, why.data());
    } else {
      self.listener.on_client_error(static_cast<rd_kafka_resp_err_t>(code), reason);
    }
  }

  void take_commit_answers(int timeout_ms) {
    while (const EventPtr event{rd_kafka_queue_poll(commit_queue.get(), timeout_ms)}) {
      if (rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_OFFSET_COMMIT) continue;
      --commits_under_way;
      if (const auto code = rd_kafka_event_error(event.get());
          code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__NO_OFFSET)
        commit_error = to_error(code, "committing the offsets of group " + options.group);
      if (commits_under_way == 0) timeout_ms = 0;
    }
  }
};

GroupConsumer::GroupConsumer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GroupConsumer::~GroupConsumer() = default;

Result<std::unique_ptr<GroupConsumer>> GroupConsumer::open(const LoopOptions& options, Listener& listener,
                                                           Watchdog::Slot& watch, int wake_fd) {
  auto impl = std::make_unique<Impl>(options, listener, watch);
  auto scouted = scout(options, watch);
  if (!scouted) return scouted.error();
  impl->scouted = std::move(*scouted);
  const std::string instance_id =
      options.embedded ? std::string() : group_instance_id(options, impl->scouted.partition_counts);

  const std::string session = std::to_string(options.session_timeout.count());
  const std::string heartbeat = std::to_string(std::max<std::int64_t>(options.session_timeout.count() / 3, 500));
  Properties properties{
      {"session.timeout.ms", session},
      {"heartbeat.interval.ms", heartbeat},
      // Also the rebalance timeout: how long a revoke may take to finish what is in flight.
      {"max.poll.interval.ms", std::to_string(std::max<std::int64_t>(60'000, options.session_timeout.count()))},
      {"queued.max.messages.kbytes", std::to_string(options.prefetch_kbytes)},
      {"queued.min.messages", "1000000"},  // the bytes above are the bound
      {"fetch.message.max.bytes", std::to_string(options.fetch_message_bytes)},
      {"receive.message.max.bytes", std::to_string(std::max(100'000'000, options.fetch_message_bytes + 100'000'000))},
      {"fetch.wait.max.ms", options.embedded ? "10" : "500"},
      {"check.crcs", "true"}};
  properties.insert(properties.end(), options.client.begin(), options.client.end());
  const Properties last = consumer_guarantees(options, instance_id);
  properties.insert(properties.end(), last.begin(), last.end());

  auto conf = make_conf(properties, "newswatchd-" + options.stage + "-" + options.worker);
  if (!conf) return conf.error();
  rd_kafka_conf_set_opaque(conf->get(), impl.get());
  rd_kafka_conf_set_rebalance_cb(conf->get(), Impl::rebalance);
  rd_kafka_conf_set_error_cb(conf->get(), Impl::failed);
  auto handle = make_handle(RD_KAFKA_CONSUMER, std::move(*conf));
  if (!handle) return handle.error();
  impl->handle = std::move(*handle);
  rd_kafka_t* rk = impl->handle.get();
  rd_kafka_poll_set_consumer(rk);
  impl->main_queue.reset(rd_kafka_queue_get_consumer(rk));
  impl->data_queue.reset(rd_kafka_queue_new(rk));
  impl->commit_queue.reset(rd_kafka_queue_new(rk));
  static const std::uint64_t one = 1;
  rd_kafka_queue_io_event_enable(impl->main_queue.get(), wake_fd, &one, sizeof one);
  rd_kafka_queue_io_event_enable(impl->data_queue.get(), wake_fd, &one, sizeof one);

  const ListPtr list = make_list(static_cast<int>(options.topics.size()));
  for (const std::string& topic : options.topics)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  if (const auto code = rd_kafka_subscribe(rk, list.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return to_error(code, "joining group " + options.group);
  return std::unique_ptr<GroupConsumer>(new GroupConsumer(std::move(impl)));
}

void GroupConsumer::poll_events() {
  const Watchdog::Call call(impl_->watch, "rd_kafka_consumer_poll", 1s);
  while (MessagePtr message{rd_kafka_consumer_poll(impl_->handle.get(), 0)})
    impl_->listener.on_message(std::move(message));
}

MessagePtr GroupConsumer::next() { return MessagePtr(rd_kafka_consume_queue(impl_->data_queue.get(), 0)); }

void GroupConsumer::lead_to_data_queue(const TopicPartition& partition, bool lead) {
  const auto found = impl_->queues.find(partition);
  if (found != impl_->queues.end())
    rd_kafka_queue_forward(found->second.get(), lead ? impl_->data_queue.get() : nullptr);
}

Result<std::map<TopicPartition, std::optional<std::int64_t>>> GroupConsumer::committed(
    const std::vector<TopicPartition>& partitions) {
  const ListPtr list = make_list(static_cast<int>(partitions.size()));
  for (const TopicPartition& partition : partitions)
    rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition);
  const std::string doing = "asking for the offsets of group " + impl_->options.group;
  const Watchdog::Call call(impl_->watch, "rd_kafka_committed", call_timeout);
  const auto code = rd_kafka_committed(impl_->handle.get(), list.get(), static_cast<int>(call_timeout.count()));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return to_error(code, doing);
  std::map<TopicPartition, std::optional<std::int64_t>> offsets;
  for (int i = 0; i < list->cnt; ++i) {
    const auto& element = list->elems[i];
    if (element.err != RD_KAFKA_RESP_ERR_NO_ERROR) return to_error(element.err, doing);
    auto& offset = offsets[{element.topic, element.partition}];
    if (element.offset >= 0) offset = element.offset;
  }
  return offsets;
}

Result<void> GroupConsumer::seek(const TopicPartition& partition, std::int64_t offset) {
  const ListPtr list = make_list(1);
  rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition)->offset = offset;
  // Before 2.1.0 the timeout is taken for microseconds.
  const int scale = rd_kafka_version() < 0x020100ff ? 1000 : 1;
  const Watchdog::Call call(impl_->watch, "rd_kafka_seek_partitions", call_timeout);
  const ErrorPtr error(
      rd_kafka_seek_partitions(impl_->handle.get(), list.get(), static_cast<int>(call_timeout.count()) * scale));
  rd_kafka_resp_err_t code = error ? rd_kafka_error_code(error.get()) : RD_KAFKA_RESP_ERR_NO_ERROR;
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = list->elems[0].err;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return to_error(code, "going to an offset of " + partition.topic + " " + std::to_string(partition.partition));
  return {};
}

Result<PartitionReader::Watermarks> GroupConsumer::watermarks(const TopicPartition& partition) {
  PartitionReader::Watermarks marks;
  const Watchdog::Call call(impl_->watch, "rd_kafka_query_watermark_offsets", call_timeout);
  const auto code =
      rd_kafka_query_watermark_offsets(impl_->handle.get(), partition.topic.c_str(), partition.partition, &marks.low,
                                       &marks.high, static_cast<int>(call_timeout.count()));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return to_error(code, "asking for the ends of " + partition.topic + " " + std::to_string(partition.partition));
  return marks;
}

std::int64_t GroupConsumer::known_end(const TopicPartition& partition) const {
  std::int64_t low = -1, high = -1;
  if (rd_kafka_get_watermark_offsets(impl_->handle.get(), partition.topic.c_str(), partition.partition, &low, &high) !=
      RD_KAFKA_RESP_ERR_NO_ERROR)
    return -1;
  return high;
}

GroupMetadataPtr GroupConsumer::group_metadata() {
  return GroupMetadataPtr(rd_kafka_consumer_group_metadata(impl_->handle.get()));
}

std::optional<std::int64_t> GroupConsumer::resolved_start(const TopicPartition& partition) const {
  const auto found = impl_->scouted.starts.find(partition);
  if (found == impl_->scouted.starts.end()) return std::nullopt;
  return found->second;
}

Result<bool> GroupConsumer::commit(const std::vector<PartitionOffset>& offsets, std::chrono::milliseconds wait) {
  impl_->take_commit_answers(0);
  if (offsets.empty()) return true;
  if (wait == 0ms && impl_->commits_under_way > 0) return false;
  const ListPtr list = make_list(static_cast<int>(offsets.size()));
  for (const PartitionOffset& at : offsets)
    rd_kafka_topic_partition_list_add(list.get(), at.partition.topic.c_str(), at.partition.partition)->offset =
        at.offset;
  const auto code =
      rd_kafka_commit_queue(impl_->handle.get(), list.get(), impl_->commit_queue.get(), nullptr, nullptr);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return to_error(code, "committing the offsets of group " + impl_->options.group);
  ++impl_->commits_under_way;
  if (wait == 0ms) return true;
  const Watchdog::Call call(impl_->watch, "rd_kafka_commit_queue", call_timeout);
  const auto until = std::chrono::steady_clock::now() + std::min(wait, call_timeout);
  while (impl_->commits_under_way > 0 && std::chrono::steady_clock::now() < until) impl_->take_commit_answers(100);
  if (impl_->commits_under_way > 0)
    return to_error(RD_KAFKA_RESP_ERR__TIMED_OUT, "committing the offsets of group " + impl_->options.group);
  if (auto error = poll_commits()) return *error;
  return true;
}

std::optional<Error> GroupConsumer::poll_commits() {
  impl_->take_commit_answers(0);
  return std::exchange(impl_->commit_error, std::nullopt);
}

bool GroupConsumer::close(std::chrono::milliseconds limit) {
  const QueuePtr queue(rd_kafka_queue_new(impl_->handle.get()));
  if (const ErrorPtr error{rd_kafka_consumer_close_queue(impl_->handle.get(), queue.get())}) return true;
  // rd_kafka_consumer_close() would wait without bound for a coordinator that is gone.
  const Watchdog::Call call(impl_->watch, "rd_kafka_consumer_close_queue", limit);
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!rd_kafka_consumer_closed(impl_->handle.get())) {
    if (std::chrono::steady_clock::now() >= until) return false;
    rd_kafka_queue_poll_callback(queue.get(), 20);
  }
  return true;
}

}  // namespace newswatch::kafka
