// What scripts and units depend on: exit codes, which stream, and what the first lines say. No broker is needed.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/process.h"

using namespace newswatch::test;
using namespace std::chrono_literals;

namespace {

class CommandLine : public testing::Test {
 protected:
  CommandLine() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    write("good.yaml", "rules:\n  - {id: any-rule, any: [sanction]}\n");
    write("bad.yaml", "rules:\n  - {id: one, any: [sanction], severty: high}\n  - {id: two}\n");
  }
  ~CommandLine() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string configuration(const std::string& rules, const std::string& more = "") {
    return write("newswatchd.yaml",
                 "kafka: {brokers: ['127.0.0.1:1']}\narticles: [{feed: wires, topics: [articles]}]\nrules: [" + rules +
                     "]\n" + more);
  }

  int run(std::vector<std::string> arguments, std::map<std::string, std::string> environment = {}) {
    arguments.insert(arguments.begin(), NEWSWATCH_BINARY);
    environment.emplace("NO_COLOR", "1");
    Process process(arguments, environment);
    const auto code = process.wait(60s);
    output_ = process.output();
    return code.value_or(-1000);
  }
  bool said(const std::string& text) const { return output_.find(text) != std::string::npos; }

  const std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / ("newswatch-command-line-" + std::to_string(getpid()));
  std::string output_;
};

TEST_F(CommandLine, WrongUseEndsWith64AndSaysWhereHelpIs) {
  EXPECT_EQ(run({}), 64);
  EXPECT_EQ(run({"runn"}), 64);
  EXPECT_EQ(run({"run"}), 64);
  EXPECT_TRUE(said("--config")) << output_;
  EXPECT_TRUE(said("newswatchd run --help")) << output_;
  EXPECT_EQ(run({"check"}), 64);
  EXPECT_EQ(run({"match", "x.jsonl"}), 64);
  EXPECT_EQ(run({"check", "--format", "xml", path("good.yaml")}), 64);
}

TEST_F(CommandLine, HelpAndVersionEndWell) {
  EXPECT_EQ(run({"--help"}), 0);
  for (const char* command : {"run", "demo", "check", "config", "topics", "match", "metrics"}) {
    EXPECT_TRUE(said(command)) << command;
    EXPECT_EQ(Process({NEWSWATCH_BINARY, command, "--help"}).wait(30s), 0);
  }
  EXPECT_EQ(run({"--version"}), 0);
  EXPECT_TRUE(output_.starts_with("newswatchd ")) << output_;
}

TEST_F(CommandLine, CheckOfGoodRulesSaysHowMany) {
  EXPECT_EQ(run({"check", path("good.yaml")}), 0);
  EXPECT_TRUE(said("OK: 1 rule")) << output_;
}

TEST_F(CommandLine, CheckOfBadRulesTellsAllOfThemWithTheirPlaces) {
  EXPECT_EQ(run({"check", path("bad.yaml")}), 78);
  EXPECT_TRUE(said("bad.yaml:2:")) << output_;
  EXPECT_TRUE(said("bad.yaml:3:")) << output_;
  EXPECT_TRUE(said("severity")) << "no suggestion in: " << output_;
  EXPECT_EQ(run({"check", path("nowhere.yaml")}), 78);
  EXPECT_TRUE(said("nowhere.yaml")) << output_;
}

TEST_F(CommandLine, CheckPrintsJsonForPrograms) {
  EXPECT_EQ(run({"check", "--format", "json", path("bad.yaml")}), 78);
  const auto value = boost::json::parse(output_);
  EXPECT_GE(value.at("errors").to_number<int>(), 2) << output_;
  EXPECT_EQ(run({"check", "--format", "json", path("good.yaml")}), 0);
  EXPECT_EQ(boost::json::parse(output_).at("errors").to_number<int>(), 0);
}

TEST_F(CommandLine, CheckOfAConfigurationNeedsNeitherBrokerNorSecrets) {
  const auto config =
      configuration("good.yaml", "destinations:\n  ops: {type: slack, url: \"${file:no-such-secret}\"}\n");
  EXPECT_EQ(run({"check", "--config", config}), 0) << output_;
  EXPECT_TRUE(said("OK: 1 rule, 1 article input, 1 destination")) << output_;
}

TEST_F(CommandLine, CheckOfAConfigurationTellsItsFaultsAndThoseOfItsRulesAtOnce) {
  const auto config = configuration("bad.yaml", "guarante: exactly_once\ndestinations: {hook: {type: webhook}}\n");
  EXPECT_EQ(run({"check", "--config", config}), 78);
  EXPECT_TRUE(said("newswatchd.yaml:4:1")) << output_;
  EXPECT_TRUE(said("newswatchd.yaml:5:22")) << output_;
  EXPECT_TRUE(said("bad.yaml:2:")) << output_;
}

TEST_F(CommandLine, CheckOfAConfigurationRefusesRulesThatSendToNobody) {
  write("to.yaml", "rules:\n  - {id: any-rule, any: [sanction], to: [opps]}\n");
  const auto config = configuration("to.yaml", "destinations:\n  ops: {type: stdout}\n");
  EXPECT_EQ(run({"check", "--config", config}), 78);
  EXPECT_TRUE(said("opps")) << output_;
  EXPECT_TRUE(said("ops")) << output_;
}

TEST_F(CommandLine, RunRefusesABadRuleFileBeforeItAsksForABroker) {
  EXPECT_EQ(run({"run", "--config", configuration("bad.yaml")}), 78);
  EXPECT_TRUE(said("bad.yaml:2:")) << output_;
}

TEST_F(CommandLine, RunWithoutAFileSaysWhichOne) {
  EXPECT_EQ(run({"run", "--config", path("nowhere.yaml")}), 78);
  EXPECT_TRUE(said("nowhere.yaml")) << output_;
}

TEST_F(CommandLine, ConfigShowHidesSecretsAndNamesOrigins) {
  const auto config =
      configuration("good.yaml", "destinations:\n  ops: {type: slack, url: \"${env:NEWSWATCH_TEST_SECRET}\"}\n");
  EXPECT_EQ(run({"config", "show", "--config", config}, {{"NEWSWATCH_TEST_SECRET", "https://hook.example/swordfish"}}),
            0);
  EXPECT_FALSE(said("swordfish")) << output_;
  EXPECT_TRUE(said("<secret>")) << output_;
  EXPECT_TRUE(said("default")) << output_;
}

TEST_F(CommandLine, TopicsNamesEveryTopicGroupAndIdWithItsAcl) {
  const auto config = configuration("good.yaml", "destinations:\n  desk: {type: kafka, topic: desk.alerts}\n");
  EXPECT_EQ(run({"topics", "--config", config}), 0) << output_;
  for (const char* name : {"newswatch.matches", "newswatch.state", "newswatch.alerts", "newswatch.rejected",
                           "newswatch.undelivered", "articles", "desk.alerts", "newswatch-match", "newswatch-alert",
                           "newswatch-deliver-desk", "--transactional-id 'newswatch-alert-'", "kafka-acls.sh"}) {
    EXPECT_TRUE(said(name)) << name << " is missing in\n" << output_;
  }
}

TEST_F(CommandLine, MatchReadsFilesAndSaysWhatMatched) {
  const auto articles =
      write("articles.jsonl",
            "{\"id\": \"1\", \"title\": \"New sanctions\", \"body\": \"The council sanctioned them.\"}\n"
            "{\"id\": \"2\", \"title\": \"Bread\", \"body\": \"A prize.\"}\nnonsense\n");
  EXPECT_EQ(run({"match", "--rules", path("good.yaml"), "--format", "json", articles}), 0);
  EXPECT_TRUE(said("\"rule\":\"any-rule\"")) << output_;
  EXPECT_TRUE(said("articles.jsonl:3: bad_json")) << output_;
  EXPECT_TRUE(said("3 articles: 1 matched, 1 not, 1 rejected")) << output_;
  EXPECT_EQ(run({"match", "--rules", path("good.yaml"), path("nowhere.jsonl")}), 66) << output_;
}

TEST_F(CommandLine, MetricsPrintsTheTable) {
  EXPECT_EQ(run({"metrics"}), 0);
  EXPECT_TRUE(said("| `newswatchd_articles_total` | counter |")) << output_;
}

}  // namespace
