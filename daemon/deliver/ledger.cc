#include "daemon/deliver/ledger.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace newswatch::deliver {

void Ledger::add(std::int64_t offset) {
  if (offset < next_ || full()) {
    std::fprintf(stderr, "bug: offset %lld added to a ledger at %lld with %zu entries\n",
                 static_cast<long long>(offset), static_cast<long long>(next_), entries_.size());
    std::abort();
  }
  entries_.push_back({offset, false});
  next_ = offset + 1;
  ++unfinished_;
}

void Ledger::skip_to(std::int64_t offset) { next_ = std::max(next_, offset); }

bool Ledger::finish(std::int64_t offset) {
  const auto entry = std::lower_bound(entries_.begin(), entries_.end(), offset,
                                      [](const Entry& one, std::int64_t wanted) { return one.offset < wanted; });
  if (entry == entries_.end() || entry->offset != offset || entry->finished) return false;
  entry->finished = true;
  --unfinished_;
  while (!entries_.empty() && entries_.front().finished) entries_.pop_front();
  return true;
}

}  // namespace newswatch::deliver
