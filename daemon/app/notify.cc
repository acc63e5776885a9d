#include "daemon/app/notify.h"

#include <systemd/sd-daemon.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <mutex>

#include "daemon/observe/log.h"

namespace newswatch::app::notify {
namespace {

// The protocol is lines, so a status must be one.
std::string one_line(const std::string& text) { return observe::escape_for_log(text, 500); }

std::mutex last_mutex;
std::string last_status;

void remember(const std::string& text) {
  const std::lock_guard lock(last_mutex);
  last_status = text;
}

}  // namespace

void ready(const std::string& status) {
  remember(status);
  sd_notify(0, ("READY=1\nSTATUS=" + one_line(status)).c_str());
}

void reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto microseconds = std::uint64_t(now.tv_sec) * 1'000'000 + std::uint64_t(now.tv_nsec) / 1'000;
  remember("");
  sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds) + "\nSTATUS=reloading").c_str());
}

void status(const std::string& text) {
  {
    const std::lock_guard lock(last_mutex);
    if (text == last_status) return;
    last_status = text;
  }
  sd_notify(0, ("STATUS=" + one_line(text)).c_str());
}

void stopping(const std::string& why) {
  remember(why);
  sd_notify(0, ("STOPPING=1\nSTATUS=" + one_line(why)).c_str());
}

void watchdog() { sd_notify(0, "WATCHDOG=1"); }

std::optional<std::chrono::milliseconds> watchdog_interval() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::milliseconds(std::max<std::uint64_t>(microseconds / 2'000, 1));
}

}  // namespace newswatch::app::notify
