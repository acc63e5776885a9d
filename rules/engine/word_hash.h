#pragma once
// Hashes of reduced words and of pairs of them. Keyed, so that no text can be made to collide in advance; never stored.

#include <cstdint>
#include <cstring>
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

/// Reads only the word's own bytes. Never 0.
inline std::uint64_t word_hash(const HashKey& key, std::string_view word) {
  auto load8 = [](const char* at) {
    std::uint64_t value;
    std::memcpy(&value, at, 8);
    return value;
  };
  auto load4 = [](const char* at) {
    std::uint32_t value;
    std::memcpy(&value, at, 4);
    return std::uint64_t{value};
  };
  const char* at = word.data();
  std::size_t n = word.size();
  std::uint64_t low, high, state = key.c ^ n;
  if (n <= 16) {
    if (n >= 8) {
      low = load8(at);
      high = load8(at + n - 8);
    } else if (n >= 4) {
      low = load4(at);
      high = load4(at + n - 4);
    } else if (n > 0) {
      auto byte = [&](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(at[i])}; };
      low = byte(0) | byte(n / 2) << 8 | byte(n - 1) << 16;
      high = 0;
    } else {
      low = high = 0;
    }
  } else {
    while (n > 16) {
      state = multiply_fold(load8(at) ^ key.a, load8(at + 8) ^ state);
      at += 16;
      n -= 16;
    }
    low = load8(at + n - 16);
    high = load8(at + n - 8);
  }
  std::uint64_t hash = multiply_fold(multiply_fold(low ^ key.a, high ^ state), key.b);
  return hash ? hash : 1;
}

inline std::uint64_t pair_hash(const HashKey& key, std::uint64_t left, std::uint64_t right) {
  std::uint64_t hash = multiply_fold(left ^ key.b, right ^ key.c);
  return hash ? hash : 1;
}

}  // namespace newswatch::engine
