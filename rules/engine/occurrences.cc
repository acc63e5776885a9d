#include "rules/engine/occurrences.h"

#include <algorithm>
#include <unordered_map>

// Chains. A choice of one span of each operand, no two overlapping, each within `gap` words of the next, is a path
// through the spans in the order in which they stand. "Takes part" asks which spans lie on some complete path.
//
// Ordered chains are layered: layer i holds operand i. One sweep forward finds the spans that a path from layer 0 can
// reach, one backward those from which the last layer can be reached; a span takes part when both hold.
//
// Unordered chains need to know which operands a path has used: a state is (last span, set of operands used). Forward
// and backward sets are computed alike (backward is forward on the mirrored line); a span of operand j takes part when a
// forward set and a backward set meet in j alone and cover everything. Sets that can no longer be completed, because
// an operand that they lack has no span further on, are dropped; with few occurrences of each operand one set a span
// remains. Two operands are two ordered chains. The number of sets is exponential in the operands only
// (the problem is NP-hard in them), so it has a budget.

namespace newswatch::engine {
namespace {

using Set = std::uint64_t;
constexpr std::size_t most_unordered = 64;

struct Item {
  std::int64_t begin, end;
  std::uint32_t operand, index;  // index into the operand's list
};

bool by_begin(const Item& a, const Item& b) {
  if (a.begin != b.begin) return a.begin < b.begin;
  if (a.end != b.end) return a.end < b.end;
  return a.operand < b.operand;
}

std::int64_t reach(std::uint32_t gap) { return gap == unlimited_gap ? std::int64_t{1} << 40 : std::int64_t{gap}; }

// The operands' spans of one region.
struct Region {
  std::uint32_t id = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> range;  // per operand: [from, to) in its list
};

// Visits the regions in which every operand has a span, in order.
template <class Visit>
void each_region(std::span<const Spans> operands, Visit visit) {
  std::size_t k = operands.size();
  std::vector<std::size_t> at(k, 0);
  Region region;
  region.range.resize(k);
  for (;;) {
    std::uint32_t target = 0;
    for (std::size_t i = 0; i < k; ++i) {
      if (at[i] == operands[i].size()) return;
      target = std::max(target, operands[i][at[i]].region);
    }
    bool all = true;
    for (std::size_t i = 0; i < k; ++i) {
      while (at[i] < operands[i].size() && operands[i][at[i]].region < target) ++at[i];
      if (at[i] == operands[i].size()) return;
      all = all && operands[i][at[i]].region == target;
    }
    if (!all) continue;
    region.id = target;
    for (std::size_t i = 0; i < k; ++i) {
      std::size_t to = at[i];
      while (to < operands[i].size() && operands[i][to].region == target) ++to;
      region.range[i] = {static_cast<std::uint32_t>(at[i]), static_cast<std::uint32_t>(to)};
      at[i] = to;
    }
    if (!visit(region)) return;
  }
}

// --- ordered -------------------------------------------------------------------------------------------------------

struct Layers {
  std::vector<std::vector<Item>> items;    // by begin
  std::vector<std::vector<char>> on_path;  // filled by sweep
};

Layers layers_of(std::span<const Spans> operands, const Region& region, std::span<const std::uint32_t> order) {
  Layers out;
  out.items.resize(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    auto [from, to] = region.range[order[i]];
    out.items[i].reserve(to - from);
    for (std::uint32_t j = from; j < to; ++j)
      out.items[i].push_back({operands[order[i]][j].begin, operands[order[i]][j].end, order[i], j});
  }
  return out;
}

// Marks the items on a path from an item that `start` accepts to one that `goal` accepts. True when there is one.
template <class Start, class Goal>
bool sweep(Layers& layers, std::uint32_t gap, Start start, Goal goal) {
  std::size_t k = layers.items.size();
  std::int64_t far = reach(gap);
  layers.on_path.assign(k, {});
  std::vector<std::int64_t> edges;
  for (std::size_t i = 0; i < k; ++i) {
    auto& items = layers.items[i];
    auto& mark = layers.on_path[i];
    mark.assign(items.size(), 0);
    bool any = false;
    for (std::size_t j = 0; j < items.size(); ++j) {
      bool ok;
      if (i == 0) {
        ok = start(items[j]);
      } else {
        auto it = std::lower_bound(edges.begin(), edges.end(), items[j].begin - far);
        ok = it != edges.end() && *it <= items[j].begin;
      }
      mark[j] = ok;
      any = any || ok;
    }
    if (!any) return false;
    edges.clear();
    for (std::size_t j = 0; j < items.size(); ++j)
      if (mark[j]) edges.push_back(items[j].end);
    std::sort(edges.begin(), edges.end());
  }
  bool found = false;
  for (std::size_t i = k; i-- > 0;) {
    auto& items = layers.items[i];
    auto& mark = layers.on_path[i];
    for (std::size_t j = 0; j < items.size(); ++j) {
      if (!mark[j]) continue;
      if (i + 1 == k) {
        mark[j] = goal(items[j]);
        found = found || mark[j];
      } else {
        auto it = std::lower_bound(edges.begin(), edges.end(), items[j].end);
        mark[j] = it != edges.end() && *it <= items[j].end + far;
      }
    }
    if (!found) {
      for (auto& m : layers.on_path) std::fill(m.begin(), m.end(), 0);
      return false;
    }
    edges.clear();
    for (std::size_t j = 0; j < items.size(); ++j)
      if (mark[j]) edges.push_back(items[j].begin);
  }
  return true;
}

constexpr auto anything = [](const Item&) { return true; };

// The part of the line that a chain which begins at `begin` can reach: paths are short, the line may be long.
Layers window(const Layers& layers, std::int64_t begin, std::uint32_t gap) {
  Layers out;
  out.items.resize(layers.items.size());
  std::int64_t far = reach(gap), low = begin, high = begin;
  for (std::size_t i = 0; i < layers.items.size(); ++i) {
    auto& from = layers.items[i];
    auto it = std::lower_bound(from.begin(), from.end(), low, [](const Item& a, std::int64_t b) { return a.begin < b; });
    std::int64_t next_low = INT64_MAX, next_high = INT64_MIN;
    for (; it != from.end() && it->begin <= high; ++it) {
      out.items[i].push_back(*it);
      next_low = std::min(next_low, it->end);
      next_high = std::max(next_high, it->end);
    }
    if (out.items[i].empty()) break;
    low = next_low;
    high = next_high + far;
  }
  return out;
}

// --- unordered -----------------------------------------------------------------------------------------------------

// How many open states have used each set of operands.
class SetCounts {
 public:
  explicit SetCounts(std::size_t operands) {
    if (operands <= 8) dense_.assign(std::size_t{1} << operands, 0);
  }
  void add(Set set) {
    if (dense_.empty()) ++sparse_[set];
    else ++dense_[set];
    ++size_;
  }
  void remove(Set set) {
    if (dense_.empty()) {
      auto it = sparse_.find(set);
      if (--it->second == 0) sparse_.erase(it);
    } else {
      --dense_[set];
    }
    --size_;
  }
  bool empty() const { return size_ == 0; }
  template <class Visit>
  void each(Visit visit) const {
    if (dense_.empty()) {
      for (auto& [set, count] : sparse_) visit(set);
    } else {
      for (std::size_t set = 0; set < dense_.size(); ++set)
        if (dense_[set]) visit(Set{set});
    }
  }

 private:
  std::vector<std::uint32_t> dense_;
  std::unordered_map<Set, std::uint32_t> sparse_;
  std::size_t size_ = 0;
};

struct Forward {
  std::vector<std::vector<Set>> sets;  // per item; sorted
  bool complete = false;               // some item closes a chain
};

// `items` by begin. Chains begin only at items whose begin is `only_begin`, unless that is INT64_MIN.
Forward forward(const std::vector<Item>& items, std::size_t operands, std::uint32_t gap, std::int64_t only_begin,
                std::size_t& budget) {
  Forward out;
  std::size_t n = items.size();
  out.sets.resize(n);
  Set full = operands == 64 ? ~Set{0} : (Set{1} << operands) - 1;
  std::vector<Set> later(n + 1, 0);  // operands that have a span from here on
  for (std::size_t i = n; i-- > 0;) later[i] = later[i + 1] | Set{1} << items[i].operand;
  std::vector<std::uint32_t> by_end(n);
  for (std::size_t i = 0; i < n; ++i) by_end[i] = static_cast<std::uint32_t>(i);
  std::sort(by_end.begin(), by_end.end(), [&](auto a, auto b) { return items[a].end < items[b].end; });
  std::int64_t far = reach(gap);
  SetCounts open(operands);
  std::size_t in = 0, gone = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Item& item = items[i];
    for (; in < n && items[by_end[in]].end <= item.begin; ++in)
      for (Set set : out.sets[by_end[in]]) open.add(set);
    for (; gone < in && items[by_end[gone]].end < item.begin - far; ++gone)
      for (Set set : out.sets[by_end[gone]]) open.remove(set);
    Set bit = Set{1} << item.operand;
    auto first_after = std::lower_bound(items.begin() + static_cast<std::ptrdiff_t>(i), items.end(), item.end,
                                        [](const Item& a, std::int64_t b) { return a.begin < b; });
    Set ahead = later[static_cast<std::size_t>(first_after - items.begin())];
    auto& sets = out.sets[i];
    auto take = [&](Set set) {
      set |= bit;
      if ((set | ahead) != full || budget == 0) return;
      --budget;
      sets.push_back(set);
    };
    if (only_begin == INT64_MIN || item.begin == only_begin) take(0);
    open.each([&](Set set) {
      if (!(set & bit)) take(set);
    });
    std::sort(sets.begin(), sets.end());
    sets.erase(std::unique(sets.begin(), sets.end()), sets.end());
    if (!sets.empty() && sets.back() == full) out.complete = true;
  }
  return out;
}

std::vector<Item> mirrored(const std::vector<Item>& items, std::vector<std::uint32_t>& origin) {
  std::vector<std::uint32_t> order(items.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
  std::vector<Item> flipped(items.size());
  for (std::size_t i = 0; i < items.size(); ++i)
    flipped[i] = {-items[i].end, -items[i].begin, items[i].operand, items[i].index};
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return by_begin(flipped[a], flipped[b]); });
  std::vector<Item> out(items.size());
  for (std::size_t i = 0; i < order.size(); ++i) out[i] = flipped[order[i]];
  origin = std::move(order);
  return out;
}

// Marks the items that lie on a chain from `only_begin` to `only_end` (INT64_MIN: from or to anywhere).
std::vector<char> unordered_parts(const std::vector<Item>& items, std::size_t operands, std::uint32_t gap,
                                  std::int64_t only_begin, std::int64_t only_end, std::size_t& budget) {
  std::vector<char> mark(items.size(), 0);
  Forward front = forward(items, operands, gap, only_begin, budget);
  if (!front.complete) return mark;
  std::vector<std::uint32_t> origin;
  std::vector<Item> flipped = mirrored(items, origin);
  Forward back = forward(flipped, operands, gap, only_end == INT64_MIN ? INT64_MIN : -only_end, budget);
  Set full = operands == 64 ? ~Set{0} : (Set{1} << operands) - 1;
  for (std::size_t i = 0; i < flipped.size(); ++i) {
    const auto& before = front.sets[origin[i]];
    Set bit = Set{1} << flipped[i].operand;
    for (Set set : back.sets[i]) {
      if (std::binary_search(before.begin(), before.end(), (full & ~set) | bit)) {
        mark[origin[i]] = 1;
        break;
      }
    }
  }
  return mark;
}

std::vector<Item> items_of(std::span<const Spans> operands, const Region& region) {
  std::vector<Item> items;
  for (std::uint32_t i = 0; i < operands.size(); ++i)
    for (std::uint32_t j = region.range[i].first; j < region.range[i].second; ++j)
      items.push_back({operands[i][j].begin, operands[i][j].end, i, j});
  std::sort(items.begin(), items.end(), by_begin);
  return items;
}

bool no_overlap(const std::vector<Item>& items) {
  std::int64_t end = INT64_MIN, end_other = INT64_MIN;  // furthest end; furthest of another operand than that one's
  std::uint32_t operand = 0;
  for (const Item& item : items) {
    std::int64_t against = item.operand == operand ? end_other : end;
    if (against > item.begin) return false;
    if (item.operand == operand) {
      end = std::max(end, item.end);
    } else if (item.end >= end) {
      end_other = end;
      end = item.end;
      operand = item.operand;
    } else {
      end_other = std::max(end_other, item.end);
    }
  }
  return true;
}

std::vector<Item> stretch(const std::vector<Item>& items, std::int64_t begin, std::int64_t end) {
  std::vector<Item> out;
  auto it = std::lower_bound(items.begin(), items.end(), begin, [](const Item& a, std::int64_t b) { return a.begin < b; });
  for (; it != items.end() && it->begin < end; ++it)
    if (it->end <= end) out.push_back(*it);
  return out;
}

// How far a chain that begins at `begin` can reach at most.
std::int64_t furthest(const std::vector<Item>& items, std::int64_t begin, std::size_t operands, std::uint32_t gap) {
  if (gap == unlimited_gap) return INT64_MAX;
  std::int64_t longest = 0;
  for (const Item& item : items) longest = std::max(longest, item.end - item.begin);
  return begin + static_cast<std::int64_t>(operands) * (longest + gap);
}

std::vector<std::vector<std::uint32_t>> orders_of(std::size_t operands, bool ordered) {
  std::vector<std::uint32_t> straight(operands);
  for (std::size_t i = 0; i < operands; ++i) straight[i] = static_cast<std::uint32_t>(i);
  if (ordered) return {straight};
  return {straight, {1, 0}};  // only for two
}

bool layered(std::span<const Spans> operands, ChainKind kind) { return kind.ordered || operands.size() == 2; }

using Marks = std::vector<std::vector<char>>;

Marks empty_marks(std::span<const Spans> operands) {
  Marks marks(operands.size());
  for (std::size_t i = 0; i < operands.size(); ++i) marks[i].assign(operands[i].size(), 0);
  return marks;
}

std::vector<std::vector<Span>> marked(std::span<const Spans> operands, const Marks& marks) {
  std::vector<std::vector<Span>> out(operands.size());
  for (std::size_t i = 0; i < operands.size(); ++i)
    for (std::size_t j = 0; j < operands[i].size(); ++j)
      if (marks[i][j]) out[i].push_back(operands[i][j]);
  return out;
}

void note(const Layers& layers, Marks& marks) {
  for (std::size_t i = 0; i < layers.on_path.size(); ++i)
    for (std::size_t j = 0; j < layers.on_path[i].size(); ++j)
      if (layers.on_path[i][j]) marks[layers.items[i][j].operand][layers.items[i][j].index] = 1;
}

// Marks what takes part in one region; true when something does.
bool region_parts(std::span<const Spans> operands, ChainKind kind, const Region& region, std::size_t& budget, Marks& marks) {
  bool found = false;
  if (layered(operands, kind)) {
    for (auto& order : orders_of(operands.size(), kind.ordered)) {
      Layers layers = layers_of(operands, region, order);
      if (!sweep(layers, kind.gap, anything, anything)) continue;
      found = true;
      note(layers, marks);
    }
    return found;
  }
  std::vector<Item> items = items_of(operands, region);
  if (kind.gap == unlimited_gap && no_overlap(items)) {
    for (const Item& item : items) marks[item.operand][item.index] = 1;
    return true;
  }
  if (operands.size() > most_unordered) return false;
  std::vector<char> mark = unordered_parts(items, operands.size(), kind.gap, INT64_MIN, INT64_MIN, budget);
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!mark[i]) continue;
    found = true;
    marks[items[i].operand][items[i].index] = 1;
  }
  return found;
}

}  // namespace

bool chain_exists(std::span<const Spans> operands, ChainKind kind) {
  bool found = false;
  std::size_t budget = chain_budget;
  each_region(operands, [&](const Region& region) {
    if (layered(operands, kind)) {
      for (auto& order : orders_of(operands.size(), kind.ordered)) {
        Layers layers = layers_of(operands, region, order);
        if ((found = sweep(layers, kind.gap, anything, anything))) break;
      }
    } else {
      std::vector<Item> items = items_of(operands, region);
      if (kind.gap == unlimited_gap && no_overlap(items)) found = true;
      else if (operands.size() <= most_unordered)
        found = forward(items, operands.size(), kind.gap, INT64_MIN, budget).complete;
    }
    return !found;
  });
  return found;
}

std::vector<std::vector<Span>> chain_parts(std::span<const Spans> operands, ChainKind kind) {
  Marks marks = empty_marks(operands);
  std::size_t budget = chain_budget;
  each_region(operands, [&](const Region& region) {
    region_parts(operands, kind, region, budget, marks);
    return true;
  });
  return marked(operands, marks);
}

std::vector<Span> chain_wholes(std::span<const Spans> operands, ChainKind kind) {
  std::vector<Span> out;
  std::size_t budget = chain_budget;
  auto add = [&](std::uint32_t region, std::int64_t begin, std::int64_t end) {
    if (budget == 0) return;
    --budget;
    out.push_back({region, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
  };
  each_region(operands, [&](const Region& region) {
    if (layered(operands, kind)) {
      for (auto& order : orders_of(operands.size(), kind.ordered)) {
        Layers layers = layers_of(operands, region, order);
        if (!sweep(layers, kind.gap, anything, anything)) continue;
        Layers live;
        live.items.resize(layers.items.size());
        for (std::size_t i = 0; i < layers.items.size(); ++i)
          for (std::size_t j = 0; j < layers.items[i].size(); ++j)
            if (layers.on_path[i][j]) live.items[i].push_back(layers.items[i][j]);
        std::int64_t last = INT64_MIN;
        for (const Item& first : live.items[0]) {
          if (first.begin == last || budget == 0) continue;
          last = first.begin;
          Layers near_by = window(live, last, kind.gap);
          sweep(near_by, kind.gap, anything, anything);
          for (auto& items : near_by.items) budget -= std::min(budget, items.size());
          for (std::size_t j = 0; j < near_by.on_path.back().size(); ++j)
            if (near_by.on_path.back()[j]) add(region.id, last, near_by.items.back()[j].end);
        }
      }
      return true;
    }
    if (operands.size() > most_unordered) return true;
    std::vector<Item> items = items_of(operands, region);
    std::vector<char> mark = unordered_parts(items, operands.size(), kind.gap, INT64_MIN, INT64_MIN, budget);
    std::vector<Item> live;
    for (std::size_t i = 0; i < items.size(); ++i)
      if (mark[i]) live.push_back(items[i]);
    Set full = operands.size() == 64 ? ~Set{0} : (Set{1} << operands.size()) - 1;
    std::int64_t last = INT64_MIN;
    for (const Item& first : live) {
      if (first.begin == last || budget == 0) continue;
      last = first.begin;
      std::vector<Item> near_by = stretch(live, last, furthest(live, last, operands.size(), kind.gap));
      Forward front = forward(near_by, operands.size(), kind.gap, last, budget);
      for (std::size_t j = 0; j < near_by.size(); ++j)
        if (!front.sets[j].empty() && front.sets[j].back() == full) add(region.id, last, near_by[j].end);
    }
    return true;
  });
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::vector<std::vector<Span>> chain_parts_within(std::span<const Spans> operands, ChainKind kind, Spans wanted) {
  Marks marks = empty_marks(operands);
  std::size_t budget = chain_budget;
  each_region(operands, [&](const Region& region) {
    auto from = std::lower_bound(wanted.begin(), wanted.end(), Span{region.id, 0, 0});
    if (from == wanted.end() || from->region != region.id) return true;
    if (layered(operands, kind)) {
      for (auto& order : orders_of(operands.size(), kind.ordered)) {
        Layers layers = layers_of(operands, region, order);
        for (auto it = from; it != wanted.end() && it->region == region.id && budget > 0; ++it) {
          Layers near_by = window(layers, it->begin, kind.gap);
          for (auto& items : near_by.items) budget -= std::min(budget, items.size());
          std::int64_t end = it->end;
          if (sweep(near_by, kind.gap, anything, [end](const Item& item) { return item.end == end; })) note(near_by, marks);
        }
      }
      return true;
    }
    if (operands.size() > most_unordered) return true;
    std::vector<Item> items = items_of(operands, region);
    for (auto it = from; it != wanted.end() && it->region == region.id && budget > 0; ++it) {
      std::vector<Item> near_by = stretch(items, it->begin, it->end);
      std::vector<char> mark = unordered_parts(near_by, operands.size(), kind.gap, it->begin, it->end, budget);
      for (std::size_t i = 0; i < near_by.size(); ++i)
        if (mark[i]) marks[near_by[i].operand][near_by[i].index] = 1;
    }
    return true;
  });
  return marked(operands, marks);
}

bool at_least_disjoint(Spans x, std::uint32_t count) {
  // Among spans sorted by begin the greedy choice by end: take a span when it starts at or after the last end, and
  // shorten the last when a later one ends sooner.
  std::uint32_t taken = 0, region = UINT32_MAX, end = 0;
  for (const Span& span : x) {
    if (span.region != region) {
      region = span.region;
      end = 0;
    } else if (span.begin < end) {
      end = std::min(end, span.end);
      continue;
    }
    if (++taken >= count) return true;
    end = span.end;
  }
  return taken >= count;
}

std::vector<Span> not_near(Spans x, Spans y, std::uint32_t gap) {
  std::vector<Span> out;
  std::size_t at = 0;
  std::uint32_t region = UINT32_MAX;
  std::int64_t furthest_end = -1;
  for (const Span& span : x) {
    if (span.region != region) {
      region = span.region;
      furthest_end = -1;
      while (at < y.size() && y[at].region < region) ++at;
    }
    // x is sorted by begin, not by end, so the spans of y within reach of this end are looked up, those before its
    // begin are swept.
    while (at < y.size() && y[at].region == region && y[at].begin <= span.begin) {
      furthest_end = std::max(furthest_end, std::int64_t{y[at].end});
      ++at;
    }
    bool close = furthest_end >= 0 && furthest_end + std::int64_t{gap} >= std::int64_t{span.begin};
    if (!close && at < y.size() && y[at].region == region) close = std::int64_t{y[at].begin} <= std::int64_t{span.end} + gap;
    if (!close) out.push_back(span);
  }
  return out;
}

std::vector<Span> outside(Spans x, Spans y) {
  std::vector<Span> out;
  std::size_t at = 0;
  std::uint32_t region = UINT32_MAX;
  std::uint32_t furthest_end = 0;
  for (const Span& span : x) {
    if (span.region != region) {
      region = span.region;
      furthest_end = 0;
      while (at < y.size() && y[at].region < region) ++at;
    }
    while (at < y.size() && y[at].region == region && y[at].begin <= span.begin) {
      furthest_end = std::max(furthest_end, y[at].end);
      ++at;
    }
    if (furthest_end < span.end) out.push_back(span);
  }
  return out;
}

std::vector<Span> merge(std::span<const Spans> lists) {
  std::vector<Span> out;
  for (Spans list : lists) out.insert(out.end(), list.begin(), list.end());
  if (lists.size() > 1) {
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
  }
  return out;
}

std::vector<Span> intersect(Spans x, Spans y) {
  std::vector<Span> out;
  std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(out));
  return out;
}

}  // namespace newswatch::engine
