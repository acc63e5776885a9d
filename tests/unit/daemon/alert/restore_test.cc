#include "daemon/alert/restore.h"

#include <gtest/gtest.h>

#include <random>

namespace newswatch::alert {
namespace {

using namespace std::chrono_literals;

Entry entry(int until) {
  Entry made;
  made.until = Time{std::chrono::milliseconds(until)};
  return made;
}

TEST(StateCodec, BringsEntriesBackWhole) {
  Entry full = entry(1234);
  full.alerted = true;
  full.versions = {"1", "h\"\n\\", ""};
  full.last = Time{-5ms};
  for (const Entry& each : {Entry{}, full}) {
    const auto back = decode_entry(encode(each));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, each);
  }
  EXPECT_EQ(encode(full), R"({"v":1,"until":1234,"alerted":true,"versions":["1","h\"\n\\",""],"last":-5})");
}

TEST(StateCodec, KeysTellTheirPartsApart) {
  EXPECT_EQ(article_key("nato", "wires/urn:1"), R"(["a","nato","wires/urn:1"])");
  EXPECT_EQ(story_key("nato", "00ff"), R"(["s","nato","00ff"])");
  EXPECT_EQ(group_key("nato", ""), R"(["g","nato",""])");
  EXPECT_NE(article_key("a\",\"b", "c"), article_key("a", "b\",\"c"));
}

TEST(StateCodec, AnswersGarbageWithAFatalError) {
  const std::string good = encode(entry(1));
  for (std::string_view bad :
       {"", "{", "[]", "{}", R"({"v":2,"until":1})", R"({"v":1})", R"({"v":1,"until":"x"})",
        R"({"v":1,"until":1,"versions":[1]})", R"({"v":1,"until":1,"alerted":1})", R"({"v":1,"until":1,"last":"x"})"}) {
    const auto back = decode_entry(bad);
    ASSERT_FALSE(back) << bad;
    EXPECT_TRUE(back.error().fatal()) << bad;
  }
  std::mt19937 random(7);
  for (int round = 0; round < 5000; ++round) {
    std::string text = good;
    text[random() % text.size()] = static_cast<char>(random());
    if (const auto back = decode_entry(text)) {
      ASSERT_TRUE(decode_entry(encode(*back)));
    }
    (void)decode_position(text);
  }
}

TEST(PositionCodec, BringsItBackAndRefusesNonsense) {
  const Position position{77, 12, Time{1'767'225'600'000ms}};
  EXPECT_EQ(encode(position), R"({"v":1,"next":77,"partitions":12,"time":1767225600000})");
  ASSERT_TRUE(decode_position(encode(position)));
  EXPECT_EQ(*decode_position(encode(position)), position);
  for (std::string_view bad :
       {"", "{}", R"({"v":2,"next":77,"partitions":12,"time":1})", R"({"v":1,"next":-1,"partitions":12,"time":1})",
        R"({"v":1,"next":1,"partitions":0,"time":1})", R"({"v":1,"next":1,"partitions":1})",
        R"({"v":1,"next":1,"partitions":1,"time":9223372036854775807})"}) {
    const auto back = decode_position(bad);
    ASSERT_FALSE(back) << bad;
    EXPECT_TRUE(back.error().fatal());
  }
}

TEST(Restore, TakesWhatStandsBeforeTheLastPosition) {
  Restore restore;
  const std::string a = article_key("r", "f/a"), b = article_key("r", "f/b"), c = article_key("r", "f/c");
  ASSERT_TRUE(restore.take(a, encode(entry(1))));
  ASSERT_TRUE(restore.take(b, encode(entry(2))));
  ASSERT_TRUE(restore.take(position_key, encode(Position{5, 12, Time{1s}})));
  ASSERT_TRUE(restore.take(b, std::nullopt));
  ASSERT_TRUE(restore.take(a, encode(entry(3))));
  ASSERT_TRUE(restore.take(position_key, encode(Position{6, 12, Time{2s}})));
  ASSERT_TRUE(restore.take(a, std::nullopt));
  ASSERT_TRUE(restore.take(c, encode(entry(9))));
  const Restore::Outcome outcome = std::move(restore).finish();
  EXPECT_EQ(outcome.position, (Position{6, 12, Time{2s}}));
  EXPECT_EQ(outcome.state.snapshot(), (std::map<std::string, std::string>{{a, encode(entry(3))}}));
}

TEST(Restore, OfAnEmptyTopicIsEmptyAndWithoutPosition) {
  const Restore::Outcome outcome = Restore().finish();
  EXPECT_FALSE(outcome.position);
  EXPECT_EQ(outcome.state.size(), 0u);
}

TEST(Restore, RefusesWhatItDoesNotKnowAndNamesTheRecord) {
  for (const std::string& key : {std::string("[\"held\",\"r\",\"x\"]"), std::string("garbage")}) {
    Restore restore;
    ASSERT_TRUE(restore.take(key, encode(entry(1))));
    const auto result = restore.take(position_key, encode(Position{5, 12, Time{1s}}));
    ASSERT_FALSE(result);
    EXPECT_TRUE(result.error().fatal());
    EXPECT_NE(result.error().message.find(key), std::string::npos) << result.error().message;
  }
}

class StartOffset : public testing::Test {
 protected:
  StartOffset() {
    facts_.matches_topic = "n.matches";
    facts_.state_topic = "n.state";
    facts_.group = "n-alert";
    facts_.partition = 3;
    facts_.partitions = 12;
    facts_.earliest = 40;
  }
  void expect_refused(std::initializer_list<const char*> words) {
    const auto result = start_offset(facts_);
    ASSERT_FALSE(result);
    EXPECT_TRUE(result.error().fatal());
    for (const char* word : words)
      EXPECT_NE(result.error().message.find(word), std::string::npos) << word << " not in: " << result.error().message;
  }
  StartFacts facts_;
};

TEST_F(StartOffset, WithNothingKnownIsTheEarliest) { EXPECT_EQ(*start_offset(facts_), 40); }

TEST_F(StartOffset, WithoutAGroupOffsetIsThePosition) {
  facts_.position = Position{50, 12, {}};
  EXPECT_EQ(*start_offset(facts_), 50);
}

TEST_F(StartOffset, UnderExactlyOnceBothMustAgree) {
  facts_.position = Position{50, 12, {}};
  facts_.committed = 50;
  EXPECT_EQ(*start_offset(facts_), 50);
  facts_.committed = 51;
  expect_refused({"51", "50", "n.matches partition 3", "n.state", "--reset-offsets --to-offset 50"});
}

TEST_F(StartOffset, WhereRetentionWasQuickerIsTheEarliestThatIsLeft) {
  facts_.position = Position{30, 12, {}};
  facts_.committed = 40;  // the loop put the earliest in place of 30, which is gone
  EXPECT_EQ(*start_offset(facts_), 40);
  facts_.committed = 41;
  expect_refused({"41", "30"});
}

TEST_F(StartOffset, UnderAtLeastOnceThePositionLeads) {
  facts_.exactly_once = false;
  facts_.position = Position{50, 12, {}};
  for (const std::int64_t committed : {49, 50, 51}) {
    facts_.committed = committed;
    EXPECT_EQ(*start_offset(facts_), 50);
  }
}

TEST_F(StartOffset, IsRefusedWithAnotherNumberOfPartitions) {
  facts_.position = Position{50, 8, {}};
  expect_refused({"12 partitions", "written for 8", "prefix"});
}

TEST_F(StartOffset, IsRefusedWhenTheStateIsGone) {
  facts_.committed = 51;
  expect_refused({"51", "no position", "--delete-offsets"});
  facts_.committed = 0;
  EXPECT_EQ(*start_offset(facts_), 0);
}

}  // namespace
}  // namespace newswatch::alert
