#include "tests/integration/newsroom.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "config/yaml/diagnostic.h"
#include "daemon/alert/core.h"
#include "daemon/alert/restore.h"
#include "daemon/flow/record_codec.h"
#include "daemon/ingest/decoder.h"
#include "daemon/replay/article_files.h"
#include "rules/engine/naive.h"
#include "rules/reader/reader.h"
#include "tests/support/topic_reader.h"

namespace newswatch::test {
namespace {

namespace fs = std::filesystem;

constexpr int article_partitions = 4;
constexpr int match_partitions = 12;
constexpr std::chrono::milliseconds remember = std::chrono::hours(14 * 24);

// Each kind of gate has a rule that needs it: a cooldown, every version, the first of a story.
constexpr const char* rules_text = R"(rules:
  - {id: sanctions, title: Sanctions, severity: high, any: [sanction], to: [desk]}
  - {id: ukraine, title: Ukraine, any: [Ukraine, Kyiv], to: [desk], labels: {desk: europe}}
  - {id: nato, severity: critical, any: [NATO], to: [desk], alert: {stories: every}}
  - {id: budget, any: [{all: [budget, tax]}], to: [desk], alert: {cooldown: 1s}}
  - {id: health, any: ["health care", hospital], none: [veteran], to: [desk]}
  - {id: trade, any: ["trade agreement", tariff, "free trade"], to: [desk]}
  - {id: education, any: [school, university], to: [desk], alert: {stories: every, cooldown: 1h}}
  - {id: quiet, any: [climate], severity: low}
)";

fs::path shared_data() {
  const char* shared = std::getenv("NEWSWATCH_SHARED");
  return (shared ? fs::path(shared) : fs::path(NEWSWATCH_SOURCE_DIR) / ".." / "shared") / "data" / "news-en.jsonl.gz";
}

void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// Our own JSON of one row; with another id it is a copy of the same story.
std::string article_json(const boost::json::object& row, const std::string& id) {
  return boost::json::serialize(boost::json::object{{"id", id},
                                                    {"title", text_of(row, "title")},
                                                    {"body", text_of(row, "body")},
                                                    {"url", text_of(row, "url")},
                                                    {"source", text_of(row, "source")},
                                                    {"language", text_of(row, "lang")}});
}

using Ids = std::map<std::string, std::vector<std::string>>;  // by rule key, in order

std::string differences(const std::string& what, const Ids& expected, const Ids& found) {
  std::string wrong;
  std::set<std::string> keys;
  for (const auto& [key, ids] : expected) keys.insert(key);
  for (const auto& [key, ids] : found) keys.insert(key);
  for (const std::string& key : keys) {
    const auto e = expected.find(key), f = found.find(key);
    const std::vector<std::string> none;
    const auto& want = e == expected.end() ? none : e->second;
    const auto& have = f == found.end() ? none : f->second;
    if (want == have) continue;
    const auto at = std::mismatch(want.begin(), want.end(), have.begin(), have.end()).first - want.begin();
    wrong += what + " of " + key + ": " + std::to_string(have.size()) + " instead of " + std::to_string(want.size()) +
             ", first difference at " + std::to_string(at) + "; ";
  }
  return wrong;
}

}  // namespace

std::string Newsroom::why_no_articles() {
  return fs::exists(shared_data()) ? "" : "no " + shared_data().string() + " (set NEWSWATCH_SHARED)";
}

Newsroom::Newsroom(const KafkaCluster& cluster, Options options)
    : cluster_(cluster), options_(std::move(options)), prefix_(unique("room")) {
  directory_ = (fs::temp_directory_path() / "newsroom-XXXXXX").string();
  if (!::mkdtemp(directory_.data())) ADD_FAILURE() << "no temporary directory";
  write(fs::path(directory_) / "rules.yaml", rules_text);
  cluster_.create_topic(topic("articles"), article_partitions);
  cluster_.create_topic(topic("added"), article_partitions);
  cluster_.create_topic(topic("desk"), 3);

  replay::ArticleFiles files({shared_data().string()});
  replay::ArticleFiles::Line line;
  for (int count = 0; count < options_.articles; ++count) {
    const auto more = files.next(line);
    if (!more || !*more) break;
    const auto row = boost::json::parse(line.text).as_object();
    const std::string id = text_of(row, "id");
    lines_.push_back(article_json(row, id));
    if (count % 20 == 7) lines_.push_back(article_json(row, id));             // the same once more
    if (count % 20 == 13) lines_.push_back(article_json(row, id + "-copy"));  // the same story in another paper
  }
}

Newsroom::~Newsroom() {
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

std::string Newsroom::write_config(const std::string& instance, bool with_added) const {
  const fs::path path = fs::path(directory_) / (instance + (with_added ? "-added" : "") + ".yaml");
  std::string text = "instance: " + instance + "\nprefix: " + prefix_ + "\nguarantee: " + options_.guarantee +
                     "\nkafka: {brokers: [\"" + cluster_.bootstrap() + "\"]}\narticles:\n  - {feed: wires, topics: [" +
                     topic("articles") + (with_added ? ", " + topic("added") : "") +
                     "], start: earliest}\nrules: [rules.yaml]\nstatus: {listen: \"127.0.0.1:0\"}\n"
                     "destinations:\n  desk: {type: kafka, topic: " +
                     topic("desk") + "}\n";
  if (!options_.webhook_url.empty())
    text += "  hook: {type: webhook, url: \"" + options_.webhook_url + "\", retry: {first: 100ms, max: 1s}}\n" +
            std::string("routes:\n  - {when: {severity: [low, medium, high, critical]}, to: [hook]}\n");
  text += options_.more_config;
  write(path, text);
  return path.string();
}

Process Newsroom::start(const std::string& instance, bool with_added) const {
  return Process({NEWSWATCH_BINARY, "run", "--config", write_config(instance, with_added)});
}

bool Newsroom::wait_ready(Process& daemon) { return daemon.wait_for_output("ready: every stage", std::chrono::seconds(60)); }

void Newsroom::feed(std::size_t count, bool added) {
  std::vector<kafka::OutRecord> records;
  for (; count > 0 && fed_ < lines_.size(); --count, ++fed_) {
    const int partition = static_cast<int>(fed_ % article_partitions);
    records.push_back({topic(added ? "added" : "articles"), std::nullopt, lines_[fed_], {}, partition});
    history_.push_back({added, lines_[fed_]});
  }
  produce(cluster_.properties(), records);
}

std::string Newsroom::progress() const {
  std::string text;
  const kafka::Properties properties = cluster_.properties();
  const auto compare = [&](const std::string& group, const std::string& name, bool started) {
    const auto ends = topic_ends(properties, topic(name));
    const auto offsets = group_offsets(properties, prefix_ + "-" + group, topic(name));
    std::int64_t end = 0, at = 0;
    for (const auto& [partition, offset] : ends) end += offset;
    for (const auto& [partition, offset] : offsets) at += offset;
    if ((started || end > 0) && (at != end || offsets.size() != ends.size()))
      text += group + " at " + std::to_string(at) + " of " + std::to_string(end) + " in " + name + "; ";
  };
  compare("match", "articles", true);
  compare("match", "added", false);
  compare("alert", "matches", true);
  compare("deliver-desk", "alerts", true);
  if (!options_.webhook_url.empty()) compare("deliver-hook", "alerts", true);
  return text;
}

bool Newsroom::finished() const { return progress().empty(); }

std::string Newsroom::check_matches(bool doubles) const {
  yaml::Diagnostics diagnostics;
  const std::vector<std::string> paths{(fs::path(directory_) / "rules.yaml").string()};
  const auto rules = rules::read_rules(paths, {}, diagnostics);
  if (!rules) return "the test's own rules cannot be read";
  engine::NaiveOracle oracle(rules->program);
  config::ArticleInput input;
  input.feed = "wires";
  ingest::Decoder decoder(input);
  std::map<std::pair<std::string, std::string>, int> expected, found;
  for (const Fed& fed : history_) {
    Article article;
    if (const auto done = decoder.decode(fed.json, article); !done) return "not decoded: " + done.error().message;
    const auto verdicts = oracle.match(article, {});
    for (std::size_t i = 0; i < verdicts.size(); ++i)
      if (verdicts[i].is_true) ++expected[{rules->program.rules[i].info.key, article.id}];
  }
  for (const ReadRecord& record : read_topic(cluster_.properties(), topic("matches"))) {
    const auto match = flow::decode_match(record.value.value_or(""));
    if (!match) return "P.matches holds what is no match: " + match.error().message;
    ++found[{match->rule.key, match->article.id}];
  }
  if (doubles)
    for (auto& [key, count] : found)
      if (const auto it = expected.find(key); it != expected.end() && count > it->second) count = it->second;
  std::string wrong;
  int missing = 0, extra = 0;
  for (const auto& [key, count] : expected) {
    const auto it = found.find(key);
    missing += std::max(0, count - (it == found.end() ? 0 : it->second));
  }
  for (const auto& [key, count] : found) {
    const auto it = expected.find(key);
    extra += std::max(0, count - (it == expected.end() ? 0 : it->second));
  }
  if (missing > 0) wrong += std::to_string(missing) + " matches missing; ";
  if (extra > 0) wrong += std::to_string(extra) + " matches too many; ";
  if (expected.size() < 50) wrong += "the rules match too little to show anything; ";
  return wrong;
}

std::string Newsroom::check_alerts() const {
  const kafka::Properties properties = cluster_.properties();
  std::vector<config::Route> routes;
  if (!options_.webhook_url.empty()) {
    config::Route route;
    route.severities = {"low", "medium", "high", "critical"};
    route.to = {"hook"};
    routes.push_back(route);
  }
  // The core over the matches as recorded, partition by partition.
  std::map<int, alert::Core> cores;
  Ids expected, expected_desk;
  std::map<std::string, flow::Alert> by_id;
  for (int partition = 0; partition < match_partitions; ++partition) cores.emplace(partition, alert::Core(remember));
  for (const ReadRecord& record : read_topic(properties, topic("matches"))) {
    const auto match = flow::decode_match(record.value.value_or(""));
    if (!match) return "P.matches holds what is no match";
    const auto step = cores.at(record.partition).process(*match, routes);
    if (!step.alert) continue;
    expected[step.alert->rule.key].push_back(step.alert->id);
    if (std::ranges::count(step.alert->destinations, "desk") > 0)
      expected_desk[step.alert->rule.key].push_back(step.alert->id);
    by_id.emplace(step.alert->id, *step.alert);
  }
  Ids found, found_desk;
  std::string wrong;
  for (const ReadRecord& record : read_topic(properties, topic("alerts"))) {
    const auto alert = flow::decode_alert(record.value.value_or(""));
    if (!alert) return "P.alerts holds what is no alert";
    found[alert->rule.key].push_back(alert->id);
    const auto it = by_id.find(alert->id);
    if (it != by_id.end() && flow::encode(it->second) != *record.value)
      wrong += "alert " + alert->id + " differs from what the core made of the same match; ";
  }
  for (const ReadRecord& record : read_topic(properties, topic("desk")))
    for (const auto& [name, value] : record.headers)
      if (name == "ce_id") found_desk[record.key.value_or("")].push_back(value);
  wrong += differences("alerts", expected, found) + differences("alerts in the user's topic", expected_desk, found_desk);

  // The state in Kafka is the state of that core, its time and place included.
  std::map<int, alert::Restore> restores;
  for (const ReadRecord& record : read_topic(properties, topic("state"))) {
    const auto taken = restores[record.partition].take(record.key.value_or(""),
                                                       record.value ? std::optional<std::string_view>(*record.value)
                                                                    : std::nullopt);
    if (!taken) return wrong + "P.state: " + taken.error().message;
  }
  const auto offsets = group_offsets(properties, prefix_ + "-alert", topic("matches"));
  for (auto& [partition, core] : cores) {
    const auto outcome = std::move(restores[partition]).finish();
    const std::string where = "state of partition " + std::to_string(partition) + ": ";
    if (outcome.state.snapshot() != core.state().snapshot()) wrong += where + "other entries than the core's; ";
    if (!outcome.position) {
      if (core.state().size() > 0) wrong += where + "no position; ";
      continue;
    }
    if (outcome.position->time != core.time()) wrong += where + "another time; ";
    const auto offset = offsets.find(partition);
    if (offset == offsets.end() || offset->second != outcome.position->next)
      wrong += where + "position " + std::to_string(outcome.position->next) + ", group at " +
               (offset == offsets.end() ? "nothing" : std::to_string(offset->second)) + "; ";
  }
  if (by_id.size() < 50) wrong += "too few alerts to show anything; ";
  return wrong;
}

std::string Newsroom::check_nothing_lost() const {
  // Rules whose every match alerts, whatever came before: what the oracle sees must be there.
  std::set<std::pair<std::string, std::string>> alerted, matched;
  for (const ReadRecord& record : read_topic(cluster_.properties(), topic("alerts"))) {
    const auto alert = flow::decode_alert(record.value.value_or(""));
    if (!alert) return "P.alerts holds what is no alert";
    alerted.emplace(alert->rule.key, alert->article.id);
  }
  int missing = 0;
  for (const ReadRecord& record : read_topic(cluster_.properties(), topic("matches"))) {
    const auto match = flow::decode_match(record.value.value_or(""));
    if (!match) return "P.matches holds what is no match";
    if (match->rule.key == "nato" && !alerted.contains({match->rule.key, match->article.id})) ++missing;
  }
  return missing == 0 ? "" : std::to_string(missing) + " alerts are lost";
}

std::vector<std::string> Newsroom::alert_ids() const {
  std::vector<std::string> ids;
  for (const ReadRecord& record : read_topic(cluster_.properties(), topic("alerts")))
    for (const auto& [name, value] : record.headers)
      if (name == "ce_id") ids.push_back(value);
  return ids;
}

}  // namespace newswatch::test
