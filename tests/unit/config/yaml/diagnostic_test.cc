#include "config/yaml/diagnostic.h"

#include <gtest/gtest.h>

namespace newswatch::yaml {
namespace {

TEST(Diagnostics, TextHasPlaceSnippetCaretHintAndCount) {
  Diagnostics diagnostics;
  diagnostics.add_source("r.yaml", std::make_shared<const std::string>("rules:\n  - id: r\n\tx 普京 b\n"));
  diagnostics.warning({"r.yaml", 3, 6}, "covered", "second");
  diagnostics.error({"r.yaml", 2, 5}, "unknown-key", "first", "do this");
  EXPECT_EQ(diagnostics.text(),
            "r.yaml:2:5: error: first [unknown-key]\n"
            "    2 |   - id: r\n"
            "      |     ^\n"
            "      = hint: do this\n"
            "r.yaml:3:6: warning: second [covered]\n"
            "    3 |  x 普京 b\n"
            "      |        ^\n"
            "1 error, 1 warning\n");
}

TEST(Diagnostics, LongLinesAreShownAroundTheCaret) {
  Diagnostics diagnostics;
  diagnostics.add_source("f", std::make_shared<const std::string>(std::string(5000, 'a') + "HERE" + std::string(5000, 'b')));
  diagnostics.error({"f", 1, 5001}, "c", "m");
  const std::string text = diagnostics.text();
  const std::size_t here = text.find("HERE"), line = text.rfind('\n', here), caret = text.find('^');
  EXPECT_EQ(caret - text.rfind('\n', caret), here - line) << text;
  EXPECT_NE(text.find("aHEREb"), std::string::npos);
  EXPECT_LT(text.size(), 400u);
}

TEST(Diagnostics, ControlCharactersNeverReachTheTerminal) {
  Diagnostics diagnostics;
  diagnostics.add_source("f", std::make_shared<const std::string>("a\x1b[2Jb\n"));
  diagnostics.error({"f", 1, 1}, "c", "bad \x1b[2J \xE2\x80\xAE word");
  const std::string text = diagnostics.text();
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find("\xE2\x80\xAE"), std::string::npos);
}

TEST(Diagnostics, JsonIsEscapedAndOrdered) {
  Diagnostics diagnostics;
  diagnostics.error({"b", 2, 1}, "x", "say \"no\"\n");
  diagnostics.error({"b", 1, 1}, "y", "first", "h");
  EXPECT_EQ(diagnostics.json(),
            "{\"errors\": 2, \"warnings\": 0, \"diagnostics\": [\n"
            "  {\"level\": \"error\", \"code\": \"y\", \"file\": \"b\", \"line\": 1, \"column\": 1, \"message\": \"first\", "
            "\"hint\": \"h\"},\n"
            "  {\"level\": \"error\", \"code\": \"x\", \"file\": \"b\", \"line\": 2, \"column\": 1, \"message\": "
            "\"say \\\"no\\\"\\n\"}\n]}\n");
}

TEST(Diagnostics, BytesThatAreNoTextDoNotReachTheTerminal) {
  Diagnostics diagnostics;
  using namespace std::string_literals;
  diagnostics.add_source("f", std::make_shared<const std::string>("\xFF\x1B[31m \xE2\x1B[2J \xC3\0 é \xF0\x9F\x98\x80 \xE2\x82"s));
  diagnostics.error({"f", 1, 1}, "yaml-syntax", "this is not UTF-8");
  const std::string text = diagnostics.text();
  EXPECT_EQ(text.find('\x1B'), std::string::npos) << text;
  EXPECT_EQ(text.find('\0'), std::string::npos);
  EXPECT_EQ(text.find('\xFF'), std::string::npos);
  EXPECT_NE(text.find("é \xF0\x9F\x98\x80 \xEF\xBF\xBD"), std::string::npos) << text;
}

TEST(Diagnostics, OnlySoManyAreKeptAndAllAreCounted) {
  Diagnostics diagnostics;
  for (std::uint32_t i = 0; i < 5000; ++i) diagnostics.error({"f", i + 1, 1}, "bad-row", "m");
  EXPECT_EQ(diagnostics.errors(), 5000u);
  EXPECT_EQ(diagnostics.sorted().size(), Diagnostics::most_kept);
  EXPECT_NE(diagnostics.text().find("5000 errors (4000 not shown)"), std::string::npos);
}

TEST(Diagnostics, DidYouMeanFindsTyposAndNothingElse) {
  const std::vector<std::string> names{"severity", "status", "sources"};
  EXPECT_EQ(nearest("severty", names), "severity");
  EXPECT_EQ(nearest("Status", names), "status");
  EXPECT_EQ(nearest("soruces", names), "sources");
  EXPECT_EQ(nearest("banana", names), "");
  EXPECT_EQ(nearest("", names), "");
}

}  // namespace
}  // namespace newswatch::yaml
