#include "daemon/app/log_settings.h"

namespace newswatch::app {

observe::LogFormat log_format(const config::Log& log) {
  switch (log.format) {
    case config::LogFormat::automatic:
      return observe::LogFormat::automatic;
    case config::LogFormat::journald:
      return observe::LogFormat::journald;
    case config::LogFormat::text:
      return observe::LogFormat::text;
    case config::LogFormat::json:
      return observe::LogFormat::json;
  }
  return observe::LogFormat::automatic;
}

observe::LogLevel log_level(const config::Log& log) {
  switch (log.level) {
    case config::LogLevel::trace:
    case config::LogLevel::debug:
      return observe::LogLevel::debug;
    case config::LogLevel::info:
      return observe::LogLevel::info;
    case config::LogLevel::warning:
      return observe::LogLevel::warn;
    case config::LogLevel::error:
      return observe::LogLevel::error;
  }
  return observe::LogLevel::info;
}

}  // namespace newswatch::app
