#include "daemon/tool/access.h"

#include <algorithm>
#include <set>

#include "daemon/kafka/loop.h"

namespace newswatch::tool {
namespace {

class List {
 public:
  void add(Access::Kind kind, const std::string& name, std::vector<std::string> operations, const std::string& user,
           bool prefixed = false) {
    auto at = std::ranges::find_if(all_, [&](const Access& one) { return one.kind == kind && one.name == name; });
    if (at == all_.end()) at = all_.insert(all_.end(), Access{kind, name, prefixed, {}, {}});
    for (std::string& operation : operations) {
      if (std::ranges::find(at->operations, operation) == at->operations.end()) {
        at->operations.push_back(std::move(operation));
      }
    }
    if (at->used_by.find(user) == std::string::npos) at->used_by += (at->used_by.empty() ? "" : ", ") + user;
  }
  std::vector<Access> take() {
    // Describe is implied by Read, Write and Create, but to say so saves a question.
    for (Access& one : all_) std::ranges::sort(one.operations);
    return std::move(all_);
  }

 private:
  std::vector<Access> all_;
};

using enum Access::Kind;

}  // namespace

std::vector<Access> needed_access(
    const config::Settings& settings,
    const std::vector<std::shared_ptr<const deliver::DestinationSettings>>& destinations) {
  const config::Common& common = settings.common;
  const config::Topics& topics = common.topics;
  const bool transactional = common.guarantee == config::Guarantee::exactly_once;
  List list;
  const auto group = [&](const std::string& name, const std::string& user) {
    list.add(Access::Kind::group, name, {"Read"}, user);
  };
  const auto transactions = [&](const std::string& stage) {
    // Every instance has its own id, so the right is given to the beginning that they share.
    if (transactional)
      list.add(transactional_id, common.prefix + "-" + stage + "-", {"Describe", "Write"}, stage, true);
  };
  if (settings.stages.match) {
    for (const auto& input : settings.match.articles) {
      for (const auto& name : input.topics) list.add(topic, name, {"Describe", "Read"}, "match");
    }
    list.add(topic, topics.matches.name, {"Describe", "Write"}, "match");
    list.add(topic, topics.rejected.name, {"Describe", "Write"}, "match");
    list.add(topic, topics.boilerplate.name, {"Describe", "Read", "Write"}, "match");
    group(kafka::group_id(common.prefix, "match"), "match");
    transactions("match");
  }
  if (settings.stages.alert) {
    list.add(topic, topics.matches.name, {"Describe", "Read"}, "alert");
    list.add(topic, topics.state.name, {"Describe", "Read", "Write"}, "alert");
    list.add(topic, topics.alerts.name, {"Describe", "Write"}, "alert");
    list.add(topic, topics.rejected.name, {"Describe", "Write"}, "alert");
    group(kafka::group_id(common.prefix, "alert"), "alert");
    transactions("alert");
  }
  if (settings.stages.deliver) {
    for (const auto& destination : destinations) {
      const std::string user = "deliver " + destination->name;
      list.add(topic, topics.alerts.name, {"Describe", "Read"}, "deliver");
      list.add(topic, topics.undelivered.name, {"Describe", "Write"}, "deliver");
      if (!destination->topic.empty()) list.add(topic, destination->topic, {"Describe", "Write"}, user);
      group(kafka::group_id(common.prefix, "deliver", destination->group), user);
      transactions("deliver");
    }
  }
  std::vector<Access> all = list.take();
  std::set<std::string> own;
  for (const auto* one :
       {&topics.matches, &topics.state, &topics.alerts, &topics.rejected, &topics.undelivered, &topics.boilerplate}) {
    own.insert(one->name);
  }
  for (Access& one : all) {  // at start, what exists is compared with what must be; what is missing is created
    if (one.kind != topic || !own.contains(one.name)) continue;
    one.operations.push_back("DescribeConfigs");
    if (common.create_topics) one.operations.push_back("Create");
    std::ranges::sort(one.operations);
  }
  return all;
}

std::string grant_command(const Access& access, const std::string& principal, const config::Kafka& kafka) {
  std::string out = "kafka-acls.sh --bootstrap-server " + (kafka.brokers.empty() ? "BROKER" : kafka.brokers.front());
  if (kafka.security.protocol != config::SecurityProtocol::plaintext) out += " --command-config admin.properties";
  out += " --add --allow-principal '" + principal + "'";
  for (const auto& operation : access.operations) out += " --operation " + operation;
  if (access.prefixed) out += " --resource-pattern-type prefixed";
  const char* const kind = access.kind == topic   ? " --topic "
                           : access.kind == group ? " --group "
                                                  : " --transactional-id ";
  return out + kind + "'" + access.name + "'";
}

}  // namespace newswatch::tool
