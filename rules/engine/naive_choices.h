#pragma once
// Of the oracle: where something occurs, and the choices of one occurrence of each operand (LANGUAGE section 3.1).

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <vector>

#include "rules/engine/article.h"

namespace newswatch::engine::naive {

/// A passage without its text; in the order of LANGUAGE section 7.
struct Passage {
  Field field = Field::body;
  std::uint32_t start = 0, end = 0;
  std::string_view term, entity;
  auto key() const { return std::tie(field, start, end, term, entity); }
  bool operator<(const Passage& other) const { return key() < other.key(); }
};
using Passages = std::set<Passage>;

/// Words of one paragraph, with the passages of all choices that give just these.
struct Place {
  std::uint32_t paragraph = 0, first = 0, end = 0;
  auto key() const { return std::tie(paragraph, first, end); }
  bool operator<(const Place& other) const { return key() < other.key(); }
};
using Places = std::map<Place, Passages>;

inline bool overlap(const Place& a, const Place& b) {
  return a.paragraph == b.paragraph && a.first < b.end && b.first < a.end;
}
inline bool inside(const Place& a, const Place& b) {
  return a.paragraph == b.paragraph && b.first <= a.first && a.end <= b.end;
}

/// Words between two spans of one paragraph that do not overlap.
inline std::uint32_t between(const Place& a, const Place& b) {
  return a.end <= b.first ? b.first - a.end : a.first - b.end;
}

inline void add(Passages& to, const Passages& from) { to.insert(from.begin(), from.end()); }

inline void unite(Places& to, const Places& from) {
  for (const auto& [place, passages] : from) add(to[place], passages);
}

using Choice = const Places::value_type*;

/// Calls f with every way to go on choosing one occurrence of each operand, all in one paragraph, no two overlapping.
template <typename F>
void choose(const std::vector<Places>& operands, std::vector<Choice>& chosen, F& f) {
  if (chosen.size() == operands.size()) {
    f(chosen);
    return;
  }
  for (const auto& each : operands[chosen.size()]) {
    const bool fits = std::all_of(chosen.begin(), chosen.end(), [&](Choice other) {
      return other->first.paragraph == each.first.paragraph && !overlap(other->first, each.first);
    });
    if (!fits) continue;
    chosen.push_back(&each);
    choose(operands, chosen, f);
    chosen.pop_back();
  }
}

/// `near` and `before`: adds the whole, if the choice satisfies them.
inline void add_chain(bool ordered, std::uint32_t gap, const std::vector<Choice>& chosen, Places& out) {
  std::vector<Choice> order = chosen;
  std::sort(order.begin(), order.end(), [](Choice a, Choice b) { return a->first < b->first; });
  if (ordered && order != chosen) return;
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (between(order[i - 1]->first, order[i]->first) > gap) return;
  }
  Passages& whole = out[{order[0]->first.paragraph, order.front()->first.first, order.back()->first.end}];
  for (const Choice choice : chosen) add(whole, choice->second);
}

}  // namespace newswatch::engine::naive
