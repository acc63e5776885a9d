#pragma once
// Which offsets of one partition are finished, and so which offset may be committed. Pure; one thread.

#include <cstddef>
#include <cstdint>
#include <deque>

namespace newswatch::deliver {

/// Alerts finish in any order, but an offset commits everything before it. So the offset to commit is that of the
/// oldest unfinished alert, and what finished behind it is sent again after a crash: at most `window` alerts.
class Ledger {
 public:
  /// At most this many alerts from the oldest unfinished one on, finished or not, each an entry of 16 bytes here and a
  /// letter elsewhere; then the partition waits.
  static constexpr std::size_t window = 1'000;

  /// `next`: the first offset that has not been read.
  explicit Ledger(std::int64_t next) : next_(next) {}

  /// An alert was read and is in hand from now on. Offsets ascend (else: abort), with gaps: markers, and alerts for
  /// others.
  void add(std::int64_t offset);
  /// Everything below was read and asks for nothing more.
  void skip_to(std::int64_t offset);
  /// False for an offset that is not in hand (it finished already).
  bool finish(std::int64_t offset);

  /// The oldest unfinished offset; with none, the first that was not read.
  std::int64_t committable() const { return entries_.empty() ? next_ : entries_.front().offset; }
  bool full() const { return entries_.size() >= window; }
  std::size_t unfinished() const { return unfinished_; }

 private:
  struct Entry {
    std::int64_t offset;
    bool finished;
  };
  std::deque<Entry> entries_;  // ascending; the front is unfinished; at most `window`
  std::int64_t next_;
  std::size_t unfinished_ = 0;
};

}  // namespace newswatch::deliver
