#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "rules/engine/text.h"

namespace newswatch::engine {
namespace {

std::vector<std::string> cut(const std::string& text, void (*by)(std::string_view, std::vector<ParagraphSpan>&)) {
  std::vector<ParagraphSpan> spans;
  by(text, spans);
  std::vector<std::string> out;
  for (const ParagraphSpan& span : spans) out.push_back(text.substr(span.begin, span.end - span.begin));
  return out;
}
using Parts = std::vector<std::string>;
Parts paragraphs(const std::string& text) { return cut(text, cut_paragraphs); }
Parts sentences(const std::string& text) { return cut(text, cut_sentences); }

TEST(TextParagraphs, AreBlocksBetweenEmptyLines) {
  EXPECT_EQ(paragraphs("a\nb\n\nc"), (Parts{"a\nb", "c"}));
  EXPECT_EQ(paragraphs("a\r\nb\r\n \t\r\nc\r"), (Parts{"a\r\nb", "c"}));
  EXPECT_EQ(paragraphs("a\rb\r\rc"), (Parts{"a\rb", "c"}));
  EXPECT_EQ(paragraphs("a\n\xC2\xA0\nb"), (Parts{"a", "b"}));
}

TEST(TextParagraphs, AreLinesWithoutEmptyOnes) {
  EXPECT_EQ(paragraphs("a\nb\r\nc\rd"), (Parts{"a", "b", "c", "d"}));
  EXPECT_EQ(paragraphs("\n\na\nb\n\n"), (Parts{"a", "b"}));
  EXPECT_EQ(paragraphs(""), (Parts{}));
  EXPECT_EQ(paragraphs(" \n\t"), (Parts{}));
}

TEST(TextParagraphs, HardWrappedBodyIsOne) {
  const std::string line = "The ministry said on Tuesday that the convoy had left Odesa and was";
  EXPECT_EQ(paragraphs(line + "\n" + line + "\nend").size(), 1u);
  EXPECT_EQ(paragraphs(line + ".\n" + line + ".\nend").size(), 3u);
  EXPECT_EQ(paragraphs(line + " Mr.\n" + line + " U.S.\nend").size(), 1u) << "no sentence ends there";
  EXPECT_EQ(paragraphs(line + ".”  \n" + line + "!\nend").size(), 3u);
  EXPECT_EQ(paragraphs(line.substr(0, 49) + "\nend").size(), 2u);
  EXPECT_EQ(paragraphs(line.substr(0, 50) + "\nend").size(), 1u);
  EXPECT_EQ(paragraphs(std::string(90, 'x') + "\nend").size(), 1u);
  EXPECT_EQ(paragraphs(std::string(91, 'x') + "\nend").size(), 2u);
}

TEST(TextSentences, EndBeforeWhiteSpaceAndACapital) {
  EXPECT_EQ(sentences("It fell. He left!  Why? 40 fled… “So,” he said."),
            (Parts{"It fell.", "He left!", "Why?", "40 fled…", "“So,” he said."}));
  EXPECT_EQ(sentences("It fell. iPhone.Kyiv 3.5 – x. – y"), (Parts{"It fell. iPhone.Kyiv 3.5 – x. – y"}));
  EXPECT_EQ(sentences("(Was it?) He “left.” Then"), (Parts{"(Was it?)", "He “left.”", "Then"}));
  EXPECT_EQ(sentences("Wait... Then \"no.\" \"Yes.\" "), (Parts{"Wait...", "Then \"no.\" \"Yes.\""}))
      << "no. is in the list";
  EXPECT_EQ(sentences("  \n "), (Parts{}));
}

TEST(TextSentences, NotAfterLettersTitlesAndInitialisms) {
  EXPECT_EQ(sentences("George W. Bush met Mr. X and gen. Y, etc. Then"),
            (Parts{"George W. Bush met Mr. X and gen. Y, etc. Then"}));
  EXPECT_EQ(sentences("The U.S. Navy left the U.S. The crew at 5 p.m. Moscow time. “The U.S.” They"),
            (Parts{"The U.S. Navy left the U.S.", "The crew at 5 p.m. Moscow time.", "“The U.S.”", "They"}));
  EXPECT_EQ(sentences("He don't. It was Putin's. At R&D. Then"),
            (Parts{"He don't.", "It was Putin's.", "At R&D.", "Then"}));
}

TEST(TextSentences, OfOtherScripts) {
  EXPECT_EQ(sentences("俄罗斯。「乌克兰！」好"), (Parts{"俄罗斯。", "「乌克兰！」", "好"}));
  EXPECT_EQ(sentences("रूस ने। यूक्रेन"), (Parts{"रूस ने।", "यूक्रेन"}));
  EXPECT_EQ(sentences("هل؟ أوك"), (Parts{"هل؟", "أوك"}));
  EXPECT_EQ(sentences("Он ушёл. Ёлка. она"), (Parts{"Он ушёл.", "Ёлка. она"}));
}

TEST(TextSentences, EveryWordIsInOneSentence) {
  Article article;
  article.title = "Él dijo. Otra";
  article.body = "Één. U.S. The end!\n\nTwo";
  PreparedText text;
  text.prepare(article);
  ASSERT_EQ(text.paragraphs().size(), 3u);
  std::uint32_t word = 0;
  for (std::uint32_t i = 0; i < 3; ++i) {
    for (const Sentence& sentence : text.sentences(i)) {
      EXPECT_EQ(sentence.first_word, word);
      word = sentence.end_word;
    }
  }
  EXPECT_EQ(word, text.words().size());
  ASSERT_EQ(text.sentences(1).size(), 3u);
  EXPECT_EQ(text.sentences(1)[2].start, 10u);
  EXPECT_EQ(text.sentences(1)[2].end, 18u);
}

TEST(TextParagraphs, KnowTheirNumberBoilerplateAndCase) {
  Article article;
  article.title = "ALL CAPITALS 俄";
  article.body = "***\n\nBuy now\n\nNEWS";
  article.boilerplate = {1};
  PreparedText text;
  text.prepare(article);
  ASSERT_EQ(text.paragraphs().size(), 4u);
  EXPECT_EQ(text.paragraphs()[0].field, Field::title);
  EXPECT_FALSE(text.paragraphs()[0].has_lower);
  EXPECT_EQ(text.paragraphs()[2].number, 1u);
  EXPECT_TRUE(text.paragraphs()[2].boilerplate);
  EXPECT_TRUE(text.paragraphs()[2].has_lower);
  EXPECT_FALSE(text.paragraphs()[3].boilerplate);
}

}  // namespace
}  // namespace newswatch::engine
