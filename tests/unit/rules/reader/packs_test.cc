// The packs that ship are right, and say of the articles of the demo what a desk would.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <map>
#include <set>

#include "rules/engine/compiler.h"
#include "rules/reader/reader.h"

namespace newswatch::rules {
namespace {

const std::string source = NEWSWATCH_SOURCE_DIR;

TEST(Packs, ReadWithoutErrorOrWarning) {
  yaml::Diagnostics diagnostics;
  const std::vector<std::string> paths{source + "/rules/packs"};
  const auto loaded = read_rules(paths, {}, diagnostics);
  EXPECT_EQ(diagnostics.text(), "");
  ASSERT_TRUE(loaded);
  EXPECT_GE(loaded->program.rules.size(), 12u);
  for (const auto& rule : loaded->program.rules) EXPECT_NE(rule.info.title, rule.info.id) << "a rule that ships has a title";
}

TEST(Packs, MatchTheDemoAsADeskWould) {
  yaml::Diagnostics diagnostics;
  const std::vector<std::string> paths{source + "/rules/packs"};
  auto loaded = read_rules(paths, {}, diagnostics);
  ASSERT_TRUE(loaded) << diagnostics.text();
  const auto rules = engine::compile(loaded->program);
  engine::Scratch scratch;
  // By article and title, for an article may come in several versions.
  std::map<std::string, std::set<std::string>> found;
  std::ifstream file(source + "/config/examples/demo/articles.jsonl");
  ASSERT_TRUE(file);
  std::string line;
  while (std::getline(file, line)) {
    const auto value = boost::json::parse(line);
    const auto& object = value.as_object();
    Article article;
    article.id = object.at("id").as_string();
    article.title = object.at("title").as_string();
    article.body = object.at("body").as_string();
    if (const auto* language = object.if_contains("language")) article.language = language->as_string();
    auto& ids = found[article.id];
    for (const auto& match : rules->match(article, Time{}, scratch).matches) ids.insert(rules->rules()[match.rule].id);
  }
  using Ids = std::set<std::string>;
  EXPECT_EQ(found["hp-1001"], Ids{"nato-accession"});
  EXPECT_EQ(found["tw-77120"], Ids{"nato-accession"});
  EXPECT_EQ(found["hp-1020"], Ids{"nato-accession"});
  EXPECT_EQ(found["lc-12"], Ids{"nato-accession"});
  EXPECT_EQ(found["uk-8"], Ids{"nato-accession"});
  EXPECT_EQ(found["hp-1004"], Ids{"sanctions-new"});
  EXPECT_EQ(found["fb-900"], Ids{"sanctions-new"});
  EXPECT_EQ(found["tw-77131"], (Ids{"nato-accession", "sanctions-new"}));
  EXPECT_EQ(found["el-66"], Ids{"sanctions-lifted"});
  EXPECT_EQ(found["mt-5"], Ids{}) << "to sanction an e-scooter is to allow it";
  EXPECT_EQ(found["tw-77140"], (Ids{"earthquake", "tsunami-warning"}));
  EXPECT_EQ(found["mt-9"], Ids{}) << "a striker is no earthquake";
  EXPECT_EQ(found["dw-44"], (Ids{"ransomware", "data-breach"}));
  EXPECT_EQ(found["hp-1010"], (Ids{"ransomware", "data-breach"}));
  EXPECT_EQ(found["kk-7"], Ids{});
  EXPECT_EQ(found["bk-301"], Ids{"takeover"});
  EXPECT_EQ(found["bk-302"], Ids{"insolvency"});
  EXPECT_EQ(found["bk-303"], Ids{"interest-rates"});
  EXPECT_EQ(found["el-50"], Ids{});
  EXPECT_EQ(found["tw-77155"], Ids{"product-recall"});
  EXPECT_EQ(found["mt-14"], Ids{});
  EXPECT_EQ(found["hp-1015"], Ids{"strike"});
  EXPECT_EQ(found["tw-77160"], Ids{"coup"});
  EXPECT_EQ(found["st-3"], Ids{}) << "no coup at the opera";
  EXPECT_EQ(found["dw-46"], Ids{"exploited-vulnerability"});
  EXPECT_EQ(found["mt-20"], Ids{});
}

}  // namespace
}  // namespace newswatch::rules
