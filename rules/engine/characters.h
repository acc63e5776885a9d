#pragma once
// What the engine knows of each code point, from ICU, in tables built once on first use (some milliseconds).

#include <cstdint>
#include <string_view>
#include <vector>

namespace newswatch::engine {

/// The part a code point plays in cutting words: UAX #29 with the differences of LANGUAGE 1.1.
enum class CharacterClass : std::uint8_t {
  other,      ///< separates
  letter,     ///< ALetter
  hebrew,     ///< Hebrew_Letter
  digit,      ///< Numeric
  spaceless,  ///< a letter that is a word by itself
  extend,     ///< belongs to what it follows
  long_mark,  ///< belongs to a spaceless letter before it, else separates
  ignored,    ///< as if it were not there
  dot,
  hyphen,
  apostrophe,
  ampersand,
  plus,
  hash,
  at,
  double_quote,  ///< between Hebrew letters
  mid_letter,    ///< between letters
  mid_number,    ///< between digits
};

struct CharacterInfo {
  enum Flag : std::uint32_t {
    has_letter = 1 << 5,
    has_digit = 1 << 6,
    is_upper = 1 << 7,     ///< Lu, Lt
    is_lower = 1 << 8,     ///< Ll
    is_caseless = 1 << 9,  ///< Lo, Lm
    is_mark = 1 << 10,     ///< M
    is_opening = 1 << 11,  ///< Ps, Pi, Pf, " and '
    is_closing = 1 << 12,  ///< Pe, Pi, Pf, " and '
    is_space = 1 << 13,
    drops_marks = 1 << 14,  ///< a Latin, Greek, Arabic or Hebrew letter: marks after it go
    is_cyrillic = 1 << 15,  ///< a Cyrillic letter that loses stress marks
    is_point = 1 << 16,     ///< dropped wherever it stands: Hebrew and Arabic points, tatweel
    in_context = 1 << 17,   ///< its reduction depends on what stands before it
    ends_sentence = 1 << 18,
    ends_sentence_always = 1 << 19,
    is_conjoining = 1 << 20,  ///< a vowel or final of a decomposed Hangul syllable
  };
  std::uint32_t bits = 0;     ///< class in the low 5, flags, combining class in the high 8
  std::uint32_t mapping = 0;  ///< 0: reduces to itself; else an index into the mappings

  CharacterClass character_class() const { return static_cast<CharacterClass>(bits & 31); }
  bool has(std::uint32_t flags) const { return (bits & flags) != 0; }
  std::uint8_t combining_class() const { return static_cast<std::uint8_t>(bits >> 24); }
};

/// Immutable after construction.
class Characters {
 public:
  static const Characters& instance();

  CharacterInfo operator[](char32_t c) const {
    return c < 0x110000 ? entries_[(std::size_t{blocks_[c >> block_bits]} << block_bits) + (c & (block_size - 1))]
                        : CharacterInfo{};
  }
  /// What a code point by itself becomes; views hold for ever.
  struct Mapping {
    std::string_view reduced, cased, decomposed;
  };
  const Mapping& mapping(CharacterInfo info) const { return mappings_[info.mapping]; }

 private:
  static constexpr int block_bits = 7;
  static constexpr std::size_t block_size = std::size_t{1} << block_bits;
  Characters();
  void classify();
  void map();

  std::vector<std::uint16_t> blocks_;
  std::vector<CharacterInfo> entries_;
  std::vector<Mapping> mappings_;
};

void append_utf8(char32_t c, std::vector<char>& out);

/// Steps over the code point at `at` (ill-formed bytes: U+FFFD, one byte); `at` is inside the text.
inline char32_t decode(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at);
  if (lead < 0x80) return text[at++];
  const auto follows = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  if (lead >= 0xC2 && lead < 0xE0 && follows(at + 1)) {
    const char32_t c = (lead & 0x1F) << 6 | (byte(at + 1) & 0x3F);
    at += 2;
    return c;
  }
  if (lead >= 0xE0 && lead < 0xF0 && follows(at + 1) && follows(at + 2)) {
    const char32_t c = (lead & 0x0F) << 12 | (byte(at + 1) & 0x3F) << 6 | (byte(at + 2) & 0x3F);
    if (c >= 0x800 && (c < 0xD800 || c > 0xDFFF)) {
      at += 3;
      return c;
    }
  } else if (lead >= 0xF0 && lead < 0xF5 && follows(at + 1) && follows(at + 2) && follows(at + 3)) {
    const char32_t c =
        (lead & 0x07) << 18 | (byte(at + 1) & 0x3F) << 12 | (byte(at + 2) & 0x3F) << 6 | (byte(at + 3) & 0x3F);
    if (c >= 0x10000 && c < 0x110000) {
      at += 4;
      return c;
    }
  }
  ++at;
  return 0xFFFD;
}

/// The code point that ends at `at`, which moves to its beginning; `at` is above 0.
inline char32_t decode_back(std::string_view text, std::size_t& at) {
  for (std::size_t length = 1; length <= 4 && length <= at; ++length) {
    if ((static_cast<unsigned char>(text[at - length]) & 0xC0) == 0x80) continue;
    std::size_t next = at - length;
    const char32_t c = decode(text.substr(0, at), next);
    if (next != at) break;
    at -= length;
    return c;
  }
  --at;
  return 0xFFFD;
}

/// The general case of LANGUAGE 1.2 for one word: decomposes, orders, drops marks, folds. `letters` is working memory
/// and holds the word's code points; appends the reduced form, then the cased form, to `out`, and says how long each
/// is.
struct ReducedSizes {
  std::uint32_t reduced = 0, cased = 0;
};
ReducedSizes reduce_in_context(const Characters& characters, std::vector<char32_t>& letters, std::vector<char>& out);

}  // namespace newswatch::engine
