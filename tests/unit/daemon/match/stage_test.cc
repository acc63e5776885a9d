#include "daemon/match/stage.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <array>
#include <cstring>

#include "daemon/flow/record_codec.h"
#include "daemon/flow/rejected.h"
#include "daemon/observe/log.h"
#include "daemon/observe/metrics.h"
#include "tests/support/stub_rules.h"

namespace newswatch::match {
namespace {

constexpr Time now{std::chrono::milliseconds(1'739'190'896'000)};

class Collected final : public kafka::Output {
 public:
  void produce(kafka::OutRecord record) override { records.push_back(std::move(record)); }
  std::vector<kafka::OutRecord> records;
};

std::string header(const kafka::OutRecord& record, std::string_view name) {
  for (const auto& [key, value] : record.headers)
    if (key == name) return value;
  return "(none)";
}

class MatchStage : public testing::Test {
 protected:
  MatchStage() {
    config::ArticleInput wires;
    wires.feed = "wires";
    wires.topics = {"articles", "more"};
    config::ArticleInput foreign;
    foreign.feed = "agency";
    foreign.topics = {"foreign"};
    foreign.format = config::ArticleFormat::map;
    foreign.map.id = {"/uri"};
    foreign.map.body = {"/text"};
    settings_.articles = {wires, foreign};
    processor_ = make_processor(topics_, settings_, rules_, metrics_, [] { return now; });
  }

  /// A record as librdkafka would give it, without a timestamp. Its accessors look behind the public struct, at zeros.
  struct Message {
    union {
      rd_kafka_message_t public_part;
      std::array<char, 1024> space;
    };
    Message() { space.fill(0); }
  };
  template <class Call>
  void with_record(const std::string& topic, std::int64_t offset, std::string_view value,
                   std::optional<std::string_view> key, Call&& call) {
    Message message;
    message.public_part.offset = offset;
    message.public_part.payload = const_cast<char*>(value.data());
    message.public_part.len = value.size();
    if (key) {
      message.public_part.key = const_cast<char*>(key->data());
      message.public_part.key_len = key->size();
    }
    const kafka::TopicPartition from{topic, 2};
    call(kafka::Record(from, &message.public_part));
  }
  void process(const std::string& topic, std::string_view value, std::optional<std::string_view> key = std::nullopt) {
    with_record(topic, ++offset_, value, key, [&](const kafka::Record& record) { processor_->process(record, output_); });
  }
  std::uint64_t articles(std::string_view feed, std::string_view outcome) {
    return metrics_.counter(observe::Metric::articles, {feed, outcome}).value();
  }

  const config::Topics topics_ = config::Topics::named("p");
  config::MatchStage settings_;
  Rules rules_{std::make_shared<test::StubRules>(std::vector<std::string>{"NATO", "tax"})};
  observe::Metrics metrics_;
  Collected output_;
  std::int64_t offset_ = 0;
  std::unique_ptr<kafka::Processor> processor_;
};

TEST_F(MatchStage, WritesMatchesUnderTheKeyOfTheirRule) {
  process("more", R"({"id":"1","body":"NATO and tax"})");
  process("foreign", R"({"uri":7,"text":"tax"})");
  process("articles", R"({"id":"2","body":"nothing"})");
  ASSERT_EQ(output_.records.size(), 3u);
  EXPECT_EQ(output_.records[0].topic, "p.matches");
  EXPECT_EQ(output_.records[0].key, "key-NATO");
  EXPECT_EQ(output_.records[1].key, "key-tax");
  const auto foreign = flow::decode_match(*output_.records[2].value);
  ASSERT_TRUE(foreign);
  EXPECT_EQ(foreign->article.feed, "agency");
  EXPECT_EQ(foreign->article.id, "7");
  EXPECT_EQ(foreign->origin, (flow::Origin{"foreign", 2, 2}));
  EXPECT_EQ(foreign->record_time, now);
}

TEST_F(MatchStage, PutsAsideWhatCannotBeReadWithItsBytesAndWhy) {
  process("articles", "junk", "its-key");
  process("articles", R"({"id":"a-1","body":7})", "its-key");
  process("articles", "junk");
  ASSERT_EQ(output_.records.size(), 3u);
  const kafka::OutRecord& first = output_.records[0];
  EXPECT_EQ(first.topic, "p.rejected");
  EXPECT_EQ(first.key, "its-key");
  EXPECT_EQ(first.value, "junk");
  EXPECT_EQ(header(first, "nw_stage"), "match");
  EXPECT_EQ(header(first, "nw_code"), "bad_json");
  EXPECT_EQ(header(first, "nw_topic"), "articles");
  EXPECT_EQ(header(first, "nw_partition"), "2");
  EXPECT_EQ(header(first, "nw_offset"), "1");
  EXPECT_NE(header(first, "nw_reason"), "");
  EXPECT_EQ(output_.records[1].key, "wires/a-1");
  EXPECT_FALSE(output_.records[2].key);
}

TEST_F(MatchStage, KeepsOnlyTheHeadOfALargeRejectedRecord) {
  const std::string large(flow::rejected_whole_bytes + 1, 'x');
  process("articles", large);
  ASSERT_EQ(output_.records.size(), 1u);
  EXPECT_EQ(output_.records[0].value->size(), flow::rejected_head_bytes);
  EXPECT_EQ(header(output_.records[0], "nw_original_bytes"), std::to_string(large.size()));
}

TEST_F(MatchStage, KeepsTheKeyOfARejectedRecordSmall) {
  const std::string large(2'000'000, 'x');
  process("articles", "junk", large);
  process("articles", R"({"id":")" + large + R"(","body":7})");
  ASSERT_EQ(output_.records.size(), 2u);
  EXPECT_EQ(output_.records[0].key->size(), 1'000u);
  EXPECT_EQ(output_.records[1].key->size(), std::string("wires/").size() + 1'000u);
}

TEST_F(MatchStage, CountsAnArticleOnceHoweverOftenItComesAgain) {
  process("articles", R"({"id":"1","body":"NATO"})");
  process("articles", "junk");
  processor_->aborted();
  EXPECT_EQ(articles("wires", "matched"), 0u);
  for (int again = 0; again < 2; ++again) {
    process("articles", R"({"id":"1","body":"NATO"})");
    process("articles", R"({"id":"2","body":"x"})");
    process("articles", "junk");
    if (again == 0) processor_->aborted();
  }
  processor_->committed();
  processor_->committed();
  EXPECT_EQ(articles("wires", "matched"), 1u);
  EXPECT_EQ(articles("wires", "no_match"), 1u);
  EXPECT_EQ(articles("wires", "rejected"), 1u);
  EXPECT_EQ(metrics_.counter(observe::Metric::articles_rejected, {"wires", "bad_json"}).value(), 1u);
  EXPECT_EQ(metrics_.counter(observe::Metric::record_times_replaced, {"wires"}).value(), 3u);
}

TEST_F(MatchStage, TakesNewRulesWithTheNextArticle) {
  process("articles", R"({"id":"1","body":"NATO"})");
  std::weak_ptr<const engine::RuleSet> old;
  {
    auto fresh = std::make_shared<test::StubRules>(std::vector<std::string>{"budget"}, "second");
    old = fresh;
    rules_.set(fresh);
  }
  process("articles", R"({"id":"2","body":"NATO budget"})");
  ASSERT_EQ(output_.records.size(), 2u);
  EXPECT_EQ(output_.records[1].key, "key-budget");
  EXPECT_EQ(flow::decode_match(*output_.records[1].value)->revision, "second");
  rules_.set(std::make_shared<test::StubRules>(std::vector<std::string>{}));
  EXPECT_FALSE(old.expired()) << "a worker holds it";
  process("articles", R"({"id":"3","body":"budget"})");
  EXPECT_TRUE(old.expired()) << "nobody needs it any more";
}

TEST_F(MatchStage, ParksARecordWhoseMatchKafkaRefusesAndWaitsWhenTheTopicIsAtFault) {
  const std::string article = R"({"id":"1","body":"NATO )" + std::string(100'000, 'x') + "\"}";
  with_record("articles", 5, article, std::nullopt, [&](const kafka::Record& record) {
    EXPECT_EQ(processor_->poison(record, permanent_error("topic_denied", "no"), output_), kafka::Processor::Poison::retry);
    EXPECT_TRUE(output_.records.empty());
    EXPECT_EQ(processor_->poison(record, permanent_error("record_too_large", "no"), output_),
              kafka::Processor::Poison::parked);
  });
  ASSERT_EQ(output_.records.size(), 1u);
  EXPECT_EQ(output_.records[0].topic, "p.rejected");
  EXPECT_EQ(output_.records[0].key, "wires/1");
  EXPECT_EQ(header(output_.records[0], "nw_code"), "record_too_large");
  EXPECT_EQ(output_.records[0].value->size(), flow::rejected_head_bytes) << "small enough for any topic";
}

TEST_F(MatchStage, LoopsReadEveryTopicFromWhereItsInputSays) {
  settings_.articles[1].start = {config::Start::Kind::earliest, {}, {}};
  settings_.articles[1].on_lost_offsets = config::OnLostOffsets::stop;
  config::Common common;
  common.kafka.brokers = {"nowhere:1"};
  const auto options = worker_options(common, settings_, 1, false);
  EXPECT_EQ(options.topics, (std::vector<std::string>{"articles", "more", "foreign"}));
  EXPECT_EQ(options.start.at("foreign").kind, config::Start::Kind::earliest);
  EXPECT_EQ(options.start.at("more").kind, config::Start::Kind::latest);
  EXPECT_EQ(options.on_lost_offsets_of.at("foreign"), config::OnLostOffsets::stop);
  EXPECT_EQ(options.output_topics, (std::vector<std::string>{"newswatch.matches", "newswatch.rejected"}));
  EXPECT_EQ(options.group, "newswatch-match");
  EXPECT_EQ(options.worker, "1");
}

}  // namespace
}  // namespace newswatch::match
