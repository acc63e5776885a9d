// Words and reduction against the Unicode Consortium's own test files.

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "rules/engine/characters.h"
#include "rules/engine/text.h"

namespace newswatch::engine {
namespace {

std::filesystem::path unicode_data() {
  const char* shared = std::getenv("NEWSWATCH_SHARED");
  return (shared ? std::filesystem::path(shared) : std::filesystem::path(NEWSWATCH_SOURCE_DIR) / ".." / "shared") /
         "data" / "unicode";
}

std::u32string code_points(const std::string& hex) {
  std::u32string out;
  std::istringstream in(hex);
  for (std::string word; in >> word;) out += static_cast<char32_t>(std::stoul(word, nullptr, 16));
  return out;
}

std::string utf8(const std::u32string& text) {
  std::vector<char> out;
  for (const char32_t c : text) append_utf8(c, out);
  return {out.begin(), out.end()};
}

std::string reduced(const std::u32string& text) {
  std::vector<char32_t> letters(text.begin(), text.end());
  std::vector<char> out;
  const ReducedSizes sizes = reduce_in_context(Characters::instance(), letters, out);
  return {out.data(), sizes.reduced};
}

/// Why a line of WordBreakTest says nothing about our words; empty if it does.
std::string deviation(const std::u32string& line) {
  int letters = 0;
  for (const char32_t c : line) letters += is_letter(c);
  for (std::size_t i = 0; i + 1 < line.size(); ++i) {
    if (line[i] == 0x200D && line[i + 1] > 0x2000) return "a joiner is ignored and binds no emoji";
  }
  for (const char32_t c : line) {
    if (c == '_') return "connector punctuation separates";
    if (c == 0x202F) return "U+202F separates";
    if (c == '\'') return "an apostrophe joins";
    if (c == 0x3031) return "every letter without spaces is a word";
    if ((c == '.' || c == ':') && letters > 1) return "a dot or colon between letters separates";
  }
  return "";
}

TEST(TextUnicode, WordsAreThoseOfWordBreakTestButForTheDifferencesOfTheLanguage) {
  std::ifstream in(unicode_data() / "WordBreakTest.txt");
  if (!in) GTEST_SKIP() << "no " << unicode_data() << " (set NEWSWATCH_SHARED)";
  std::map<std::string, int> left_out;
  int checked = 0;
  for (std::string line; std::getline(in, line);) {
    line = line.substr(0, line.find('#'));
    if (line.find("÷") == std::string::npos) continue;
    std::vector<std::u32string> segments;
    std::u32string all;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      if (word == "÷") {
        segments.emplace_back();
      } else if (word != "×") {
        segments.back() += code_points(word);
        all += code_points(word);
      }
    }
    if (const std::string why = deviation(all); !why.empty()) {
      ++left_out[why];
      continue;
    }
    std::vector<std::string> expected, actual;
    for (std::u32string& segment : segments) {
      bool counts = false;
      for (const char32_t c : segment) counts |= is_letter(c) || is_digit(c);
      if (!counts) continue;
      const auto ignored = [](char32_t c) { return c == 0xAD || c == 0x200D || c == 0x2060; };
      while (ignored(segment.back())) segment.pop_back();
      expected.push_back(utf8(segment));
    }
    const std::string source = utf8(all);
    PreparedText text;
    text.prepare_paragraph(source);
    for (const Word& word : text.words())
      actual.push_back(source.substr(word.byte_start, word.byte_end - word.byte_start));
    ASSERT_EQ(actual, expected) << line;
    ++checked;
  }
  EXPECT_GT(checked, 900);
  EXPECT_EQ(left_out.size(), 5u) << "a difference listed here is in no line, or one is new";
}

TEST(TextUnicode, CanonicalAndCompatibleSpellingsReduceToTheSame) {
  const std::string path = unicode_data() / "NormalizationTest.txt.gz";
  gzFile in = gzopen(path.c_str(), "rb");
  if (!in) GTEST_SKIP() << "no " << path << " (set NEWSWATCH_SHARED)";
  char buffer[4096];
  int checked = 0;
  while (gzgets(in, buffer, sizeof buffer)) {
    if (buffer[0] == '#' || buffer[0] == '@') continue;
    std::istringstream line(buffer);
    std::vector<std::string> columns(5);
    for (std::string& column : columns) std::getline(line, column, ';');
    for (std::size_t i = 1; i < 5; ++i) {
      ASSERT_EQ(reduced(code_points(columns[0])), reduced(code_points(columns[i]))) << buffer;
    }
    ++checked;
  }
  gzclose(in);
  EXPECT_GT(checked, 18000);
}

TEST(TextUnicode, FoldingIsFullCaseFolding) {
  std::ifstream in(unicode_data() / "CaseFolding.txt");
  if (!in) GTEST_SKIP() << "no " << unicode_data() << " (set NEWSWATCH_SHARED)";
  int checked = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream columns(line);
    std::string code, status, mapping;
    std::getline(columns, code, ';');
    std::getline(columns, status, ';');
    std::getline(columns, mapping, ';');
    if (status != " C" && status != " F") continue;
    if (line.find("GEGRAMMENI") != std::string::npos) continue;  // U+0345 is a mark, and goes with its letter's marks
    EXPECT_EQ(reduced(code_points(code)), reduced(code_points(mapping))) << line;
    ++checked;
  }
  EXPECT_GT(checked, 1400);
}

TEST(TextUnicode, TheLettersOfTheLanguageReduceAsItSays) {
  EXPECT_EQ(reduced(U"ßẞæÆœŒøØłŁđĐðÐþÞħĦŋŊıİI"), "ssssaeaeoeoeoollddddththhhnniii");
  EXPECT_EQ(reduced(U"Ёё й Й ї ѓ ќ ѝ Пу́тин"), "ее и\u0306 и\u0306 і\u0308 г\u0301 к\u0301 и путин");
  EXPECT_EQ(reduced(U"Ελλάς ἄνθρωπος"), "ελλασ ανθρωποσ");
  EXPECT_EQ(reduced(U"محـــمد مُحَمَّد أوكرانيا שָׁלוֹם"), "محمد محمد اوكرانيا שלום");
  EXPECT_EQ(reduced(U"ﬁ Ｎａｔｏ Müller Ⅷ"), "fi nato muller viii");
  EXPECT_EQ(reduced(U"が"), utf8(U"\u304B\u3099"));
}

}  // namespace
}  // namespace newswatch::engine
