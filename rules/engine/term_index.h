#pragma once
// From word hashes to the few terms that may stand there.
//
// Three tables, each immutable after build. `cells` holds 8 bytes a word hash, without a key: 16 bits say "a key by
// itself, with such a hash", 48 bits are a Bloom set of the neighbours that this word has in key pairs; only the rarer
// word of a pair lists the other. Text is Zipfian, so the cells of its words stay in the nearest caches even with a
// million terms. What survives goes to a slot table, and from there to its posts. All answers are candidates: the caller
// compares the words themselves.

#include <cstdint>
#include <span>
#include <vector>

#include "rules/engine/word_hash.h"

namespace newswatch::engine {

class TermIndex {
 public:
  struct Post {
    std::uint64_t key;
    std::uint32_t value;
  };

  class Builder {
   public:
    void add_single(std::uint64_t word, std::uint32_t value) { singles_.push_back({word, value}); }
    /// `anchor_left`: the left word is the rarer one.
    void add_pair(std::uint64_t left, std::uint64_t right, bool anchor_left, std::uint32_t value) {
      pairs_.push_back({left, right, anchor_left, value});
    }

   private:
    friend class TermIndex;
    struct Pair {
      std::uint64_t left, right;
      bool anchor_left;
      std::uint32_t value;
    };
    std::vector<Post> singles_;
    std::vector<Pair> pairs_;
  };

  TermIndex() = default;
  TermIndex(Builder builder, const HashKey& key);

  /// Words, in the order of a text, that may be keys: by themselves, and each with the next one.
  struct Candidates {
    std::vector<std::uint64_t> cells;
    std::vector<std::uint32_t> singles, pairs;
    std::size_t single_count = 0, pair_count = 0;
  };
  void candidates(std::span<const std::uint64_t> hashes, Candidates& out) const;

  /// visit(value) for each post of a candidate.
  template <class Visit>
  void singles_of(std::uint64_t hash, Visit visit_value) const {
    visit(singles_, hash, visit_value);
  }
  template <class Visit>
  void pairs_of(std::uint64_t left, std::uint64_t right, Visit visit_value) const {
    visit(pairs_, pair_hash(key_, left, right), visit_value);
  }

  template <class OnSingle>
  void find_single(std::uint64_t hash, OnSingle on_single) const {
    if (cells_[hash >> shift_] >> single_bit(hash) & 1) visit(singles_, hash, on_single);
  }
  template <class OnPair>
  void find_pair(std::uint64_t left, std::uint64_t right, OnPair on_pair) const {
    if ((cells_[left >> shift_] >> right_bit(right) | cells_[right >> shift_] >> left_bit(left)) & 1)
      visit(pairs_, pair_hash(key_, left, right), on_pair);
  }

  std::size_t bytes() const;

 private:
  struct Slot {
    std::uint32_t tag = 0;    // 0: empty
    std::uint32_t first = 0;  // into posts
  };
  struct Table {
    std::vector<Slot> slots;  // power of two
    std::vector<std::uint32_t> posts;  // runs of values; the top bit says that the run goes on
    std::uint64_t mask = 0;
  };
  static constexpr std::uint32_t more = 1u << 31;

  static std::uint32_t right_bit(std::uint64_t hash) {
    return static_cast<std::uint32_t>(std::uint64_t{static_cast<std::uint32_t>(hash >> 20)} * 48 >> 32);
  }
  static std::uint32_t left_bit(std::uint64_t hash) {
    return static_cast<std::uint32_t>(std::uint64_t{static_cast<std::uint32_t>(hash)} * 48 >> 32);
  }
  static std::uint32_t single_bit(std::uint64_t hash) { return 48 + (hash >> 36 & 15); }
  static std::uint32_t tag_of(std::uint64_t hash) {
    auto tag = static_cast<std::uint32_t>(hash >> 32);
    return tag ? tag : 1;
  }
  static Table table_of(std::vector<Post> posts);

  template <class Visit>
  static void visit(const Table& table, std::uint64_t hash, Visit& visit) {
    std::uint32_t tag = tag_of(hash);
    for (std::uint64_t i = hash & table.mask; table.slots[i].tag; i = (i + 1) & table.mask) {
      if (table.slots[i].tag != tag) continue;
      const std::uint32_t* post = &table.posts[table.slots[i].first];
      for (;; ++post) {
        visit(*post & ~more);
        if (!(*post & more)) break;
      }
    }
  }

  HashKey key_;
  std::vector<std::uint64_t> cells_{0, 0};
  std::uint32_t shift_ = 63;
  Table singles_, pairs_;
};

}  // namespace newswatch::engine
