#include "daemon/deliver/kinds.h"

#include <algorithm>

#include "config/loader/destination.h"
#include "daemon/deliver/kafka.h"
#include "daemon/deliver/slack.h"
#include "daemon/deliver/stdout.h"
#include "daemon/deliver/webhook.h"

namespace newswatch::deliver {
namespace {

struct Kind {
  std::string_view name;
  std::unique_ptr<DestinationSettings> (*read)(const config::Destination&, yaml::Diagnostics&);
};

constexpr Kind kinds[] = {
    {"kafka", read_kafka},
    {"webhook", read_webhook},
    {"slack", read_slack},
    {"stdout", read_stdout},
};

/// A topic that newswatchd reads or writes itself: alerts would come round as articles, or spoil its state.
std::string conflict(const std::string& topic, const config::Settings& settings) {
  const config::Topics& own = settings.common.topics;
  for (const config::Topic* one :
       {&own.matches, &own.state, &own.alerts, &own.rejected, &own.undelivered, &own.boilerplate})
    if (one->name == topic) return "the topic " + topic + " is one of newswatchd's own";
  for (const config::ArticleInput& input : settings.match.articles)
    if (std::find(input.topics.begin(), input.topics.end(), topic) != input.topics.end())
      return "the topic " + topic + " is read for articles, so each alert would be taken for one";
  return {};
}

yaml::Place place_of(const config::Destination& destination, std::string_view key) {
  const yaml::Node* value = destination.section->find(key);
  return value ? value->place : destination.section->place;
}

}  // namespace

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (const Kind& kind : kinds) names.emplace_back(kind.name);
  return names;
}

std::vector<std::shared_ptr<const DestinationSettings>> read_destinations(const config::Settings& settings,
                                                                          yaml::Diagnostics& diagnostics) {
  std::vector<std::shared_ptr<const DestinationSettings>> read;
  for (const config::Destination& destination : settings.deliver.destinations) {
    const auto kind =
        std::find_if(std::begin(kinds), std::end(kinds), [&](const Kind& one) { return one.name == destination.type; });
    if (kind == std::end(kinds)) {
      if (destination.type.empty()) continue;  // the loader has said so
      const auto names = kind_names();
      std::string all;
      for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
      diagnostics.error(place_of(destination, "type"), "unknown-kind",
                        "there is no kind of destination named " + destination.type,
                        yaml::did_you_mean(destination.type, names, "the kinds are " + all));
      continue;
    }
    auto one = kind->read(destination, diagnostics);
    one->name = destination.name;
    one->type = destination.type;
    one->group = destination.group.empty() ? destination.name : destination.group;
    one->expire = destination.expire;
    if (const std::string what = conflict(one->topic, settings); !one->topic.empty() && !what.empty())
      diagnostics.error(place_of(destination, "topic"), "bad-value", what, "choose another topic");
    read.push_back(std::move(one));
  }
  return read;
}

}  // namespace newswatch::deliver
