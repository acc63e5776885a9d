#include <gtest/gtest.h>

#include "daemon/app/pipeline.h"

using namespace newswatch;

namespace {

TEST(NeedsRestart, NamesTheOptionsThatDifferAndNoOthers) {
  config::Settings running, wanted;
  EXPECT_TRUE(app::needs_restart(running, wanted).empty());
  wanted.log.level = config::LogLevel::debug;
  wanted.alert.routes.push_back({});
  wanted.rules = {"other.yaml"};
  EXPECT_TRUE(app::needs_restart(running, wanted).empty()) << "these are swapped";
  wanted.common.prefix = "other";
  wanted.match.workers = 7;
  wanted.common.kafka.brokers = {"kafka-9:9092"};
  wanted.status.port = 1;
  EXPECT_EQ(app::needs_restart(running, wanted),
            (std::vector<std::string>{"prefix", "workers.match", "kafka", "status"}));
}

}  // namespace
