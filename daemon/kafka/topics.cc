#include "daemon/kafka/topics.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <thread>

#include "daemon/kafka/handle.h"
#include "daemon/observe/log.h"

namespace newswatch::kafka {

using namespace std::chrono_literals;

namespace {

constexpr auto admin_timeout = 9s;
constexpr auto metadata_timeout = 3s;  // asked again and again while no broker answers: a stop must not wait long
constexpr std::int64_t largest_record = 900'000;  // DESIGN 2.2; the broker's limit counts the batch around it too

std::string milliseconds_text(std::chrono::milliseconds span) { return std::to_string(span.count()); }

std::string duration_text(std::int64_t ms) {
  if (ms < 0) return "for ever";
  if (ms % 86'400'000 == 0) return std::to_string(ms / 86'400'000) + "d";
  if (ms % 3'600'000 == 0) return std::to_string(ms / 3'600'000) + "h";
  return std::to_string(ms) + "ms";
}

TopicSpec spec_of(const config::Topic& topic, int replication) {
  TopicSpec spec;
  spec.name = topic.name;
  spec.partitions = topic.partitions;
  spec.replication = replication;
  spec.compacted = topic.compacted;
  if (topic.compacted) {
    spec.properties = {{"cleanup.policy", "compact"},
                       {"segment.ms", "3600000"},
                       {"segment.bytes", "67108864"},
                       {"min.cleanable.dirty.ratio", "0.1"}};
  } else {
    spec.properties = {{"cleanup.policy", "delete"},
                       {"retention.ms", topic.retention.count() == 0 ? "-1" : milliseconds_text(topic.retention)}};
  }
  spec.properties.emplace_back("unclean.leader.election.enable", "false");
  return spec;
}

std::string bootstrap(const config::Kafka& kafka) {
  return kafka.brokers.empty() ? "BROKER:9092" : kafka.brokers.front();
}

int replication_of(const TopicSpec& topic, int brokers) {
  return topic.replication > 0 ? topic.replication : std::clamp(brokers, 1, 3);
}

std::vector<std::pair<std::string, std::string>> properties_of(const TopicSpec& topic, int brokers) {
  auto properties = topic.properties;
  if (replication_of(topic, brokers) >= 3) properties.emplace_back("min.insync.replicas", "2");
  return properties;
}

std::string alter_command(const std::string& topic, const std::string& property, const config::Kafka& kafka) {
  return "kafka-configs.sh --bootstrap-server " + bootstrap(kafka) + " --alter --entity-type topics --entity-name " +
         topic + " --add-config " + property;
}

class Admin {
 public:
  explicit Admin(HandlePtr handle) : handle_(std::move(handle)), queue_(rd_kafka_queue_new(handle_.get())) {}

  struct Cluster {
    int brokers = 0;
    std::map<std::string, int> partitions;
  };

  Result<Cluster> describe() {
    const struct rd_kafka_metadata* raw = nullptr;
    const auto code = rd_kafka_metadata(handle_.get(), 1, nullptr, &raw, static_cast<int>(ms(metadata_timeout)));
    const MetadataPtr metadata(raw);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return to_error(code, "asking Kafka for its topics");
    Cluster cluster;
    cluster.brokers = metadata->broker_cnt;
    for (int i = 0; i < metadata->topic_cnt; ++i)
      if (metadata->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR)
        cluster.partitions[metadata->topics[i].topic] = metadata->topics[i].partition_cnt;
    return cluster;
  }

  Result<std::map<std::string, std::string>> properties(const std::string& topic) {
    using ResourcePtr = std::unique_ptr<rd_kafka_ConfigResource_t, Deleter<rd_kafka_ConfigResource_destroy>>;
    const ResourcePtr resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
    const auto options = admin_options(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_ConfigResource_t* wanted = resource.get();
    rd_kafka_DescribeConfigs(handle_.get(), &wanted, 1, options.get(), queue_.get());
    const auto event = answer("asking for the configuration of " + topic);
    if (!event) return event.error();
    std::size_t count = 0;
    const rd_kafka_ConfigResource_t** resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event->get()), &count);
    std::map<std::string, std::string> found;
    if (count != 1) return found;
    if (const auto code = rd_kafka_ConfigResource_error(resources[0]); code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return to_error(code, "asking for the configuration of " + topic, rd_kafka_ConfigResource_error_string(resources[0]));
    const rd_kafka_ConfigEntry_t** entries = rd_kafka_ConfigResource_configs(resources[0], &count);
    for (std::size_t i = 0; i < count; ++i)
      if (const char* value = rd_kafka_ConfigEntry_value(entries[i]))
        found[rd_kafka_ConfigEntry_name(entries[i])] = value;
    return found;
  }

  /// False: it is there already; another instance was quicker, or this broker has not heard of it yet.
  Result<bool> create(const TopicSpec& topic, int brokers) {
    using NewTopicPtr = std::unique_ptr<rd_kafka_NewTopic_t, Deleter<rd_kafka_NewTopic_destroy>>;
    std::array<char, 256> why{};
    const NewTopicPtr made(rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions, replication_of(topic, brokers),
                                                 why.data(), why.size()));
    if (!made) return fatal_error("bad_topic", "topic " + topic.name + ": " + why.data());
    for (const auto& [name, value] : properties_of(topic, brokers))
      rd_kafka_NewTopic_set_config(made.get(), name.c_str(), value.c_str());
    const auto options = admin_options(RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_NewTopic_t* wanted = made.get();
    rd_kafka_CreateTopics(handle_.get(), &wanted, 1, options.get(), queue_.get());
    const auto event = answer("creating topic " + topic.name);
    if (!event) return event.error();
    std::size_t count = 0;
    const rd_kafka_topic_result_t** results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto code = rd_kafka_topic_result_error(results[i]);
      if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) return false;
      if (code == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
      const char* detail = rd_kafka_topic_result_error_string(results[i]);
      return to_error(code, "creating topic " + topic.name, detail ? detail : "");
    }
    return true;
  }

 private:
  using OptionsPtr = std::unique_ptr<rd_kafka_AdminOptions_t, Deleter<rd_kafka_AdminOptions_destroy>>;

  template <class D>
  static std::int64_t ms(D span) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(span).count();
  }

  OptionsPtr admin_options(rd_kafka_admin_op_t operation) {
    OptionsPtr options(rd_kafka_AdminOptions_new(handle_.get(), operation));
    std::array<char, 256> why{};
    rd_kafka_AdminOptions_set_request_timeout(options.get(), static_cast<int>(ms(admin_timeout)), why.data(), why.size());
    return options;
  }

  Result<EventPtr> answer(const std::string& doing) {
    EventPtr event(rd_kafka_queue_poll(queue_.get(), static_cast<int>(ms(admin_timeout + 2s))));
    if (!event) return to_error(RD_KAFKA_RESP_ERR__TIMED_OUT, doing);
    if (const auto code = rd_kafka_event_error(event.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return to_error(code, doing, rd_kafka_event_error_string(event.get()));
    return event;
  }

  HandlePtr handle_;
  QueuePtr queue_;
};

/// What exists against what must be.
class Comparison {
 public:
  Comparison(const config::Common& common, const TopicSpec& topic, std::vector<TopicProblem>& problems)
      : common_(common), topic_(topic), problems_(problems) {}

  void partitions(int there) {
    if (there == topic_.partitions) return;
    const std::string values =
        "has " + std::to_string(there) + " partitions, the configuration says " + std::to_string(topic_.partitions);
    if (topic_.fixed_partitions)
      add(values + "; state lives in the partition of its rule, so the number is fixed for life",
          there > topic_.partitions
              ? "set topics." + short_name() + ".partitions to " + std::to_string(there) + " in the configuration"
              : "set it to " + std::to_string(there) + " in the configuration, or drain and make the topic anew");
    else
      add(values, "kafka-topics.sh --bootstrap-server " + bootstrap(common_.kafka) + " --alter --topic " + topic_.name +
                      " --partitions " + std::to_string(topic_.partitions),
          false);
  }

  void properties(const std::map<std::string, std::string>& there) {
    const auto value = [&](const char* name) {
      const auto found = there.find(name);
      return found == there.end() ? std::string() : found->second;
    };
    const bool compacted = value("cleanup.policy").find("compact") != std::string::npos;
    const bool deleted = value("cleanup.policy").find("delete") != std::string::npos;
    if (topic_.compacted && (!compacted || deleted))
      add("has cleanup.policy=" + value("cleanup.policy") + ", needs compact: " +
              (deleted ? "deletion by age would take state away" : "it would grow for ever"),
          alter_command(topic_.name, "cleanup.policy=compact", common_.kafka));
    if (!topic_.compacted && compacted)
      add("has cleanup.policy=" + value("cleanup.policy") + ", needs delete: compaction would take records away",
          alter_command(topic_.name, "cleanup.policy=delete", common_.kafka));
    number(value("retention.ms"), [&](std::int64_t retention) {
      if (topic_.compacted || retention < 0 || retention >= topic_.least_retention.count()) return;
      add("has retention.ms=" + std::to_string(retention) + " (" + duration_text(retention) + "), needs at least " +
              duration_text(topic_.least_retention.count()) + topic_.why,
          alter_command(topic_.name, "retention.ms=" + milliseconds_text(topic_.least_retention), common_.kafka));
    });
    number(value("max.message.bytes"), [&](std::int64_t bytes) {
      if (bytes >= largest_record + 1024) return;
      add("has max.message.bytes=" + std::to_string(bytes) + ", our records are up to " +
              std::to_string(largest_record) + " bytes",
          alter_command(topic_.name, "max.message.bytes=1048588", common_.kafka));
    });
  }

 private:
  std::string short_name() const { return topic_.name.substr(topic_.name.rfind('.') + 1); }

  template <class F>
  static void number(const std::string& text, F use) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) use(number);
  }

  void add(std::string what, std::string command, bool blocking = true) {
    problems_.push_back({TopicProblem::Kind::differs, topic_.name, "topic " + topic_.name + " " + std::move(what),
                         std::move(command), blocking});
  }

  const config::Common& common_;
  const TopicSpec& topic_;
  std::vector<TopicProblem>& problems_;
};

/// Whether asking again helps: everything but a plain no.
bool worth_waiting(const Error& error) {
  return error.retryable() && error.code != "cluster_denied" && error.code != "authentication";
}

Result<std::vector<TopicProblem>> prepare_once(Admin& admin, const config::Common& common,
                                               const std::vector<TopicSpec>& topics,
                                               const std::vector<std::string>& input_topics, int attempt) {
  auto cluster = admin.describe();
  if (!cluster) return cluster.error();
  std::vector<TopicProblem> problems;
  for (const TopicSpec& topic : topics) {
    const auto there = cluster->partitions.find(topic.name);
    if (there != cluster->partitions.end()) {
      Comparison comparison(common, topic, problems);
      comparison.partitions(there->second);
      const auto properties = admin.properties(topic.name);
      if (properties)
        comparison.properties(*properties);
      else if (properties.error().retryable() && properties.error().code != "topic_denied")
        return properties.error();
      else  // without DescribeConfigs we trust the operator
        observe::log_warn("the configuration of a topic cannot be read, so it is not checked",
                          {{"topic", topic.name}, {"error", properties.error().message}});
      continue;
    }
    std::string why = "topic " + topic.name + " does not exist";
    if (common.create_topics) {
      const auto made = admin.create(topic, cluster->brokers);
      if (made && !*made && attempt <= 3)  // it must be compared: look again
        return retryable_error("topic_appears", "topic " + topic.name + " is being created by somebody else");
      if (made) {
        if (*made)
          observe::log_info("topic created", {{"topic", topic.name}, {"partitions", topic.partitions}});
        continue;
      }
      if (worth_waiting(made.error())) return made.error();
      why += " and cannot be created: " + made.error().message;
    } else {
      why += " and create_topics is false";
    }
    problems.push_back({TopicProblem::Kind::missing, topic.name, std::move(why),
                        create_command(topic, common.kafka, cluster->brokers), true});
  }
  for (const std::string& topic : input_topics) {
    if (cluster->partitions.count(topic) != 0) continue;
    TopicSpec spec;
    spec.name = topic;
    spec.partitions = 8;
    problems.push_back({TopicProblem::Kind::missing, topic,
                        "topic " + topic + " does not exist; articles are read from it, and it is not ours to create",
                        create_command(spec, common.kafka, cluster->brokers), true});
  }
  return problems;
}

}  // namespace

std::vector<TopicSpec> own_topics(const config::Common& common, const config::Stages& stages,
                                  std::chrono::milliseconds longest_expire) {
  const config::Topics& topics = common.topics;
  const int replication = topics.replication;
  std::vector<TopicSpec> specs;
  if (stages.match || stages.alert) {
    specs.push_back(spec_of(topics.matches, replication));
    specs.back().fixed_partitions = true;
  }
  if (stages.alert) {
    specs.push_back(spec_of(topics.state, replication));
    // A restore goes back to the last position; compaction must not have taken the values before it.
    if (common.guarantee == config::Guarantee::at_least_once)
      specs.back().properties.emplace_back("min.compaction.lag.ms", "3600000");
    specs.back().partitions = topics.matches.partitions;
    specs.back().fixed_partitions = true;
  }
  if (stages.alert || stages.deliver) {
    specs.push_back(spec_of(topics.alerts, replication));
    specs.back().least_retention = 2 * longest_expire;
    specs.back().why = ": twice the longest expire of a destination, so that no alert is gone before it was sent or "
                       "given up";
  }
  if (stages.match || stages.alert) specs.push_back(spec_of(topics.rejected, replication));
  if (stages.match) specs.push_back(spec_of(topics.boilerplate, replication));
  if (stages.deliver) specs.push_back(spec_of(topics.undelivered, replication));
  return specs;
}

std::string create_command(const TopicSpec& topic, const config::Kafka& kafka, int brokers) {
  std::string command = "kafka-topics.sh --bootstrap-server " + bootstrap(kafka) + " --create --topic " + topic.name +
                        " --partitions " + std::to_string(topic.partitions) + " --replication-factor " +
                        std::to_string(replication_of(topic, brokers));
  for (const auto& [name, value] : properties_of(topic, brokers)) command += " --config " + name + "=" + value;
  return command;
}

Result<std::vector<TopicProblem>> prepare_topics(const config::Common& common, const std::vector<TopicSpec>& topics,
                                                 const std::vector<std::string>& input_topics,
                                                 const std::function<bool()>& cancelled) {
  auto conf = make_conf(client_properties(common.kafka), "newswatchd-admin");
  if (!conf) return conf.error();
  auto handle = make_handle(RD_KAFKA_PRODUCER, std::move(*conf));
  if (!handle) return handle.error();
  Admin admin(std::move(*handle));
  observe::LogRepeat repeat;
  for (int attempt = 1;; ++attempt) {
    if (cancelled && cancelled()) return retryable_error("cancelled", "stopped while waiting for Kafka");
    auto problems = prepare_once(admin, common, topics, input_topics, attempt);
    if (problems) return problems;
    if (!worth_waiting(problems.error())) return fatal_error(problems.error().code, problems.error().message);
    if (problems.error().code != "topic_appears")
      repeat.log(observe::LogLevel::warn, "waiting for Kafka",
               {{"brokers", bootstrap(common.kafka)}, {"error", problems.error().message}});
    for (int i = 0; i < 10 && !(cancelled && cancelled()); ++i) std::this_thread::sleep_for(100ms);
  }
}

}  // namespace newswatch::kafka
