#pragma once
// `newswatchd demo`: the whole pipeline over a broker in this process, so that a newcomer sees alerts within seconds.

#include "daemon/tool/command_line.h"

namespace newswatch::app {

int demo(const tool::DemoOptions& options);

}  // namespace newswatch::app
