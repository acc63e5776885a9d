#pragma once
// What systemd is told (sd_notify(3)). Does nothing when nobody listens. Any thread.

#include <chrono>
#include <optional>
#include <string>

namespace newswatch::app::notify {

/// The process is up. The broker need not be: a unit that waited for it would be killed by its start timeout, and begin
/// anew.
void ready(const std::string& status);
/// Always followed by ready(), also when the reload is refused: Type=notify-reload (systemd 253) hangs otherwise.
void reloading();
/// One line for `systemctl status`; sent only when it changed.
void status(const std::string& text);
void stopping(const std::string& why);
void watchdog();
/// Half of WATCHDOG_USEC; none without a watchdog.
std::optional<std::chrono::milliseconds> watchdog_interval();

}  // namespace newswatch::app::notify
