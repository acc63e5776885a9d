#include "daemon/app/stop_stack.h"

#include <algorithm>

#include "daemon/observe/log.h"

namespace newswatch::app {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

void StopStack::push(std::string name, std::function<void(milliseconds)> stop) {
  entries_.push_back({std::move(name), std::move(stop)});
}

bool StopStack::run(milliseconds deadline) {
  const auto end = now_() + deadline;
  bool in_time = true;
  while (!entries_.empty()) {
    const Entry entry = std::move(entries_.back());
    entries_.pop_back();
    const auto began = now_();
    entry.stop(std::max(duration_cast<milliseconds>(end - began), milliseconds(0)));
    const auto ended = now_();
    observe::log_debug("stopped", {{"part", entry.name}, {"took_seconds", ended - began}});
    if (ended > end && in_time) {
      in_time = false;
      observe::log_warn("the deadline for stopping passed; what was in hand is done again by the next run",
                        {{"part", entry.name}, {"deadline_seconds", deadline}});
    }
  }
  return in_time;
}

}  // namespace newswatch::app
