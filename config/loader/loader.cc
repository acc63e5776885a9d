#include "config/loader/loader.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "config/loader/destination.h"
#include "config/loader/reading.h"

namespace newswatch::config {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  std::string out = name.data();
  for (char& c : out)
    if (!is_name(std::string_view(&c, 1), 1)) c = '-';
  return out.empty() ? "localhost" : out.substr(0, 100);
}

/// A duration within bounds.
void read_span(yaml::Mapping& map, std::string_view key, milliseconds least, milliseconds most, milliseconds& out,
               yaml::Diagnostics& diagnostics) {
  const auto span = map.duration(key, false, yaml::Milliseconds::allowed);
  if (!span) return;
  out = *span;
  if (*span < least || *span > most)
    diagnostics.error(map.place_of(key), "bad-value",
                      std::string(key) + " lies between " + yaml::format_duration(least) + " and " + yaml::format_duration(most));
}

void read_stages(yaml::Mapping& map, Stages& stages, yaml::Diagnostics& diagnostics) {
  const auto names = map.texts("stages", false, true);
  if (!names) return;
  stages = {false, false, false};
  const yaml::Node& list = *map.find("stages");
  const std::vector<std::string> known{"match", "alert", "deliver"};
  for (std::size_t i = 0; i < names->size(); ++i) {
    const std::string& name = (*names)[i];
    const yaml::Place place = list.is_sequence() && i < list.items.size() ? list.items[i].place : list.place;
    if (name == "match") stages.match = true;
    else if (name == "alert") stages.alert = true;
    else if (name == "deliver") stages.deliver = true;
    else diagnostics.error(place, "bad-value", "there is no stage `" + name + "`", yaml::did_you_mean(name, known, "the stages are match, alert and deliver"));
  }
  if (names->empty()) diagnostics.error(list.place, "empty-list", "`stages` is empty: nothing would run", "the stages are match, alert and deliver");
}

void read_destinations(const yaml::Node& node, DeliverStage& deliver, std::shared_ptr<const Secrets> secrets,
                       yaml::Diagnostics& diagnostics) {
  if (node.is_null()) return;
  if (!node.is_mapping()) {
    diagnostics.error(node.place, "wrong-type", "`destinations` is a mapping of names to destinations",
                      "write destinations: {ops: {type: slack, url: \"${file:slack-url}\"}}");
    return;
  }
  std::set<std::string> groups;
  for (const yaml::Entry& entry : node.entries) {
    if (entry.key.starts_with("x-")) continue;
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    if (entry.key.empty() || entry.key.size() > 100 || !std::ranges::all_of(entry.key, fits))
      diagnostics.error(entry.key_place, "bad-id", "the destination's name `" + entry.key + "` has other characters than a-z, 0-9 and -");
    Destination& destination = deliver.destinations.emplace_back();
    destination.name = entry.key;
    destination.section = std::make_shared<const yaml::Node>(entry.value);
    destination.secrets = secrets;
    yaml::Mapping map(*destination.section, "the destination " + entry.key, diagnostics);
    if (!map.ok()) continue;
    destination.type = map.text("type", yaml::required).value_or("");
    if (auto group = map.text("group")) {
      check_name(*map.find("group"), *group, "a group", diagnostics);
      destination.group = std::move(*group);
    }
    read_span(map, "expire", 60s, 365 * 24h, destination.expire, diagnostics);
    // The kind's own reader tells unknown keys.
    if (!groups.insert(destination.group.empty() ? destination.name : destination.group).second)
      diagnostics.error(map.place_of("group"), "duplicate-id", "another destination has the same group: each would get a part of the alerts",
                        "give each its own `group`");
  }
}

void read_route(const yaml::Node& node, Route& route, const std::vector<std::string>& known, yaml::Diagnostics& diagnostics) {
  yaml::Mapping map(node, "a route", diagnostics);
  const yaml::Node* when = map.find("when");
  if (map.ok() && when == nullptr)
    diagnostics.error(map.place(), "missing-key", "a route needs the key `when`", "`when: {}` takes every alert");
  if (when != nullptr) {
    yaml::Mapping conditions(*when, "when", diagnostics);
    if (auto severities = conditions.texts("severity", false, true)) {
      const yaml::Node& list = *conditions.find("severity");
      const std::vector<std::string> names{"low", "medium", "high", "critical"};
      for (std::size_t i = 0; i < severities->size(); ++i)
        if (std::ranges::find(names, (*severities)[i]) == names.end())
          diagnostics.error(list.is_sequence() ? list.items[i].place : list.place, "bad-value",
                            "there is no severity `" + (*severities)[i] + "`",
                            yaml::did_you_mean((*severities)[i], names, "the severities are low, medium, high and critical"));
      route.severities = std::move(*severities);
    }
    if (const yaml::Node* labels = conditions.find("labels")) {
      if (!labels->is_mapping()) diagnostics.error(labels->place, "wrong-type", "`labels` is a mapping", "write labels: {desk: europe}");
      for (const yaml::Entry& label : labels->entries)
        if (auto text = yaml::read_text(label.value, label.key, diagnostics)) route.labels.emplace_back(label.key, std::move(*text));
    }
    conditions.finish();
  }
  if (auto to = map.texts("to", yaml::required, true)) {
    const yaml::Node& list = *map.find("to");
    if (to->empty()) diagnostics.error(list.place, "empty-list", "a route leads to at least one destination");
    for (std::size_t i = 0; i < to->size(); ++i)
      if (std::ranges::find(known, (*to)[i]) == known.end())
        diagnostics.error(list.is_sequence() ? list.items[i].place : list.place, "unknown-name",
                          "there is no destination `" + (*to)[i] + "`",
                          yaml::did_you_mean((*to)[i], known, "name it under `destinations`"));
    route.to = std::move(*to);
  }
  map.finish();
}

void read_log(const yaml::Node& node, Log& log, yaml::Diagnostics& diagnostics) {
  yaml::Mapping map(node, "log", diagnostics);
  using F = LogFormat;
  using L = LogLevel;
  if (const auto format = map.choice<F>("format", {{"auto", F::automatic}, {"journald", F::journald}, {"text", F::text}, {"json", F::json}}))
    log.format = *format;
  if (const auto level = map.choice<L>("level", {{"trace", L::trace}, {"debug", L::debug}, {"info", L::info}, {"warning", L::warning}, {"error", L::error}}))
    log.level = *level;
  map.finish();
}

void read_status(const yaml::Node& node, Status& status, yaml::Diagnostics& diagnostics) {
  yaml::Mapping map(node, "status", diagnostics);
  if (const auto listen = map.text("listen")) {
    const auto colon = listen->rfind(':');
    std::string host = listen->substr(0, colon), port = colon == std::string::npos ? "" : listen->substr(colon + 1);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    const bool number = !port.empty() && port.size() <= 5 && std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
    if (*listen == "off") {
      status.host.clear();
    } else if (host.empty() || !number || std::stoul(port) > 65535) {
      diagnostics.error(map.place_of("listen"), "bad-value", "`" + *listen + "` is no address to listen on", "write 127.0.0.1:9464, or off");
    } else {
      status.host = host;
      status.port = static_cast<std::uint16_t>(std::stoul(port));
    }
  }
  map.finish();
}

/// What only two parts together show.
void check_relations(const Settings& settings, yaml::Mapping& map, yaml::Diagnostics& diagnostics) {
  const Topics& topics = settings.common.topics;
  std::set<std::string> own;
  for (const Topic* topic : {&topics.matches, &topics.state, &topics.alerts, &topics.rejected, &topics.undelivered, &topics.boilerplate})
    if (!own.insert(topic->name).second)
      diagnostics.error(map.place_of("topics"), "duplicate-topic", "two of our topics are named " + topic->name);
  const yaml::Node* articles = map.find("articles");
  for (std::size_t i = 0; i < settings.match.articles.size(); ++i)
    for (const std::string& topic : settings.match.articles[i].topics)
      if (own.contains(topic))
        diagnostics.error(articles->items[i].place, "bad-value", "the topic " + topic + " is one of newswatchd's own", "articles come from topics of others");
  if (settings.stages.match) {
    if (articles == nullptr) diagnostics.error(map.place(), "missing-key", "the match stage needs `articles`", "write articles: [{feed: wires, topics: [articles]}]");
    if (settings.rules.empty() && map.find("rules") == nullptr)
      diagnostics.error(map.place(), "missing-key", "the match stage needs `rules`", "write rules: [/etc/newswatchd/rules]");
  }
  milliseconds longest{0};
  for (const Destination& destination : settings.deliver.destinations) longest = std::max(longest, destination.expire);
  if (topics.alerts.retention < 2 * longest)
    diagnostics.error(map.place_of("topics"), "bad-value",
                      "retention of " + topics.alerts.name + " (" + yaml::format_duration(topics.alerts.retention) +
                          ") is less than twice the longest `expire` (" + yaml::format_duration(longest) + ")",
                      "alerts would be deleted before they are given up: raise topics.alerts.retention or lower expire");
}

std::optional<Settings> read(const yaml::Node& root, const std::string& path, Purpose purpose, yaml::Diagnostics& diagnostics) {
  Settings settings;
  settings.path = path;
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const auto secrets = std::make_shared<const Secrets>(purpose, folder.empty() ? "." : folder);
  const Reading reading{*secrets, diagnostics};
  yaml::Mapping map(root, "the configuration", diagnostics);
  if (!map.ok()) return std::nullopt;
  Common& common = settings.common;
  common.instance = host_name();
  if (auto name = reading.secrets.read(map, "instance", diagnostics); name && name->known()) {
    check_name(*map.find("instance"), name->reveal(), "an instance", diagnostics);
    common.instance = name->reveal();
  }
  if (auto prefix = map.text("prefix")) {
    check_name(*map.find("prefix"), *prefix, "a prefix", diagnostics);
    common.prefix = std::move(*prefix);
  }
  if (const auto guarantee = map.choice<Guarantee>("guarantee", {{"exactly_once", Guarantee::exactly_once}, {"at_least_once", Guarantee::at_least_once}}))
    common.guarantee = *guarantee;
  read_stages(map, settings.stages, diagnostics);
  if (const yaml::Node* workers = map.find("workers")) {
    yaml::Mapping counts(*workers, "workers", diagnostics);
    if (const auto n = counts.integer("match", 1, 64)) settings.match.workers = static_cast<int>(*n);
    if (const auto n = counts.integer("alert", 1, 64)) settings.alert.workers = static_cast<int>(*n);
    counts.finish();
  }
  read_span(map, "commit_interval", 10ms, 5s, common.commit_interval, diagnostics);
  if (const auto create = map.boolean("create_topics")) common.create_topics = *create;
  read_span(map, "remember", 1h, 365 * 24h, settings.alert.remember, diagnostics);
  if (auto language = map.text("default_language")) {
    const auto letters = std::min(language->find('-'), language->size());
    if (letters < 2 || letters > 3)
      diagnostics.error(map.place_of("default_language"), "bad-value", "`" + *language + "` is no language tag",
                        "write its code, as in en, uk or pt-BR");
    settings.match.default_language = std::move(*language);
  }
  read_span(map, "shutdown_deadline", 1s, 10min, settings.shutdown_deadline, diagnostics);
  if (const yaml::Node* kafka = map.find("kafka", yaml::required)) read_kafka(*kafka, common.kafka, reading);
  common.topics = Topics::named(common.prefix);
  if (const yaml::Node* topics = map.find("topics")) read_topics(*topics, common.topics, reading);
  if (const yaml::Node* articles = map.find("articles")) read_articles(*articles, settings.match.articles, reading);
  if (auto rules = map.texts("rules", false, true)) {
    if (rules->empty()) diagnostics.error(map.place_of("rules"), "empty-list", "`rules` is empty", "name files, directories or globs");
    for (const std::string& rule : *rules) settings.rules.push_back((std::filesystem::path(folder) / rule).lexically_normal().string());
  }
  if (const yaml::Node* destinations = map.find("destinations")) read_destinations(*destinations, settings.deliver, secrets, diagnostics);
  if (const yaml::Node* routes = map.find("routes")) {
    std::vector<std::string> known;
    for (const Destination& destination : settings.deliver.destinations) known.push_back(destination.name);
    if (!routes->is_sequence() && !routes->is_null())
      diagnostics.error(routes->place, "wrong-type", "`routes` is a list", "write routes: [{when: {severity: critical}, to: [ops]}]");
    for (const yaml::Node& route : routes->items) read_route(route, settings.alert.routes.emplace_back(), known, diagnostics);
  }
  if (const yaml::Node* log = map.find("log")) read_log(*log, settings.log, diagnostics);
  if (const yaml::Node* status = map.find("status")) read_status(*status, settings.status, diagnostics);
  check_relations(settings, map, diagnostics);
  map.finish();
  return settings;
}

}  // namespace

bool is_name(std::string_view text, std::size_t most) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= most && std::ranges::all_of(text, fits);
}

void check_name(const yaml::Node& node, std::string_view text, std::string_view what, yaml::Diagnostics& diagnostics) {
  constexpr std::size_t most = 200;  // Kafka allows 249, of which a prefix leaves some to the rest
  if (!is_name(text, most) || text == "." || text == "..")
    diagnostics.error(node.place, "bad-id", "`" + std::string(text) + "` is no name for " + std::string(what),
                      "use a-z A-Z 0-9 . _ -, at most " + std::to_string(most));
}

void allow_common_keys(yaml::Mapping& map) {
  for (const char* key : {"type", "group", "expire"}) map.allow(key);
}

std::optional<Settings> load_as_far_as_it_goes(const std::string& path, Purpose purpose, yaml::Diagnostics& diagnostics) {
  const auto root = yaml::load_file(path, diagnostics);
  return root ? read(*root, path, purpose, diagnostics) : std::nullopt;
}

std::optional<Settings> load(const std::string& path, Purpose purpose, yaml::Diagnostics& diagnostics) {
  auto settings = load_as_far_as_it_goes(path, purpose, diagnostics);
  return diagnostics.has_errors() ? std::nullopt : std::move(settings);
}

std::optional<Settings> load_text(std::string text, const std::string& path, Purpose purpose, yaml::Diagnostics& diagnostics) {
  const auto root = yaml::load(std::move(text), path, diagnostics);
  if (!root) return std::nullopt;
  auto settings = read(*root, path, purpose, diagnostics);
  return diagnostics.has_errors() ? std::nullopt : std::move(settings);
}

}  // namespace newswatch::config
