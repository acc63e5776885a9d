#include "daemon/deliver/text.h"

#include <gtest/gtest.h>

#include "daemon/deliver/passage.h"

namespace newswatch::deliver {
namespace {

std::string through(std::string_view text) {
  std::string out;
  for (const char32_t c : CodePoints(text)) append_utf8(out, c);
  return out;
}

TEST(CodePoints, LeavesValidTextAlone) {
  for (const char* text : {"", "abc", "Größe – “NATO”", "Путин", "🛰️ x"}) EXPECT_EQ(through(text), text);
}

TEST(CodePoints, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(through("a\xff"
                    "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(through("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd") << "overlong";
  EXPECT_EQ(through("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd") << "surrogate";
  EXPECT_EQ(through("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd") << "cut off";
}

TEST(Cut, CountsCodePoints) {
  EXPECT_EQ(cut("Größe", 5), "Größe");
  EXPECT_EQ(cut("Größer", 5), "Größ…");
  EXPECT_EQ(cut("abc", 0), "");
}

flow::Evidence evidence(std::string snippet, std::uint32_t start,
                        std::vector<std::pair<std::uint32_t, std::uint32_t>> hits) {
  flow::Evidence made;
  made.snippet = std::move(snippet);
  made.snippet_start = start;
  for (const auto& [from, to] : hits) {
    Hit hit;
    hit.start = from;
    hit.end = to;
    made.hits.push_back(hit);
  }
  return made;
}

TEST(Passage, MarksTheHitsInCodePoints) {
  const auto pieces = passage(evidence("Größe der NATO heute", 100, {{110, 114}}));
  EXPECT_EQ(pieces, (std::vector<Piece>{{"Größe der ", false}, {"NATO", true}, {" heute", false}}));
}

TEST(Passage, JoinsOverlappingHitsAndIgnoresOthers) {
  auto made = evidence("one two three", 10, {{14, 17}, {16, 23}, {0, 5}, {500, 510}, {20, 15}});
  EXPECT_EQ(passage(made), (std::vector<Piece>{{"one ", false}, {"two three", true}}));
  made.hits[0].field = made.hits[1].field = Field::title;
  EXPECT_EQ(passage(made), (std::vector<Piece>{{"one two three", false}}));
}

TEST(Passage, AHitMayReachBeyondTheSnippet) {
  EXPECT_EQ(passage(evidence("abcdef", 10, {{5, 12}, {15, 99}})),
            (std::vector<Piece>{{"ab", true}, {"cde", false}, {"f", true}}));
}

}  // namespace
}  // namespace newswatch::deliver
