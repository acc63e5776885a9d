#include "rules/engine/query.h"

#include <gtest/gtest.h>

#include <random>

namespace newswatch::engine::syntax {
namespace {

struct Parsed {
  Expression expression;
  std::string errors;
};

Parsed parse(std::string_view text) {
  yaml::Diagnostics diagnostics;
  const PlaceOf place_of = [](std::size_t at) { return Place{"q", 1, static_cast<std::uint32_t>(at + 1)}; };
  Parsed out{parse_query(text, {}, place_of, diagnostics), {}};
  for (const auto& one : diagnostics.sorted()) out.errors += one.code + " " + std::to_string(one.place.column) + "; ";
  return out;
}

std::string normal_form(std::string_view text) {
  const auto parsed = parse(text);
  return parsed.errors.empty() ? print(parsed.expression) : parsed.errors;
}

TEST(Query, HasOneNormalForm) {
  EXPECT_EQ(normal_form("sanction"), "sanction");
  EXPECT_EQ(normal_form(" ( (sanction) ) "), "sanction");
  EXPECT_EQ(normal_form("a1 OR b1 or c1"), "a1 or b1 or c1");
  EXPECT_EQ(normal_form("(a1 or b1) AND NOT (c1 or d1)"), "(a1 or b1) and not (c1 or d1)");
  EXPECT_EQ(normal_form("x1 near y1 near/5 z1"), "x1 near/5 y1 near/5 z1");
  EXPECT_EQ(normal_form("x1 not_near/2 y1 not_near/2 z1"), "(x1 not_near/2 y1) not_near/2 z1");
  EXPECT_EQ(normal_form("2 of (a1, b1 and c1, \"d e\")"), "2 of (a1, b1 and c1, \"d e\")");
  EXPECT_EQ(normal_form("headline:sanction and FIRST/100:(a1 or b1)"), "headline:sanction and first/100:(a1 or b1)");
  EXPECT_EQ(normal_form("times/3:drone"), "times/3:drone");
  EXPECT_EQ(normal_form("=\"Exact Words\" or ==Apple or export*"), "=\"Exact Words\" or ==Apple or export*");
  EXPECT_EQ(normal_form("entity:Q2:x/1 or entity:\"Q2\" or type:person or watchlist:sdn or rule:r-1"),
            "entity:\"Q2:x/1\" or entity:Q2 or type:person or watchlist:sdn or rule:r-1");
  EXPECT_EQ(normal_form("\xE2\x80\x9CNATO accession\xE2\x80\x9D or @list or \"@nato\""), "\"NATO accession\" or @list or \"@nato\"");
  EXPECT_EQ(normal_form("\"say \\\"no\\\"\""), "\"say \\\"no\\\"\"");
  EXPECT_EQ(normal_form("not not a1 and b1"), "not (not a1) and b1");
  EXPECT_EQ(normal_form("a1 same_sentence b1 same_sentence c1"), "a1 same_sentence b1 same_sentence c1");
  EXPECT_EQ(normal_form("tank and \"And\" or"), "query-syntax 18; ");
  EXPECT_EQ(normal_form("2025 or 2 of (a1, 7)"), "\"2025\" or 2 of (a1, \"7\")");
}

TEST(Query, TellsWhereSomethingIsWrong) {
  EXPECT_EQ(parse("").errors, "query-syntax 1; ");
  EXPECT_EQ(parse("a1 or ").errors, "query-syntax 6; ") << "one past the end, white space aside";
  EXPECT_EQ(parse("(a1 or b1").errors, "query-syntax 10; ");
  EXPECT_EQ(parse("a1 or b1)").errors, "query-syntax 9; ");
  EXPECT_EQ(parse("\"a b").errors, "query-syntax 5; ");
  EXPECT_EQ(parse("or a1").errors, "query-syntax 1; ");
  EXPECT_EQ(parse("a1, b1").errors, "query-syntax 3; ");
  EXPECT_EQ(parse("at 10:30").errors, "query-syntax 4; ");
  EXPECT_EQ(parse("a1 b1 c1 or d1 e1").errors, "missing-operator 4; missing-operator 16; ") << "once a row of words";
  EXPECT_EQ(parse("a1 and b1 or c1 and d1").errors, "mixed-and-or 11; ");
  EXPECT_EQ(parse("a1 near/3 b1 before/3 c1").errors, "mixed-operators 14; ");
  EXPECT_EQ(parse("a1 near/1001 b1").errors, "bad-value 4; ");
  EXPECT_EQ(parse("a1 near/x b1").errors, "query-syntax 4; ");
  EXPECT_EQ(parse("a1 near not b1").errors, "misplaced-not 9; ");
  EXPECT_EQ(parse("headline:(not a1)").errors, "misplaced-not 10; ");
  EXPECT_EQ(parse("3 of (a1, b1)").errors, "bad-value 1; ");
  EXPECT_EQ(parse("0 of (a1, b1)").errors, "bad-value 1; ");
  EXPECT_EQ(parse("times/0:a1").errors, "bad-value 1; ");
  EXPECT_EQ(parse("times/2:(a1 and b1)").errors, "not-positional 9; ");
  EXPECT_EQ(parse("a1 near (b1 and c1)").errors, "not-positional 9; ");
  EXPECT_EQ(parse("entity: and a1").errors, "query-syntax 8; ");
  EXPECT_EQ(parse(std::string(70000, 'a')).errors, "too-long 1; ");
  EXPECT_EQ(parse(std::string(5000, '(') + "a1").errors, "too-deep 64; ");
  std::string chain = "a1";
  for (int i = 0; i < 1000; ++i) chain += " outside b1";
  EXPECT_EQ(parse(chain).errors, "too-deep 1; ");
}

TEST(Query, MixedAndOrPrintsBothReadings) {
  yaml::Diagnostics diagnostics;
  parse_query("Kyiv and Moscow or Minsk", {}, [](std::size_t) { return Place{"q", 1, 1}; }, diagnostics);
  EXPECT_EQ(diagnostics.sorted()[0].message,
            "`and` and `or` side by side: is it `(Kyiv and Moscow) or Minsk`, or `Kyiv and (Moscow or Minsk)`?");
}

TEST(Query, ExactnessIsWrittenWithEqualSigns) {
  const auto one = parse("=word"), two = parse("==word"), prefix = parse("=\"a wor*\"");
  EXPECT_EQ(one.expression.how, (Setting{MatchMode::exact, MatchMode::exact, CaseMode::automatic}));
  EXPECT_EQ(two.expression.how, (Setting{MatchMode::exact, MatchMode::exact, CaseMode::exact}));
  EXPECT_EQ(prefix.expression.how, (Setting{MatchMode::prefix, MatchMode::exact, CaseMode::automatic}));
  EXPECT_EQ(prefix.expression.text, "a wor*");
}

// Whatever bytes come, an answer comes; and what is read prints as something that reads the same.
TEST(Query, SurvivesAnyTokens) {
  const std::vector<std::string> pieces{"a1", " ", " or ", " and ", " not ", "(", ")", " near/3 ", " before ", "\"", "\"x y\"", ",",
                                        "2 of (", "headline:", "times/2:", "first/9:", "entity:Q1", "@l", "=", "*", ":", "\\", "\xE2\x80\x9C",
                                        " outside ", " same_sentence ", " not_near ", "普", "\xFF", "near/99999", "and"};
  std::mt19937 random(20261124);
  int good = 0;
  for (int i = 0; i < 40000; ++i) {
    std::string text;
    for (unsigned n = random() % 12 + 1; n > 0; --n) text += pieces[random() % pieces.size()];
    const auto parsed = parse(text);
    if (!parsed.errors.empty()) continue;
    ++good;
    const std::string printed = print(parsed.expression);
    if (!has_query_form(normal(parsed.expression))) continue;
    const auto again = parse(printed);
    ASSERT_EQ(again.errors, "") << text << " printed as " << printed;
    ASSERT_TRUE(same(normal(again.expression), normal(parsed.expression))) << text << " printed as " << printed;
    ASSERT_EQ(print(again.expression), printed);
  }
  EXPECT_GT(good, 500);
}

}  // namespace
}  // namespace newswatch::engine::syntax
