#include "daemon/replay/match_files.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/stub_rules.h"

namespace newswatch::replay {
namespace {

class MatchFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = (std::filesystem::temp_directory_path() / "match-files-XXXXXX").string();
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
    path_ = directory_ + "/articles.jsonl";
    std::ofstream out(path_);
    for (int i = 0; i < 3000; ++i) {
      if (i % 50 == 7)
        out << "junk " << i << "\n";
      else
        out << R"({"id":")" << i << R"(","language":"en","body":")" << (i % 3 == 0 ? "NATO " : "") << (i % 5 == 0 ? "tax" : "x")
            << "\"}\n";
    }
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  MatchOptions options(int threads) const {
    MatchOptions options;
    options.files = {path_};
    options.input.feed = "file";
    options.threads = threads;
    options.now = Time(std::chrono::milliseconds(1'700'000'000'000));
    return options;
  }
  std::string directory_, path_;
  test::StubRules rules_{{"NATO", "tax"}};
};

TEST_F(MatchFilesTest, GivesTheSameInTheOrderOfTheInputWhateverTheThreads) {
  std::vector<std::string> of_one;
  MatchSummary first;
  for (const int threads : {1, 2, 7}) {
    std::vector<std::string> seen;
    const MatchSummary summary = match_files(options(threads), rules_, [&](const LineResult& result) {
      std::string text = std::to_string(result.line) + " " + result.article.id + " " + result.outcome.error.code;
      for (const flow::MatchRecord& match : result.outcome.matches) text += " " + to_json(match, true);
      seen.push_back(text);
      return true;
    });
    EXPECT_EQ(summary.articles, 3000u);
    EXPECT_EQ(summary.rejected, 60u);
    EXPECT_EQ(summary.articles, summary.no_match + summary.matched + summary.rejected);
    EXPECT_GT(summary.matches, summary.matched);
    EXPECT_EQ(summary.bytes, std::filesystem::file_size(path_));
    EXPECT_TRUE(summary.file_errors.empty());
    if (threads == 1) {
      of_one = seen;
      first = summary;
    } else {
      EXPECT_EQ(seen, of_one) << threads << " threads";
      EXPECT_EQ(summary.matches, first.matches);
    }
  }
}

TEST_F(MatchFilesTest, EndsWhenItIsToldTo) {
  for (const int threads : {1, 3}) {
    int lines = 0;
    match_files(options(threads), rules_, [&](const LineResult&) { return ++lines < 10; });
    EXPECT_EQ(lines, 10);
  }
}

TEST_F(MatchFilesTest, TellsOfFilesThatCannotBeReadAndReadsTheOthers) {
  MatchOptions with_absent = options(2);
  with_absent.files.insert(with_absent.files.begin(), directory_ + "/absent");
  const MatchSummary summary = match_files(with_absent, rules_, [](const LineResult&) { return true; });
  EXPECT_EQ(summary.articles, 3000u);
  ASSERT_EQ(summary.file_errors.size(), 1u);
  EXPECT_NE(summary.file_errors[0].message.find("absent"), std::string::npos);
}

flow::MatchRecord sample() {
  flow::MatchRecord match;
  match.rule.id = "nato";
  match.rule.title = "NATO";
  match.rule.severity = engine::Severity::high;
  match.article.id = "a-1";
  match.article.title = "Talks\x1b[31m";
  match.evidence.snippet = "Zwölf NATO states";
  match.evidence.snippet_start = 10;
  match.evidence.hits = {{"NATO", "Q1", Field::body, 16, 20, "NATO"}};
  match.evidence.entities = {"Q1"};
  return match;
}

TEST(MatchOutput, JsonIsThatOfTheLanguage) {
  const auto json = boost::json::parse(to_json(sample(), true)).as_object();
  EXPECT_EQ(json.at("article"), "a-1");
  EXPECT_EQ(json.at("rule"), "nato");
  EXPECT_EQ(json.at("severity"), "high");
  EXPECT_EQ(json.at("entities"), boost::json::array{"Q1"});
  EXPECT_EQ(json.at("snippet"), "Zwölf NATO states");
  const boost::json::object hit{{"term", "NATO"}, {"entity", "Q1"}, {"field", "body"}, {"start", 16}, {"end", 20}, {"text", "NATO"}};
  EXPECT_EQ(json.at("hits"), boost::json::array{hit});
  const auto ids = boost::json::parse(to_json(sample(), false)).as_object();
  EXPECT_EQ(ids, (boost::json::object{{"article", "a-1"}, {"rule", "nato"}, {"severity", "high"}}));
}

TEST(MatchOutput, TextShowsTheHitAndNoControlCharacters) {
  const std::string plain = to_text(sample(), false, true);
  EXPECT_NE(plain.find("NATO"), std::string::npos);
  EXPECT_EQ(plain.find('\x1b'), std::string::npos) << plain;
  EXPECT_TRUE(plain.ends_with('\n'));
  const std::string coloured = to_text(sample(), true, true);
  EXPECT_EQ(coloured.find("\x1b[31mTalks"), std::string::npos);
  EXPECT_NE(coloured.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace newswatch::replay
