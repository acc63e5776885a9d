#include "config/yaml/document.h"

#include <gtest/gtest.h>

namespace newswatch::yaml {
namespace {

std::string first_error(const std::string& text) {
  Diagnostics diagnostics;
  load(text, "f.yaml", diagnostics);
  const auto all = diagnostics.sorted();
  return all.empty() ? "" : all[0].code + " " + std::to_string(all[0].place.line) + ":" + std::to_string(all[0].place.column);
}

std::string at(const Place& place) { return std::to_string(place.line) + ":" + std::to_string(place.column); }

TEST(YamlDocument, PlacesAreCodePointsOfKeyAndValue) {
  Diagnostics diagnostics;
  const auto root = load("Київ: [普京, {a: \"b\"}]\nb:\n  - c\n  - |\n    text\n", "f", diagnostics);
  ASSERT_TRUE(root);
  ASSERT_EQ(diagnostics.text(), "");
  EXPECT_EQ(at(root->entries[0].key_place), "1:1");
  const Node& list = root->entries[0].value;
  EXPECT_EQ(at(list.place), "1:7");
  EXPECT_EQ(at(list.items[0].place), "1:8");
  EXPECT_EQ(at(list.items[1].place), "1:12");
  EXPECT_EQ(at(list.items[1].entries[0].value.place), "1:16");
  EXPECT_EQ(list.items[1].entries[0].value.style, Style::quoted);
  EXPECT_EQ(at(root->entries[1].value.place), "3:3");
  EXPECT_EQ(at(root->entries[1].value.items[1].place), "4:5");
  EXPECT_EQ(root->entries[1].value.items[1].style, Style::block);
}

TEST(YamlDocument, AQuestionMarkInAWordIsPartOfIt) {
  Diagnostics diagnostics;
  const auto root = load("a: [colo?r, what??, \"b?\", {k?y: v?, l: x}]\nu: https://a.b/c?d=e\n", "f", diagnostics);
  ASSERT_TRUE(root) << diagnostics.text();
  const Node& list = root->entries[0].value;
  EXPECT_EQ(list.items[0].text, "colo?r");
  EXPECT_EQ(list.items[1].text, "what??");
  EXPECT_EQ(list.items[2].text, "b?");
  EXPECT_EQ(list.items[3].entries[0].key, "k?y");
  EXPECT_EQ(list.items[3].entries[0].value.text, "v?");
  EXPECT_EQ(at(list.items[2].place), "1:21");
  EXPECT_EQ(root->entries[1].value.text, "https://a.b/c?d=e");
}

TEST(YamlDocument, SaysWhatIsMostlyBehindASyntaxError) {
  const auto told = [](const char* text) {
    Diagnostics diagnostics;
    EXPECT_FALSE(load(text, "f", diagnostics));
    return diagnostics.text();
  };
  EXPECT_NE(told("a:\n\t- id: b\n\t  c: d\n").find("indent with spaces"), std::string::npos);
  EXPECT_NE(told("a: [b #c]\n").find("begins a comment unless it is quoted"), std::string::npos);
  EXPECT_NE(told("a: [b, c\n").find("a `]` or a comma is missing"), std::string::npos);
  EXPECT_NE(told("a: {b: c\n").find("a `}` or a comma is missing"), std::string::npos);
  EXPECT_NE(told("a: \"b\n").find("a closing quote is missing"), std::string::npos);
  EXPECT_NE(told("a: b: c\n").find("must be quoted"), std::string::npos);
  EXPECT_NE(told("a:\n  - b\n c: d\n").find("same column"), std::string::npos);
}

TEST(YamlDocument, AQuoteThatIsNeverClosedDoesNotSwallowTheRest) {
  for (const char* text : {"- a\n- \"b\n- c\n", "- a\n- 'b\n- c\n", "- a\n- 'it''s\n", "- a\n- \"b\\\"\n", "- a\n- !!str \"b\n"}) {
    Diagnostics diagnostics;
    EXPECT_FALSE(load(text, "f", diagnostics)) << text;
    ASSERT_EQ(diagnostics.errors(), 1u) << text;
    EXPECT_EQ(diagnostics.sorted()[0].place.line, 2u) << text;
  }
  Diagnostics diagnostics;
  const auto root = load("- 'it''s'\n- \"a \\\" b\\\\\"\n- ''\n- \"\"\n- it's\n- 'over\n  lines'", "f", diagnostics);
  ASSERT_TRUE(root) << diagnostics.text();
  EXPECT_EQ(root->items[0].text, "it's");
  EXPECT_EQ(root->items[1].text, "a \" b\\");
  EXPECT_EQ(root->items[5].text, "over lines");
}

TEST(YamlDocument, AMissingValueStandsRightAfterItsDashOrColon) {
  Diagnostics diagnostics;
  const auto root = load("a:\n  - #Ukraine\n  - x\n  -\n  - ~\nb:\n\"c d\":   # none\ne: null\n", "f", diagnostics);
  ASSERT_TRUE(root);
  const auto& items = root->entries[0].value.items;
  ASSERT_EQ(items.size(), 4u);
  EXPECT_EQ(at(items[0].place), "2:4");
  EXPECT_EQ(at(items[2].place), "4:4");
  EXPECT_EQ(at(items[3].place), "5:5");
  EXPECT_EQ(at(root->find("b")->place), "6:3");
  EXPECT_EQ(at(root->find("c d")->place), "7:7");
  EXPECT_EQ(at(root->find("e")->place), "8:4");
}

// Each text is a scalar with the word MARK in it; the place of MARK in the file must be found through the decoding.
TEST(YamlDocument, PlaceInAScalarFollowsEscapesFoldsAndIndentation) {
  for (const std::string text : {
           "k: one two MARK", "k: one\n  two\n\n   MARK end\n", "k: 'it''s ''\n\n  MARK'", "k: \"a\\u0041 \\\"b\\\" \\\n   MARK\"",
           "k: \"\\U0001F600\\x41\\n MARK\"", "k: |\n   one\n     two\n\n   MARK\n", "k: >-\n   one\n   two\n\n     more\n   MARK\n",
           "k: |2\n    two spaces\n  MARK\n", "k: >\n\n  first\n  MARK\n", "k: |  # comment\n  Київ 普京 MARK",
           "k: 'Київ\n  普京 MARK'", "k: !!str \"x MARK\"", "k: |\r\n  one\r\n  MARK\r\n", "- - k: |\n      a\n      MARK\n"}) {
    Diagnostics diagnostics;
    const auto root = load(text, "f", diagnostics);
    ASSERT_TRUE(root) << text << diagnostics.text();
    const Node* map = &*root;
    while (map->is_sequence()) map = &map->items[0];
    const Node& scalar = map->entries[0].value;
    const std::size_t offset = scalar.text.find("MARK");
    ASSERT_NE(offset, std::string::npos) << text;
    std::uint32_t line = 1, column = 1;
    for (std::size_t i = 0; i < text.find("MARK"); ++i) {
      if (text[i] == '\n')
        ++line, column = 1;
      else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80)
        ++column;
    }
    EXPECT_EQ(at(scalar.place_in(offset)), std::to_string(line) + ":" + std::to_string(column)) << text;
    EXPECT_EQ(at(scalar.place_in(offset + 4)), std::to_string(line) + ":" + std::to_string(column + 4)) << text;
  }
}

TEST(YamlDocument, RefusesWhatIsUnsafeOrUnclear) {
  EXPECT_EQ(first_error("a: 1\nb: 2\na: 3\n"), "duplicate-key 3:1");
  EXPECT_EQ(first_error("a: &x [1]\nb: *x\n"), "yaml-syntax 2:4");
  EXPECT_EQ(first_error("b: *x\n"), "yaml-syntax 1:4");
  EXPECT_EQ(first_error("a: 1\n---\nb: 2\n").substr(0, 11), "yaml-syntax");
  EXPECT_EQ(first_error(",").substr(0, 11), "yaml-syntax");
  EXPECT_EQ(first_error("a: [1, 2\n").substr(0, 11), "yaml-syntax");
  EXPECT_EQ(first_error("a:\n\t- b\n").substr(0, 13), "yaml-syntax 2");
  EXPECT_EQ(first_error("a: \xFF\n"), "yaml-syntax 1:4");
  EXPECT_EQ(first_error(std::string("a: b\4c\n")), "yaml-syntax 1:5");
  EXPECT_EQ(first_error(std::string(450, '[') + std::string(450, ']')), "too-deep 1:401");
  EXPECT_EQ(first_error("{a: 1}: b\n"), "wrong-type 1:1");
  EXPECT_EQ(first_error("a: !!binary aGk=\n"), "yaml-syntax 1:13");
}

TEST(YamlDocument, ABillionLaughsIsRefusedAtItsFirstAlias) {
  EXPECT_EQ(first_error("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n"), "yaml-syntax 2:8");
}

TEST(YamlDocument, ALineOfAMillionItemsIsReadInLinearTime) {
  std::string text = "a: [";
  for (int i = 0; i < 200000; ++i) text += "é, ";
  Diagnostics diagnostics;
  const auto root = load(text + "x]\n", "f", diagnostics);
  ASSERT_TRUE(root);
  EXPECT_EQ(root->entries[0].value.items.back().place.column, 5u + 600000);
}

TEST(YamlDocument, AnEmptyFileIsNull) {
  Diagnostics diagnostics;
  for (const char* text : {"", "# only a comment\n", "---\n"}) {
    const auto root = load(std::string(text), "f", diagnostics);
    ASSERT_TRUE(root);
    EXPECT_TRUE(root->is_null());
  }
  EXPECT_TRUE(diagnostics.empty());
}

TEST(YamlDocument, AByteOrderMarkIsNoText) {
  Diagnostics diagnostics;
  const auto root = load(std::string("\xEF\xBB\xBF") + "a: b\n", "f", diagnostics);
  ASSERT_TRUE(root);
  EXPECT_EQ(root->entries[0].key, "a");
}

// What follows a random cut or a random byte must neither crash nor hang.
TEST(YamlDocument, SurvivesMutations) {
  const std::string text = "a: [b, {c: 'd', e: \"\\u0041\"}]\nf:\n  - |\n    g\n  - > \n   h\n  -\n? i\n: j\n";
  std::uint32_t seed = 12345;
  const auto random = [&] { return seed = seed * 1664525u + 1013904223u, seed >> 8; };
  for (int i = 0; i < 3000; ++i) {
    std::string mutated = text;
    for (std::uint32_t n = random() % 4 + 1; n > 0; --n)
      mutated[random() % mutated.size()] = ",[]{}:-?|>'\"#&*! \n\tx%@`~"[random() % 25];
    mutated.resize(random() % (mutated.size() + 1));
    Diagnostics diagnostics;
    if (const auto root = load(mutated, "f", diagnostics)) {
      const auto walk = [&](const auto& self, const Node& node) -> void {
        for (std::size_t at = 0; at <= node.text.size(); ++at) node.place_in(at);
        for (const auto& item : node.items) self(self, item);
        for (const auto& entry : node.entries) self(self, entry.value);
      };
      walk(walk, *root);
    }
  }
}

TEST(YamlMapping, TellsUnknownKeysWithTheLikelyOne) {
  Diagnostics diagnostics;
  const auto root = load("severty: high\nx-note: 1\nzzz: 1\nsize: 3\n", "f", diagnostics);
  Mapping map(*root, "a rule", diagnostics);
  EXPECT_FALSE(map.text("severity"));
  EXPECT_FALSE(map.text("size", true) == std::nullopt);
  map.finish();
  const auto all = diagnostics.sorted();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].hint, "did you mean `severity`?");
  EXPECT_EQ(all[1].hint, "known here: severity, size");
}

TEST(YamlMapping, ReadsTypedValuesAndReportsAtTheValue) {
  Diagnostics diagnostics;
  const auto root = load("n: 5\nq: \"5\"\nd: 10s\nms: 250ms\nz: 10MiB\nb: true\nl: [a, b]\nbad: soon\nout: 7\n", "f", diagnostics);
  Mapping map(*root, "x", diagnostics);
  EXPECT_EQ(map.integer("n", 0, 9), 5);
  EXPECT_EQ(map.duration("d"), std::chrono::seconds(10));
  EXPECT_EQ(map.duration("ms", false, Milliseconds::allowed), std::chrono::milliseconds(250));
  EXPECT_EQ(map.size("z"), 10u << 20);
  EXPECT_EQ(map.boolean("b"), true);
  EXPECT_EQ(map.texts("l")->size(), 2u);
  EXPECT_TRUE(diagnostics.empty());
  map.integer("q", 0, 9);
  map.duration("bad");
  map.integer("out", 0, 6);
  map.duration("ms");
  map.find("absent", required);
  std::string codes;
  for (const auto& d : diagnostics.sorted()) codes += d.code + " " + at(d.place) + "; ";
  EXPECT_EQ(codes, "missing-key 1:1; wrong-type 2:4; bad-duration 4:5; bad-duration 8:6; bad-value 9:6; ");
}

TEST(YamlMapping, DurationsAreWrittenAsTheyAreRead) {
  for (const char* text : {"10s", "90m", "2h", "3d", "2w", "250ms"})
    EXPECT_EQ(format_duration(*parse_duration(text, Milliseconds::allowed)), text);
  EXPECT_EQ(format_duration(std::chrono::seconds(60)), "1m");
  for (const char* text : {"", "10", "s", "-1s", "1.5h", "10 s", "99999999999999999999s", "9999999w"})
    EXPECT_FALSE(parse_duration(text, Milliseconds::allowed)) << text;
}

}  // namespace
}  // namespace newswatch::yaml
