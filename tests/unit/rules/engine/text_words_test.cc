#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "rules/engine/text.h"

namespace newswatch::engine {
namespace {

/// Words as `reduced`, a tag before them; joined words in brackets after them.
std::string words_of(const std::string& source) {
  PreparedText text;
  text.prepare_paragraph(source);
  std::string out;
  for (const Word& word : text.words()) {
    if (!out.empty()) out += ' ';
    if (word.tag != 0) out += word.tag;
    out += text.reduced(word);
  }
  for (const JoinedWord& joined : text.joined()) out += " [" + std::string(text.reduced(joined.word)) + "]";
  return out;
}

std::string passages_of(const std::string& source) {
  PreparedText text;
  text.prepare_paragraph(source);
  std::string out;
  for (const Word& word : text.words()) {
    if (!out.empty()) out += '|';
    out += source.substr(word.byte_start, word.byte_end - word.byte_start);
  }
  return out;
}

TEST(TextWords, PunctuationAndSymbolsOnlySeparate) {
  EXPECT_EQ(words_of("One, two; (three) – four/five… six_seven\xE2\x80\xAF"
                     "eight 🔥 ₂"),
            "one two three four five six seven eight");
  EXPECT_EQ(words_of(""), "");
  EXPECT_EQ(words_of("  — ... '' - & # @ "), "");
}

TEST(TextWords, HyphensAndApostrophesBetweenLettersJoin) {
  EXPECT_EQ(words_of("state-of-the-art"), "state of the art [stateoftheart]");
  EXPECT_EQ(words_of("O'Brien L’Oréal cyber‑attack cyber‐attack"),
            "o brien l oreal cyber attack cyber attack [obrien] [loreal] [cyberattack] [cyberattack]");
  EXPECT_EQ(words_of("Hawai‘i Hawaiʻi п'ять пʼять"), "hawai i hawai i п ять п ять [hawaii] [hawaii] [пять] [пять]");
  EXPECT_EQ(words_of("a- b -c d--e 'f' ‘g’"), "a b c d e f g");
  EXPECT_EQ(words_of("2025-02-10 1'000"), "2025 02 10 1 000 [20250210] [1000]");
  EXPECT_EQ(words_of("east–west"), "east west");
}

TEST(TextWords, PossessiveIsNoWord) {
  EXPECT_EQ(words_of("Putin's Putin’s APPLE’S 1990's"), "putin putin apple 1990");
  EXPECT_EQ(words_of("O'Sullivan's"), "o sullivan [osullivan]");
  EXPECT_EQ(words_of("Putin's-era"), "putin era [putinera]");
  EXPECT_EQ(words_of("U.S.'s C++'s it's's"), "us c++ it");
  EXPECT_EQ(words_of("d's1"), "d s1 [ds1]");
  EXPECT_EQ(passages_of("Putin's army’s"), "Putin|army");
}

TEST(TextWords, SingleLettersWithDotsAreAnInitialism) {
  EXPECT_EQ(words_of("U.S. U.N J.K. e.g. É.U."), "us un jk eg eu");
  EXPECT_EQ(passages_of("U.S. U.N, (J.K.)"), "U.S.|U.N|J.K.");
  EXPECT_EQ(words_of("U.S.-led pro-U.S."), "us led pro us [usled] [prous]");
  EXPECT_EQ(words_of("J.K.Rowling U.Sx A. B. a.b.cd"), "jk rowling u sx a b ab cd");
  EXPECT_EQ(words_of("中.国."), "中 国");
}

TEST(TextWords, DotsAndColonsSeparateLettersButNotDigits) {
  EXPECT_EQ(words_of("example.com end.Start a:b 1:30"), "example com end start a b 1 30");
  EXPECT_EQ(words_of("1,000 3.5 1,a b,1 v1.2.3 1;000 3.x"), "1,000 3.5 1 a b 1 v1.2.3 1;000 3 x");
  EXPECT_EQ(words_of("col·legi ١٬٠٠٠"), "col·legi ١٬٠٠٠");
}

TEST(TextWords, SignsBelongToShortWords) {
  EXPECT_EQ(words_of("R&D AT&T's a & b x& &y Q&A-led"), "r&d at&t a b x y q&a led [q&aled]");
  EXPECT_EQ(words_of("C++ C# F#, A+ C+++ C#minor C++x abC++ 1+ x2#"), "c++ c# f# a+ c++ c minor c x abc 1 x2");
  EXPECT_EQ(words_of("Visual-C++-x"), "visual c++ x [visualc++]");
}

TEST(TextWords, SignBeforeAWordMakesATaggedWord) {
  EXPECT_EQ(words_of("#Ukraine @nato ##x (#y) _#z #2025"), "#ukraine @nato #x #y #z #2025");
  EXPECT_EQ(words_of("ticket#Kyiv a@b C++#x U.S.#y é#z it's#w # v"), "ticket kyiv a b c++ x us y e z it w v");
  EXPECT_EQ(words_of("#cyber-attack #U.S. #Putin's"), "#cyber attack #us #putin [cyberattack]");
  EXPECT_EQ(words_of("#\xE2\x81\xA0Kyiv x\xE2\x81\xA0#Odesa"), "#kyiv x odesa");
}

TEST(TextWords, ScriptsWithoutSpacesGiveAWordALetter) {
  EXPECT_EQ(words_of("新ﾚｰﾀﾞｰ配備"), "新 レー タ\u3099ー 配 備");
  EXPECT_EQ(words_of("2025年 K-ポップ foo-bar"), "2025 年 k ホ\xE3\x82\x9A ッ フ\xE3\x82\x9A foo bar [foobar]");
  EXPECT_EQ(passages_of("รัสเซีย"), "รั|ส|เ|ซี|ย");
  EXPECT_EQ(words_of("Aー 〇々"), "a 〇 々");
}

TEST(TextWords, IgnoredCharactersAreAsIfNotThere) {
  EXPECT_EQ(words_of("sanc\xC2\xADtions U.\xE2\x80\x8BS. می‌خواهم"), "sanctions u s میخواهم");
  EXPECT_EQ(passages_of("\xEF\xBB\xBF"
                        "a\xC2\xAD, \xE2\x80\x8F"
                        "b\xE2\x80\x8E"),
            "a|b");
}

TEST(TextWords, IllFormedBytesSeparateAndHarmNothing) {
  EXPECT_EQ(words_of("a\xFF"
                     "b \xC3 c \xE2\x80"),
            "a b c");
  EXPECT_EQ(words_of("\x80\x80#\xF0\x9F"), "");
}

TEST(TextWords, PositionsAreCodePointsOfTheField) {
  Article article;
  article.title = "𝖠🔥 Kyiv";
  article.body = "🇺🇦🚀 Кyiv\r\n\r\nКи\u0456\u0308в — ок";
  PreparedText text;
  text.prepare(article);
  ASSERT_EQ(text.words().size(), 5u);
  const auto span = [&](std::size_t i) { return std::pair(text.words()[i].start, text.words()[i].end); };
  EXPECT_EQ(span(0), std::pair(0u, 1u));
  EXPECT_EQ(span(1), std::pair(3u, 7u));
  EXPECT_EQ(span(2), std::pair(4u, 8u));
  EXPECT_EQ(span(3), std::pair(12u, 17u));  // a decomposed ї
  EXPECT_EQ(span(4), std::pair(20u, 22u));
  EXPECT_EQ(text.paragraphs()[2].start, 12u);
  EXPECT_EQ(text.paragraphs()[2].end, 22u);
}

TEST(TextWords, CasedFormKeepsCaseAndDropsMarks) {
  PreparedText text;
  text.prepare_paragraph("Erdoğan U.S. STRASSE İSTANBUL Київ Straße-X");
  std::string out;
  for (const Word& word : text.words()) out += std::string(text.cased(word)) + " ";
  EXPECT_EQ(out, "Erdogan US STRASSE ISTANBUL Киі\u0308в Straße X ");
  EXPECT_EQ(text.cased(text.joined()[0].word), "StraßeX");
}

TEST(TextWords, CaseFactsOfEveryScriptWithCase) {
  EXPECT_TRUE(case_facts("Apple").upper_first);
  EXPECT_FALSE(case_facts("Apple").all_capitals);
  EXPECT_TRUE(case_facts("США").all_capitals);
  EXPECT_TRUE(case_facts("F16").all_capitals);
  EXPECT_FALSE(case_facts("16").all_capitals);
  EXPECT_FALSE(case_facts("俄").all_capitals);
  EXPECT_TRUE(case_facts("iPhone").has_lower);
}

TEST(TextWords, PrefixNeverSplitsALetterFromItsMarks) {
  EXPECT_TRUE(begins_with("sanctions", "sanction"));
  EXPECT_TRUE(begins_with("sanction", "sanction"));
  EXPECT_FALSE(begins_with("sanctio", "sanction"));
  EXPECT_FALSE(begins_with("май", "маи"));
  EXPECT_FALSE(begins_with("리", "ᄅ"));
  EXPECT_TRUE(long_enough_for_prefix("exp"));
  EXPECT_FALSE(long_enough_for_prefix("ex"));
  EXPECT_TRUE(long_enough_for_prefix("军"));
}

// The fast path for ASCII and the path over units must agree: an ignored character sends a word down the second.
TEST(TextWords, IgnoredCharactersAnywhereChangeNoWord) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::vector<std::string> pieces = {"a", "B",  "c", "s", "S",  "1",  "0", " ", " ",      ".",
                                           ",", ";",  "'", "’", "-",  "&",  "+", "#", "@",      ":",
                                           "_", "\"", "é", "я", "中", "ー", "א", "·", "\u0301", "—"};
  for (int round = 0; round < 30000; ++round) {
    std::string plain, sprinkled;
    const int length = 1 + static_cast<int>(random() % 14);
    for (int i = 0; i < length; ++i) {
      const std::string& piece = pieces[random() % pieces.size()];
      plain += piece;
      sprinkled += piece;
      if (random() % 3 == 0) sprinkled += "\u2060";
    }
    ASSERT_EQ(words_of(plain), words_of(sprinkled)) << plain;
  }
}

}  // namespace
}  // namespace newswatch::engine
