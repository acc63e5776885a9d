#include "rules/engine/term_index.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace newswatch::engine {
namespace {

TEST(WordHash, IsTheSameWithAndWithoutRoomBehindTheWord) {
  const HashKey& key = process_hash_key();
  std::string text(300, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
  std::map<std::uint64_t, std::size_t> seen;
  for (std::size_t n = 0; n < 200; ++n) {
    std::uint64_t hash = word_hash_padded(key, text.data(), n);
    EXPECT_EQ(hash, word_hash(key, text.substr(0, n))) << n;
    EXPECT_TRUE(seen.emplace(hash, n).second) << n;
  }
}

TEST(TermIndex, FindsEveryKeyAndItsPosts) {
  std::mt19937_64 random(5);
  const HashKey& key = process_hash_key();
  std::vector<std::uint64_t> words;
  for (int i = 0; i < 500; ++i) words.push_back(word_hash(key, "word" + std::to_string(i)));
  TermIndex::Builder builder;
  std::multimap<std::uint64_t, std::uint32_t> singles;
  std::multimap<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> pairs;
  for (std::uint32_t value = 0; value < 3000; ++value) {
    std::uint64_t a = words[random() % 300], b = words[random() % 300];
    if (random() % 3 == 0) {
      builder.add_single(a, value);
      singles.emplace(a, value);
    } else {
      builder.add_pair(a, b, random() % 2, value);
      pairs.emplace(std::pair(a, b), value);
    }
  }
  TermIndex index(std::move(builder), key);
  std::vector<std::uint64_t> text;
  for (int i = 0; i < 4000; ++i) text.push_back(words[random() % 500]);
  TermIndex::Candidates found;
  index.candidates(text, found);
  auto is_single = [&](std::uint32_t i) { return std::binary_search(found.singles.data(), found.singles.data() + found.single_count, i); };
  auto is_pair = [&](std::uint32_t i) { return std::binary_search(found.pairs.data(), found.pairs.data() + found.pair_count, i); };
  for (std::uint32_t i = 0; i < text.size(); ++i) {
    std::vector<std::uint32_t> got, want;
    index.singles_of(text[i], [&](std::uint32_t value) { got.push_back(value); });
    for (auto [it, end] = singles.equal_range(text[i]); it != end; ++it) want.push_back(it->second);
    std::sort(got.begin(), got.end());
    ASSERT_EQ(got, want);
    ASSERT_TRUE(want.empty() || is_single(i));
    if (i + 1 == text.size()) break;
    got.clear();
    want.clear();
    index.pairs_of(text[i], text[i + 1], [&](std::uint32_t value) { got.push_back(value); });
    for (auto [it, end] = pairs.equal_range({text[i], text[i + 1]}); it != end; ++it) want.push_back(it->second);
    std::sort(got.begin(), got.end());
    ASSERT_EQ(got, want);
    ASSERT_TRUE(want.empty() || is_pair(i));
  }
}

TEST(TermIndex, EmptyFindsNothing) {
  TermIndex index(TermIndex::Builder{}, process_hash_key());
  std::vector<std::uint64_t> text(100, 12345);
  TermIndex::Candidates found;
  index.candidates(text, found);
  EXPECT_EQ(found.single_count + found.pair_count, 0u);
}

}  // namespace
}  // namespace newswatch::engine
