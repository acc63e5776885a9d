#include "daemon/replay/match_files.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

namespace newswatch::replay {
namespace {

/// So many lines go to a thread at once; twice as many batches as threads are under way.
constexpr std::size_t lines_a_batch = 64;
constexpr std::size_t bytes_a_batch = 1 << 20;

struct Item {
  std::string text;
  std::size_t file = 0;
  std::uint64_t number = 0;
  Article article;
  match::Outcome outcome;
};

struct Batch {
  std::vector<Item> items;
  bool done = false;
};

/// Threads that match batches; whoever hands them in takes them out again in the same order.
class Matchers {
 public:
  Matchers(const MatchOptions& options, const engine::RuleSet& rules) : options_(options), rules_(rules) {
    for (int i = 0; i < options.threads; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Matchers() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void submit(std::shared_ptr<Batch> batch) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(batch));
    }
    changed_.notify_all();
  }
  void wait_for(const Batch& batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return batch.done; });
  }

 private:
  void work() noexcept {
    match::Matching matching(options_.input);
    for (;;) {
      std::shared_ptr<Batch> batch;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
        if (stopping_) return;
        batch = std::move(waiting_.front());
        waiting_.pop_front();
      }
      for (Item& item : batch->items) {
        item.outcome = matching.process({item.text, options_.now, {}}, rules_, options_.now);
        item.article = matching.article();
      }
      {
        const std::lock_guard lock(mutex_);
        batch->done = true;
      }
      changed_.notify_all();
    }
  }

  const MatchOptions& options_;
  const engine::RuleSet& rules_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Batch>> waiting_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

void count(MatchSummary& summary, const match::Outcome& outcome) {
  ++summary.articles;
  switch (outcome.outcome) {
    case flow::ArticleOutcome::no_match: ++summary.no_match; break;
    case flow::ArticleOutcome::matched: ++summary.matched; break;
    case flow::ArticleOutcome::rejected: ++summary.rejected; break;
  }
  summary.matches += outcome.matches.size();
  summary.only_boilerplate += outcome.only_boilerplate;
}

}  // namespace

MatchSummary match_files(const MatchOptions& options, const engine::RuleSet& rules,
                         const std::function<bool(const LineResult&)>& each) {
  MatchSummary summary;
  ArticleFiles files(options.files, options.input.max_article_bytes);
  ArticleFiles::Line line;
  const auto next = [&] {
    for (;;) {
      auto got = files.next(line);
      if (got) return *got;
      summary.file_errors.push_back(got.error());
    }
  };

  if (options.threads <= 1) {
    match::Matching matching(options.input);
    while (next()) {
      const match::Outcome& outcome = matching.process({line.text, options.now, {}}, rules, options.now);
      count(summary, outcome);
      if (!each({files.path(line.file), line.number, matching.article(), outcome})) break;
    }
    summary.bytes = files.bytes();
    return summary;
  }

  Matchers matchers(options, rules);
  std::deque<std::shared_ptr<Batch>> under_way;
  const std::size_t most = 2 * static_cast<std::size_t>(options.threads);
  bool more = true, wanted = true;
  while (wanted && (more || !under_way.empty())) {
    if (more && under_way.size() < most) {
      auto batch = std::make_shared<Batch>();
      for (std::size_t bytes = 0; batch->items.size() < lines_a_batch && bytes < bytes_a_batch && (more = next());) {
        bytes += line.text.size();
        batch->items.push_back({std::string(line.text), line.file, line.number, {}, {}});
      }
      if (batch->items.empty()) continue;
      under_way.push_back(batch);
      matchers.submit(std::move(batch));
      continue;
    }
    const auto batch = std::move(under_way.front());
    under_way.pop_front();
    matchers.wait_for(*batch);
    for (const Item& item : batch->items) {
      count(summary, item.outcome);
      if (!(wanted = each({files.path(item.file), item.number, item.article, item.outcome}))) break;
    }
  }
  summary.bytes = files.bytes();
  return summary;
}

}  // namespace newswatch::replay
