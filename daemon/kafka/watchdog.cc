#include "daemon/kafka/watchdog.h"

#include <unistd.h>

#include <condition_variable>
#include <limits>
#include <mutex>
#include <vector>

#include "daemon/observe/log.h"

namespace newswatch::kafka {
namespace {

constexpr std::int64_t nothing = std::numeric_limits<std::int64_t>::max();

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

class Watchdog::Slot {
 public:
  Slot(std::string name, std::chrono::milliseconds allowance) : owner(std::move(name)), grace(allowance) {}
  const std::string owner;
  const std::chrono::milliseconds grace;
  std::atomic<const char*> call{""};
  std::atomic<std::int64_t> due{nothing};
};

struct Watchdog::Impl {
  std::chrono::milliseconds grace;
  std::function<void(const std::string&)> bite;
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<std::weak_ptr<Slot>> slots;
  bool stopping = false;
  std::thread thread;

  void run() noexcept {
    const auto turn = std::min<std::chrono::milliseconds>(std::chrono::seconds(1), grace / 4);
    std::unique_lock lock(mutex);
    while (!stopping) {
      wake.wait_for(lock, turn);
      const std::int64_t now = now_ms();
      std::erase_if(slots, [](const auto& slot) { return slot.expired(); });
      for (const auto& weak : slots) {
        const auto slot = weak.lock();
        if (!slot || now < slot->due.load(std::memory_order_acquire)) continue;
        slot->due.store(nothing);
        bite(slot->owner + " is stuck in " + slot->call.load());
      }
    }
  }
};

Watchdog::Watchdog(std::chrono::milliseconds grace, std::function<void(const std::string&)> bite)
    : impl_(std::make_unique<Impl>()) {
  impl_->grace = grace;
  impl_->bite = bite ? std::move(bite) : [](const std::string& what) {
    observe::log_error("a call of librdkafka does not return; ending the process so that it is started anew",
                       {{"where", what}});
    ::_exit(75);  // EX_TEMPFAIL: no destructor may wait for the same call
  };
  impl_->thread = std::thread([this] { impl_->run(); });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  impl_->thread.join();
}

std::shared_ptr<Watchdog::Slot> Watchdog::slot(std::string owner) {
  auto slot = std::make_shared<Slot>(std::move(owner), impl_->grace);
  const std::lock_guard lock(impl_->mutex);
  impl_->slots.push_back(slot);
  return slot;
}

Watchdog::Call::Call(Slot& slot, const char* name, std::chrono::milliseconds timeout)
    : slot_(slot), outer_name_(slot.call.load()), outer_due_(slot.due.load()), begun_(now_ms()) {
  slot.call.store(name);
  slot.due.store(begun_ + (timeout + slot.grace).count(), std::memory_order_release);
}

Watchdog::Call::~Call() {
  slot_.due.store(nothing);
  slot_.call.store(outer_name_);
  slot_.due.store(outer_due_ == nothing ? nothing : outer_due_ + (now_ms() - begun_), std::memory_order_release);
}

}  // namespace newswatch::kafka
