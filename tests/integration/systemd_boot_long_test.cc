// The unit under a real systemd, booted in a container. Needs root and leave to mount; skipped loudly without.

#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "tests/support/process.h"

using namespace newswatch::test;
using namespace std::chrono_literals;

namespace {

TEST(SystemdBoot, StartsWithoutABrokerReloadsRefusesBadRulesAndStops) {
  Process boot({std::string(NEWSWATCH_SOURCE_DIR) + "/tests/integration/systemd_boot.sh", NEWSWATCH_BINARY,
                NEWSWATCH_SOURCE_DIR});
  const auto code = boot.wait(240s);
  if (code == 77) GTEST_SKIP() << "NO SYSTEMD WAS BOOTED, so nothing of this was tested: " << boot.output();
  ASSERT_EQ(code, 0) << boot.output();
  std::map<std::string, std::string> said;
  std::istringstream lines(boot.output());
  for (std::string line; std::getline(lines, line);) {
    if (const auto at = line.find('='); at != std::string::npos) said[line.substr(0, at)] = line.substr(at + 1);
  }
  EXPECT_EQ(said["start"], "0") << boot.output();
  EXPECT_EQ(said["active"], "active");
  EXPECT_EQ(said["type"], "notify");
  EXPECT_EQ(said["status"], "waiting for the brokers");
  EXPECT_EQ(said["restarts"], "0") << "a crash loop without a broker";
  EXPECT_EQ(said["later_pid"], said["first_pid"]);
  EXPECT_EQ(said["reload"], "0");
  EXPECT_EQ(said["reloaded"], "1");
  EXPECT_NE(said["bad_reload"], "0") << "the check before the signal must fail the reload";
  EXPECT_EQ(said["active_after_bad_reload"], "active");
  EXPECT_EQ(said["pid_after_bad_reload"], said["first_pid"]);
  EXPECT_NE(said["journal_fields"], "0") << "fields in the journal";
  EXPECT_EQ(said["stop"], "0");
  EXPECT_EQ(said["result"], "success");
  EXPECT_EQ(said["active_after_stop"], "inactive");
  EXPECT_NE(said["bad_start"], "0") << "a bad rule file at start";
}

}  // namespace
