#include "tests/support/sample_match.h"

#include <chrono>

namespace newswatch::test {
namespace {

using namespace std::chrono_literals;

constexpr Time new_year{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};

}  // namespace

flow::MatchRecord full_match() {
  flow::MatchRecord match;
  match.rule.key = "nato";
  match.rule.id = "nato-accession";
  match.rule.title = "NATO \"accession\"\n\\ \x01";
  match.rule.status = flow::RuleStatus::shadow;
  match.rule.severity = flow::Severity::critical;
  match.rule.labels = {{"desk", "europe"}, {"topic", "défense"}};
  match.rule.to = {"ops-slack", "risk"};
  match.rule.alert.group_by = {"entity"};
  match.rule.alert.stories = flow::Stories::every;
  match.rule.alert.cooldown = 90min;
  match.revision = "r-1f2e";
  flow::ArticleSummary& article = match.article;
  article.feed = "wires";
  article.id = "urn:newsml:1";
  article.version = "3";
  article.title = "Фінляндія joins 北约 😀";
  article.url = "https://example.com/a?b=c";
  article.source = "example.com";
  article.authors = {"A. Writer", "B. Writer"};
  article.sections = {"World"};
  article.tags = {"nato", "finland"};
  article.countries = {"FI"};
  article.published = Time{1'767'225'600'123ms};
  article.updated = Time{1'767'225'700'000ms};
  article.language = "en-GB";
  article.status = ArticleStatus::withheld;
  article.entities = {{"Q7184", "NATO", "org"}};
  match.evidence.hits = {{"NATO", "Q7184", Field::title, 3, 7, "NATO"}, {"join*", "", Field::body, 100, 106, "joined"}};
  match.evidence.hits_total = 7;
  match.evidence.entities = {"Q7184"};
  match.evidence.snippet = "Finland joined NATO on Tuesday.";
  match.evidence.snippet_start = 90;
  match.evidence.snippet_field = Field::body;
  match.sentences = {1, 0xFFFFFFFFFFFFFFFFull};
  match.body_hash = "00112233445566778899aabbccddeeff";
  match.signature = {42};
  match.record_time = new_year + 5s;
  match.origin = {"articles", 3, 1234567890123};
  match.summary_cut = true;
  return match;
}

flow::MatchRecord small_match(const std::string& rule, const std::string& id, int seconds) {
  flow::MatchRecord match;
  match.rule.key = match.rule.id = match.rule.title = rule;
  match.revision = "r-1";
  match.article.feed = "wires";
  match.article.id = id;
  match.article.version = "1";
  match.article.title = "About " + id;
  match.evidence.hits = {{"nato", "", Field::body, 0, 4, "NATO"}};
  match.evidence.hits_total = 1;
  match.evidence.snippet = "NATO and " + id;
  match.body_hash = "body-of-" + id;
  match.record_time = new_year + std::chrono::seconds(seconds);
  match.origin = {"articles", 0, 0};
  return match;
}

std::vector<flow::MatchRecord> random_matches(std::mt19937& random, int count) {
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  std::vector<flow::MatchRecord> matches;
  int now = 0;
  for (int i = 0; i < count; ++i) {
    now += below(3600);
    const int rule = below(5), article = below(20);
    flow::MatchRecord match =
        small_match("rule-" + std::to_string(rule), "article-" + std::to_string(article), now - below(2) * below(9000));
    match.article.version = std::to_string(1 + below(3));
    match.body_hash = "body-" + std::to_string(article / 2) + "-" + std::to_string(below(3) / 2);
    if (below(10) == 0) match.body_hash.clear();
    if (rule == 1) match.rule.alert.stories = flow::Stories::every;
    if (rule == 2) match.rule.alert.cooldown = 2h;
    if (rule == 3) match.rule.status = flow::RuleStatus::shadow;
    if (rule == 4) {
      match.rule.alert.stories = flow::Stories::every;
      match.rule.alert.cooldown = 30min;
    }
    match.rule.to = {"ops"};
    matches.push_back(std::move(match));
  }
  return matches;
}

}  // namespace newswatch::test
