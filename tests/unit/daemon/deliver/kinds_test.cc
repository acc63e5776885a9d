// Sections of destinations, read as the daemon reads them.

#include "daemon/deliver/kinds.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "config/loader/loader.h"
#include "daemon/deliver/kafka.h"
#include "daemon/deliver/slack.h"
#include "daemon/deliver/stdout.h"
#include "daemon/deliver/webhook.h"

namespace newswatch::deliver {
namespace {

using namespace std::chrono_literals;

constexpr const char* rest = R"(
kafka: {brokers: ["127.0.0.1:9092"]}
articles: [{feed: wires, topics: [articles]}]
rules: [rules]
)";

struct Read {
  std::vector<std::shared_ptr<const DestinationSettings>> destinations;
  std::string problems;  ///< as a person sees them
  std::set<std::string> codes;
};

Read read(const std::string& destinations, config::Purpose purpose = config::Purpose::run) {
  yaml::Diagnostics diagnostics;
  const auto settings = config::load_text("destinations:\n" + destinations + rest, "test.yaml", purpose, diagnostics);
  Read result;
  if (settings) result.destinations = read_destinations(*settings, diagnostics);
  result.problems = diagnostics.text();
  for (const auto& one : diagnostics.sorted()) result.codes.insert(one.code);
  if (!settings && diagnostics.empty()) ADD_FAILURE() << "nothing read and nothing said";
  return result;
}

template <class Settings>
const Settings& as(const Read& result, std::size_t index = 0) {
  const auto* settings = dynamic_cast<const Settings*>(result.destinations.at(index).get());
  if (!settings) throw std::runtime_error("another kind");
  return *settings;
}

TEST(Kinds, AreFour) { EXPECT_EQ(kind_names(), (std::vector<std::string>{"kafka", "webhook", "slack", "stdout"})); }

TEST(Kinds, ReadsEachWithItsDefaults) {
  const Read result = read(R"(
  risk: {type: webhook, url: "https://risk.example/hook"}
  desk: {type: kafka, topic: desk.alerts}
  ops: {type: slack, url: "https://hooks.slack.example/services/T0/B0/x"}
  out: {type: stdout}
)");
  ASSERT_EQ(result.problems, "");
  ASSERT_EQ(result.destinations.size(), 4u);
  const auto& risk = as<WebhookSettings>(result, 0);
  EXPECT_EQ(risk.name, "risk");
  EXPECT_EQ(risk.group, "risk");
  EXPECT_EQ(risk.expire, 24h);
  EXPECT_EQ(risk.http.timeout, 15s);
  EXPECT_EQ(risk.pace, (Pace{16, 0, {1s, 2, 10min}}));
  EXPECT_EQ(as<KafkaSettings>(result, 1).topic, "desk.alerts");
  EXPECT_EQ(as<SlackSettings>(result, 2).pace.per_second, 1);
  EXPECT_EQ(as<StdoutSettings>(result, 3).format, StdoutSettings::Format::json);
}

TEST(Kinds, ReadsEveryOptionOfAWebhook) {
  ::setenv("NEWSWATCH_TEST_TOKEN", "Bearer canary", 1);
  ::setenv("NEWSWATCH_TEST_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1);
  const Read result = read(R"(
  risk:
    type: webhook
    group: place-1
    expire: 2h
    url: https://risk.example/hook
    mode: binary
    timeout: 500ms
    concurrency: 3
    rate: 2.5
    retry: {first: 2s, factor: 3, max: 1h}
    ca_file: /etc/ca.pem
    proxy: http://proxy.example:3128
    proxy_authorization: Basic abc
    headers: {Authorization: "${env:NEWSWATCH_TEST_TOKEN}", X-Team: desk}
    secret: "${env:NEWSWATCH_TEST_SECRET}"
    previous_secret: whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=
)");
  ASSERT_EQ(result.problems, "");
  const auto& risk = as<WebhookSettings>(result);
  EXPECT_EQ(risk.group, "place-1");
  EXPECT_EQ(risk.expire, 2h);
  EXPECT_EQ(risk.mode, WebhookSettings::Mode::binary);
  EXPECT_EQ(risk.http.timeout, 500ms);
  EXPECT_EQ(risk.pace, (Pace{3, 2.5, {2s, 3, 1h}}));
  EXPECT_EQ(risk.http.ca_file, "/etc/ca.pem");
  ASSERT_TRUE(risk.http.proxy);
  EXPECT_EQ(risk.http.proxy->url.port, 3128);
  EXPECT_EQ(risk.http.proxy->authorization.reveal(), "Basic abc");
  ASSERT_EQ(risk.headers.size(), 2u);
  EXPECT_EQ(risk.headers[0], (http::Header{"Authorization", "Bearer canary"}));
  ASSERT_EQ(risk.secrets.size(), 2u);
  EXPECT_EQ(risk.secrets[1].reveal(), "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

TEST(Kinds, TellsWhatIsWrongWithItsPlaceAndNoSecret) {
  ::setenv("NEWSWATCH_TEST_CANARY", "canary\r\nX-Evil: 1", 1);
  ::setenv("NEWSWATCH_TEST_URL", "https://user:canary@x.example/", 1);
  const struct {
    const char* section;
    const char* code;
  } cases[] = {
      {"{type: webhook}", "missing-key"},
      {"{type: webhook, url: \"ftp://x.example/\"}", "bad-url"},
      {"{type: webhook, url: \"${env:NEWSWATCH_TEST_URL}\"}", "bad-url"},
      {"{type: webhook, url: \"https://x.example/\", urll: x}", "unknown-key"},
      {"{type: webhook, url: \"https://x.example/\", headers: {X-A: \"${env:NEWSWATCH_TEST_CANARY}\"}}", "bad-header"},
      {"{type: webhook, url: \"https://x.example/\", headers: {Host: x}}", "bad-header"},
      {"{type: webhook, url: \"https://x.example/\", headers: {Webhook-Id: x}}", "bad-header"},
      {"{type: webhook, url: \"https://x.example/\", headers: [a]}", "wrong-type"},
      {"{type: webhook, url: \"https://x.example/\", headers: {X-A: 1, x-a: 2}}", "bad-header"},
      {"{type: webhook, url: \"https://x.example/\", secret: \"whsec_\"}", "bad-secret"},
      {"{type: webhook, url: \"https://x.example/\", secret: \"whsec_AQID\"}", "bad-secret"},
      {"{type: webhook, url: \"https://x.example/\", previous_secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}",
       "bad-value"},
      {"{type: webhook, url: \"https://x.example/\", timeout: 1h}", "bad-value"},
      {"{type: webhook, url: \"https://x.example/\", timeout: 10}", "bad-duration"},
      {"{type: webhook, url: \"https://x.example/\", retry: {first: 10s, max: 1s}}", "bad-value"},
      {"{type: webhook, url: \"https://x.example/\", proxy: \"https://proxy.example\"}", "bad-url"},
      {"{type: webhook, url: \"https://x.example/\", proxy_authorization: x}", "bad-value"},
      {"{type: slack, url: \"https://x.example/\", mode: binary}", "unknown-key"},
      {"{type: stdout, format: xml}", "bad-value"},
      {"{type: kafka}", "missing-key"},
      {"{type: kafka, topic: \"no spaces\"}", "bad-value"},
      {"{type: kafka, topic: newswatch.alerts}", "bad-value"},
      {"{type: kafka, topic: articles}", "bad-value"},
      {"{type: webhok, url: x}", "unknown-kind"},
  };
  for (const auto& one : cases) {
    const Read result = read("  d: " + std::string(one.section) + "\n");
    EXPECT_TRUE(result.codes.contains(one.code)) << one.section << "\n" << result.problems;
    EXPECT_NE(result.problems.find("test.yaml:2:"), std::string::npos) << result.problems;
    EXPECT_EQ(result.problems.find("canary"), std::string::npos) << result.problems;
  }
}

TEST(Kinds, SuggestsTheKindThatWasMeant) {
  EXPECT_NE(read("  d: {type: webhok}\n").problems.find("webhook"), std::string::npos);
}

TEST(Kinds, CheckNeedsNoSecrets) {
  const Read result = read(R"(
  risk: {type: webhook, url: "${file:/nonexistent/url}", secret: "${env:NEWSWATCH_NOT_SET}", headers: {Authorization: "${env:NEWSWATCH_NOT_SET}"}}
  ops: {type: slack, url: "${env:NEWSWATCH_NOT_SET}"}
)",
                           config::Purpose::check);
  EXPECT_EQ(result.problems, "");
}

}  // namespace
}  // namespace newswatch::deliver
