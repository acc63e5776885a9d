#include "daemon/kafka/restore_thread.h"

namespace newswatch::kafka {

RestoreThread::RestoreThread(Processor& processor, std::function<void()> wake)
    : processor_(processor), wake_(std::move(wake)), thread_([this] { run(); }) {}

RestoreThread::~RestoreThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  waiting_.notify_all();
  thread_.join();
}

std::shared_ptr<RestoreThread::Ticket> RestoreThread::submit(const TopicPartition& partition,
                                                             std::optional<std::int64_t> committed) {
  auto ticket = std::make_shared<Ticket>();
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({partition, committed, ticket});
  }
  waiting_.notify_all();
  return ticket;
}

std::vector<RestoreThread::Done> RestoreThread::take_done() {
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

void RestoreThread::run() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    waiting_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    if (job.ticket->cancelled) continue;
    lock.unlock();
    const auto begun = std::chrono::steady_clock::now();
    const RestoreContext context{job.partition, job.committed,
                                 [&] { return stopping_.load() || job.ticket->cancelled.load(); },
                                 [&](double part) { job.ticket->progress.store(part); }};
    auto result = processor_.restore(context);
    lock.lock();
    done_.push_back({std::move(job.partition), std::move(job.ticket), std::move(result),
                     std::chrono::steady_clock::now() - begun});
    wake_();
  }
}

}  // namespace newswatch::kafka
