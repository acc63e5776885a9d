#include "rules/engine/occurrences.h"

#include <algorithm>
#include <functional>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace newswatch::engine {
namespace {

using List = std::vector<Span>;

// Every choice, straight from the definition.
struct Brute {
  std::vector<std::vector<Span>> parts;
  List wholes;
};

bool satisfies(const List& choice, ChainKind kind) {
  List line = choice;
  if (!kind.ordered) std::sort(line.begin(), line.end());
  for (std::size_t i = 0; i + 1 < line.size(); ++i) {
    if (line[i].region != line[i + 1].region || line[i].end > line[i + 1].begin) return false;
    if (kind.gap != unlimited_gap && line[i + 1].begin - line[i].end > kind.gap) return false;
  }
  return true;
}

Brute brute(const std::vector<List>& operands, ChainKind kind, const List* wanted = nullptr) {
  std::vector<std::set<Span>> parts(operands.size());
  std::set<Span> wholes;
  List choice(operands.size());
  std::function<void(std::size_t)> go = [&](std::size_t i) {
    if (i == operands.size()) {
      if (!satisfies(choice, kind)) return;
      Span whole = choice[0];
      for (auto& s : choice) whole.begin = std::min(whole.begin, s.begin), whole.end = std::max(whole.end, s.end);
      if (wanted && std::find(wanted->begin(), wanted->end(), whole) == wanted->end()) return;
      wholes.insert(whole);
      for (std::size_t j = 0; j < choice.size(); ++j) parts[j].insert(choice[j]);
      return;
    }
    for (auto& s : operands[i]) choice[i] = s, go(i + 1);
  };
  go(0);
  Brute out;
  for (auto& p : parts) out.parts.emplace_back(p.begin(), p.end());
  out.wholes.assign(wholes.begin(), wholes.end());
  return out;
}

List random_list(std::mt19937& random, int most, int words) {
  std::set<Span> spans;
  int n = std::uniform_int_distribution<>(0, most)(random);
  for (int i = 0; i < n; ++i) {
    std::uint32_t region = random() % 2, begin = random() % static_cast<unsigned>(words), length = 1 + (random() % 4 ? 0 : random() % 3);
    spans.insert({region, begin, begin + length});
  }
  return {spans.begin(), spans.end()};
}

TEST(Occurrences, ChainsAgreeWithEveryChoice) {
  unsigned seed = 20261124;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 6000; ++round) {
    std::size_t k = 2 + random() % 4;
    std::vector<List> lists;
    for (std::size_t i = 0; i < k; ++i) lists.push_back(random_list(random, k > 3 ? 4 : 6, 14));
    if (random() % 4 == 0) lists[1] = lists[0];
    std::vector<Spans> operands(lists.begin(), lists.end());
    ChainKind kind{random() % 2 == 0, random() % 5 == 0 ? unlimited_gap : static_cast<std::uint32_t>(random() % 4)};
    Brute want = brute(lists, kind);
    ASSERT_EQ(chain_exists(operands, kind), !want.wholes.empty()) << round;
    ASSERT_EQ(chain_parts(operands, kind), want.parts) << round;
    ASSERT_EQ(chain_wholes(operands, kind), want.wholes) << round;
    List some;
    for (auto& whole : want.wholes)
      if (random() % 2) some.push_back(whole);
    if (some.empty()) continue;
    ASSERT_EQ(chain_parts_within(operands, kind, some), brute(lists, kind, &some).parts) << round;
  }
}

TEST(Occurrences, NotNearOutsideAndTimesAgreeWithTheDefinition) {
  std::mt19937 random(7);
  for (int round = 0; round < 5000; ++round) {
    List x = random_list(random, 8, 16), y = random_list(random, 6, 16);
    std::uint32_t gap = random() % 4;
    List free, out;
    for (auto& s : x) {
      bool close = false, inside = false;
      for (auto& t : y) {
        if (s.region != t.region) continue;
        std::int64_t between = s.end <= t.begin ? std::int64_t{t.begin} - s.end : t.end <= s.begin ? std::int64_t{s.begin} - t.end : 0;
        close = close || between <= gap;
        inside = inside || (t.begin <= s.begin && s.end <= t.end);
      }
      if (!close) free.push_back(s);
      if (!inside) out.push_back(s);
    }
    ASSERT_EQ(not_near(x, y, gap), free);
    ASSERT_EQ(outside(x, y), out);
    std::uint32_t most = 0;
    for (unsigned pick = 0; pick < (1u << x.size()); ++pick) {
      bool ok = true;
      std::uint32_t n = 0;
      for (std::size_t i = 0; i < x.size() && ok; ++i) {
        if (!(pick >> i & 1)) continue;
        ++n;
        for (std::size_t j = 0; j < i; ++j)
          if ((pick >> j & 1) && x[i].region == x[j].region && x[i].begin < x[j].end && x[j].begin < x[i].end) ok = false;
      }
      if (ok) most = std::max(most, n);
    }
    ASSERT_TRUE(at_least_disjoint(x, most));
    ASSERT_FALSE(at_least_disjoint(x, most + 1));
  }
}

TEST(Occurrences, AWordAMillionTimesIsCheap) {
  List many;
  for (std::uint32_t i = 0; i < 1000000; ++i) many.push_back({1, i, i + 1});
  std::vector<Spans> two{many, many}, four{many, many, many, many};
  EXPECT_EQ(chain_parts(two, {false, 1000})[0].size(), many.size());
  EXPECT_EQ(chain_parts(two, {true, unlimited_gap})[1].size(), many.size() - 1);
  EXPECT_TRUE(chain_exists(four, {false, 5}));
  EXPECT_FALSE(chain_wholes(two, {false, 1000}).empty());
}

TEST(Occurrences, ManyOperandsStayWithinTheBudget) {
  std::vector<List> lists(24);
  for (std::uint32_t i = 0; i < 24 * 12; ++i) lists[i % 24].push_back({0, i, i + 1});
  std::vector<Spans> operands(lists.begin(), lists.end());
  EXPECT_TRUE(chain_exists(operands, {true, 5}));
  chain_parts(operands, {false, 5});  // ends
  EXPECT_TRUE(chain_exists(operands, {false, unlimited_gap}));
}

}  // namespace
}  // namespace newswatch::engine
