// The matcher against the oracle: random programs over random articles made of few words, so that everything meets.

#include <gtest/gtest.h>

#include <zlib.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "rules/engine/compiler.h"
#include "rules/engine/naive.h"
#include "rules/engine/text.h"
#include "tests/unit/rules/engine/program_builder.h"

namespace newswatch::engine {
namespace {

using syntax::CaseMode;
using syntax::Expression;
using syntax::MatchMode;
using syntax::Op;
using syntax::Program;

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}
  Generator(unsigned seed, std::vector<std::string> vocabulary) : random_(seed), vocabulary_(std::move(vocabulary)) {}

  bool one_in(std::uint32_t n) { return random_() % n == 0; }
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  template <typename T>
  const T& pick(const std::vector<T>& from) {
    return from[below(static_cast<std::uint32_t>(from.size()))];
  }

  Article article() {
    Article article;
    article.title = words(below(7));
    const std::uint32_t paragraphs = below(5);
    for (std::uint32_t i = 0; i < paragraphs; ++i) {
      if (i > 0) article.body += "\n\n";
      article.body += one_in(6) ? "***" : words(1 + below(14));
      if (one_in(5)) article.boilerplate.push_back(i);
    }
    article.language = pick<std::string>({"en", "en-GB", "", "sw", "und", "ru"});
    article.source = pick<std::string>({"", "example.com", "news.example.com", "example.org"});
    article.url = pick<std::string>({"", "https://www.example.com/live", "http://example.org:80/x"});
    if (one_in(2)) article.authors = {"Anna Čern", "B"};
    if (one_in(2)) article.published = Time(std::chrono::hours(below(100)));
    return article;
  }

  Program program() {
    Program program;
    for (std::uint32_t i = 0; i < 2; ++i) {
      syntax::List list;
      list.id = "list" + std::to_string(i);
      for (std::uint32_t k = 0; k <= below(3); ++k) list.items.push_back(term());
      if (i == 1 && one_in(2)) list.items.push_back(reference(Op::list, "list0", 0));
      program.lists.push_back(std::move(list));
    }
    program.watchlists.push_back({"sdn", {}});
    for (std::uint32_t i = 0; i < 3; ++i) {
      syntax::Entity entity;
      entity.id = "e" + std::to_string(i);
      entity.type = pick<std::string>({"person", "Person", "company", ""});
      if (one_in(2)) entity.watchlist = 0;
      for (std::uint32_t k = 0; k <= below(3); ++k) entity.names.push_back(name());
      if (one_in(3)) entity.context = std::make_unique<Expression>(expression(2, {}, false));
      program.entities.push_back(std::move(entity));
    }
    for (std::uint32_t i = 0; i < 4; ++i) {
      syntax::Rule rule;
      rule.info.key = rule.info.id = rule.info.title = "r" + std::to_string(i);
      rule.condition = expression(3, i == 0 ? std::vector<std::uint32_t>{} : std::vector<std::uint32_t>{i - 1}, true);
      while (syntax::true_of_nothing(rule.condition)) rule.condition = expression(3, {}, true);
      rule.count_boilerplate = one_in(4);
      if (one_in(8)) rule.info.status = RuleStatus::disabled;
      if (one_in(6)) rule.where.languages.include = {"en"};
      if (one_in(6)) rule.where.sources.exclude = {"Example.com"};
      if (one_in(8)) rule.where.min_words = below(10);
      if (one_in(8)) rule.where.max_age = std::chrono::hours(below(100));
      if (one_in(10)) rule.where.authors.include = {"ANNA ČERN"};
      program.rules.push_back(std::move(rule));
    }
    return program;
  }

 private:
  std::mt19937 random_;
  std::vector<std::string> vocabulary_ = {"NATO",
                                          "nato",
                                          "US",
                                          "us",
                                          "U.S.",
                                          "Us",
                                          "sanction",
                                          "sanctions",
                                          "Sanctioned",
                                          "cyber-attack",
                                          "cyberattack",
                                          "attacks",
                                          "cyber",
                                          "#Kyiv",
                                          "Kyiv",
                                          "Kyiv's",
                                          "New",
                                          "York",
                                          "New-York",
                                          "Man",
                                          "MEN",
                                          "men",
                                          "Путин",
                                          "путин's",
                                          "俄罗",
                                          "俄",
                                          "F-16",
                                          "F16s",
                                          "WHO",
                                          "who",
                                          "CEOs",
                                          "CEO",
                                          "state-of-the-art",
                                          "stateoftheart",
                                          "R&D",
                                          "C++",
                                          "Erdoğan",
                                          "the",
                                          "the",
                                          "of"};

  std::string words(std::uint32_t count) {
    std::string out;
    const bool capitals = one_in(6);
    for (std::uint32_t i = 0; i < count; ++i) {
      std::string word = pick(vocabulary_);
      if (capitals) {
        for (char& c : word) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
      }
      if (i > 0) out += one_in(5) ? ". " : one_in(6) ? "-" : one_in(8) ? "," : " ";
      out += word;
    }
    return out;
  }

  Expression term() {
    std::string text = words(one_in(3) ? 1 + below(3) : 1);
    const auto letters = pick<CaseMode>({CaseMode::automatic, CaseMode::automatic, CaseMode::any, CaseMode::exact});
    const auto match = pick<MatchMode>({MatchMode::inflected, MatchMode::inflected, MatchMode::exact});
    Expression e = build::term(text, match, letters);
    const char last = text.back();
    const bool tagged = text.find('#') != std::string::npos;
    if (one_in(5) && !tagged && ((last >= 'a' && last <= 'z') || (last >= 'A' && last <= 'Z')) && text.size() > 2) {
      e.text = text + "*";
      e.how.match = MatchMode::prefix;
    }
    return e;
  }

  syntax::Name name() {
    syntax::Name name;
    name.text = words(1 + below(3));
    name.weak = one_in(3);
    if (one_in(5)) {
      name.text = words(1) + ", " + words(1 + below(2));
      name.comma = std::count(name.text.begin(), name.text.end(), ',') == 1;
    }
    if (one_in(6)) name.how.letters = CaseMode::any;
    if (one_in(8)) name.how = {MatchMode::inflected, MatchMode::inflected, CaseMode::name};
    return name;
  }

  static Expression reference(Op op, std::string text, std::uint32_t target) {
    Expression e;
    e.op = op;
    e.text = std::move(text);
    e.target = target;
    return e;
  }

  Expression mention() {
    switch (below(3)) {
      case 0: {
        const std::uint32_t i = below(3);
        return reference(Op::entity, "e" + std::to_string(i), i);
      }
      case 1:
        return reference(Op::type, "PERSON", syntax::no_target);
      default: {
        Expression e = reference(Op::watchlist, "sdn", 0);
        if (one_in(2)) e.type = "person";
        return e;
      }
    }
  }

  Expression positional(int depth, bool entities) {
    if (depth == 0 || one_in(3)) {
      if (entities && one_in(4)) return mention();
      if (one_in(5)) {
        const std::uint32_t i = below(2);
        return reference(Op::list, "list" + std::to_string(i), i);
      }
      return term();
    }
    const auto op = pick<Op>({Op::any, Op::near, Op::before, Op::not_near, Op::outside, Op::near});
    std::vector<Expression> operands;
    const std::uint32_t count = op == Op::not_near || op == Op::outside ? 2 : 2 + below(2);
    for (std::uint32_t i = 0; i < count; ++i) operands.push_back(positional(depth - 1, entities));
    return build::op(op, std::move(operands), below(6));
  }

  Expression expression(int depth, const std::vector<std::uint32_t>& rules, bool entities) {
    if (depth == 0 || one_in(5)) return positional(1, entities);
    const auto op = pick<Op>({Op::any, Op::all, Op::all, Op::at_least, Op::times, Op::same_sentence, Op::same_paragraph,
                              Op::headline, Op::lead, Op::body, Op::first, Op::rule, Op::regex, Op::term});
    std::vector<Expression> operands;
    switch (op) {
      case Op::times:
        return build::op(op, {positional(depth - 1, entities)}, 1 + below(3));
      case Op::same_sentence:
      case Op::same_paragraph:
        for (std::uint32_t i = 0; i < 2 + below(2); ++i) operands.push_back(positional(depth - 1, entities));
        return build::op(op, std::move(operands));
      case Op::headline:
      case Op::lead:
      case Op::body:
      case Op::first:
        return build::op(op, {expression(depth - 1, rules, entities)}, 1 + below(20));
      case Op::rule:
        if (rules.empty()) return term();
        return reference(Op::rule, "r" + std::to_string(rules[0]), rules[0]);
      case Op::regex: {
        Expression e;
        e.op = op;
        e.text = pick<std::string>({"(?i)nato", "sanction|sanctions", "York$", "^[A-Z]", "live", "俄."});
        e.field =
            pick<syntax::RegexField>({syntax::RegexField::text, syntax::RegexField::title, syntax::RegexField::body,
                                      syntax::RegexField::url, syntax::RegexField::author});
        return e;
      }
      case Op::term:
        return positional(depth, entities);
      default:
        break;
    }
    const std::uint32_t count = 2 + below(2);
    for (std::uint32_t i = 0; i < count; ++i) operands.push_back(expression(depth - 1, rules, entities));
    if (op == Op::all && one_in(2)) operands.push_back(build::op(Op::none, {expression(depth - 1, rules, entities)}));
    return build::op(op, std::move(operands), 1 + below(count));
  }
};

std::string show(const std::vector<Hit>& hits) {
  std::string out;
  for (const Hit& hit : hits) {
    out += (hit.field == Field::title ? " title " : " body ") + std::to_string(hit.start) + "-" +
           std::to_string(hit.end) + " '" + hit.text + "' by '" + hit.term + "' " + hit.entity;
  }
  return out;
}

std::string show(const Program& program, std::size_t rule) {
  std::string out =
      syntax::print(program.rules[rule].condition) + (program.rules[rule].count_boilerplate ? " (counts)\n" : "\n");
  for (const auto& each : program.rules) out += "rule " + each.info.id + ": " + syntax::print(each.condition) + "\n";
  for (const auto& list : program.lists) {
    out += list.id + ":";
    for (const auto& item : list.items) out += " " + syntax::print(item) + ",";
    out += "\n";
  }
  for (const auto& entity : program.entities) {
    out += entity.id + " " + entity.type + (entity.watchlist == 0 ? " sdn:" : ":");
    for (const auto& name : entity.names) out += " '" + name.text + (name.weak ? "' weak," : "',");
    if (entity.context) out += " context " + syntax::print(*entity.context);
    out += "\n";
  }
  return out;
}

/// Both on one article; how many rules are true. A difference is a fatal failure.
void compare_into(const std::string& what, const Program& program, const RuleSet& rules, NaiveOracle& oracle,
                  const Article& article, Scratch& scratch, int& truths) {
  const Time now(std::chrono::hours(100));
  const auto expected = oracle.match(article, now);
  const auto actual = rules.match(article, now, scratch);
  std::vector<const RuleMatch*> by_rule(program.rules.size());
  for (const RuleMatch& match : actual.matches) by_rule[match.rule] = &match;
  std::uint32_t only_boilerplate = 0;
  for (std::size_t r = 0; r < program.rules.size(); ++r) {
    only_boilerplate += expected[r].only_with_boilerplate;
    truths += expected[r].is_true;
    const bool same =
        expected[r].is_true == (by_rule[r] != nullptr) && (!by_rule[r] || by_rule[r]->hits == expected[r].hits);
    ASSERT_TRUE(same) << what << " rule " << r << "\n"
                      << show(program, r) << "title: " << article.title << "\nbody: " << article.body
                      << "\nlanguage: " << article.language
                      << " boilerplate: " << ::testing::PrintToString(article.boilerplate)
                      << "\noracle:  " << expected[r].is_true << show(expected[r].hits)
                      << "\nmatcher: " << (by_rule[r] != nullptr) << (by_rule[r] ? show(by_rule[r]->hits) : "");
  }
  ASSERT_EQ(actual.only_boilerplate, only_boilerplate)
      << what << "\n"
      << show(program, 0) << "title: " << article.title << "\nbody: " << article.body
      << ::testing::PrintToString(article.boilerplate);
}

int compare(const std::string& what, const Program& program, const RuleSet& rules, NaiveOracle& oracle,
            const Article& article, Scratch& scratch) {
  int truths = 0;
  compare_into(what, program, rules, oracle, article, scratch, truths);
  return truths;
}

TEST(RandomPrograms, MatcherAndOracleAgreeOnArticlesOfFewWords) {
  const char* given = std::getenv("NEWSWATCH_SEED");
  const unsigned first = given ? static_cast<unsigned>(std::stoul(given)) : std::random_device{}();
  const char* rounds = std::getenv("NEWSWATCH_ROUNDS");
  const unsigned count = rounds ? static_cast<unsigned>(std::stoul(rounds)) : 400;
  Scratch scratch;
  int truths = 0;
  for (unsigned seed = first; seed < first + count; ++seed) {
    Generator generator(seed);
    const Program program = generator.program();
    const auto rules = compile(program);
    NaiveOracle oracle(program);
    for (int i = 0; i < 20; ++i) {
      const Article article = generator.article();
      truths += compare("NEWSWATCH_SEED=" + std::to_string(seed), program, *rules, oracle, article, scratch);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
  EXPECT_GT(truths, static_cast<int>(count)) << "the articles and programs hardly meet";
}

/// Real articles of the shared data, `step` apart; empty without it.
std::vector<Article> real_articles(const char* name, int step) {
  const char* shared = std::getenv("NEWSWATCH_SHARED");
  const auto directory =
      shared ? std::filesystem::path(shared) : std::filesystem::path(NEWSWATCH_SOURCE_DIR) / ".." / "shared";
  std::vector<Article> out;
  gzFile in = gzopen((directory / "data" / name).c_str(), "rb");
  if (!in) return out;
  std::string line;
  std::vector<char> buffer(1 << 16);
  for (int number = 0; gzgets(in, buffer.data(), static_cast<int>(buffer.size()));) {
    line += buffer.data();
    if (!line.ends_with('\n')) continue;
    if (number++ % step == 0) {
      const auto object = boost::json::parse(line).as_object();
      Article& article = out.emplace_back();
      article.title = object.at("title").as_string();
      article.body = object.at("body").as_string();
      article.language = object.at("lang").as_string();
    }
    line.clear();
  }
  gzclose(in);
  return out;
}

/// Words as they stand in the texts, with their punctuation, that may be terms.
std::vector<std::string> vocabulary_of(const std::vector<Article>& articles) {
  std::vector<std::string> out;
  PreparedText text;
  for (const Article& article : articles) {
    std::istringstream words(article.title + " " + article.body);
    for (std::string word; words >> word;) {
      if (word.find_first_of("*?") != std::string::npos || word.size() > 60) continue;
      text.prepare_paragraph(word);
      if (!text.words().empty()) out.push_back(word);
    }
  }
  return out;
}

TEST(RandomPrograms, MatcherAndOracleAgreeOnRealArticlesInAllLanguages) {
  std::vector<Article> articles = real_articles("news-en.jsonl.gz", 400);
  for (Article& article : real_articles("news-multilingual.jsonl.gz", 50)) articles.push_back(std::move(article));
  if (articles.empty()) GTEST_SKIP() << "no shared data (set NEWSWATCH_SHARED)";
  const unsigned first = std::random_device{}();
  Scratch scratch;
  int truths = 0;
  for (unsigned seed = first; seed < first + 20; ++seed) {
    std::vector<Article> few;
    Generator chooser(seed);
    for (int i = 0; i < 4; ++i) few.push_back(chooser.pick(articles));
    Generator generator(seed, vocabulary_of(few));
    const Program program = generator.program();
    const auto rules = compile(program);
    NaiveOracle oracle(program);
    for (const Article& article : few) {
      truths += compare("seed " + std::to_string(seed), program, *rules, oracle, article, scratch);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
  EXPECT_GT(truths, 10);
}

}  // namespace
}  // namespace newswatch::engine
