#include "rules/engine/term_index.h"

#include <algorithm>
#include <bit>
#include <random>
#include <unordered_map>

namespace newswatch::engine {

const HashKey& process_hash_key() {
  static const HashKey key = [] {
    std::random_device device;
    auto draw = [&] { return (std::uint64_t{device()} << 32 | device()) | 1; };
    return HashKey{draw(), draw(), draw()};
  }();
  return key;
}

TermIndex::Table TermIndex::table_of(std::vector<Post> posts) {
  std::sort(posts.begin(), posts.end(), [](const Post& a, const Post& b) {
    return a.key != b.key ? a.key < b.key : a.value < b.value;
  });
  posts.erase(std::unique(posts.begin(), posts.end(), [](const Post& a, const Post& b) {
                return a.key == b.key && a.value == b.value;
              }), posts.end());
  std::size_t keys = 0;
  for (std::size_t i = 0; i < posts.size(); ++i) keys += i == 0 || posts[i].key != posts[i - 1].key;
  Table table;
  table.slots.resize(std::bit_ceil(std::max<std::size_t>(2, keys * 2)));
  table.mask = table.slots.size() - 1;
  table.posts.reserve(posts.size());
  // Two keys of one tag in one chain share nothing: both slots are met, and the caller compares words.
  for (std::size_t i = 0; i < posts.size();) {
    std::uint64_t key = posts[i].key, at = key & table.mask;
    while (table.slots[at].tag) at = (at + 1) & table.mask;
    table.slots[at] = {tag_of(key), static_cast<std::uint32_t>(table.posts.size())};
    for (; i < posts.size() && posts[i].key == key; ++i) {
      bool goes_on = i + 1 < posts.size() && posts[i + 1].key == key;
      table.posts.push_back(posts[i].value | (goes_on ? more : 0));
    }
  }
  return table;
}

TermIndex::TermIndex(Builder builder, const HashKey& key) : key_(key) {
  std::vector<Post> bits;  // cell index later; value: the bit
  bits.reserve(builder.singles_.size() + builder.pairs_.size());
  for (const Post& post : builder.singles_) bits.push_back({post.key, single_bit(post.key)});
  std::vector<Post> pairs;
  pairs.reserve(builder.pairs_.size());
  for (const auto& pair : builder.pairs_) {
    if (pair.anchor_left) bits.push_back({pair.left, right_bit(pair.right)});
    else bits.push_back({pair.right, left_bit(pair.left)});
    pairs.push_back({pair_hash(key_, pair.left, pair.right), pair.value});
  }
  std::vector<std::uint64_t> words;
  words.reserve(bits.size());
  for (const Post& bit : bits) words.push_back(bit.key);
  std::sort(words.begin(), words.end());
  std::size_t distinct = static_cast<std::size_t>(std::unique(words.begin(), words.end()) - words.begin());
  std::size_t cells = std::bit_ceil(std::max<std::size_t>(512, distinct * 3));
  cells_.assign(cells, 0);
  shift_ = 64 - static_cast<std::uint32_t>(std::countr_zero(cells));
  for (const Post& bit : bits) cells_[bit.key >> shift_] |= std::uint64_t{1} << bit.value;
  singles_ = table_of(std::move(builder.singles_));
  pairs_ = table_of(std::move(pairs));
}

// All cells first, so that their loads overlap; then the tests, which write every index and count those that hold.
void TermIndex::candidates(std::span<const std::uint64_t> hashes, Candidates& out) const {
  std::size_t n = hashes.size();
  out.single_count = out.pair_count = 0;
  if (n == 0) return;
  if (out.cells.size() < n) {
    out.cells.resize(n + n / 2);
    out.singles.resize(n + n / 2);
    out.pairs.resize(n + n / 2);
  }
  std::uint64_t* cells = out.cells.data();
  const std::uint64_t* table = cells_.data();
  std::uint32_t *singles = out.singles.data(), *pairs = out.pairs.data();
  std::uint32_t shift = shift_;
  for (std::size_t i = 0; i < n; ++i) cells[i] = table[hashes[i] >> shift];
  std::size_t s = 0, p = 0;
  for (std::size_t i = 0; i + 1 < n; ++i) {
    std::uint64_t here = hashes[i], next = hashes[i + 1], cell = cells[i];
    singles[s] = pairs[p] = static_cast<std::uint32_t>(i);
    s += cell >> single_bit(here) & 1;
    p += (cell >> right_bit(next) | cells[i + 1] >> left_bit(here)) & 1;
  }
  singles[s] = static_cast<std::uint32_t>(n - 1);
  s += cells[n - 1] >> single_bit(hashes[n - 1]) & 1;
  out.single_count = s;
  out.pair_count = p;
}

std::size_t TermIndex::bytes() const {
  auto of = [](const Table& table) { return table.slots.size() * sizeof(Slot) + table.posts.size() * sizeof(std::uint32_t); };
  return cells_.size() * sizeof(std::uint64_t) + of(singles_) + of(pairs_);
}

}  // namespace newswatch::engine
