#include "daemon/deliver/webhook.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "daemon/deliver/signature.h"
#include "daemon/deliver/undelivered.h"
#include "daemon/flow/record_codec.h"
#include "tests/support/alert_schema.h"

namespace newswatch::deliver {
namespace {

using namespace std::chrono_literals;

Letter sample() {
  Letter letter;
  letter.alert.id = "nw-abcdefghijklmnopqrstuvwxyz";
  letter.alert.rule.id = letter.alert.rule.key = "größe";
  letter.alert.rule.title = "100% \"new\"";
  letter.alert.article.feed = "wires";
  letter.alert.article.id = "1";
  letter.alert.article.version = "1";
  letter.alert.article.title = "Talks\r\nX-Evil: 1";
  letter.alert.destinations = {"risk"};
  letter.value = flow::encode(letter.alert);
  letter.partition = 3;
  letter.offset = 42;
  return letter;
}

const Time now = Time(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1));

std::string header(const http::Request& request, std::string_view name) {
  std::string value;
  for (const auto& one : request.headers) {
    if (!http::same_name(one.name, name)) continue;
    EXPECT_TRUE(value.empty()) << name << " twice";
    value = one.value;
  }
  return value;
}

TEST(Webhook, SendsACloudEventThatTheSchemaAccepts) {
  const auto request = WebhookSettings().request(sample(), now);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(header(request, "content-type"), "application/cloudevents+json; charset=utf-8");
  EXPECT_EQ(test::event_problems(*request.body), "");
}

TEST(Webhook, SendsTheSameIdOnEveryTryAndATimestampOfItsOwn) {
  const WebhookSettings settings;
  const auto first = settings.request(sample(), now);
  const auto second = settings.request(sample(), now + 1h);
  for (const char* name : {"webhook-id", "idempotency-key"}) {
    EXPECT_EQ(header(first, name), sample().alert.id);
    EXPECT_EQ(header(second, name), sample().alert.id);
  }
  EXPECT_EQ(*first.body, *second.body);
  EXPECT_EQ(header(first, "webhook-timestamp"), "1767225600");
  EXPECT_EQ(header(second, "webhook-timestamp"), "1767229200");
}

TEST(Webhook, SignsTheBytesItSendsWithEverySecret) {
  WebhookSettings settings;
  EXPECT_EQ(header(settings.request(sample(), now), "webhook-signature"), "");
  settings.secrets = {config::Secret("new key"), config::Secret("old key")};
  const auto request = settings.request(sample(), now);
  EXPECT_EQ(header(request, "webhook-signature"),
            webhook_signature("new key", sample().alert.id, 1767225600, *request.body) + " " +
                webhook_signature("old key", sample().alert.id, 1767225600, *request.body));
}

TEST(Webhook, BinaryModeSendsTheAlertAndItsAttributesAsHeaders) {
  WebhookSettings settings;
  settings.mode = WebhookSettings::Mode::binary;
  const auto request = settings.request(sample(), now);
  EXPECT_EQ(*request.body, sample().value);
  EXPECT_EQ(header(request, "ce-id"), sample().alert.id);
  EXPECT_EQ(header(request, "ce-specversion"), "1.0");
  EXPECT_EQ(header(request, "ce-subject"), "gr%C3%B6%C3%9Fe");
  EXPECT_TRUE(header(request, "content-type").starts_with("application/json"));
}

TEST(Webhook, EveryHeaderMayBeSentWhateverTheArticleHolds) {
  for (const auto mode : {WebhookSettings::Mode::structured, WebhookSettings::Mode::binary}) {
    WebhookSettings settings;
    settings.mode = mode;
    Letter letter = sample();
    letter.alert.rule.id = letter.alert.article.id = letter.alert.article.feed = "a\r\nX-Evil: 1\x01\x7f\xff";
    for (const auto& one : settings.request(letter, now).headers)
      EXPECT_EQ(http::header_fault(one.name, one.value), "") << one.name << ": " << one.value;
  }
}

TEST(Undelivered, HoldsTheAlertAsItStandsAndWhy) {
  Courier::Parked parked;
  parked.letter = std::make_shared<const Letter>(sample());
  parked.reason = "answered 404 (no\nsuch\x1bhook)";
  parked.tries = 2;
  parked.first_try = now;
  parked.last_try = now + 1s;
  parked.when = now + 2s;
  const auto json = boost::json::parse(encode_undelivered(parked, "risk", "newswatch.alerts")).as_object();
  EXPECT_EQ(json.at("destination").as_string(), "risk");
  EXPECT_EQ(json.at("reason").as_string(), "answered 404 (no such hook)");
  EXPECT_EQ(json.at("attempts").as_int64(), 2);
  EXPECT_EQ(json.at("last_attempt").as_string(), "2026-01-01T00:00:01.000Z");
  EXPECT_EQ(json.at("record").at("offset").as_int64(), 42);
  EXPECT_EQ(json.at("alert"), boost::json::parse(sample().value));
}

TEST(Undelivered, LeavesOutAnAlertThatDoesNotFit) {
  Courier::Parked parked;
  Letter letter = sample();
  letter.value = "\"" + std::string(flow::max_record_bytes - 10, 'x') + "\"";
  parked.letter = std::make_shared<const Letter>(letter);
  parked.reason = "too large";
  const std::string text = encode_undelivered(parked, "risk", "newswatch.alerts");
  EXPECT_LE(text.size(), flow::max_record_bytes);
  const auto json = boost::json::parse(text).as_object();
  EXPECT_FALSE(json.contains("alert"));
  EXPECT_EQ(json.at("alert_id").as_string(), letter.alert.id);
  EXPECT_EQ(json.at("record").at("partition").as_int64(), 3);
}

}  // namespace
}  // namespace newswatch::deliver
