#include "rules/engine/inflection.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "rules/engine/text.h"

namespace newswatch::engine {
namespace {

std::set<std::string> forms(const std::string& word, bool automatic_case = true) {
  PreparedText text;
  text.prepare_paragraph(word);
  const Word& cut = text.words().front();
  const AuthorWord author{text.reduced(cut), text.cased(cut), automatic_case && is_initialism(text.cased(cut))};
  std::set<std::string> out;
  for (const WordForm& form : inflected_forms(Grammar::english, author)) out.insert(form.text);
  return out;
}
using Forms = std::set<std::string>;

TEST(EnglishInflection, BaseFormFindsNounAndVerbForms) {
  EXPECT_EQ(forms("sanction"), (Forms{"sanction", "sanctions", "sanctioned", "sanctioning"}));
  EXPECT_EQ(forms("deny"), (Forms{"deny", "denies", "denied", "denying"}));
  EXPECT_EQ(forms("deploy"), (Forms{"deploy", "deploys", "deployed", "deploying"}));
  EXPECT_EQ(forms("unite"), (Forms{"unite", "unites", "united", "uniting"}));
  EXPECT_EQ(forms("agree"), (Forms{"agree", "agrees", "agreed", "agreeing"}));
  EXPECT_EQ(forms("die"), (Forms{"die", "dies", "died", "dying"}));
  EXPECT_EQ(forms("tax"), (Forms{"tax", "taxes", "taxed", "taxing"}));
  EXPECT_EQ(forms("veto"), (Forms{"veto", "vetos", "vetoes", "vetoed", "vetoing"}));
  EXPECT_EQ(forms("panic"), (Forms{"panic", "panics", "panicked", "panicking"}));
  EXPECT_EQ(forms("quiz"), (Forms{"quiz", "quizes", "quizzes", "quizzed", "quizzing"}));
}

TEST(EnglishInflection, LastConsonantDoubles) {
  EXPECT_EQ(forms("plan"), (Forms{"plan", "plans", "planned", "planning"}));
  EXPECT_EQ(forms("benefit"), (Forms{"benefit", "benefits", "benefited", "benefitted", "benefiting", "benefitting"}));
  EXPECT_EQ(forms("equip"), (Forms{"equip", "equips", "equiped", "equipped", "equiping", "equipping"}));
  EXPECT_EQ(forms("aid"), (Forms{"aid", "aids", "aided", "aiding"}));
  EXPECT_EQ(forms("gym"), (Forms{"gym", "gyms", "gymmed", "gymming"}));
}

TEST(EnglishInflection, IrregularWordsComeFromTheTables) {
  EXPECT_EQ(forms("buy"), (Forms{"buy", "buys", "bought", "buying"}));
  EXPECT_EQ(forms("begin"), (Forms{"begin", "begins", "began", "begun", "begining", "beginning"}));
  EXPECT_EQ(forms("forecast"), (Forms{"forecast", "forecasts", "forecasted", "forecasting"}));
  EXPECT_EQ(forms("bought"), (Forms{"bought", "boughts"}));
  EXPECT_TRUE(forms("analysis").contains("analyses"));
  EXPECT_FALSE(forms("analysis").contains("analysises"));
  EXPECT_EQ(forms("crises"), (Forms{"crisis", "crises"}));
  EXPECT_EQ(forms("axes"), (Forms{"axis", "axe", "axes"}));
  EXPECT_EQ(forms("people"), (Forms{"people", "person"}));
  EXPECT_EQ(forms("persons"), (Forms{"persons"}));
  EXPECT_EQ(forms("fish"), (Forms{"fish", "fished", "fishing"}));
}

TEST(EnglishInflection, WrittenPluralFindsSingularAndPlural) {
  EXPECT_EQ(forms("sanctions"), (Forms{"sanction", "sanctions"}));
  EXPECT_EQ(forms("parties"), (Forms{"parties", "party", "partie"}));
  EXPECT_EQ(forms("taxes"), (Forms{"taxes", "tax", "taxe"}));
  EXPECT_EQ(forms("quizzes"), (Forms{"quizzes", "quiz", "quizz", "quizze"}));
  EXPECT_EQ(forms("gunmen"), (Forms{"gunman", "gunmen"}));
  EXPECT_EQ(forms("Houthis"), (Forms{"houthi", "houthis"}));
  EXPECT_EQ(forms("Kurds"), (Forms{"kurd", "kurds"}));
}

TEST(EnglishInflection, NamesHaveNounFormsOnly) {
  EXPECT_EQ(forms("Trump"), (Forms{"trump", "trumps"}));
  EXPECT_EQ(forms("NATO"), (Forms{"nato", "natos", "natoes"}));
  EXPECT_EQ(forms("Kennedy"), (Forms{"kennedy", "kennedies", "kennedys"}));
  EXPECT_EQ(forms("Kennedys"), (Forms{"kennedy", "kennedys"}));
  EXPECT_EQ(forms("kennedys"), (Forms{"kennedys"}));
  EXPECT_EQ(forms("Goldman"), (Forms{"goldman", "goldmen", "goldmans"}));
  EXPECT_EQ(forms("Crisis"), (Forms{"crisis", "crises"}));
}

TEST(EnglishInflection, WordsInIngAndEdHaveNounFormsOnly) {
  EXPECT_EQ(forms("bombing"), (Forms{"bombing", "bombings"}));
  EXPECT_EQ(forms("united"), (Forms{"united", "uniteds"}));
  EXPECT_TRUE(forms("ring").contains("rang"));
  EXPECT_TRUE(forms("proceed").contains("proceeded"));
}

TEST(EnglishInflection, InitialismsAndWordsWithDigitsTakeAnS) {
  EXPECT_EQ(forms("CEO"), (Forms{"ceo", "ceos"}));
  EXPECT_EQ(forms("US"), (Forms{"us", "uss"}));
  EXPECT_EQ(forms("WHO"), (Forms{"who"}));
  EXPECT_EQ(forms("G7"), (Forms{"g7", "g7s"}));
  EXPECT_EQ(forms("2025"), (Forms{"2025"}));
  EXPECT_EQ(forms("R&D"), (Forms{"r&d"}));
  EXPECT_EQ(forms("US", false), (Forms{"us"}));
}

TEST(EnglishInflection, NeverInflectedWordsAreNobodysForm) {
  for (const char* word : {"news", "will", "goods", "gas", "Mars", "the", "go", "санкция"}) {
    EXPECT_EQ(forms(word).size(), 1u) << word;
  }
  EXPECT_FALSE(forms("new").contains("news"));
  EXPECT_FALSE(forms("arm").contains("arms"));
  EXPECT_FALSE(forms("even").contains("evening"));
  EXPECT_FALSE(forms("wills").contains("will"));
}

TEST(EnglishInflection, SpellingsFindEachOther) {
  EXPECT_EQ(forms("defence"),
            (Forms{"defence", "defences", "defenced", "defencing", "defense", "defenses", "defensed", "defensing"}));
  EXPECT_EQ(forms("licences"), (Forms{"licence", "licences", "license", "licenses"}));
  EXPECT_EQ(forms("Labour"), (Forms{"labour", "labours", "labor", "labors"}));
  EXPECT_TRUE(forms("organization").contains("organisations"));
  EXPECT_TRUE(forms("programmes").contains("program"));
}

TEST(EnglishInflection, DerivationsAreOtherWords) {
  const std::pair<const char*, const char*> never_equal[] = {{"accession", "access"}, {"universe", "university"},
                                                             {"organ", "organize"},   {"plan", "plane"},
                                                             {"plan", "planed"},      {"rat", "rate"},
                                                             {"rat", "rated"},        {"news", "new"},
                                                             {"policy", "police"},    {"import", "important"},
                                                             {"general", "generate"}, {"gener", "general"},
                                                             {"arm", "army"},         {"train", "trainer"},
                                                             {"wing", "win"},         {"human", "humen"},
                                                             {"unit", "unite"},       {"bus", "business"},
                                                             {"secret", "secretary"}};
  for (const auto& [a, b] : never_equal) {
    EXPECT_FALSE(forms(a).contains(b)) << a << ' ' << b;
    EXPECT_FALSE(forms(b).contains(a)) << b << ' ' << a;
  }
}

TEST(EnglishInflection, KeptPartIsTheLongestCommonBeginning) {
  for (const WordForm& form : inflected_forms(Grammar::english, {"man", "Man", false})) {
    EXPECT_EQ(form.kept, form.text == "men" ? 1u : 3u) << form.text;
  }
}

TEST(Grammar, IsTheArticlesLanguageOrTheDefault) {
  EXPECT_EQ(grammar_of("en-GB"), Grammar::english);
  EXPECT_EQ(grammar_of("EN"), Grammar::english);
  EXPECT_EQ(grammar_of(""), Grammar::english);
  EXPECT_EQ(grammar_of("und"), Grammar::english);
  EXPECT_EQ(grammar_of("", "sw"), Grammar::none);
  EXPECT_EQ(grammar_of("sw"), Grammar::none);
  EXPECT_EQ(grammar_of("ru-RU"), Grammar::russian);
  EXPECT_EQ(grammar_of("enm"), Grammar::none);
}

std::set<std::string> russian(const std::string& name) {
  PreparedText text;
  text.prepare_paragraph(name);
  const Word& cut = text.words().front();
  std::set<std::string> out;
  for (const WordForm& form :
       name_forms(Grammar::russian, {text.reduced(cut), text.cased(cut), is_initialism(text.cased(cut))}))
    out.insert(form.text);
  return out;
}

/// Each of the words is a form of the name.
void expect_russian(const std::string& name, const std::vector<std::string>& forms) {
  const auto actual = russian(name);
  for (const std::string& form : forms) {
    PreparedText text;
    text.prepare_paragraph(form);
    EXPECT_TRUE(actual.contains(std::string(text.reduced(text.words().front())))) << name << ' ' << form;
  }
}

TEST(RussianNames, HaveTheirCases) {
  expect_russian("Путин", {"Путин", "Путина", "Путину", "Путиным", "Путине", "Путины"});
  expect_russian("Владимир", {"Владимира", "Владимиру", "Владимиром", "Владимире"});
  expect_russian("Сергей", {"Сергея", "Сергею", "Сергеем", "Сергее"});
  expect_russian("Дмитрий", {"Дмитрия", "Дмитрию", "Дмитрием", "Дмитрии"});
  expect_russian("Зеленский", {"Зеленского", "Зеленскому", "Зеленским", "Зеленском"});
  expect_russian("Толстой", {"Толстого", "Толстому", "Толстым", "Толстом"});
  expect_russian("Матвиенко", {"Матвиенко"});
  expect_russian("Захарова", {"Захаровой", "Захарову"});
  expect_russian("Москва", {"Москвы", "Москве", "Москву", "Москвой"});
  expect_russian("Россия", {"России", "Россию", "Россией"});
  expect_russian("Казань", {"Казани", "Казанью"});
  expect_russian("Гоголь", {"Гоголя", "Гоголю", "Гоголем", "Гоголе"});
  expect_russian("Шойгу", {"Шойгу"});
  expect_russian("Елец", {"Ельца"});
  expect_russian("Павел", {"Павла", "Павлом"});
  expect_russian("Пугачёв", {"Пугачёва", "Пугачевым"});
  expect_russian("Афины", {"Афин", "Афинах"});
}

TEST(RussianNames, OtherWordsStayThemselves) {
  for (const char* name : {"Putin", "США", "Шойгу", "Матвиенко", "Черных", "普京", "Ли"})
    EXPECT_EQ(russian(name).size(), 1u) << name;
  EXPECT_FALSE(russian("Иран").contains("иранец"));
  const auto english = name_forms(Grammar::english, {"путин", "Путин", false});
  EXPECT_EQ(english.size(), 1u) << "the article's language decides";
}

TEST(Initialism, IsTwoOrThreeCapitalLetters) {
  for (const char* word : {"US", "WHO", "США"}) EXPECT_TRUE(is_initialism(word)) << word;
  for (const char* word : {"U", "NATO", "Us", "G7", "R&D", "俄罗"}) EXPECT_FALSE(is_initialism(word)) << word;
  EXPECT_TRUE(spells_common_word("us"));
  EXPECT_FALSE(spells_common_word("uk"));
}

}  // namespace
}  // namespace newswatch::engine
