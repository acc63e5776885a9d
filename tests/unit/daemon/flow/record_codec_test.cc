#include "daemon/flow/record_codec.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <random>

#include "daemon/flow/rejected.h"
#include "tests/support/sample_match.h"

namespace newswatch::flow {
namespace {

namespace json = boost::json;

Alert full_alert() {
  const MatchRecord match = test::full_match();
  Alert alert;
  alert.id = "nw-abcdefghijklmnopqrstuvwxyz";
  alert.kind = AlertKind::update;
  alert.shadow = true;
  alert.time = match.record_time;
  alert.rule = {match.rule.key,      match.rule.id,     match.rule.title,
                match.rule.severity, match.rule.labels, match.revision};
  alert.group = "Q7184";
  alert.article = match.article;
  alert.evidence = match.evidence;
  alert.destinations = {"ops-slack", "risk"};
  alert.summary_cut = true;
  return alert;
}

TEST(RecordCodec, BringsAMatchBackWhole) {
  const auto back = decode_match(encode(test::full_match()));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, test::full_match());
  const MatchRecord small = test::small_match("r", "a", 1);
  ASSERT_TRUE(decode_match(encode(small)));
  EXPECT_EQ(*decode_match(encode(small)), small);
}

TEST(RecordCodec, BringsAnAlertBackWhole) {
  const auto back = decode_alert(encode(full_alert()));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, full_alert());
}

// What stands in topics for days must be readable by the next release.
TEST(RecordCodec, WritesTheFormThatIsPinned) {
  EXPECT_EQ(encode(test::small_match("r", "a", 1)),
            R"({"v":1,"rule":{"key":"r","id":"r","title":"r","status":"live","severity":"medium","labels":{},"to":[],)"
            R"("alert":{"group_by":[],"stories":"first","cooldown_ms":0}},"revision":"r-1","article":{"feed":"wires",)"
            R"("id":"a","version":"1","title":"About a","status":"live"},"entities":[],"hits":[{"term":"nato",)"
            R"("field":"body","start":0,"end":4,"text":"NATO"}],"hits_total":1,"snippet":{"text":"NATO and a",)"
            R"("field":"body","start":0},"body_hash":"body-of-a","record_time":"2026-01-01T00:00:01.000Z",)"
            R"("origin":{"topic":"articles","partition":0,"offset":0}})");
}

TEST(RecordCodec, IgnoresMembersThatItDoesNotKnow) {
  std::string text = encode(test::full_match());
  text.insert(1, R"("invented_later":{"deep":[1,2,{}]},)");
  ASSERT_TRUE(decode_match(text));
  EXPECT_EQ(*decode_match(text), test::full_match());
}

TEST(RecordCodec, RefusesANewerVersion) {
  std::string text = encode(test::full_match());
  text.replace(text.find("\"v\":1"), 5, "\"v\":2");
  const auto back = decode_match(text);
  ASSERT_FALSE(back);
  EXPECT_TRUE(back.error().permanent());
  EXPECT_NE(back.error().message.find("newer newswatchd"), std::string::npos) << back.error().message;
}

TEST(RecordCodec, RefusesEveryMissingMemberThatIsNeeded) {
  const json::value whole = json::parse(encode(full_alert()));
  int refused = 0;
  for (const auto& member : whole.as_object()) {
    json::object without = whole.as_object();
    without.erase(member.key());
    const auto back = decode_alert(json::serialize(without));
    if (back) continue;
    ++refused;
    EXPECT_EQ(back.error().code, "bad_record");
    EXPECT_NE(back.error().message.find(std::string(member.key())), std::string::npos) << back.error().message;
  }
  EXPECT_EQ(refused, 10);  // v id kind time rule article entities hits hits_total destinations
}

TEST(RecordCodec, RefusesWrongTypes) {
  const auto with = [](std::string_view from, std::string_view to) {
    std::string text = encode(test::full_match());
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    return decode_match(text);
  };
  EXPECT_FALSE(with("\"start\":3", "\"start\":-3"));
  EXPECT_FALSE(with("\"start\":3", "\"start\":4294967296"));
  EXPECT_FALSE(with("\"start\":3", "\"start\":18446744073709551615"));
  EXPECT_FALSE(with("\"start\":3", "\"start\":3.5"));
  EXPECT_FALSE(with("\"severity\":\"critical\"", "\"severity\":\"loud\""));
  EXPECT_FALSE(with("\"desk\":\"europe\"", "\"desk\":1"));
  EXPECT_FALSE(with("\"cooldown_ms\":5400000", "\"cooldown_ms\":-1"));
  EXPECT_FALSE(with("\"2026-01-01T00:00:05.000Z\"", "\"2026-02-30T00:00:05.000Z\""));
  EXPECT_FALSE(with("\"2026-01-01T00:00:05.000Z\"", "\"yesterday\""));
  EXPECT_FALSE(with("ffffffffffffffff", "fffffffffffffffg"));
}

TEST(RecordCodec, AnswersGarbageWithAnErrorAndNothingElse) {
  for (const std::string_view text :
       {std::string_view(), std::string_view("{"), std::string_view("[]"), std::string_view("null"),
        std::string_view("\0\0\0", 3), std::string_view("{\"v\":1}"), std::string_view("{} {}")}) {
    EXPECT_FALSE(decode_match(text)) << text;
    EXPECT_FALSE(decode_alert(text)) << text;
  }
  EXPECT_FALSE(decode_match(std::string(100'000, '[')));
  EXPECT_FALSE(decode_alert(encode(test::full_match())));
}

TEST(RecordCodec, SurvivesDamagedRecords) {
  const unsigned seed = std::getenv("NEWSWATCH_SEED") ? std::atoi(std::getenv("NEWSWATCH_SEED")) : 20261124u;
  std::cout << "NEWSWATCH_SEED=" << seed << "\n";
  std::mt19937 random(seed);
  const std::string match = encode(test::full_match()), alert = encode(full_alert());
  for (int round = 0; round < 20'000; ++round) {
    std::string text = round % 2 ? match : alert;
    for (int i = 1 + random() % 4; i > 0 && !text.empty(); --i) {
      const std::size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, 1 + random() % 20);
          break;
        case 2:
          text.insert(at, text.substr(random() % text.size(), random() % 20));
          break;
        default:
          text.resize(at + 1);
      }
    }
    // What is read after all can be written and read again, and is then the same.
    if (const auto back = decode_match(text)) {
      const auto again = decode_match(encode(*back));
      ASSERT_TRUE(again) << text << "\n" << again.error().message;
      ASSERT_EQ(encode(*again), encode(*back));
    }
    if (const auto back = decode_alert(text)) {
      const auto again = decode_alert(encode(*back));
      ASSERT_TRUE(again) << text << "\n" << again.error().message;
      ASSERT_EQ(encode(*again), encode(*back));
    }
  }
}

TEST(RecordCodec, CutsHitsToAHundredThenTenThenOne) {
  for (const auto& [text_bytes, kept] : {std::pair{100, 5000}, {1000, 100}, {4000, 100}}) {
    MatchRecord match = test::full_match();
    match.summary_cut = false;
    match.evidence.hits.assign(5000, {"term", "", Field::body, 1, 2, std::string(text_bytes, 'x')});
    match.evidence.hits_total = 0;
    const std::string text = encode(match);
    ASSERT_LE(text.size(), max_record_bytes);
    const auto back = decode_match(text);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->evidence.hits.size(), static_cast<std::size_t>(kept));
    EXPECT_EQ(back->evidence.hits_total, 5000u);
    EXPECT_FALSE(back->summary_cut);
  }
  MatchRecord match = test::full_match();
  match.evidence.hits.assign(5000, {"term", "", Field::body, 1, 2, std::string(2000, 'x')});
  for (const auto& [limit, kept] : {std::pair{30'000, 10u}, {4'000, 1u}}) {
    const auto back = decode_match(encode(match, limit));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->evidence.hits.size(), kept);
    EXPECT_EQ(back->evidence.hits_total, 5000u);
  }
}

TEST(RecordCodec, CutsTheSummaryLastAndSaysSo) {
  MatchRecord match = test::full_match();
  match.summary_cut = false;
  const std::string long_text = [] {
    std::string text;
    while (text.size() < 1'000'000) text += "😀";
    return text;
  }();
  match.article.title = match.article.url = match.article.source = match.article.language = long_text;
  match.article.tags.assign(1000, long_text.substr(0, 4000));
  match.article.entities.assign(1000, {long_text.substr(0, 4000), "n", "t"});
  match.evidence.snippet = long_text;
  match.evidence.hits.assign(20, {long_text, long_text, Field::body, 1, 2, long_text});
  match.evidence.entities.assign(100'000, "Q1");
  match.sentences.assign(1'000'000, 1);
  match.signature.assign(1'000'000, 1);
  match.rule.title = long_text;
  const std::string text = encode(match);
  EXPECT_LE(text.size(), max_record_bytes);
  const auto back = decode_match(text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(back->summary_cut);
  EXPECT_EQ(back->article.id, match.article.id);
  EXPECT_EQ(back->article.version, match.article.version);
  EXPECT_EQ(back->body_hash, match.body_hash);
  EXPECT_EQ(back->rule.to, match.rule.to);
  EXPECT_EQ(back->evidence.hits_total, 20u);

  Alert alert = full_alert();
  alert.summary_cut = false;
  alert.article = match.article;
  alert.evidence = match.evidence;
  EXPECT_LE(encode(alert).size(), max_record_bytes);
  const auto alert_back = decode_alert(encode(alert));
  ASSERT_TRUE(alert_back) << alert_back.error().message;
  EXPECT_TRUE(alert_back->summary_cut);
  EXPECT_EQ(alert_back->destinations, alert.destinations);
  EXPECT_LE(encode(alert, 20'000).size(), 20'000u);
}

TEST(RecordCodec, WritesOnlyWhatItCanRead) {
  MatchRecord match = test::full_match();
  match.article.title = "a\xFF\xC3(\xE2\x82";
  match.rule.labels = {{"k\xFF", "\x80"}};
  match.article.published = Time{std::chrono::milliseconds(std::numeric_limits<std::int64_t>::max())};
  match.article.updated = Time{std::chrono::milliseconds(std::numeric_limits<std::int64_t>::min())};
  const auto back = decode_match(encode(match));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(format_time(*back->article.published), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(format_time(*back->article.updated), "0001-01-01T00:00:00.000Z");
}

TEST(CloudEvent, HasTheSameAttributesInBothModes) {
  const Alert alert = full_alert();
  const json::object event = json::parse(cloud_event(alert)).as_object();
  for (const RecordHeader& header : cloud_event_headers(alert)) {
    if (header.name == "content-type") {
      EXPECT_EQ(event.at("datacontenttype").as_string(), header.value);
    } else {
      ASSERT_EQ(header.name.substr(0, 3), "ce_");
      EXPECT_EQ(event.at(header.name.substr(3)).as_string(), header.value);
    }
  }
  EXPECT_EQ(event.at("type").as_string(), "newswatch.update");
  EXPECT_EQ(json::serialize(event.at("data")), json::serialize(json::parse(encode(alert))));
}

TEST(CloudEvent, KeepsControlCharactersOutOfHeaders) {
  Alert alert = full_alert();
  alert.rule.id = "a\r\nb\x7F\xFF";
  for (const RecordHeader& header : cloud_event_headers(alert))
    for (const char c : header.value) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) << header.name;
}

TEST(Rejected, KeepsTheOriginalUpToHalfAMebibyteAndTheHeadOfALongerOne) {
  const Origin origin{"articles", 2, 77};
  EXPECT_EQ(reject("match", "bad_json", "why\n\x01", origin, Time{}, std::string(512 * 1024, 'x')).value.size(),
            512u * 1024);
  const RejectedRecord record =
      reject("match", "bad_json", "why\n\x01", origin, Time{}, std::string(512 * 1024 + 1, 'x'));
  EXPECT_EQ(record.value.size(), 64u * 1024);
  const std::vector<RecordHeader> expected{{"nw_stage", "match"},           {"nw_code", "bad_json"},
                                           {"nw_reason", "why  "},          {"nw_topic", "articles"},
                                           {"nw_partition", "2"},           {"nw_offset", "77"},
                                           {"nw_original_bytes", "524289"}, {"nw_time", "1970-01-01T00:00:00.000Z"}};
  EXPECT_EQ(record.headers, expected);
}

}  // namespace
}  // namespace newswatch::flow
