#include "daemon/app/stop_stack.h"

#include <gtest/gtest.h>

#include "daemon/observe/log.h"

using namespace newswatch;
using namespace std::chrono_literals;

namespace {

class StopStack : public testing::Test {
 protected:
  app::StopStack::Clock::time_point now_{1000s};
  std::vector<std::string> stopped_;
  std::vector<std::string> log_;
  observe::LogCapture capture_{[this](observe::LogLevel, const std::string& line) { log_.push_back(line); },
                               observe::LogLevel::warn};
  app::StopStack stack_{[this] { return now_; }};

  void push(const std::string& name, std::chrono::milliseconds takes) {
    stack_.push(name, [this, name, takes](std::chrono::milliseconds left) {
      stopped_.push_back(name + " " + std::to_string(left.count()));
      now_ += takes;
    });
  }
};

TEST_F(StopStack, StopsTheLastStartedFirstEachWithWhatIsLeft) {
  push("deliver", 1s);
  push("alert", 2s);
  push("match", 3s);
  EXPECT_TRUE(stack_.run(10s));
  EXPECT_EQ(stopped_, (std::vector<std::string>{"match 10000", "alert 7000", "deliver 5000"}));
  EXPECT_TRUE(stack_.empty());
  EXPECT_TRUE(log_.empty());
}

TEST_F(StopStack, GoesOnPastTheDeadlineWithNothingLeftAndSaysWhoWasLate) {
  push("deliver", 0s);
  push("alert", 0s);
  push("match", 15s);
  EXPECT_FALSE(stack_.run(10s));
  EXPECT_EQ(stopped_, (std::vector<std::string>{"match 10000", "alert 0", "deliver 0"}));
  ASSERT_EQ(log_.size(), 1u);
  EXPECT_NE(log_[0].find("part=match"), std::string::npos) << log_[0];
}

TEST_F(StopStack, ASecondRunStopsNothingTwice) {
  push("match", 0s);
  stack_.run(1s);
  stack_.run(1s);
  EXPECT_EQ(stopped_.size(), 1u);
}

}  // namespace
