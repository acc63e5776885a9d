// The unit that ships: systemd finds no fault in it, and it is as closed as it is meant to be.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/process.h"

using namespace newswatch::test;
using namespace std::chrono_literals;

namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The unit with the program where it was built, since systemd-analyze looks for it.
class SystemdUnit : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists("/usr/bin/systemd-analyze"))
      GTEST_SKIP() << "systemd-analyze is not installed (package systemd)";
    std::filesystem::create_directories(folder_);
    std::string text = read(std::filesystem::path(NEWSWATCH_SOURCE_DIR) / "systemd/newswatchd.service");
    ASSERT_FALSE(text.empty());
    const std::string installed = "/usr/bin/newswatchd";
    for (auto at = text.find(installed); at != std::string::npos; at = text.find(installed, at + 1)) {
      text.replace(at, installed.size(), NEWSWATCH_BINARY);
    }
    std::ofstream(unit_) << text;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  const std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / ("newswatch-unit-" + std::to_string(getpid()));
  const std::filesystem::path unit_ = folder_ / "newswatchd.service";
};

TEST_F(SystemdUnit, HasNoFaultForSystemd) {
  Process verify({"/usr/bin/systemd-analyze", "verify", "--man=no", unit_.string()});
  EXPECT_EQ(verify.wait(60s), 0);
  EXPECT_EQ(verify.output().find("newswatchd.service"), std::string::npos) << verify.output();
}

TEST_F(SystemdUnit, ExposesAtMostOnePointTwo) {
  Process security({"/usr/bin/systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=12", unit_.string()});
  EXPECT_EQ(security.wait(60s), 0) << security.output();
}

TEST_F(SystemdUnit, TheThresholdCanFail) {
  std::ofstream(unit_) << "[Service]\nExecStart=" << NEWSWATCH_BINARY << " run\n";
  Process security({"/usr/bin/systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=12", unit_.string()});
  EXPECT_NE(security.wait(60s), 0) << "a bare unit must not pass";
}

}  // namespace
