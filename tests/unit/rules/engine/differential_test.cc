// The engine against the oracle: random rules, and texts made so that they often hit. Both must agree on every rule, every
// hit and the count of rules that only boilerplate makes true. A case that fails is cut down before it is shown.
//
// NEWSWATCH_DIFFERENTIAL_CASES and NEWSWATCH_DIFFERENTIAL_SEED change how many and which.

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/unit/rules/engine/program_builder.h"
#include "rules/engine/compiler.h"
#include "rules/engine/naive.h"

namespace newswatch::engine {
namespace {

using namespace build;

struct Case {
  Program program;
  Article article;
};

Program copy(const Program& from) {
  Program to;
  to.lists = from.lists;
  to.watchlists = from.watchlists;
  to.rules = from.rules;
  for (const auto& entity : from.entities) {
    syntax::Entity made;
    made.id = entity.id;
    made.type = entity.type;
    made.names = entity.names;
    if (entity.context) made.context = std::make_unique<Expression>(*entity.context);
    made.watchlist = entity.watchlist;
    to.entities.push_back(std::move(made));
  }
  return to;
}

std::string shown(const std::vector<Hit>& hits) {
  std::string out;
  for (const Hit& hit : hits)
    out += "\n      " + std::string(hit.field == Field::title ? "title " : "body ") + std::to_string(hit.start) + "-" + std::to_string(hit.end) +
           " [" + hit.text + "] by [" + hit.term + "]" + (hit.entity.empty() ? "" : " of " + hit.entity);
  return out;
}

// What is different, or nothing.
std::string difference(const Case& c) {
  auto set = compile(c.program);
  Scratch scratch;
  Time now{};
  auto result = set->match(c.article, now, scratch);
  NaiveOracle oracle(c.program);
  auto verdicts = oracle.match(c.article, now);
  std::ostringstream out;
  std::uint32_t only_boilerplate = 0;
  for (std::uint32_t r = 0; r < verdicts.size(); ++r) {
    only_boilerplate += verdicts[r].only_with_boilerplate;
    auto it = std::find_if(result.matches.begin(), result.matches.end(), [&](const RuleMatch& m) { return m.rule == r; });
    bool engine = it != result.matches.end();
    if (engine != verdicts[r].is_true) {
      out << "  rule " << r << ": engine " << engine << ", oracle " << verdicts[r].is_true << "\n";
    } else if (engine && it->hits != verdicts[r].hits) {
      out << "  rule " << r << ": engine" << shown(it->hits) << "\n    oracle" << shown(verdicts[r].hits) << "\n";
    }
  }
  if (only_boilerplate != result.only_boilerplate)
    out << "  only with boilerplate: engine " << result.only_boilerplate << ", oracle " << only_boilerplate << "\n";
  return out.str();
}

std::string describe(const Case& c) {
  std::ostringstream out;
  out << "title: " << c.article.title << "\nbody: " << c.article.body << "\nlanguage: " << c.article.language << "\nboilerplate:";
  for (auto p : c.article.boilerplate) out << ' ' << p;
  for (std::size_t i = 0; i < c.program.lists.size(); ++i) {
    out << "\nlist " << c.program.lists[i].id << ":";
    for (const auto& item : c.program.lists[i].items) out << "  " << syntax::print(item);
  }
  for (const auto& entity : c.program.entities) {
    out << "\nentity " << entity.id << " type [" << entity.type << "]:";
    for (const auto& name : entity.names) out << " [" << name.text << (name.weak ? "] weak" : "]") << (name.comma ? " comma" : "");
    if (entity.context) out << " context " << syntax::print(*entity.context);
  }
  for (const auto& rule : c.program.rules) {
    out << "\nrule " << rule.info.id << (rule.count_boilerplate ? " (count)" : "") << (rule.info.status == RuleStatus::disabled ? " (disabled)" : "")
        << (rule.where.min_words ? " min_words " + std::to_string(*rule.where.min_words) : "") << ": " << syntax::print(rule.condition);
  }
  return out.str();
}

// --- making cases --------------------------------------------------------------------------------------------------

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}

  Case make() {
    Case c;
    program_ = &c.program;
    pool_.clear();
    for (int i = 0, n = 4 + below(8); i < n; ++i) pool_.push_back(below(word_count()));
    article(c.article);
    for (int i = 0, n = below(3); i < n; ++i) {
      syntax::List list;
      list.id = "list" + std::to_string(i);
      for (int k = 0, items = 1 + below(one_in(4) ? 30 : 4); k < items; ++k) list.items.push_back(i > 0 && one_in(4) ? reference(Op::list, "list0", 0) : term());
      c.program.lists.push_back(std::move(list));
    }
    if (one_in(2)) entities(c.program);
    for (int i = 0, n = 1 + below(4); i < n; ++i) {
      add_rule(c.program, "r" + std::to_string(i), positive(1 + below(4)));
      auto& rule = c.program.rules.back();
      rule.count_boilerplate = one_in(6);
      if (one_in(10)) rule.where.min_words = static_cast<std::uint32_t>(below(30));
      if (one_in(10)) rule.info.status = RuleStatus::disabled;
    }
    return c;
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool one_in(int n) { return below(n) == 0; }

  static int word_count() { return static_cast<int>(std::size(words())); }
  static std::span<const char* const> words() {
    static const char* const all[] = {
        "alpha", "beta", "gamma", "Kyiv", "kyiv", "US", "us", "U.S.", "WHO", "who", "sanction", "sanctions", "Sanctioned", "cyber", "attack", "cyberattack",
        "cyber-attack", "state", "owned", "stateowned", "state-owned", "man", "men", "city", "cities", "F-16", "f16", "C++", "1,000", "the", "New", "York",
        "york", "#Kyiv", "@nato", "NATO", "Nato", "Straße", "strasse", "Erdoğan", "plan", "planned", "export", "exporters", "e.g.", "\u017Fanction", "R&D", "Putin's", "Путин",
        "O'Brien", "obrien", "普京", "访问", "state-of-the-art", "art", "G7", "g7s", "CEOs", "CEO", "USS"};
    return all;
  }
  const char* word() { return words()[static_cast<std::size_t>(one_in(6) ? below(word_count()) : pool_[static_cast<std::size_t>(below(static_cast<int>(pool_.size())))])]; }

  void text(std::string& out, int count) {
    static const char* const gaps[] = {" ", " ", " ", " ", " ", ", ", ". ", ". The ", "! ", "-", "\n", " — ", "'s ", ".", " \"", " ("};
    bool shout = one_in(12);
    std::string part;
    for (int i = 0; i < count; ++i) {
      if (i) part += gaps[below(static_cast<int>(std::size(gaps)))];
      part += word();
    }
    if (shout) std::transform(part.begin(), part.end(), part.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    out += part;
  }

  void article(Article& a) {
    static const char* const languages[] = {"en", "en-GB", "", "und", "de", "xx"};
    a.language = languages[below(6)];
    if (!one_in(4)) text(a.title, 1 + below(6));
    int paragraphs = 1 + below(4);
    for (int p = 0; p < paragraphs; ++p) {
      if (p) a.body += "\n\n";
      text(a.body, 1 + below(12));
      if (one_in(5)) a.boilerplate.push_back(static_cast<std::uint32_t>(p));
    }
    a.url = "https://news.example.com/alpha-cve-12";
    a.authors = {"Ann Alpha", "Bo Beta"};
  }

  Expression term() {
    std::string out = word();
    bool tagged = out[0] == '#' || out[0] == '@';
    if (!tagged)
      for (int more = below(10) < 3 ? 1 + below(2) : 0; more > 0; --more) out += std::string(" ") + word();
    MatchMode match = below(10) < 7 ? MatchMode::inflected : MatchMode::exact;
    CaseMode letters = below(10) < 7 ? CaseMode::automatic : one_in(2) ? CaseMode::any : CaseMode::exact;
    if (out.find_first_of("#@") == std::string::npos && one_in(8)) {
      static const char* const prefixes[] = {"exp*", "sanct*", "cyb*", "sta*", "att*", "alpha sta*", "普*", "WHO*", "state-own*", "Kyi*"};
      out = prefixes[below(10)];
    }
    if (out.find_first_of("#@") != std::string::npos && (out[0] != '#' && out[0] != '@')) out = "alpha";
    return term_of(out, match, letters);
  }
  static Expression term_of(const std::string& text, MatchMode match, CaseMode letters) { return build::term(text, match, letters); }

  static Expression reference(Op op, std::string text, std::uint32_t target) {
    Expression e;
    e.op = op;
    e.text = std::move(text);
    e.target = target;
    return e;
  }

  // Leaves that have positions.
  Expression leaf() {
    if (!program_->lists.empty() && one_in(6)) {
      auto i = static_cast<std::uint32_t>(below(static_cast<int>(program_->lists.size())));
      return reference(Op::list, program_->lists[i].id, i);
    }
    if (!program_->entities.empty() && !in_context_ && one_in(4)) {
      auto i = static_cast<std::uint32_t>(below(static_cast<int>(program_->entities.size())));
      switch (below(4)) {
        case 0: return reference(Op::type, one_in(2) ? "person" : "Place", syntax::no_target);
        case 1: {
          Expression e = reference(Op::watchlist, "w", 0);
          if (one_in(2)) e.type = "person";
          return e;
        }
        default: return reference(Op::entity, program_->entities[i].id, i);
      }
    }
    return term();
  }

  Expression positional(int depth) {
    if (depth == 0 || one_in(2)) return leaf();
    switch (below(5)) {
      case 0: return op(Op::any, several(depth, 1, 3, true));
      case 1: return op(Op::near, several(depth, 2, 4, true), gap());
      case 2: return op(Op::before, several(depth, 2, 3, true), gap());
      case 3: return op(Op::not_near, several(depth, 2, 2, true), gap());
      default: return op(Op::outside, several(depth, 2, 2, true));
    }
  }
  std::uint32_t gap() { return one_in(10) ? 1000 : static_cast<std::uint32_t>(below(5)); }

  std::vector<Expression> several(int depth, int least, int most, bool with_places) {
    std::vector<Expression> out;
    for (int n = least + below(most - least + 1); n > 0; --n) out.push_back(with_places ? positional(depth - 1) : positive(depth - 1));
    return out;
  }

  Expression positive(int depth) {
    if (depth == 0 || one_in(6)) return leaf();
    switch (below(15)) {
      case 0: case 1: return op(Op::any, several(depth, 1, 4, false));
      case 2: case 3: {
        auto operands = several(depth, 1, 3, false);
        if (one_in(2)) operands.push_back(op(Op::none, several(depth, 1, 2, false)));
        return op(Op::all, std::move(operands));
      }
      case 4: {
        auto operands = several(depth, 2, 4, false);
        auto n = static_cast<std::uint32_t>(1 + below(static_cast<int>(operands.size())));
        return op(Op::at_least, std::move(operands), n);
      }
      case 5: return op(Op::times, several(depth, 1, 1, true), static_cast<std::uint32_t>(1 + below(4)));
      case 6: return op(Op::same_sentence, several(depth, 2, 4, true));
      case 7: return op(Op::same_paragraph, several(depth, 2, 4, true));
      case 8: return op(Op::headline, several(depth, 1, 1, false));
      case 9: return op(Op::lead, several(depth, 1, 1, false));
      case 10: return op(Op::body, several(depth, 1, 1, false));
      case 11: return op(Op::first, several(depth, 1, 1, false), static_cast<std::uint32_t>(1 + below(20)));
      case 12:
        if (!program_->rules.empty() && !in_context_) {
          auto i = static_cast<std::uint32_t>(below(static_cast<int>(program_->rules.size())));
          return reference(Op::rule, program_->rules[i].info.id, i);
        }
        return leaf();
      case 13: {
        static const char* const regexes[] = {"(?i)kyiv", "\\b[A-Z]+\\b", "alpha$", "^the", "a*", "cve-\\d+", "Ann|Bo", "(alpha|alpha beta)", "(?i)Stra(ß|ss)e", "sanction(s|ed)?", "(?i)cyber.attack|New York"};
        Expression e;
        e.op = Op::regex;
        e.text = regexes[below(11)];
        e.field = static_cast<syntax::RegexField>(below(5));
        return e;
      }
      default: return positional(depth);
    }
  }

  void entities(Program& program) {
    program.watchlists.push_back({"w", {}});
    auto n = 1 + below(4);
    for (int i = 0; i < n; ++i) {
      syntax::Entity entity;
      entity.id = "e" + std::to_string(i);
      entity.type = one_in(3) ? "" : one_in(2) ? "Person" : "place";
      if (one_in(3)) entity.watchlist = 0;
      for (int k = 0, names = 1 + below(3); k < names; ++k) {
        syntax::Name name;
        name.text = word();
        for (int more = below(3); more > 0; --more) name.text += std::string(one_in(6) ? ", " : " ") + word();
        name.weak = k > 0 && one_in(2);
        name.comma = std::count(name.text.begin(), name.text.end(), ',') == 1 && name.text.find("1,000") == std::string::npos && entity.type != "place";
        if (one_in(6)) name.how = {MatchMode::inflected, MatchMode::inflected, CaseMode::name};
        if (one_in(8)) name.how.letters = one_in(2) ? CaseMode::any : CaseMode::exact;
        entity.names.push_back(std::move(name));
      }
      if (one_in(3)) {
        in_context_ = true;
        entity.context = std::make_unique<Expression>(positive(2));
        in_context_ = false;
      }
      program.entities.push_back(std::move(entity));
    }
  }

  std::mt19937_64 random_;
  const Program* program_ = nullptr;
  std::vector<int> pool_;
  bool in_context_ = false;
};

// --- cutting down --------------------------------------------------------------------------------------------------

// Tries to put something smaller in the place of an expression, anywhere in it.
bool cut(Expression& e, const std::function<bool()>& still_fails) {
  for (std::size_t i = 0; i < e.operands.size(); ++i) {
    Expression kept = e;
    Expression inner = e.operands[i];
    e = inner;
    if (still_fails()) return true;
    e = kept;
  }
  std::size_t least = e.op == Op::near || e.op == Op::before || e.op == Op::same_sentence || e.op == Op::same_paragraph || e.op == Op::not_near || e.op == Op::outside ? 2 : 1;
  for (std::size_t i = 0; i < e.operands.size() && e.operands.size() > least; ++i) {
    Expression kept = e;
    e.operands.erase(e.operands.begin() + static_cast<std::ptrdiff_t>(i));
    if (still_fails()) return true;
    e = kept;
  }
  for (Expression& operand : e.operands)
    if (cut(operand, still_fails)) return true;
  return false;
}

void shrink(Case& c) {
  auto fails = [&] { return !difference(c).empty(); };
  auto cut_text = [&](std::string& text) {
    for (std::size_t length : {std::size_t{40}, std::size_t{12}, std::size_t{5}, std::size_t{1}}) {
      for (std::size_t at = 0; at < text.size(); ++at) {
        if ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) continue;
        std::size_t end = std::min(text.size(), at + length);
        while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
        std::string kept = text;
        text.erase(at, end - at);
        if (fails()) return true;
        text = kept;
      }
    }
    return false;
  };
  for (int round = 0; round < 300; ++round) {
    bool smaller = false;
    for (auto& rule : c.program.rules) smaller = smaller || cut(rule.condition, fails);
    for (auto& list : c.program.lists) {
      for (std::size_t i = 0; i < list.items.size() && list.items.size() > 1 && !smaller; ++i) {
        auto kept = list.items;
        list.items.erase(list.items.begin() + static_cast<std::ptrdiff_t>(i));
        smaller = fails();
        if (!smaller) list.items = kept;
      }
    }
    for (auto& entity : c.program.entities) {
      for (std::size_t i = 0; i < entity.names.size() && entity.names.size() > 1 && !smaller; ++i) {
        auto kept = entity.names;
        entity.names.erase(entity.names.begin() + static_cast<std::ptrdiff_t>(i));
        smaller = fails();
        if (!smaller) entity.names = kept;
      }
      if (!smaller && entity.context) {
        auto kept = std::move(entity.context);
        smaller = fails();
        if (!smaller) entity.context = std::move(kept);
      }
    }
    if (!smaller) {
      Case kept{copy(c.program), c.article};
      c.program.rules.pop_back();
      smaller = !c.program.rules.empty() && fails();
      if (!smaller) c.program = copy(kept.program);
    }
    if (!smaller && !c.article.boilerplate.empty()) {
      auto kept = c.article.boilerplate;
      c.article.boilerplate.pop_back();
      smaller = fails();
      if (!smaller) c.article.boilerplate = kept;
    }
    smaller = smaller || cut_text(c.article.body) || cut_text(c.article.title);
    if (!smaller) return;
  }
}

TEST(Differential, EngineAndOracleAgree) {
  const char* cases = std::getenv("NEWSWATCH_DIFFERENTIAL_CASES");
  const char* given = std::getenv("NEWSWATCH_DIFFERENTIAL_SEED");
  std::uint64_t first = given ? std::strtoull(given, nullptr, 10) : 1;
  std::uint64_t count = cases ? std::strtoull(cases, nullptr, 10) : 4000;
  std::uint64_t true_rules = 0, rules = 0, failures = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Case c = Maker(seed).make();
    {
      Scratch scratch;
      true_rules += compile(c.program)->match(c.article, Time{}, scratch).matches.size();
      rules += c.program.rules.size();
    }
    if (difference(c).empty()) continue;
    shrink(c);
    ADD_FAILURE() << "seed " << seed << " (NEWSWATCH_DIFFERENTIAL_SEED=" << seed << " NEWSWATCH_DIFFERENTIAL_CASES=1)\n" << describe(c) << "\n" << difference(c);
    if (++failures == 5) break;
  }
  std::cout << "seeds " << first << "…" << first + count - 1 << ": " << true_rules << " of " << rules << " rules were true\n";
  // The texts must be such that agreement says something.
  if (count >= 1000) {
    EXPECT_GT(true_rules * 5, rules);
    EXPECT_LT(true_rules * 5, rules * 4);
  }
}

}  // namespace
}  // namespace newswatch::engine
