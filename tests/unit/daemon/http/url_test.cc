#include "daemon/http/url.h"

#include <gtest/gtest.h>

#include "daemon/http/header.h"

namespace newswatch::http {
namespace {

Url parsed(std::string_view text) {
  auto result = parse_url(text);
  if (const auto* why = std::get_if<std::string>(&result)) {
    ADD_FAILURE() << text << ": " << *why;
    return {};
  }
  return std::get<Url>(result);
}

TEST(ParseUrl, TakesHostPortAndTarget) {
  Url url = parsed("https://Hooks.Example.com/services/T0?x=1&y=%20");
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "hooks.example.com");
  EXPECT_EQ(url.port, 443);
  EXPECT_EQ(url.target, "/services/T0?x=1&y=%20");
  EXPECT_EQ(url.origin(), "https://hooks.example.com");
  url = parsed("http://127.0.0.1:8080");
  EXPECT_FALSE(url.tls);
  EXPECT_TRUE(url.ip_literal);
  EXPECT_EQ(url.target, "/");
  EXPECT_EQ(url.authority(), "127.0.0.1:8080");
  EXPECT_EQ(parsed("https://example.com?x=1").target, "/?x=1");
}

TEST(ParseUrl, TakesIpv6LiteralsOutOfTheirBrackets) {
  const Url url = parsed("https://[2001:db8::1]:8443/x");
  EXPECT_TRUE(url.ip_literal);
  EXPECT_EQ(url.host, "2001:db8::1");
  EXPECT_EQ(url.authority(), "[2001:db8::1]:8443");
}

TEST(ParseUrl, RefusesWhatMustNotBeCalledAndNeverRepeatsIt) {
  for (const char* text : {"",
                           "example.com/hook",
                           "ftp://example.com/",
                           "javascript:alert(1)",
                           "https:///hook",
                           "https://user:canary@example.com/",
                           "https://canary@example.com/",
                           "https://example.com/#canary",
                           "https://example.com/canary b",
                           "https://example.com/\r\ncanary",
                           "https://example.com:99999/",
                           "https://example.com:0/",
                           "https://2130706433/",
                           "https://0x7f.1/",
                           "https://127.1/",
                           "https://exa_mple..com/",
                           "https://[example.com]/",
                           "https://ex%61mple.com/",
                           "https://example.com/\xc3\xa4",
                           "file:///etc/passwd"}) {
    const auto result = parse_url(text);
    const auto* why = std::get_if<std::string>(&result);
    ASSERT_TRUE(why) << text;
    EXPECT_EQ(why->find("canary"), std::string::npos);
  }
}

TEST(HeaderFault, RefusesEveryControlCharacterInNameAndValue) {
  for (int c = 0; c < 256; ++c) {
    const std::string one(1, static_cast<char>(c));
    const bool fine = (c >= 0x20 && c < 0x7f) || c == '\t';
    EXPECT_EQ(header_fault("X-Test", "a" + one + "b").empty(), fine) << c;
    const bool token =
        std::isalnum(c) != 0 ||
        (c < 0x80 && c > 0x20 && std::string_view("!#$%&'*+-.^_`|~").find(one) != std::string_view::npos);
    EXPECT_EQ(header_fault("X" + one + "Y", "value").empty(), token && c < 0x80) << c;
    EXPECT_EQ(target_fault("/a" + one).empty(), c > 0x20 && c < 0x7f && c != '#') << c;
  }
}

TEST(HeaderFault, RefusesNamesThatTheClientWritesItself) {
  for (const char* name : {"Host", "content-length", "Connection", "Transfer-Encoding", "EXPECT", "Upgrade", "te",
                           "Trailer", "Keep-Alive", "Proxy-Authorization", "proxy-connection", ""})
    EXPECT_FALSE(header_fault(name, "x").empty()) << name;
  EXPECT_EQ(header_fault("Authorization", "Bearer abc"), "");
}

TEST(HeaderFault, NeverRepeatsTheValue) {
  EXPECT_EQ(header_fault("X", "canary\n").find("canary"), std::string::npos);
  EXPECT_EQ(header_fault("X", " canary").find("canary"), std::string::npos);
}

}  // namespace
}  // namespace newswatch::http
