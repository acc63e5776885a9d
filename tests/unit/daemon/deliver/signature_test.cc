#include "daemon/deliver/signature.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace newswatch::deliver {
namespace {

std::filesystem::path shared_data() {
  const char* given = std::getenv("NEWSWATCH_SHARED");
  return std::filesystem::path(given ? given : NEWSWATCH_SOURCE_DIR "/../shared") / "data";
}

TEST(WebhookSecret, IsReadWithAndWithoutPrefixAndPadding) {
  const auto key = decode_webhook_secret("whsec_AQIDBA==");
  ASSERT_TRUE(key);
  EXPECT_EQ(*key, "\x01\x02\x03\x04");
  EXPECT_EQ(decode_webhook_secret("AQIDBA=="), key);
  EXPECT_EQ(decode_webhook_secret("whsec_AQIDBA"), key);
}

TEST(WebhookSecret, RefusesWhatIsNoSecret) {
  for (const char* text :
       {"", "whsec_", "whsec_=", "whsec_A", "whsec_AQ=D", "whsec_AQIDB", "whsec_AQIDBA=", "hello world!"})
    EXPECT_FALSE(decode_webhook_secret(text)) << text;
}

TEST(WebhookSignature, AgreesWithTheStandardsVectors) {
  std::ifstream file(shared_data() / "webhooks" / "standard-webhooks-vectors.json");
  if (!file) GTEST_SKIP() << "no " << shared_data() << ": set NEWSWATCH_SHARED";
  std::stringstream text;
  text << file.rdbuf();
  const auto document = boost::json::parse(text.str());
  int seen = 0;
  for (const auto& value : document.at("vectors").as_array()) {
    const auto& vector = value.as_object();
    const auto key = decode_webhook_secret(vector.at("key").as_string());
    if (!vector.contains("signature")) {
      EXPECT_FALSE(key);
      continue;
    }
    ASSERT_TRUE(key);
    const std::string ours =
        webhook_signature(*key, std::string(vector.at("id").as_string()), vector.at("timestamp").as_int64(),
                          std::string(vector.at("payload").as_string()));
    const std::string listed(vector.at("signature").as_string());
    bool found = false;  // the header is a list: one entry must be ours
    std::stringstream entries(listed);
    for (std::string entry; entries >> entry;) found = found || entry == ours;
    EXPECT_EQ(found, vector.at("valid").as_bool()) << listed;
    ++seen;
  }
  EXPECT_GE(seen, 4);
}

}  // namespace
}  // namespace newswatch::deliver
