#include "rules/engine/rule_set.h"

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "tests/unit/rules/engine/program_builder.h"
#include "rules/engine/compiler.h"

namespace newswatch::engine {
namespace {

using namespace build;

class RuleSetTest : public testing::Test {
 protected:
  Program program;
  Article article;
  Scratch scratch;
  RuleSet::Result result;

  void SetUp() override { article.language = "en"; }
  // "term@start-end" of each hit of the rule, title hits with a leading t; "-" when it is false.
  std::string run(std::uint32_t rule = 0) {
    auto set = compile(program);
    result = set->match(article, Time{}, scratch);
    for (const RuleMatch& match : result.matches) {
      if (match.rule != rule) continue;
      std::string out;
      for (const Hit& hit : match.hits) {
        out += out.empty() ? "" : " ";
        out += (hit.field == Field::title ? "t:" : "") + hit.text;
      }
      return out;
    }
    return "-";
  }
  std::string of(Expression condition) {
    program.rules.clear();
    add_rule(program, "r", std::move(condition));
    return run();
  }
};

TEST_F(RuleSetTest, FindsATermWithItsPlace) {
  article.title = "NATO talks";
  article.body = "Sanctions bite.\n\nNew sanction.";
  EXPECT_EQ(of(term("sanction")), "Sanctions sanction");
  const RuleMatch& match = result.matches.at(0);
  EXPECT_EQ(match.hits[1].start, 21u);
  EXPECT_EQ(match.hits[1].end, 29u);
  EXPECT_EQ(match.hits[1].term, "sanction");
  EXPECT_EQ(match.snippet, "Sanctions bite.");
  EXPECT_EQ(match.sentences.size(), 2u);
}

TEST_F(RuleSetTest, InitialismIsNoPronoun) {
  article.body = "He told us. The US left. The U.S. too.";
  EXPECT_EQ(of(term("US")), "US U.S.");
}

TEST_F(RuleSetTest, JoinedWordsAndPhrases) {
  article.body = "A state-owned bank and a cyber-attack; cyberattack again.";
  EXPECT_EQ(of(term("cyberattack")), "cyber-attack cyberattack");
  EXPECT_EQ(of(term("cyber-attack")), "cyber-attack cyberattack");
  EXPECT_EQ(of(term("stateowned bank")), "state-owned bank");
  EXPECT_EQ(of(term("state-owned bank")), "state-owned bank");
  EXPECT_EQ(of(term("owned bank")), "owned bank");
}

TEST_F(RuleSetTest, PrefixesDoNotFindJoinedWords) {
  article.body = "Exporters export ex-ports.";
  EXPECT_EQ(of(term("export*")), "Exporters export");
}

TEST_F(RuleSetTest, TaggedWords) {
  article.body = "On #Kyiv and Kyiv.";
  EXPECT_EQ(of(term("#kyiv")), "#Kyiv");
  EXPECT_EQ(of(term("Kyiv")), "Kyiv Kyiv");
}

TEST_F(RuleSetTest, Operators) {
  article.title = "alpha beta";
  article.body = "gamma alpha delta. Beta gamma gamma.\n\nalpha epsilon zeta eta beta.";
  auto t = [](const char* text) { return term(text, MatchMode::exact); };
  EXPECT_EQ(of(op(Op::any, {t("zeta"), t("none")})), "zeta");
  EXPECT_EQ(of(op(Op::all, {t("zeta"), t("none")})), "-");
  EXPECT_EQ(of(op(Op::all, {t("zeta"), op(Op::none, {t("none")})})), "zeta");
  EXPECT_EQ(of(op(Op::at_least, {t("zeta"), t("eta"), t("none")}, 2)), "zeta eta");
  EXPECT_EQ(of(op(Op::at_least, {t("zeta"), t("eta"), t("none")}, 3)), "-");
  EXPECT_EQ(of(op(Op::times, {t("gamma")}, 3)), "gamma gamma gamma");
  EXPECT_EQ(of(op(Op::times, {t("gamma")}, 4)), "-");
  EXPECT_EQ(of(op(Op::near, {t("beta"), t("alpha")}, 0)), "t:alpha t:beta");
  EXPECT_EQ(of(op(Op::before, {t("alpha"), t("beta")}, 1)), "t:alpha t:beta alpha Beta");
  EXPECT_EQ(of(op(Op::same_sentence, {t("gamma"), t("beta")})), "Beta gamma gamma");
  EXPECT_EQ(of(op(Op::same_paragraph, {t("gamma"), t("delta")})), "gamma delta gamma gamma");
  EXPECT_EQ(of(op(Op::not_near, {t("alpha"), t("gamma")}, 0)), "t:alpha alpha");
  EXPECT_EQ(of(op(Op::outside, {t("beta"), t("alpha beta")})), "Beta beta");
  EXPECT_EQ(of(op(Op::headline, {t("beta")})), "t:beta");
  EXPECT_EQ(of(op(Op::lead, {t("alpha")})), "alpha");
  EXPECT_EQ(of(op(Op::body, {t("alpha")})), "alpha alpha");
  EXPECT_EQ(of(op(Op::first, {op(Op::any, {t("alpha"), t("beta")})}, 4)), "alpha Beta");
}

TEST_F(RuleSetTest, RuleReferencesSeeThroughZones) {
  article.title = "alpha";
  article.body = "beta";
  auto inner = add_rule(program, "inner", op(Op::any, {term("alpha"), term("beta")}));
  Expression ref;
  ref.op = Op::rule;
  ref.target = inner;
  auto outer = add_rule(program, "outer", op(Op::headline, {ref}));
  EXPECT_EQ(run(outer), "t:alpha");
  program.rules[inner].where.min_words = 5;
  EXPECT_EQ(run(outer), "-");
  program.rules[inner].where = {};
  program.rules[inner].info.status = RuleStatus::disabled;
  EXPECT_EQ(run(outer), "t:alpha");
  EXPECT_EQ(run(inner), "-");
}

TEST_F(RuleSetTest, BoilerplateTakesNoPartButIsCounted) {
  article.body = "alpha one\n\nbeta two";
  article.boilerplate = {0};
  EXPECT_EQ(of(term("alpha")), "-");
  EXPECT_EQ(result.only_boilerplate, 1u);
  EXPECT_EQ(of(op(Op::lead, {term("beta")})), "beta");
  program.rules[0].count_boilerplate = true;
  EXPECT_EQ(run(), "-");
  EXPECT_EQ(of(term("beta")), "beta");
  EXPECT_EQ(result.only_boilerplate, 0u);
}

TEST_F(RuleSetTest, EntitiesWeakNamesAndTheLongestName) {
  syntax::Entity america, bank;
  america.id = "A";
  america.type = "Country";
  america.names.push_back({"America", {MatchMode::name, MatchMode::name, CaseMode::name}, false, false});
  bank.id = "B";
  bank.names.push_back({"Bank of America", {MatchMode::name, MatchMode::name, CaseMode::name}, false, false});
  bank.names.push_back({"Bank", {MatchMode::name, MatchMode::name, CaseMode::name}, true, false});
  program.entities.push_back(std::move(america));
  program.entities.push_back(std::move(bank));
  Expression entity;
  entity.op = Op::entity;
  entity.target = 0;
  Expression weak = entity;
  weak.target = 1;
  Expression type;
  type.op = Op::type;
  type.text = "country";
  article.body = "Bank of America cut jobs across America.";
  EXPECT_EQ(of(entity), "America");
  EXPECT_EQ(result.matches[0].hits[0].start, 32u);
  EXPECT_EQ(result.matches[0].entities, std::vector<std::string>{"A"});
  EXPECT_EQ(of(type), "America");
  article.body = "The Bank cut jobs. The bank did.";
  EXPECT_EQ(of(weak), "-");
  article.body += " Bank of America.";
  EXPECT_EQ(of(weak), "Bank Bank of America");
}

TEST_F(RuleSetTest, RegexInZones) {
  Expression regex;
  regex.op = Op::regex;
  regex.text = "(?i)\\bcve-\\d+";
  article.title = "CVE-1";
  article.body = "é cve-22 and cve-333";
  EXPECT_EQ(of(regex), "t:CVE-1 cve-22 cve-333");
  EXPECT_EQ(result.matches[0].hits[1].start, 2u);
  EXPECT_EQ(of(op(Op::first, {regex}, 2)), "-");
  EXPECT_EQ(of(op(Op::first, {regex}, 3)), "cve-22");
}

TEST_F(RuleSetTest, RegexFilterKnowsLettersThatFoldToAscii) {
  Expression regex;
  regex.op = Op::regex;
  regex.text = "(?i)kyivstar";
  article.body = "One KYIVSTAR.";
  EXPECT_EQ(of(regex), "KYIVSTAR");
  article.body = "One \u212AYIVSTAR.";
  EXPECT_EQ(of(regex), "\u212AYIVSTAR");
  article.body = "One KYIV STAR.";
  EXPECT_EQ(of(regex), "-");
  regex.text = "(?i)путин|alpha";
  article.body = "ПУТИН";
  EXPECT_EQ(of(regex), "ПУТИН");
  EXPECT_EQ(of(op(Op::all, {regex, op(Op::none, {term("beta")})})), "ПУТИН");
}

TEST_F(RuleSetTest, AnyBytesAreHarmless) {
  std::mt19937 random(11);
  auto t = [](const char* text) { return term(text, MatchMode::exact); };
  Expression regex;
  regex.op = Op::regex;
  regex.text = "a+";
  add_rule(program, "a", op(Op::any, {t("a"), t("b"), term("aab*"), t("#a"), t("a-b"), t("C++"), regex}));
  add_rule(program, "b", op(Op::near, {t("a"), op(Op::any, {t("b"), t("a b")})}, 3));
  add_rule(program, "c", op(Op::first, {op(Op::same_sentence, {t("a"), t("b")})}, 20));
  add_rule(program, "d", op(Op::lead, {regex}));
  auto set = compile(program);
  static const char* const pieces[] = {"a", "b", "A", " ", " ", "-", "'", "#", ".", ". ", "\n\n", "\n", "\xFF", "\xC3", "\xE2\x80", "\u00AD", "\u200D", "é",
                                       "e\u0301", "普", "+", "+", "&", "1", ",", "\u2019s", "\xF0\x9F\x9A\x80", "\xED\xA0\x80", "\0x", "İ"};
  for (int round = 0; round < 3000; ++round) {
    article.title.clear();
    article.body.clear();
    for (int i = random() % 60; i > 0; --i) (random() % 8 ? article.body : article.title) += pieces[random() % std::size(pieces)];
    article.boilerplate.clear();
    if (random() % 3 == 0) article.boilerplate = {static_cast<std::uint32_t>(random() % 3)};
    result = set->match(article, Time{}, scratch);
    for (const RuleMatch& match : result.matches) {
      for (const Hit& hit : match.hits) {
        ASSERT_LT(hit.start, hit.end);
        ASSERT_NE((hit.field == Field::title ? article.title : article.body).find(hit.text), std::string::npos);
      }
    }
  }
}

TEST_F(RuleSetTest, RevisionNamesTheContentNotTheOrder) {
  add_rule(program, "a", term("alpha"));
  add_rule(program, "b", term("beta"));
  std::string before(compile(program)->revision());
  std::swap(program.rules[0], program.rules[1]);
  EXPECT_EQ(compile(program)->revision(), before);
  program.rules[0].info.severity = Severity::high;
  EXPECT_NE(compile(program)->revision(), before);
}

// Alert state holds these hashes: another value for the same words would make every story new.
TEST_F(RuleSetTest, SentenceHashesAreTheSameForEver) {
  article.body = "New SANCTIONS, said the \u201CU.S.\u201D!";
  of(term("sanction"));
  std::vector<std::uint64_t> before = result.matches.at(0).sentences;
  EXPECT_EQ(before, std::vector<std::uint64_t>{10474536379197075376u});
  article.body = "Other words stand here. New sanctions \u2014 said the US.";
  of(term("sanction"));
  EXPECT_EQ(result.matches.at(0).sentences, before);
}

TEST_F(RuleSetTest, HugeArticlesLeaveTheNextOnesAlone) {
  add_rule(program, "r", op(Op::near, {term("alpha"), term("beta")}, 5));
  auto set = compile(program);
  for (int i = 0; i < 200000; ++i) article.body += "alpha ";
  EXPECT_TRUE(set->match(article, Time{}, scratch).matches.empty());
  article.body = "alpha beta";
  EXPECT_EQ(set->match(article, Time{}, scratch).matches.size(), 1u);
}

TEST_F(RuleSetTest, ThreadsShareOneSet) {
  Expression regex;
  regex.op = Op::regex;
  regex.text = "gam+a";
  add_rule(program, "a", op(Op::near, {term("alpha"), op(Op::any, {term("beta"), term("gam*")})}, 3));
  add_rule(program, "b", op(Op::all, {regex, term("alpha")}));
  auto set = compile(program);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Scratch own;
      Article mine;
      for (int i = 0; i < 500; ++i) {
        bool both = (i + t) % 2;
        mine.body = both ? "An alpha and a gamma stand here." : "An alpha, nothing else.";
        wrong += set->match(mine, Time{}, own).matches.size() != (both ? 2u : 0u);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(RuleSetTest, OneScratchServesManySets) {
  article.body = "alpha beta";
  EXPECT_EQ(of(term("alpha")), "alpha");
  EXPECT_EQ(of(op(Op::all, {term("alpha"), term("beta")})), "alpha beta");
  EXPECT_EQ(of(term("gamma")), "-");
}

TEST_F(RuleSetTest, HugeRepetitiveTextsAreBounded) {
  for (int i = 0; i < 300000; ++i) article.body += "the ";
  std::vector<Expression> many;
  for (int i = 0; i < 10000; ++i) many.push_back(term("word" + std::to_string(i)));
  many.push_back(term("the"));
  many.push_back(term("the the"));
  of(op(Op::any, many));
  EXPECT_EQ(result.matches.at(0).hits.size(), most_reported_hits);
  auto the = [] { return term("the"); };
  of(op(Op::near, {op(Op::near, {the(), the()}, 1000), op(Op::before, {the(), the(), the()}, 1000)}, 1000));
  EXPECT_EQ(result.matches.size(), 1u);
  EXPECT_EQ(of(op(Op::times, {the()}, 300001)), "-");
}

}  // namespace
}  // namespace newswatch::engine
