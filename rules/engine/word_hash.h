#pragma once
// Hashes of reduced words and of pairs of them. Keyed, so that no text can be made to collide in advance; never stored.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace newswatch::engine {

struct HashKey {
  std::uint64_t a = 0x2d358dccaa6c78a5u, b = 0x8bb84b93962eacc9u, c = 0x4b33a62ed433d4a3u;
};

/// Drawn once a process.
const HashKey& process_hash_key();

inline std::uint64_t multiply_fold(std::uint64_t x, std::uint64_t y) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(x) * y;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Never 0. Reads 16 bytes at least, whatever the word's size: no branch for words of up to 16 bytes.
inline std::uint64_t word_hash_padded(const HashKey& key, const char* at, std::size_t n) {
  auto load = [](const char* from) {
    std::uint64_t value;
    std::memcpy(&value, from, 8);
    return value;
  };
  std::uint64_t state = key.c ^ n;
  for (; n > 16; at += 16, n -= 16) state = multiply_fold(load(at) ^ key.a, load(at + 8) ^ state);
  // The first min(n, 8) bytes, and the first n - 8 after them.
  std::uint64_t low = n >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * n)) - 1;
  std::uint64_t high = n >= 16 ? ~std::uint64_t{0} : n <= 8 ? 0 : (std::uint64_t{1} << (8 * (n - 8))) - 1;
  std::uint64_t hash = multiply_fold(multiply_fold((load(at) & low) ^ key.a, (load(at + 8) & high) ^ state), key.b);
  return hash | (hash == 0);
}

/// The same of a word that nothing readable follows.
inline std::uint64_t word_hash(const HashKey& key, std::string_view word) {
  char buffer[64] = {};
  if (word.size() <= sizeof buffer - 16) {
    if (!word.empty()) std::memcpy(buffer, word.data(), word.size());
    return word_hash_padded(key, buffer, word.size());
  }
  std::string copy(word);
  copy.append(16, '\0');
  return word_hash_padded(key, copy.data(), word.size());
}

inline std::uint64_t pair_hash(const HashKey& key, std::uint64_t left, std::uint64_t right) {
  std::uint64_t hash = multiply_fold(left ^ key.b, right ^ key.c);
  return hash ? hash : 1;
}

}  // namespace newswatch::engine
