#include "daemon/ingest/decoder.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

namespace newswatch::ingest {
namespace {

config::ArticleInput own_format() {
  config::ArticleInput input;
  input.feed = "wires";
  return input;
}

config::ArticleInput mapped(config::FieldMap map) {
  config::ArticleInput input;
  input.feed = "agency";
  input.format = config::ArticleFormat::map;
  input.map = std::move(map);
  return input;
}

Article decoded(const config::ArticleInput& input, std::string_view record) {
  Decoder decoder(input);
  Article article;
  const auto result = decoder.decode(record, article);
  if (!result) ADD_FAILURE() << result.error().code << ": " << result.error().message;
  return article;
}

Error refused(const config::ArticleInput& input, std::string_view record) {
  Decoder decoder(input);
  Article article;
  const auto result = decoder.decode(record, article);
  if (result) {
    ADD_FAILURE() << "was read: " << record;
    return {};
  }
  EXPECT_TRUE(result.error().permanent());
  return result.error();
}

TEST(Decoder, ReadsEveryMemberOfOurOwnFormat) {
  const Article article = decoded(own_format(), R"({
    "id": "a-1", "version": 3, "title": "Caf\u00e9 talks", "body": "One.\n\nTwo.", "url": "https://example.com/a",
    "source": "example.com", "authors": ["A. Writer", "B. Writer"], "sections": "world", "tags": ["x"],
    "countries": ["UA"], "published": "2025-02-10T12:34:56Z", "updated": 1739190900, "language": "en_GB",
    "status": "kill", "boilerplate": [1, 0, 1], "entities": ["NATO", {"id": "Q7747", "name": "V. Putin", "type": "person"}],
    "origin": {"not": "ours"}})");
  EXPECT_EQ(article.feed, "wires");
  EXPECT_EQ(article.id, "a-1");
  EXPECT_EQ(article.version, 3);
  EXPECT_EQ(article.title, "Café talks");
  EXPECT_EQ(article.body, "One.\n\nTwo.");
  EXPECT_EQ(article.url, "https://example.com/a");
  EXPECT_EQ(article.source, "example.com");
  EXPECT_EQ(article.authors, (std::vector<std::string>{"A. Writer", "B. Writer"}));
  EXPECT_EQ(article.sections, std::vector<std::string>{"world"});
  EXPECT_EQ(article.tags, std::vector<std::string>{"x"});
  EXPECT_EQ(article.countries, std::vector<std::string>{"UA"});
  EXPECT_EQ(article.published->time_since_epoch().count(), 1739190896000);
  EXPECT_EQ(article.updated->time_since_epoch().count(), 1739190900000);
  EXPECT_EQ(article.language, "en-GB");
  EXPECT_EQ(article.status, ArticleStatus::kill);
  EXPECT_EQ(article.boilerplate, (std::vector<std::uint32_t>{0, 1}));
  ASSERT_EQ(article.entities.size(), 2u);
  EXPECT_EQ(article.entities[0].name, "NATO");
  EXPECT_EQ(article.entities[1].id, "Q7747");
  EXPECT_EQ(article.entities[1].type, "person");
}

TEST(Decoder, KeepsNothingOfTheArticleBefore) {
  Decoder decoder(own_format());
  Article article;
  ASSERT_TRUE(decoder.decode(R"({"id":"1","version":2,"title":"t","body":"b","url":"u","source":"s","authors":["a"],
    "sections":["s"],"tags":["t"],"countries":["c"],"published":1,"updated":2,"language":"de","status":"kill",
    "boilerplate":[0],"entities":["e"]})", article));
  ASSERT_TRUE(decoder.decode(R"({"id":"2","title":"x","language":"fr"})", article));
  EXPECT_EQ(article.id, "2");
  EXPECT_EQ(article.title, "x");
  EXPECT_FALSE(article.version || article.published || article.updated);
  EXPECT_TRUE(article.body.empty() && article.url.empty() && article.source.empty() && article.authors.empty() &&
              article.sections.empty() && article.tags.empty() && article.countries.empty() &&
              article.boilerplate.empty() && article.entities.empty());
  EXPECT_EQ(article.status, ArticleStatus::live);
}

TEST(Decoder, NamesAnArticleByItsUrlWhenItHasNoId) {
  EXPECT_EQ(decoded(own_format(), R"({"url":"https://example.com/a","title":"t","body":"b"})").id, "https://example.com/a");
  EXPECT_EQ(decoded(own_format(), R"({"id":"","url":"u","body":"b"})").id, "u");
  EXPECT_EQ(decoded(own_format(), R"({"id":18446744073709551615,"body":"b"})").id, "18446744073709551615");
}

TEST(Decoder, TakesNullAsAbsent) {
  const Article article = decoded(own_format(), R"({"id":"1","title":null,"body":"b","published":null,"tags":[null,"x"]})");
  EXPECT_EQ(article.tags, std::vector<std::string>{"x"});
  EXPECT_FALSE(article.published);
}

TEST(Decoder, TakesTheFirstOfTwoMembersWithOneName) {
  EXPECT_EQ(decoded(own_format(), R"({"id":"first","id":"second","body":"b"})").id, "first");
}

TEST(Decoder, JoinsABodyInParagraphsAndCountsBoilerplateByElement) {
  const Article article = decoded(own_format(),
                                  R"({"id":"1","body":["One.", "", "Two.\n\nThree.", "Four."],"boilerplate":[2]})");
  EXPECT_EQ(article.body, "One.\n\nTwo.\n\nThree.\n\nFour.");
  EXPECT_EQ(article.boilerplate, (std::vector<std::uint32_t>{1, 2}));
}

TEST(Decoder, ReadsAWithdrawalWithoutText) {
  EXPECT_EQ(decoded(own_format(), R"({"id":"1","version":2,"status":"deleted"})").status, ArticleStatus::deleted);
}

TEST(Decoder, TakesACloudEventsEnvelopeOff) {
  const Article article = decoded(own_format(), R"({"specversion":"1.0","id":"event-9","source":"/cms","type":"article",
    "data":{"id":"a-1","title":"t","body":"b"}})");
  EXPECT_EQ(article.id, "a-1");
  EXPECT_EQ(refused(own_format(), R"({"specversion":"1.0","id":"e","type":"t"})").code, code_bad_envelope);
  EXPECT_EQ(refused(own_format(), R"({"specversion":"1.0","id":"e","data_base64":"e30="})").code, code_bad_envelope);
}

TEST(Decoder, ReadsARecordBehindAByteOrderMark) {
  EXPECT_EQ(decoded(own_format(), "\xEF\xBB\xBF{\"id\":\"1\",\"body\":\"b\"}").id, "1");
}

TEST(Decoder, SaysWhatIsWrongWithARecord) {
  const auto input = own_format();
  EXPECT_EQ(refused(input, "").code, code_empty);
  EXPECT_EQ(refused(input, " \n").code, code_empty);
  EXPECT_EQ(refused(input, "{").code, code_bad_json);
  EXPECT_EQ(refused(input, "<rss/>").code, code_bad_json);
  EXPECT_EQ(refused(input, "{\"id\":\"1\"} {}").code, code_bad_json);
  EXPECT_EQ(refused(input, "{\"id\":\"1\",\"body\":\"\xFF\"}").code, code_bad_utf8);
  EXPECT_EQ(refused(input, "[]").code, code_not_an_object);
  EXPECT_EQ(refused(input, "\"x\"").code, code_not_an_object);
  EXPECT_EQ(refused(input, R"({"title":"t","body":"b"})").code, code_missing_id);
  EXPECT_EQ(refused(input, R"({"id":"1"})").code, code_missing_text);
  EXPECT_EQ(refused(input, R"({"id":"1","title":" ","body":"\n"})").code, code_missing_text);
  EXPECT_EQ(refused(input, R"({"id":["1"],"body":"b"})").code, code_wrong_type);
  EXPECT_EQ(refused(input, R"({"id":1.5,"body":"b"})").code, code_wrong_type);
  EXPECT_EQ(refused(input, R"({"id":"1","body":7})").message, "`body` is a number; it must be a string, or an array of paragraphs as strings");
  EXPECT_EQ(refused(input, R"({"id":"1","body":["a",1]})").code, code_wrong_type);
  EXPECT_EQ(refused(input, R"({"id":"1","body":"b","tags":{"a":1}})").code, code_wrong_type);
  EXPECT_EQ(refused(input, R"({"id":"1","body":"b","version":"two"})").code, code_wrong_type);
  EXPECT_EQ(refused(input, R"({"id":"1","body":"b","published":"last week"})").code, code_bad_value);
  EXPECT_EQ(refused(input, R"({"id":"1","body":"b","published":true})").code, code_wrong_type);
  EXPECT_EQ(refused(input, R"({"id":"1","body":"b","status":"odd"})").code, code_bad_value);
  EXPECT_EQ(refused(input, R"({"id":"1","body":"b","boilerplate":[-1]})").code, code_bad_value);
  EXPECT_EQ(refused(input, R"({"id":"1","body":"b","entities":[1]})").code, code_wrong_type);
}

TEST(Decoder, KnowsTheIdOfARejectedArticleWhereverItStands) {
  Decoder decoder(own_format());
  Article article;
  EXPECT_FALSE(decoder.decode(R"({"body":7,"title":[],"id":"late"})", article));
  EXPECT_EQ(article.id, "late");
  EXPECT_EQ(article.feed, "wires");
  EXPECT_FALSE(decoder.decode("junk", article));
  EXPECT_EQ(article.id, "");
}

TEST(Decoder, RefusesWhatIsNestedTooDeep) {
  const auto nested = [](int levels) {
    return R"({"id":"1","body":"b","x":)" + std::string(levels, '[') + std::string(levels, ']') + "}";
  };
  EXPECT_EQ(decoded(own_format(), nested(60)).id, "1");
  EXPECT_EQ(refused(own_format(), nested(100)).code, code_too_deep);
  EXPECT_EQ(refused(own_format(), std::string(1'000'000, '[') + "]").code, code_too_deep);
}

TEST(Decoder, RefusesWhatIsTooLargeAndReadsOnAfterwards) {
  auto input = own_format();
  input.max_article_bytes = 3u << 20;
  Decoder decoder(input);
  Article article;
  const std::string large = R"({"id":"1","body":")" + std::string(2u << 20, 'x') + "\"}";
  EXPECT_TRUE(decoder.decode(large, article));
  EXPECT_EQ(article.body.size(), 2u << 20);
  EXPECT_EQ(decoder.decode(std::string((3u << 20) + 1, ' '), article).error().code, code_too_large);
  EXPECT_TRUE(decoder.decode(R"({"id":"2","body":"b"})", article));
}

TEST(Decoder, ReadsAForeignShapeThroughPointers) {
  config::FieldMap map;
  map.id = {"/uri"};
  map.title = {"/headline", "/title"};
  map.body = {"/text/*/p"};
  map.url = {"/links/0"};
  map.source = {"/source/uri"};
  map.authors = {"/authors/*/name"};
  map.tags = {"/a~1b~0c"};
  map.published = {"/dateTime"};
  map.language = {"/lang"};
  map.version = {"/rev"};
  const auto input = mapped(map);
  const Article article = decoded(input, R"({"uri":8123,"title":"T","text":[{"p":"One."},{"q":1},{"p":"Two."}],
    "links":["https://example.com/x"],"source":{"uri":"example.com"},"authors":[{"name":"A"},{"name":"B"}],
    "a/b~c":["t1","t2"],"dateTime":"2025-02-10T12:34:56Z","lang":"eng","rev":"4"})");
  EXPECT_EQ(article.feed, "agency");
  EXPECT_EQ(article.id, "8123");
  EXPECT_EQ(article.title, "T");
  EXPECT_EQ(article.body, "One.\n\nTwo.");
  EXPECT_EQ(article.url, "https://example.com/x");
  EXPECT_EQ(article.source, "example.com");
  EXPECT_EQ(article.authors, (std::vector<std::string>{"A", "B"}));
  EXPECT_EQ(article.tags, (std::vector<std::string>{"t1", "t2"}));
  EXPECT_EQ(article.published->time_since_epoch().count(), 1739190896000);
  EXPECT_EQ(article.language, "en");
  EXPECT_EQ(article.version, 4);
}

TEST(Decoder, LeavesOutAndCountsWhatAForeignArticleCanDoWithout) {
  config::FieldMap map;
  map.id = {"/id"};
  map.body = {"/text"};
  map.published = {"/date"};
  map.tags = {"/tags"};
  map.source = {"/source"};
  Decoder decoder(mapped(map));
  Article article;
  ASSERT_TRUE(decoder.decode(R"({"id":"1","text":"b","date":"some day","tags":["x",{}],"source":""})", article));
  EXPECT_FALSE(article.published);
  EXPECT_EQ(article.tags, std::vector<std::string>{"x"});
  EXPECT_EQ(decoder.left_out(), 2u);
  EXPECT_EQ(decoder.decode(R"({"id":"1","text":5})", article).error().code, code_wrong_type);
  EXPECT_EQ(decoder.decode(R"({"id":{},"text":"b"})", article).error().code, code_wrong_type);
  EXPECT_EQ(decoder.decode(R"({"text":"b"})", article).error().code, code_missing_id);
}

TEST(Decoder, DetectsALanguageThatIsNotGivenOnlyWhenSure) {
  EXPECT_EQ(decoded(own_format(), R"({"id":"1","title":"Talks on membership","body":"The foreign ministers of the alliance met on Tuesday to talk about the accession of two more countries, officials said."})").language, "en");
  EXPECT_EQ(decoded(own_format(), R"({"id":"1","body":"Die Außenminister des Bündnisses trafen sich am Dienstag, um über den Beitritt zweier weiterer Länder zu sprechen."})").language, "de");
  EXPECT_EQ(decoded(own_format(), R"({"id":"1","body":"Министры иностранных дел встретились во вторник, чтобы обсудить вступление двух стран."})").language, "ru");
  EXPECT_EQ(decoded(own_format(), R"({"id":"1","body":"123 456"})").language, "");
  EXPECT_EQ(decoded(own_format(), R"({"id":"1","language":"fr","body":"The foreign ministers of the alliance met on Tuesday."})").language, "fr");
}

TEST(Decoder, WritesLanguagesAsTags) {
  for (const auto& [given, tag] : std::vector<std::pair<std::string, std::string>>{
           {"EN", "en"}, {"en-US", "en-US"}, {"english", "en"}, {"Ukrainian", "uk"}, {"ger", "de"}, {"deu", "de"},
           {"zho", "zh"}, {"zh-Hant", "zh-Hant"}, {"haw", "haw"}, {" pt_BR ", "pt-BR"}})
    EXPECT_EQ(decoded(own_format(), R"({"id":"1","body":"1 2","language":")" + given + "\"}").language, tag);
}

std::filesystem::path shared() {
  const char* given = std::getenv("NEWSWATCH_SHARED");
  return given ? std::filesystem::path(given) : std::filesystem::path(NEWSWATCH_SOURCE_DIR) / ".." / "shared";
}

TEST(Decoder, AgreesWithTheJsonTestSuite) {
  const auto folder = shared() / "data" / "JSONTestSuite" / "test_parsing";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "needs " << folder << "; set NEWSWATCH_SHARED";
  config::FieldMap map;
  map.id = {"/id"};
  map.body = {""};
  std::vector<Decoder> decoders;
  decoders.emplace_back(own_format());
  decoders.emplace_back(mapped(map));
  Article article;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    const std::string name = entry.path().filename();
    for (Decoder& decoder : decoders) {
      const auto result = decoder.decode(text, article);
      EXPECT_FALSE(result) << name;  // none of them is an article
      if (result) continue;
      const std::string& code = result.error().code;
      const bool unreadable = code == code_bad_json || code == code_bad_utf8 || code == code_too_deep || code == code_empty;
      if (name[0] == 'n') {
        EXPECT_TRUE(unreadable) << name << ": " << code;
      }
      if (name[0] == 'y') {
        EXPECT_FALSE(unreadable) << name << ": " << code;
      }
      // Embedded in an article, what is valid stays so and what is not spoils it.
      const auto wrapped = decoder.decode(R"({"id":"1","body":"b","x":)" + text + "}", article);
      if (name[0] == 'y') {
        EXPECT_TRUE(wrapped || wrapped.error().code == code_wrong_type) << name;
      }
    }
    ++files;
  }
  EXPECT_GT(files, 300);
}

TEST(Decoder, SurvivesDamagedRecordsAndReadsTheNextOne) {
  const auto seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string good = R"({"id":"a-1","version":3,"title":"Caf\u00e9","body":["One.","Two."],"tags":["x"],
    "published":"2025-02-10T12:34:56Z","boilerplate":[0],"entities":[{"id":"Q1"}],"language":"en"})";
  config::FieldMap map;
  map.id = {"/id"};
  map.title = {"/title"};
  map.body = {"/body"};
  map.tags = {"/tags/*"};
  map.published = {"/published"};
  std::vector<Decoder> decoders;
  decoders.emplace_back(own_format());
  decoders.emplace_back(mapped(map));
  Article article;
  for (int round = 0; round < 20'000; ++round) {
    std::string bad = good;
    for (unsigned edits = 1 + random() % 4; edits > 0; --edits) {
      const std::size_t at = random() % bad.size();
      switch (random() % 4) {
        case 0: bad[at] = char(random()); break;
        case 1: bad.erase(at, 1 + random() % 5); break;
        case 2: bad.insert(at, 1, "{}[]\",:0\\"[random() % 9]); break;
        default: bad.resize(at); break;
      }
      if (bad.empty()) bad = " ";
    }
    for (Decoder& decoder : decoders) {
      const auto result = decoder.decode(bad, article);
      if (result) {
        EXPECT_FALSE(article.id.empty());
      }
      ASSERT_TRUE(decoder.decode(good, article));
      ASSERT_EQ(article.id, "a-1");
    }
  }
}

}  // namespace
}  // namespace newswatch::ingest
