// What a newcomer sees first.

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "tests/support/process.h"

using namespace newswatch::test;
using namespace std::chrono_literals;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(Demo, ShowsAlertsAsTheyComeAndEndsWithASummary) {
  Process demo({NEWSWATCH_BINARY, "demo"});
  EXPECT_EQ(demo.wait(60s), 0);
  const std::string out = demo.output();
  EXPECT_NE(out.find("at least once"), std::string::npos) << out;
  EXPECT_NE(out.find("kcat -b 127.0.0.1:"), std::string::npos) << out;
  EXPECT_NE(out.find("-t demo.alerts"), std::string::npos) << out;
  EXPECT_NE(out.find("«"), std::string::npos) << "no marked hit in\n" << out;
  EXPECT_NE(out.find("summary: 37 articles: "), std::string::npos) << out;
  EXPECT_NE(out.find("suppressed by story"), std::string::npos) << out;
  EXPECT_EQ(out.find('\x1b'), std::string::npos) << "control characters in a pipe";
  // Each alert came once: a line of severity, then title, source and passage.
  const auto alerts =
      count(out, "\nCRITICAL  ") + count(out, "\nHIGH  ") + count(out, "\nMEDIUM  ") + count(out, "\nLOW  ");
  EXPECT_NE(out.find(std::to_string(alerts) + " alerts came to the webhook"), std::string::npos) << out;
  EXPECT_GE(alerts, 15u);
}

TEST(Demo, StaysSilentOnNearMissesAndBoilerplate) {
  Process demo({NEWSWATCH_BINARY, "demo"});
  ASSERT_EQ(demo.wait(60s), 0);
  for (const char* title : {"Council sanctioned the use of e-scooters", "Ferry timetable changes", "Hackathon winners",
                            "an earthquake on the wing", "A coup de théâtre", "Neighbours recall the winter"}) {
    EXPECT_EQ(demo.output().find(title), std::string::npos) << title;
  }
}

TEST(Demo, PlaysTheUsersArticlesWithTheUsersRules) {
  const auto folder = std::filesystem::path(testing::TempDir()) / ("newswatch-demo-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const auto write = [&](const char* name, const char* text) {
    std::ofstream(folder / name) << text;
    return (folder / name).string();
  };
  const auto articles =
      write("mine.jsonl",
            "{\"id\": \"1\", \"title\": \"A zeppelin over the harbour\", \"body\": \"It was grey.\"}\n"
            "{\"id\": \"2\", \"title\": \"Nothing\", \"body\": \"At all.\"}\nno json\n");
  const auto rules = write("mine.yaml", "rules:\n  - {id: airships, severity: low, any: [zeppelin]}\n");
  Process demo({NEWSWATCH_BINARY, "demo", "--articles", articles, "--rules", rules});
  EXPECT_EQ(demo.wait(60s), 0);
  EXPECT_NE(demo.output().find("LOW  airships\n  A zeppelin over the harbour"), std::string::npos) << demo.output();
  EXPECT_NE(demo.output().find("summary: 3 articles: 1 matched, 1 not, 1 could not be read"), std::string::npos)
      << demo.output();
  const auto broken = write("broken.yaml", "rules:\n  - {id: airships, any: []}\n");
  Process refused({NEWSWATCH_BINARY, "demo", "--rules", broken});
  EXPECT_EQ(refused.wait(60s), 78);
  EXPECT_NE(refused.output().find("broken.yaml:2:"), std::string::npos) << refused.output();
  Process absent({NEWSWATCH_BINARY, "demo", "--articles", (folder / "nowhere.jsonl").string()});
  EXPECT_EQ(absent.wait(60s), 66);
  std::filesystem::remove_all(folder);
}

TEST(Demo, CtrlCEndsItCleanlyAtAnyTime) {
  Process early({NEWSWATCH_BINARY, "demo", "--wait"});
  ASSERT_TRUE(early.wait_for_output("newswatchd demo: "));
  early.signal(SIGINT);
  EXPECT_EQ(early.wait(20s), 0) << early.output();
  Process late({NEWSWATCH_BINARY, "demo", "--wait"});
  ASSERT_TRUE(late.wait_for_output("The broker stays until Ctrl-C")) << late.output();
  late.signal(SIGINT);
  EXPECT_EQ(late.wait(20s), 0) << late.output();
  EXPECT_NE(late.output().find("summary: "), std::string::npos);
}

}  // namespace
