#include "daemon/app/notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>

using namespace newswatch::app;

namespace {

// The other end of the protocol: one datagram a message.
class Notify : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "notify-" + std::to_string(getpid());
    unlink(path_.c_str());
    socket_ = socket(AF_UNIX, SOCK_DGRAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    setenv("NOTIFY_SOCKET", path_.c_str(), 1);
  }
  void TearDown() override {
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    close(socket_);
    unlink(path_.c_str());
  }
  std::string received() {
    char buffer[2048];
    const ssize_t size = recv(socket_, buffer, sizeof buffer, MSG_DONTWAIT);
    return size < 0 ? "" : std::string(buffer, static_cast<std::size_t>(size));
  }
  std::string path_;
  int socket_ = -1;
};

TEST_F(Notify, SaysReloadingWithItsTimeAndReadyAgainInTheirOrder) {
  notify::ready("up");
  EXPECT_EQ(received(), "READY=1\nSTATUS=up");
  notify::reloading();
  const std::string reloading = received();
  EXPECT_TRUE(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC=")) << reloading;
  notify::ready("up again");
  EXPECT_EQ(received(), "READY=1\nSTATUS=up again");
}

TEST_F(Notify, SendsAStatusOnlyWhenItChanged) {
  notify::status("lag 1");
  notify::status("lag 1");
  EXPECT_EQ(received(), "STATUS=lag 1");
  EXPECT_EQ(received(), "");
}

TEST_F(Notify, KeepsAStatusOnOneLine) {
  notify::status("bad\nWATCHDOG=trigger");
  EXPECT_EQ(received(), "STATUS=bad\\nWATCHDOG=trigger");
}

TEST_F(Notify, HalvesTheWatchdogOfThisProcessOnly) {
  EXPECT_FALSE(notify::watchdog_interval());
  setenv("WATCHDOG_USEC", "30000000", 1);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  EXPECT_EQ(notify::watchdog_interval(), std::chrono::seconds(15));
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_FALSE(notify::watchdog_interval());
}

}  // namespace
