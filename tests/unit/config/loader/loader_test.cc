#include "config/loader/loader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/loader/options.h"
#include "config/yaml/document.h"

namespace newswatch::config {
namespace {

constexpr const char* least = "kafka: {brokers: ['localhost:9092']}\narticles: [{feed: wires, topics: [articles]}]\nrules: [rules]\n";

std::optional<Settings> read(const std::string& text, yaml::Diagnostics& diagnostics, Purpose purpose = Purpose::run) {
  return load_text(text, "/etc/newswatchd/test.yaml", purpose, diagnostics);
}

/// "code line:column" of each diagnostic.
std::vector<std::string> faults(const std::string& text) {
  yaml::Diagnostics diagnostics;
  EXPECT_FALSE(read(text, diagnostics, Purpose::check).has_value()) << text;
  std::vector<std::string> out;
  for (const auto& one : diagnostics.sorted())
    out.push_back(one.code + " " + std::to_string(one.place.line) + ":" + std::to_string(one.place.column));
  return out;
}
using Faults = std::vector<std::string>;

TEST(ConfigLoader, DefaultsAreThoseOfTheShippedFile) {
  yaml::Diagnostics diagnostics;
  const auto shipped = load(std::string(NEWSWATCH_SOURCE_DIR) + "/config/newswatchd.yaml", Purpose::run, diagnostics);
  ASSERT_TRUE(shipped) << diagnostics.text();
  const auto plain = read(least, diagnostics);
  ASSERT_TRUE(plain) << diagnostics.text();
  EXPECT_EQ(shipped->common, plain->common);
  EXPECT_EQ(shipped->stages, plain->stages);
  EXPECT_EQ(shipped->match, plain->match);
  EXPECT_EQ(shipped->alert, plain->alert);
  EXPECT_EQ(shipped->log, plain->log);
  EXPECT_EQ(shipped->status, plain->status);
  EXPECT_EQ(shipped->shutdown_deadline, plain->shutdown_deadline);
  Settings defaults;
  EXPECT_EQ(plain->common.topics, defaults.common.topics);
  EXPECT_EQ(plain->alert, defaults.alert);
  EXPECT_EQ(plain->common.commit_interval, defaults.common.commit_interval);
}

TEST(ConfigLoader, ShippedFileNamesEveryOptionOfTheTable) {
  std::ifstream file(std::string(NEWSWATCH_SOURCE_DIR) + "/config/newswatchd.yaml");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  for (const Option& option : option_table()) {
    // Options of a kind of destination stand in its own documentation and in the samples.
    if (option.path.starts_with("destinations.<name>.") || option.path.ends_with(">")) continue;
    const auto last = option.path.substr(option.path.rfind('.') == std::string_view::npos ? 0 : option.path.rfind('.') + 1);
    EXPECT_NE(text.find(std::string(last) + ":"), std::string::npos) << option.path;
  }
}

TEST(ConfigLoader, ExamplesLoad) {
  for (const auto& entry : std::filesystem::directory_iterator(std::string(NEWSWATCH_SOURCE_DIR) + "/config/examples")) {
    if (entry.path().extension() != ".yaml") continue;
    yaml::Diagnostics diagnostics;
    EXPECT_TRUE(load(entry.path().string(), Purpose::check, diagnostics)) << diagnostics.text();
  }
}

TEST(ConfigLoader, ReferenceIsWhatIsDocumented) {
  std::ifstream file(std::string(NEWSWATCH_SOURCE_DIR) + "/docs/configuration.md");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(text, reference()) << "write it anew: newswatchd config reference > docs/configuration.md";
}

TEST(ConfigLoader, ReadsAllThatIsGiven) {
  yaml::Diagnostics diagnostics;
  const auto settings = read(R"(
instance: news-1
prefix: nw.test
guarantee: at_least_once
stages: [match, deliver]
workers: {match: 3, alert: 2}
commit_interval: 50ms
create_topics: false
remember: 3d
default_language: de
shutdown_deadline: 5s
kafka:
  brokers: [a:1, 'b:2']
  security: {protocol: sasl_ssl, mechanism: SCRAM-SHA-512, username: u, password: p}
  options: {linger.ms: 7}
topics: {replication: 1, matches: {partitions: 4}, alerts: {name: x.alerts, retention: 60d}}
articles:
  - {feed: a, topics: [one, two], start: 2h, max_article_bytes: 2MiB, on_lost_offsets: stop}
  - {feed: b, topics: three, start: 2026-01-31T08:00:00+01:00, map: {id: /i, body: [/b, /c]}}
rules: [r, /abs/*.yaml]
destinations:
  one: {type: webhook, url: "http://x", expire: 2h, group: old}
routes:
  - {when: {severity: critical, labels: {desk: europe}}, to: [one]}
log: {format: json, level: warning}
status: {listen: "[::1]:80"}
)",
                             diagnostics);
  ASSERT_TRUE(settings) << diagnostics.text();
  EXPECT_EQ(settings->common.instance, "news-1");
  EXPECT_EQ(settings->common.topics.state.name, "nw.test.state");
  EXPECT_EQ(settings->common.topics.state.partitions, 4);
  EXPECT_EQ(settings->common.topics.alerts.name, "x.alerts");
  EXPECT_EQ(settings->common.guarantee, Guarantee::at_least_once);
  EXPECT_FALSE(settings->stages.alert);
  EXPECT_EQ(settings->match.workers, 3);
  EXPECT_EQ(settings->alert.remember, 3 * 24h);
  EXPECT_EQ(settings->common.kafka.brokers, (std::vector<std::string>{"a:1", "b:2"}));
  EXPECT_EQ(settings->common.kafka.security.password.reveal(), "p");
  ASSERT_EQ(settings->common.kafka.options.size(), 1u);
  EXPECT_EQ(settings->common.kafka.options[0].value.reveal(), "7");
  ASSERT_EQ(settings->match.articles.size(), 2u);
  EXPECT_EQ(settings->match.articles[0].start.back, 2h);
  EXPECT_EQ(settings->match.articles[0].max_article_bytes, 2u << 20);
  EXPECT_EQ(settings->match.articles[0].on_lost_offsets, OnLostOffsets::stop);
  EXPECT_EQ(settings->match.articles[1].start.time.time_since_epoch(), std::chrono::seconds(1769842800));
  EXPECT_EQ(settings->match.articles[1].format, ArticleFormat::map);
  EXPECT_EQ(settings->match.articles[1].map.body, (std::vector<std::string>{"/b", "/c"}));
  EXPECT_EQ(settings->rules, (std::vector<std::string>{"/etc/newswatchd/r", "/abs/*.yaml"}));
  ASSERT_EQ(settings->deliver.destinations.size(), 1u);
  EXPECT_EQ(settings->deliver.destinations[0].group, "old");
  EXPECT_EQ(settings->deliver.destinations[0].expire, 2h);
  EXPECT_EQ(settings->alert.routes[0].labels[0].second, "europe");
  EXPECT_EQ(settings->log.level, LogLevel::warning);
  EXPECT_EQ(settings->status.host, "::1");
}

TEST(ConfigLoader, TellsAllThatIsWrongAtOnceWithItsPlace) {
  EXPECT_EQ(faults("prefx: a\n" + std::string(least) + "guarantee: twice\nprefix: 'a b'\nworkers: {match: 0}\n"),
            (Faults{"unknown-key 1:1", "bad-value 5:12", "bad-id 6:9", "bad-value 7:18"}));
  EXPECT_EQ(faults("kafka: {brokers: [localhost]}\narticles: []\nrules: []\n"),
            (Faults{"bad-value 1:19", "empty-list 2:11", "empty-list 3:8"}));
  EXPECT_EQ(faults("stages: [deliver]\n"), (Faults{"missing-key 1:1"}));
  EXPECT_EQ(faults("kafka: {brokers: [a:1]}\n"), (Faults{"missing-key 1:1", "missing-key 1:1"})) << "articles and rules";
}

TEST(ConfigLoader, RefusesAKeyTwice) {
  EXPECT_EQ(faults(std::string(least) + "log: {level: info}\nlog: {level: info}\n"), (Faults{"duplicate-key 5:1"}));
}

TEST(ConfigLoader, RefusesOptionsThatTheGuaranteesStandOn) {
  EXPECT_EQ(faults("kafka: {brokers: ['a:1'], options: {enable.auto.commit: true, linger.ms: 1}}\narticles: [{feed: w, topics: [t]}]\nrules: [r]\n"),
            (Faults{"reserved-option 1:37"}));
}

TEST(ConfigLoader, RefusesTopicsThatFeedIntoEachOther) {
  EXPECT_EQ(faults("kafka: {brokers: ['a:1']}\narticles: [{feed: w, topics: [newswatch.alerts, t]}, {feed: v, topics: [t]}]\nrules: [r]\n").size(), 2u);
}

TEST(ConfigLoader, RefusesRoutesToNowhere) {
  EXPECT_EQ(faults(std::string(least) + "destinations: {ops: {type: stdout}}\nroutes: [{when: {severity: high}, to: [opps]}]\n"),
            (Faults{"unknown-name 5:40"}));
}

TEST(ConfigLoader, RefusesRetentionThatLosesWhatIsPromised) {
  EXPECT_EQ(faults(std::string(least) + "destinations: {ops: {type: stdout, expire: 30d}}\n"), (Faults{"bad-value 1:1"}));
}

TEST(ConfigLoader, RefusesTwoDestinationsOfOneGroup) {
  EXPECT_EQ(faults(std::string(least) + "destinations:\n  a: {type: stdout}\n  b: {type: stdout, group: a}\n"), (Faults{"duplicate-id 6:28"}));
}

TEST(ConfigLoader, WantsTheCodeOfALanguage) {
  EXPECT_EQ(faults(std::string(least) + "default_language: english\n"), (Faults{"bad-value 4:19"}));
  yaml::Diagnostics diagnostics;
  EXPECT_TRUE(read(std::string(least) + "default_language: pt-BR\n", diagnostics)) << diagnostics.text();
}

TEST(ConfigLoader, SaysHowARouteTakesEveryAlert) {
  EXPECT_EQ(faults(std::string(least) + "destinations: {a: {type: stdout}}\nroutes: [{to: [a]}]\n"), (Faults{"missing-key 5:10"}));
  yaml::Diagnostics diagnostics;
  EXPECT_TRUE(read(std::string(least) + "destinations: {a: {type: stdout}}\nroutes: [{when: {}, to: [a]}]\n", diagnostics))
      << diagnostics.text();
}

TEST(ConfigLoader, MapNeedsIdAndText) {
  EXPECT_EQ(faults("kafka: {brokers: ['a:1']}\narticles: [{feed: w, topics: [t], map: {source: x}}]\nrules: [r]\n"),
            (Faults{"missing-key 2:40", "missing-key 2:40", "bad-value 2:49"}));
}

class SecretsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("newswatch-secrets-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_ / "credentials");
    unsetenv("CREDENTIALS_DIRECTORY");
  }
  void TearDown() override {
    std::filesystem::remove_all(folder_);
    unsetenv("CREDENTIALS_DIRECTORY");
    unsetenv("NEWSWATCH_TEST_SECRET");
  }
  std::optional<Settings> load_with(const std::string& password, yaml::Diagnostics& diagnostics, Purpose purpose = Purpose::run) {
    return load_text("kafka: {brokers: ['a:1'], security: {protocol: sasl_ssl, mechanism: PLAIN, username: u, password: " +
                         password + "}}\narticles: [{feed: w, topics: [t]}]\nrules: [r]\n",
                     (folder_ / "c.yaml").string(), purpose, diagnostics);
  }
  std::string password_of(const std::string& written) {
    yaml::Diagnostics diagnostics;
    const auto settings = load_with(written, diagnostics);
    return settings ? settings->common.kafka.security.password.reveal() : diagnostics.text();
  }
  std::filesystem::path folder_;
};

TEST_F(SecretsTest, AreTakenFromFilesAndTheEnvironment) {
  std::ofstream(folder_ / "pw") << "from: {file}\n";
  setenv("NEWSWATCH_TEST_SECRET", "a ${env:HOME} #b", 1);
  EXPECT_EQ(password_of("'${file:pw}'"), "from: {file}");
  EXPECT_EQ(password_of("'x${env:NEWSWATCH_TEST_SECRET}y'"), "xa ${env:HOME} #by") << "what was put in is not read again";
  EXPECT_EQ(password_of("'$${literal}'"), "${literal}");
}

TEST_F(SecretsTest, CredentialsComeBeforeTheFilesBesideTheConfiguration) {
  std::ofstream(folder_ / "pw") << "beside";
  std::ofstream(folder_ / "credentials/pw") << "credential";
  setenv("CREDENTIALS_DIRECTORY", (folder_ / "credentials").c_str(), 1);
  EXPECT_EQ(password_of("'${file:pw}'"), "credential");
}

TEST_F(SecretsTest, UndefinedIsAnErrorAndCheckNeedsNone) {
  yaml::Diagnostics diagnostics;
  EXPECT_FALSE(load_with("'${file:none}'", diagnostics));
  ASSERT_EQ(diagnostics.sorted().size(), 1u);
  EXPECT_EQ(diagnostics.sorted()[0].code, "undefined-secret");
  yaml::Diagnostics checked;
  EXPECT_TRUE(load_with("'${file:none}'", checked, Purpose::check)) << checked.text();
  yaml::Diagnostics wrong;
  EXPECT_FALSE(load_with("'${vault:x}'", wrong, Purpose::check));
  EXPECT_EQ(wrong.sorted()[0].code, "bad-placeholder");
}

TEST_F(SecretsTest, AreNeverShown) {
  std::ofstream(folder_ / "hook") << "https://canary.example/T0KEN";
  std::ofstream(folder_ / "c.yaml") << "kafka: {brokers: ['a:1'], security: {protocol: sasl_ssl, mechanism: PLAIN, username: u, password: canary}}\n"
                                       "articles: [{feed: w, topics: [t]}]\nrules: [r]\n"
                                       "destinations: {ops: {type: webhook, url: \"${file:hook}\", headers: {A: \"${env:HOME}\"}, secret: canary}}\n";
  yaml::Diagnostics diagnostics;
  const auto shown = show((folder_ / "c.yaml").string(), diagnostics);
  ASSERT_TRUE(shown) << diagnostics.text();
  EXPECT_EQ(shown->find("canary"), std::string::npos) << *shown;
  EXPECT_EQ(shown->find("T0KEN"), std::string::npos);
  EXPECT_NE(shown->find("password: \"<secret>\""), std::string::npos) << *shown;
  EXPECT_NE(shown->find("c.yaml:1:18"), std::string::npos) << *shown;
  EXPECT_NE(shown->find("# default"), std::string::npos);
}

TEST_F(SecretsTest, AreNotShownEitherWhenTheyStandInTheFile) {
  std::ofstream(folder_ / "c.yaml") << "kafka: {brokers: ['a:1'], options: {ssl.keystore.password: canary}}\n"
                                       "articles: [{feed: w, topics: [t], map: {id: /id, title: /title, url: /a/link}}]\nrules: [r]\n"
                                       "destinations:\n"
                                       "  chat: {type: slack, url: 'https://hooks.example/services/canary'}\n"
                                       "  slip: {type: slack, url: hooks.example/canary}\n"
                                       "  ops: {type: webhook, url: 'https://ops.example/?key=canary', headers: {X-Key: canary},\n"
                                       "        secret: canary, previous_secret: canary, proxy_authorization: canary}\n";
  yaml::Diagnostics diagnostics;
  const auto shown = show((folder_ / "c.yaml").string(), diagnostics);
  ASSERT_TRUE(shown) << diagnostics.text();
  EXPECT_EQ(shown->find("canary"), std::string::npos) << *shown;
  EXPECT_NE(shown->find("\"https://hooks.example/<secret>\""), std::string::npos) << *shown;
  EXPECT_NE(shown->find("X-Key: \"<secret>\""), std::string::npos) << *shown;
  EXPECT_NE(shown->find("/a/link"), std::string::npos) << *shown;
}

TEST(ConfigShow, ReadsBack) {
  yaml::Diagnostics diagnostics;
  const std::string path = std::string(NEWSWATCH_SOURCE_DIR) + "/config/newswatchd.yaml";
  const auto shown = show(path, diagnostics);
  ASSERT_TRUE(shown) << diagnostics.text();
  const auto again = load_text(*shown, path, Purpose::check, diagnostics);
  ASSERT_TRUE(again) << diagnostics.text() << *shown;
  const auto first = load(path, Purpose::check, diagnostics);
  EXPECT_EQ(again->common, first->common);
  EXPECT_EQ(again->match, first->match);
}

}  // namespace
}  // namespace newswatch::config
