#pragma once
// The configuration's words for the log, in those of observe, which knows no configuration.

#include "config/loader/settings.h"
#include "daemon/observe/log.h"

namespace newswatch::app {

observe::LogFormat log_format(const config::Log& log);
observe::LogLevel log_level(const config::Log& log);  ///< trace counts as debug

}  // namespace newswatch::app
