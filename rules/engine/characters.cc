#include "rules/engine/characters.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <string>

namespace newswatch::engine {
namespace {

using Flag = CharacterInfo::Flag;

const icu::Normalizer2& nfkd() {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFKDInstance(status);
  if (U_FAILURE(status)) std::abort();
  return *normalizer;
}

bool is_ignored(char32_t c) {
  return c == 0x00AD || c == 0x200C || c == 0x200D || c == 0x2060 || c == 0xFEFF || c == 0x061C || c == 0x200E ||
         c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

bool is_spaceless_script(UScriptCode script) {
  switch (script) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
      return true;
    default:
      return false;
  }
}

CharacterClass class_of(char32_t c, bool letter_category, bool digit_category, UScriptCode script) {
  using enum CharacterClass;
  switch (c) {
    case '.':
      return dot;
    case '-':
    case 0x2010:
    case 0x2011:
      return hyphen;
    case '\'':
    case 0x2018:
    case 0x2019:
    case 0x02BB:
    case 0x02BC:
    case 0xFF07:  // U+0027 after NFKD
      return apostrophe;
    case '&':
      return ampersand;
    case '+':
      return plus;
    case '#':
      return hash;
    case '@':
      return at;
    case '"':
      return double_quote;
    case ':':
    case 0xFE13:
    case 0xFE55:
    case 0xFF1A:  // colons after NFKD; a colon separates
      return other;
    case 0x30FC:
    case 0xFF70:
    case 0xFF9E:
    case 0xFF9F:
      return long_mark;
    default:
      break;
  }
  if (is_ignored(c)) return ignored;
  const int word_break = u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_WORD_BREAK);
  if (letter_category && (is_spaceless_script(script) || word_break == U_WB_OTHER || word_break == U_WB_KATAKANA)) {
    return spaceless;
  }
  if (digit_category) return digit;
  switch (word_break) {
    case U_WB_ALETTER:
      return letter;
    case U_WB_HEBREW_LETTER:
      return hebrew;
    case U_WB_NUMERIC:
      return digit;
    case U_WB_EXTEND:
    case U_WB_FORMAT:
    case U_WB_ZWJ:
      return extend;
    case U_WB_MIDLETTER:
      return mid_letter;
    case U_WB_MIDNUM:
    case U_WB_MIDNUMLET:  // between letters these are dots, which separate
      return mid_number;
    default:
      return letter_category ? letter : other;
  }
}

std::uint32_t bits_of(char32_t c, UCharCategory category) {
  const std::uint32_t mask = U_MASK(category);
  const bool letter = (mask & (U_GC_L_MASK | U_GC_NL_MASK)) != 0;
  const bool digit = (mask & U_GC_ND_MASK) != 0;
  UErrorCode status = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(static_cast<UChar32>(c), &status);
  std::uint32_t bits = static_cast<std::uint32_t>(class_of(c, letter, digit, script));
  const auto set = [&](bool condition, Flag flag) {
    if (condition) bits |= flag;
  };
  set(letter, Flag::has_letter);
  set(digit, Flag::has_digit);
  set((mask & (U_GC_LU_MASK | U_GC_LT_MASK)) != 0, Flag::is_upper);
  set((mask & U_GC_LL_MASK) != 0, Flag::is_lower);
  set((mask & (U_GC_LO_MASK | U_GC_LM_MASK)) != 0, Flag::is_caseless);
  set((mask & U_GC_M_MASK) != 0, Flag::is_mark);
  const bool quote = c == '"' || c == '\'';
  set(quote || (mask & (U_GC_PS_MASK | U_GC_PI_MASK | U_GC_PF_MASK)) != 0, Flag::is_opening);
  set(quote || (mask & (U_GC_PE_MASK | U_GC_PI_MASK | U_GC_PF_MASK)) != 0, Flag::is_closing);
  set(u_isUWhiteSpace(static_cast<UChar32>(c)), Flag::is_space);
  set(letter &&
          (script == USCRIPT_LATIN || script == USCRIPT_GREEK || script == USCRIPT_ARABIC || script == USCRIPT_HEBREW),
      Flag::drops_marks);
  const bool keeps_stress = c == U'г' || c == U'Г' || c == U'к' || c == U'К';
  set(letter && script == USCRIPT_CYRILLIC && !keeps_stress, Flag::is_cyrillic);
  set(c == 0x0640 || (c >= 0x0591 && c <= 0x05C7 && (mask & U_GC_M_MASK) != 0) ||
          (c >= 0x0610 && c <= 0x06ED && (mask & U_GC_M_MASK) != 0),
      Flag::is_point);
  const bool always = c == 0x3002 || c == 0xFF01 || c == 0xFF1F;
  set(always, Flag::ends_sentence_always);
  set(always || c == '.' || c == '!' || c == '?' || c == 0x2026 || c == 0x061F || c == 0x0964, Flag::ends_sentence);
  set((c >= 0x1160 && c <= 0x11FF) || (c >= 0xD7B0 && c <= 0xD7FB), Flag::is_conjoining);
  return bits | static_cast<std::uint32_t>(u_getCombiningClass(static_cast<UChar32>(c))) << 24;
}

/// The letters that 1.2 names beside case folding; of folded letters.
std::string_view plain_letter(char32_t c) {
  switch (c) {
    case U'æ':
      return "ae";
    case U'œ':
      return "oe";
    case U'ø':
      return "o";
    case U'ł':
      return "l";
    case U'đ':
    case U'ð':
      return "d";
    case U'þ':
      return "th";
    case U'ħ':
      return "h";
    case U'ŋ':
      return "n";
    case U'ı':
      return "i";
    default:
      return {};
  }
}

/// Folding of a code point that NFKD leaves alone.
std::string folded(char32_t c) {
  std::string out;
  icu::UnicodeString text(static_cast<UChar32>(c));
  text.foldCase();
  for (int i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const char32_t letter = static_cast<char32_t>(text.char32At(i));
    if (const std::string_view plain = plain_letter(letter); !plain.empty()) {
      out += plain;
    } else {
      icu::UnicodeString(static_cast<UChar32>(letter)).toUTF8String(out);
    }
  }
  return out;
}

/// The strings of the mappings live for ever, at fixed places.
std::string_view keep(std::string text) {
  static std::deque<std::string>& kept = *new std::deque<std::string>;
  return kept.emplace_back(std::move(text));
}

bool is_dropped(const Characters& characters, char32_t mark, char32_t base, bool first) {
  const CharacterInfo info = characters[base];
  if (info.has(Flag::drops_marks)) return true;
  if (mark == 0x0308 && first && (base == U'е' || base == U'Е')) return true;
  return (mark == 0x0300 || mark == 0x0301) && info.has(Flag::is_cyrillic);
}

/// Stable; allocates only for what no language writes.
template <typename Iterator, typename Key>
void order_marks(Iterator begin, Iterator end, Key key) {
  if (end - begin > 32) {
    std::stable_sort(begin, end, [&](char32_t a, char32_t b) { return key(a) < key(b); });
    return;
  }
  for (Iterator at = begin; at != end; ++at) {
    for (Iterator back = at; back != begin && key(*(back - 1)) > key(*back); --back) std::swap(*(back - 1), *back);
  }
}

}  // namespace

void append_utf8(char32_t c, std::vector<char>& out) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

ReducedSizes reduce_in_context(const Characters& characters, std::vector<char32_t>& letters, std::vector<char>& out) {
  // Decomposed code points go behind the given ones, and are moved to the front once all are there.
  const std::size_t given = letters.size();
  for (std::size_t i = 0; i < given; ++i) {
    const CharacterInfo info = characters[letters[i]];
    if (info.mapping == 0) {
      letters.push_back(letters[i]);
      continue;
    }
    const std::string_view decomposed = characters.mapping(info).decomposed;
    for (std::size_t at = 0; at < decomposed.size();) letters.push_back(decode(decomposed, at));
  }
  letters.erase(letters.begin(), letters.begin() + static_cast<std::ptrdiff_t>(given));

  const auto combining = [&](char32_t c) { return characters[c].combining_class(); };
  for (auto at = letters.begin(); at != letters.end();) {  // canonical ordering
    if (combining(*at) == 0) {
      ++at;
      continue;
    }
    const auto end = std::find_if(at, letters.end(), [&](char32_t c) { return combining(c) == 0; });
    order_marks(at, end, combining);
    at = end;
  }

  std::size_t kept = 0;
  char32_t base = 0;
  bool first = true;
  for (const char32_t c : letters) {
    const CharacterInfo info = characters[c];
    if (info.has(Flag::is_point)) continue;
    if (info.has(Flag::is_mark)) {
      if (is_dropped(characters, c, base, first)) {
        first = false;
        continue;
      }
      first = false;
    } else {
      base = c;
      first = true;
    }
    letters[kept++] = c;
  }
  letters.resize(kept);

  const std::size_t start = out.size();
  for (const char32_t c : letters) {
    const CharacterInfo info = characters[c];
    if (info.mapping == 0) {
      append_utf8(c, out);
    } else {
      const std::string_view reduced = characters.mapping(info).reduced;
      out.insert(out.end(), reduced.begin(), reduced.end());
    }
  }
  const std::size_t middle = out.size();
  for (const char32_t c : letters) append_utf8(c, out);
  return {static_cast<std::uint32_t>(middle - start), static_cast<std::uint32_t>(out.size() - middle)};
}

const Characters& Characters::instance() {
  static const Characters& characters = *new Characters;
  return characters;
}

Characters::Characters() {
  classify();
  map();
}

/// Blocks without an assigned code point share block 0.
void Characters::classify() {
  blocks_.assign(0x110000 >> block_bits, 0);
  entries_.resize(block_size);
  const auto range = [](const void* self, UChar32 start, UChar32 limit, UCharCategory category) -> UBool {
    if (category == U_UNASSIGNED || category == U_PRIVATE_USE_CHAR || category == U_SURROGATE) return true;
    auto& characters = *static_cast<Characters*>(const_cast<void*>(self));
    for (UChar32 c = start; c < limit; ++c) {
      std::uint16_t& block = characters.blocks_[static_cast<std::size_t>(c) >> block_bits];
      if (block == 0) {
        block = static_cast<std::uint16_t>(characters.entries_.size() >> block_bits);
        characters.entries_.resize(characters.entries_.size() + block_size);
      }
      characters.entries_[(std::size_t{block} << block_bits) + (static_cast<std::size_t>(c) & (block_size - 1))].bits =
          bits_of(static_cast<char32_t>(c), category);
    }
    return true;
  };
  u_enumCharTypes(range, this);
}

/// First what NFKD leaves alone, folded; then, with those at hand, what it takes apart.
void Characters::map() {
  mappings_.emplace_back();
  struct Pending {
    CharacterInfo* info;
    char32_t c;
    std::string decomposed;
  };
  std::vector<Pending> pending;
  const icu::Normalizer2& normalizer = nfkd();
  icu::UnicodeString decomposition;
  for (std::size_t block = 0; block < blocks_.size(); ++block) {
    if (blocks_[block] == 0) continue;
    for (std::size_t i = 0; i < block_size; ++i) {
      const char32_t c = static_cast<char32_t>((block << block_bits) + i);
      CharacterInfo& info = entries_[(std::size_t{blocks_[block]} << block_bits) + i];
      if (info.has(Flag::is_mark)) info.bits |= Flag::in_context;
      if (normalizer.getDecomposition(static_cast<UChar32>(c), decomposition)) {
        std::string text;
        decomposition.toUTF8String(text);
        std::size_t at = 0;
        if ((*this)[decode(text, at)].has(Flag::is_mark)) info.bits |= Flag::in_context;
        pending.push_back({&info, c, std::move(text)});
        continue;
      }
      const bool changes = u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_CHANGES_WHEN_CASEFOLDED);
      const bool point = info.has(Flag::is_point);
      if (!changes && !point && plain_letter(c).empty()) continue;
      std::string self;
      icu::UnicodeString(static_cast<UChar32>(c)).toUTF8String(self);
      info.mapping = static_cast<std::uint32_t>(mappings_.size());
      mappings_.push_back({keep(point ? std::string() : folded(c)), keep(point ? std::string() : self), keep(self)});
    }
  }
  std::vector<char32_t> letters;
  std::vector<char> out;
  for (Pending& each : pending) {
    letters.clear();
    out.clear();
    for (std::size_t at = 0; at < each.decomposed.size();) letters.push_back(decode(each.decomposed, at));
    const ReducedSizes sizes = reduce_in_context(*this, letters, out);
    each.info->mapping = static_cast<std::uint32_t>(mappings_.size());
    mappings_.push_back({keep(std::string(out.data(), sizes.reduced)),
                         keep(std::string(out.data() + sizes.reduced, sizes.cased)), keep(std::move(each.decomposed))});
  }
}

}  // namespace newswatch::engine
