#include "daemon/deliver/slack.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "daemon/deliver/text.h"

namespace newswatch::deliver {
namespace {

std::size_t units(std::string_view text) {
  std::size_t count = 0;
  for (const char32_t c : CodePoints(text)) count += c > 0xffff ? 2 : 1;
  return count;
}

flow::Alert sample() {
  flow::Alert alert;
  alert.id = "nw-abcdefghijklmnopqrstuvwxyz";
  alert.rule.id = alert.rule.key = "nato";
  alert.rule.title = "NATO accession";
  alert.rule.severity = engine::Severity::high;
  alert.article.feed = "wires";
  alert.article.id = "1";
  alert.article.title = "Talks go on";
  alert.article.url = "https://news.example/a?b=1&c=2";
  alert.article.source = "news.example";
  alert.evidence.snippet = "The NATO accession of Sweden.";
  Hit hit;
  hit.start = 4;
  hit.end = 18;
  alert.evidence.hits.push_back(hit);
  return alert;
}

boost::json::object message(const flow::Alert& alert) { return boost::json::parse(slack_message(alert)).as_object(); }
std::string section(const flow::Alert& alert) {
  return std::string(message(alert).at("blocks").as_array().at(1).at("text").at("text").as_string());
}

TEST(Slack, ShowsSeverityTitleLinkAndPassageWithTheHitMarked) {
  const auto json = message(sample());
  EXPECT_EQ(json.at("blocks").at(0).at("text").at("type").as_string(), "plain_text");
  EXPECT_EQ(json.at("blocks").at(0).at("text").at("text").as_string(), "HIGH · NATO accession");
  EXPECT_EQ(section(sample()), "<https://news.example/a?b=1&amp;c=2|Talks go on>\n>The *NATO accession* of Sweden.");
  EXPECT_EQ(json.at("text").as_string(), "HIGH · NATO accession: Talks go on");
}

TEST(Slack, EscapesMentionsLinksAndEntitiesOnce) {
  EXPECT_EQ(escape_slack("<!channel> <!here> <@U1> <https://evil|bank.com>", 3000),
            "&lt;!channel&gt; &lt;!here&gt; &lt;@U1&gt; &lt;https://evil|bank.com&gt;");
  EXPECT_EQ(escape_slack("&lt;!channel&gt;", 3000), "&amp;lt;!channel&amp;gt;") << "no double decoding";
  EXPECT_EQ(escape_slack("a\n>b\r\tc", 3000), "a &gt;b  c");
}

TEST(Slack, NothingOfTheArticleIsMarkup) {
  flow::Alert alert = sample();
  const std::string evil = "<!channel> & <https://evil|bank>\n> quote";
  alert.rule.id = alert.rule.title = alert.article.title = alert.article.source = alert.evidence.snippet = evil;
  alert.article.url.clear();
  const auto json = message(alert);
  const auto check = [](std::string_view text, std::string_view where) {
    EXPECT_EQ(text.find("<!"), std::string_view::npos) << where << text;
    EXPECT_EQ(text.find("<http"), std::string_view::npos) << where << text;
  };
  check(json.at("text").as_string(), "text ");
  check(section(alert), "section ");
  check(json.at("blocks").at(2).at("elements").at(0).at("text").as_string(), "context ");
  EXPECT_FALSE(json.at("unfurl_links").as_bool());
  EXPECT_FALSE(json.contains("link_names"));
}

TEST(Slack, LinksOnlyToHttpAndNeverOutOfTheLink) {
  for (const char* url : {"javascript:alert(1)", "ftp://x.example/", "https://user:pw@x.example/", "x.example/a", "",
                          "https://x.example/a b", "https://x.example/\n<!channel>"}) {
    flow::Alert alert = sample();
    alert.article.url = url;
    EXPECT_TRUE(section(alert).starts_with("Talks go on")) << url << section(alert);
  }
  flow::Alert alert = sample();
  alert.article.url = "https://x.example/a#part";
  EXPECT_TRUE(section(alert).starts_with("<https://x.example/a#part|"));
}

TEST(Slack, KeepsItsLimitsWhateverTheTextIs) {
  flow::Alert alert = sample();
  for (const std::string& unit :
       {std::string("&"), std::string("x"), std::string("🛰"), std::string("\xff"), std::string("<")}) {
    std::string longer;
    for (int i = 0; i < 20'000; ++i) longer += unit;
    alert.rule.title = alert.article.title = alert.article.source = alert.evidence.snippet = longer;
    alert.article.url = "https://x.example/" + std::string(5'000, 'a');
    const auto json = message(alert);
    EXPECT_LE(units(json.at("blocks").at(0).at("text").at("text").as_string()), 150u);
    EXPECT_LE(units(section(alert)), 3'000u);
    EXPECT_LE(units(json.at("blocks").at(2).at("elements").at(0).at("text").as_string()), 3'000u);
  }
}

TEST(Slack, NeverCutsWithinAnEscape) {
  for (std::size_t limit = 0; limit < 40; ++limit) {
    const std::string text = escape_slack("a&b<c>d&e", limit);
    EXPECT_LE(units(text), limit);
    for (std::size_t at = text.find('&'); at != std::string::npos; at = text.find('&', at + 1)) {
      const std::string rest = text.substr(at);
      EXPECT_TRUE(rest.starts_with("&amp;") || rest.starts_with("&lt;") || rest.starts_with("&gt;")) << text;
    }
  }
}

TEST(Slack, DoesNotMarkWhereTheTextHasStarsItself) {
  flow::Alert alert = sample();
  alert.evidence.snippet = "The NATO accession * of Sweden.";
  EXPECT_EQ(section(alert).find("*NATO"), std::string::npos);
}

TEST(Slack, SendsOneMessageASecondUnlessToldOtherwise) {
  const SlackSettings settings;
  EXPECT_EQ(settings.pace.per_second, 1);
  EXPECT_EQ(settings.pace.concurrency, 1);
}

}  // namespace
}  // namespace newswatch::deliver
