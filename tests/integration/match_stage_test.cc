// The match stage alone on a real Kafka: two thousand real articles in, with records between them that nobody can read.
// What stands in P.matches must be, byte for byte, what the same rule set makes of the same articles in this process,
// and what the oracle says of them; what cannot be read stands in P.rejected once, as it came.

#include "daemon/match/stage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "daemon/flow/record_codec.h"
#include "daemon/flow/rejected.h"
#include "daemon/ingest/decoder.h"
#include "daemon/kafka/watchdog.h"
#include "daemon/match/matching.h"
#include "daemon/observe/metrics.h"
#include "daemon/replay/article_files.h"
#include "rules/engine/compiler.h"
#include "rules/engine/naive.h"
#include "rules/reader/reader.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/process.h"
#include "tests/support/topic_reader.h"

namespace newswatch::test {
namespace {

using namespace std::chrono_literals;

constexpr int partitions = 4;
constexpr std::size_t article_count = 2000;

constexpr const char* rules_text = R"(
entities:
  - {id: Q7747, name: Vladimir Putin, type: person, aliases: [Putin]}
lists:
  pressure: [sanction, tariff, embargo, "export control"]
rules:
  - {id: nato, formerly: [alliance], severity: critical, any: ["NATO accession", "NATO membership", NATO]}
  - {id: pressure, any: ["@pressure"], none: [{headline: opinion}], labels: {desk: trade}}
  - {id: putin, any: [{entity: Q7747}], to: [desk]}
  - {id: near, any: [{near: [health, care], gap: 3}]}
  - {id: both, all: [Ukraine, {any: [aid, weapons]}]}
  - {id: headline, any: [{headline: bill}]}
  - {id: english, any: [budget], where: {languages: [en]}}
  - {id: german, any: [budget], where: {languages: [de]}}
  - {id: off, status: disabled, any: [the]}
)";

std::filesystem::path data() {
  const char* shared = std::getenv("NEWSWATCH_SHARED");
  return (shared ? std::filesystem::path(shared) : std::filesystem::path(NEWSWATCH_SOURCE_DIR) / ".." / "shared") /
         "data" / "news-en.jsonl.gz";
}

/// The data's own shape, through pointers.
config::ArticleInput shape_of_data() {
  config::ArticleInput input;
  input.feed = "wires";
  input.format = config::ArticleFormat::map;
  input.map.id = {"/id"};
  input.map.title = {"/title"};
  input.map.body = {"/body"};
  input.map.url = {"/url"};
  input.map.source = {"/source"};
  input.map.published = {"/published"};
  input.map.language = {"/lang"};
  input.start.kind = config::Start::Kind::earliest;
  return input;
}

/// One run's topics, and the stage over them in this process.
class Scene {
 public:
  explicit Scene(const KafkaCluster& cluster, config::ArticleInput input, const char* rules = rules_text)
      : cluster_(cluster), input_(std::move(input)) {
    yaml::Diagnostics diagnostics;
    const std::vector<rules::MemoryFile> files{{"rules.yaml", rules}};
    loaded_ = rules::read_rules(files, {}, diagnostics);
    if (!loaded_) {
      ADD_FAILURE() << diagnostics.text();
      return;
    }
    rule_set_ = engine::compile(loaded_->program);
    common_.kafka = cluster.settings();
    common_.prefix = unique("match");
    common_.instance = "a";
    common_.topics = config::Topics::named(common_.prefix);
    input_.topics = {common_.prefix + ".articles"};
    cluster.create_topic(input_.topics[0], partitions);
    cluster.create_topic(common_.topics.matches.name, 6);
    cluster.create_topic(common_.topics.rejected.name, 2);
  }

  void start() {
    config::MatchStage settings;
    settings.workers = 2;
    settings.articles = {input_};
    stage_ = std::make_unique<match::Stage>(common_, settings, rule_set_, watchdog_, metrics_,
                                            [](const kafka::LoopFailure& failure) { ADD_FAILURE() << failure.error.message; });
    stage_->start();
  }
  bool ready(std::chrono::milliseconds limit = 60s) const {
    return eventually(limit, [&] {
      int assigned = 0;
      for (const kafka::LoopStatus& status : stage_->status()) {
        if (!status.ready()) return false;
        assigned += status.assigned;
      }
      return assigned == partitions;
    });
  }
  bool all_read(std::chrono::milliseconds limit = 60s) const {
    return eventually(limit, [&] {
      return group_offsets(cluster_.properties(), common_.prefix + "-match", topic()) ==
             topic_ends(cluster_.properties(), topic());
    });
  }
  void stop() { stage_->stop(20s); }

  void feed(const std::vector<std::string>& values, std::optional<Time> timestamp = std::nullopt) const {
    auto publisher = kafka::Publisher::open(cluster_.properties());
    ASSERT_TRUE(publisher) << publisher.error().message;
    for (std::size_t i = 0; i < values.size(); ++i) {
      kafka::OutRecord record{topic(), std::nullopt, values[i], {}, static_cast<int>(i % partitions)};
      const auto done = publisher->publish(
          record, timestamp ? std::optional(timestamp->time_since_epoch().count()) : std::nullopt);
      ASSERT_TRUE(done) << done.error().message;
    }
    const auto flushed = publisher->flush();
    ASSERT_TRUE(flushed) << flushed.error().message;
  }
  std::vector<ReadRecord> matches() const { return read_topic(cluster_.properties(), common_.topics.matches.name); }
  std::vector<ReadRecord> rejected() const { return read_topic(cluster_.properties(), common_.topics.rejected.name); }
  /// Ids of the articles that matched, sorted.
  std::vector<std::string> matched_ids() const {
    std::vector<std::string> ids;
    for (const ReadRecord& record : matches()) ids.push_back(flow::decode_match(*record.value)->article.id);
    std::sort(ids.begin(), ids.end());
    return ids;
  }
  std::uint64_t articles(std::string_view outcome) {
    return metrics_.counter(observe::Metric::articles, {input_.feed, outcome}).value();
  }

  const std::string& topic() const { return input_.topics[0]; }
  const config::ArticleInput& input() const { return input_; }
  const engine::RuleSet& rule_set() const { return *rule_set_; }
  const engine::syntax::Program& program() const { return loaded_->program; }

 private:
  const KafkaCluster& cluster_;
  config::ArticleInput input_;
  config::Common common_;
  std::optional<rules::LoadedRules> loaded_;
  std::shared_ptr<const engine::RuleSet> rule_set_;
  observe::Metrics metrics_;
  kafka::Watchdog watchdog_;
  std::unique_ptr<match::Stage> stage_;
};

using Key = std::pair<std::string, std::string>;  // rule id, article id

/// Without what depends on where and when the record was read.
std::string comparable(flow::MatchRecord match) {
  match.origin = {};
  match.record_time = {};
  return flow::encode(match);
}

TEST(MatchStageOnKafka, WritesWhatTheRuleSetAndTheOracleSayOfTwoThousandArticles) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  if (!std::filesystem::exists(data())) GTEST_SKIP() << "needs " << data() << "; set NEWSWATCH_SHARED";
  Scene scene(*cluster, shape_of_data());

  std::vector<std::string> lines;
  replay::ArticleFiles files({data().string()});
  replay::ArticleFiles::Line line;
  while (lines.size() < article_count && *files.next(line)) lines.emplace_back(line.text);
  // Each of these twice, in the middle of what can be read.
  const std::map<std::string, std::string> poison{{"junk", "bad_json"},
                                                  {"{\"id\":\"p\",\"body\":\"\xFF\"}", "bad_utf8"},
                                                  {R"({"title":"no id","body":"NATO"})", "missing_id"},
                                                  {R"({"id":"no-text"})", "missing_text"},
                                                  {"[]", "missing_id"}};
  std::vector<std::string> fed;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    fed.push_back(lines[i]);
    if (i == 500 || i == 1500)
      for (const auto& [bytes, code] : poison) fed.push_back(bytes);
  }
  scene.start();
  scene.feed(fed);
  ASSERT_TRUE(scene.all_read());
  scene.stop();

  std::map<Key, std::string> expected;
  match::Matching matching(scene.input());
  engine::NaiveOracle oracle(scene.program());
  std::uint64_t matched = 0;
  for (const std::string& json : lines) {
    const match::Outcome& outcome = matching.process({json, Time{}, {}}, scene.rule_set(), Time{});
    matched += outcome.outcome == flow::ArticleOutcome::matched;
    std::map<std::string, std::vector<Hit>> hits;
    for (const flow::MatchRecord& match : outcome.matches) {
      expected[{match.rule.id, match.article.id}] = comparable(match);
      hits[match.rule.id] = match.evidence.hits;
    }
    const auto verdicts = oracle.match(matching.article(), Time{});
    ASSERT_EQ(verdicts.size(), scene.program().rules.size());
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
      const std::string& id = scene.program().rules[i].info.id;
      ASSERT_EQ(hits.contains(id), verdicts[i].is_true) << id << " of " << matching.article().id;
      if (verdicts[i].is_true) {
        ASSERT_EQ(hits[id], verdicts[i].hits) << id << " of " << matching.article().id;
      }
    }
  }

  std::map<Key, std::string> found;
  std::map<std::string, std::set<int>> partitions_of;
  for (const ReadRecord& record : scene.matches()) {
    const auto match = flow::decode_match(*record.value);
    ASSERT_TRUE(match) << match.error().message;
    EXPECT_EQ(record.key, match->rule.key);
    EXPECT_EQ(match->origin.topic, scene.topic());
    EXPECT_NE(fed.at(static_cast<std::size_t>(match->origin.offset) * partitions +
                     static_cast<std::size_t>(match->origin.partition)).find(match->article.id), std::string::npos);
    partitions_of[match->rule.key].insert(record.partition);
    EXPECT_TRUE(found.emplace(Key{match->rule.id, match->article.id}, comparable(*match)).second)
        << "twice: " << match->rule.id << " of " << match->article.id;
  }
  EXPECT_GT(expected.size(), 300u);
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [key, value] : expected) EXPECT_EQ(found[key], value);
  for (const auto& [rule, where] : partitions_of) EXPECT_EQ(where.size(), 1u) << "one rule, one partition: " << rule;
  EXPECT_TRUE(partitions_of.contains("alliance")) << "a renamed rule keeps its key";

  std::map<std::string, int> aside;
  for (const ReadRecord& record : scene.rejected()) {
    ++aside[*record.value];
    std::map<std::string, std::string> headers(record.headers.begin(), record.headers.end());
    EXPECT_EQ(headers["nw_code"], poison.at(*record.value));
    EXPECT_EQ(headers["nw_topic"], scene.topic());
    const auto at = std::stoul(headers["nw_offset"]) * partitions + std::stoul(headers["nw_partition"]);
    EXPECT_EQ(fed.at(at), *record.value) << "the place that it names is its own";
  }
  EXPECT_EQ(aside.size(), poison.size());
  for (const auto& [bytes, times] : aside) EXPECT_EQ(times, 2) << bytes;
  EXPECT_EQ(scene.articles("rejected"), 2 * poison.size());
  EXPECT_EQ(scene.articles("matched"), matched);
  EXPECT_EQ(scene.articles("no_match"), lines.size() - matched);
}

constexpr const char* one_rule = "rules: [{id: nato, any: [NATO]}]";

config::ArticleInput own_format(config::Start start) {
  config::ArticleInput input;
  input.feed = "wires";
  input.start = start;
  return input;
}

std::vector<std::string> articles(std::string_view stem, int count) {
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i)
    all.push_back(R"({"id":")" + std::string(stem) + std::to_string(i) + R"(","language":"en","body":"NATO"})");
  return all;
}

const std::vector<std::string> olds{"old0", "old1", "old2", "old3", "old4", "old5", "old6", "old7"};
const std::vector<std::string> news{"new0", "new1", "new2", "new3"};

/// What matches when eight articles of an hour ago were there before, and four come once the stage is ready.
std::vector<std::string> read_from(const KafkaCluster& cluster, config::Start start) {
  Scene scene(cluster, own_format(start), one_rule);
  const Time now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  scene.feed(articles("old", 8), now - 1h);
  scene.start();
  EXPECT_TRUE(scene.ready());
  scene.feed(articles("new", 4), now);
  EXPECT_TRUE(scene.all_read());
  scene.stop();
  return scene.matched_ids();
}

std::vector<std::string> with_olds() {
  auto all = news;
  all.insert(all.end(), olds.begin(), olds.end());
  return all;
}

TEST(MatchStageOnKafka, StartsWhereTheInputSays) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  const Time now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  using Kind = config::Start::Kind;
  EXPECT_EQ(read_from(*cluster, {Kind::latest, {}, {}}), news);
  EXPECT_EQ(read_from(*cluster, {Kind::earliest, {}, {}}), with_olds());
  EXPECT_EQ(read_from(*cluster, {Kind::time, now - 30min, {}}), news);
  EXPECT_EQ(read_from(*cluster, {Kind::time, now - 90min, {}}), with_olds());
  EXPECT_EQ(read_from(*cluster, {Kind::back, {}, 30min}), news);
  EXPECT_EQ(read_from(*cluster, {Kind::back, {}, 90min}), with_olds());
}

TEST(MatchStageOnKafka, GoesOnWhereItStoppedWhateverStartSays) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  Scene scene(*cluster, own_format({config::Start::Kind::latest, {}, {}}), one_rule);
  scene.feed(articles("old", 8));
  scene.start();
  ASSERT_TRUE(scene.ready());
  scene.stop();
  scene.feed(articles("new", 4));  // while nobody reads
  scene.start();
  EXPECT_TRUE(scene.all_read());
  scene.stop();
  EXPECT_EQ(scene.matched_ids(), news);
}

TEST(MatchStageOnKafka, PutsAnArticleAsideThatIsTooLargeWithItsHead) {
  const KafkaCluster* cluster = KafkaCluster::shared();
  NEWSWATCH_NEED_KAFKA(cluster);
  auto input = own_format({config::Start::Kind::earliest, {}, {}});
  input.max_article_bytes = 700'000;
  Scene scene(*cluster, input, one_rule);
  auto fed = articles("new", 4);
  fed.insert(fed.begin() + 2, R"({"id":"large","body":"NATO )" + std::string(750'000, 'x') + "\"}");
  scene.feed(fed);
  scene.start();
  EXPECT_TRUE(scene.all_read());
  scene.stop();
  EXPECT_EQ(scene.matched_ids(), news);
  const auto aside = scene.rejected();
  ASSERT_EQ(aside.size(), 1u);
  EXPECT_EQ(*aside[0].value, fed[2].substr(0, flow::rejected_head_bytes));
}

}  // namespace
}  // namespace newswatch::test
