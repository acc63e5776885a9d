#include "daemon/flow/identity.h"

#include <gtest/gtest.h>

#include "daemon/flow/article_summary.h"

namespace newswatch::flow {
namespace {

// Computed with Python's hashlib and base64 from the definition. If one of these changes, every receiver sees old
// alerts as new ones: do not adapt the value, repair the function.
TEST(AlertId, IsPinned) {
  EXPECT_EQ(alert_id("nato-accession", "", AlertKind::alert, "wires", "urn:1", "7"), "nw-gdkrh42txy36lu24qmjoywtlby");
  EXPECT_EQ(alert_id("nato-accession", "Q1065", AlertKind::update, "wires", "urn:1", "7"),
            "nw-k2bw5uecjjryvdo7u4ctghi4hi");
  EXPECT_EQ(alert_id("", "", AlertKind::alert, "", "", ""), "nw-axz3nomvzeps4ciwzc4745ksxu");
}

TEST(AlertId, DependsOnWhereOnePartEnds) {
  EXPECT_NE(alert_id("ab", "c", AlertKind::alert, "f", "1", "2"), alert_id("a", "bc", AlertKind::alert, "f", "1", "2"));
  EXPECT_NE(alert_id("a", "", AlertKind::alert, "f", "12", ""), alert_id("a", "", AlertKind::alert, "f", "1", "2"));
}

TEST(VersionName, IsTheGivenOneElseTheUpdateTimeElseAHash) {
  Article article;
  article.title = "T";
  article.body = "Short.";
  EXPECT_EQ(version_name(article), "h87acbdd8be3b673f8edfbcf516d03242");
  article.updated = Time{std::chrono::milliseconds(1'700'000'000'999)};
  EXPECT_EQ(version_name(article), "1700000000");
  article.updated = Time{std::chrono::milliseconds(-1)};
  EXPECT_EQ(version_name(article), "-1");
  article.version = 7;
  EXPECT_EQ(version_name(article), "7");
}

TEST(BodyHash, IsPinned) {
  Article article;
  article.title = "T";
  for (int i = 0; i < 4; ++i) article.body += "Finland joined the alliance on Tuesday. ";
  EXPECT_EQ(body_hash(article), "a52619e0a761f628c83daf693705890b");
  article.body = "Short.";
  EXPECT_EQ(body_hash(article), "87acbdd8be3b673f8edfbcf516d03242");
}

TEST(BodyHash, IsEqualForCopiesWithOtherBlanksAndAnotherTitle) {
  Article one, other;
  for (int i = 0; i < 4; ++i) one.body += "Finland joined the alliance\non Tuesday.  ";
  for (int i = 0; i < 4; ++i) other.body += "\r\n\tFinland joined\xC2\xA0the alliance on Tuesday.";
  one.title = "Finland joins";
  other.title = "UPDATE 1-Finland joins";
  EXPECT_EQ(body_hash(one), body_hash(other));
}

TEST(BodyHash, TellsTeasersOfOneSentenceApartByTheirTitle) {
  Article one, other;
  one.body = other.body = "More follows.";
  one.title = "Finland joins";
  other.title = "Sweden joins";
  EXPECT_NE(body_hash(one), body_hash(other));
}

TEST(BodyHash, IsEmptyWithoutABody) {
  Article article;
  article.title = "A headline";
  article.body = " \n\xC2\xA0 ";
  EXPECT_EQ(body_hash(article), "");
}

TEST(Summarize, KeepsLongIdsShortAndApart) {
  Article article;
  article.id = std::string(1000, 'x');
  EXPECT_EQ(summarize(article).id, article.id);
  article.id = std::string(5000, 'x') + "1";
  const std::string first = summarize(article).id;
  article.id = std::string(5000, 'x') + "2";
  const std::string second = summarize(article).id;
  EXPECT_LE(first.size(), 1000u);
  EXPECT_NE(first, second);
}

TEST(Summarize, MakesTextValid) {
  Article article;
  article.id =
      "a\xFF"
      "b";
  article.title = "\xED\xA0\x80";
  EXPECT_EQ(summarize(article).id,
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(summarize(article).title, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace
}  // namespace newswatch::flow
