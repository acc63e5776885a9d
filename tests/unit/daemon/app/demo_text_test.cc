#include "daemon/app/demo_text.h"

#include <gtest/gtest.h>

using namespace newswatch;

namespace {

flow::Alert sample() {
  flow::Alert alert;
  alert.rule.id = "nato-accession";
  alert.rule.title = "NATO accession";
  alert.rule.severity = engine::Severity::high;
  alert.article.title = "Talks \x1b[2J open";
  alert.article.source = "harbourpost.example";
  alert.article.published = Time(std::chrono::milliseconds(1772431800000));
  alert.evidence.snippet = "They voted for NATO accession talks.";
  alert.evidence.snippet_start = 100;
  alert.evidence.snippet_field = Field::body;
  alert.evidence.hits = {{"NATO accession", "", Field::body, 115, 129, "NATO accession"}};
  return alert;
}

TEST(DemoText, ShowsAnAlertWithItsHitMarked) {
  EXPECT_EQ(app::show_alert(sample(), false),
            "\nHIGH  nato-accession  NATO accession\n"
            "  Talks \\x1b[2J open\n"
            "  harbourpost.example, 2026-03-02T06:10\n"
            "  They voted for «NATO accession» talks.\n");
}

TEST(DemoText, UsesColourOnlyWhenAsked) {
  EXPECT_EQ(app::show_alert(sample(), false).find('\x1b'), std::string::npos);
  EXPECT_NE(app::show_alert(sample(), true).find("\x1b[1;30;43mNATO accession\x1b[0m"), std::string::npos);
}

TEST(DemoText, SumsUpWithTheGatesThatSuppressed) {
  app::DemoCounts counts;
  counts.articles = 37;
  counts.matched = 20;
  counts.no_match = 17;
  counts.matches = 22;
  counts.alerts = 18;
  counts.received = 18;
  counts.suppressed = {{"cooldown", 0}, {"story", 4}};
  EXPECT_EQ(app::show_summary(counts),
            "\nsummary: 37 articles: 20 matched, 17 not\n"
            "         22 matches: 18 alerts, 4 suppressed by story\n"
            "         18 alerts came to the webhook\n");
}

}  // namespace
