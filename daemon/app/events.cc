#include "daemon/app/events.h"

namespace newswatch::app {

void Events::stop() {
  const std::lock_guard lock(mutex_);
  stop_ = true;
  changed_.notify_all();
}

void Events::reload() {
  const std::lock_guard lock(mutex_);
  reload_ = true;
  changed_.notify_all();
}

void Events::fail(const kafka::LoopFailure& failure) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = failure;
  changed_.notify_all();
}

Events::Kind Events::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stop_ || failure_ || reload_; });
  if (stop_) return Kind::stop;
  if (failure_) return Kind::failure;
  reload_ = false;
  return Kind::reload;
}

bool Events::pending() const {
  const std::lock_guard lock(mutex_);
  return stop_ || failure_ || reload_;
}

bool Events::stopping() const {
  const std::lock_guard lock(mutex_);
  return stop_;
}

std::optional<kafka::LoopFailure> Events::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace newswatch::app
