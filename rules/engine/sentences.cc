// Paragraphs (LANGUAGE section 1) and sentences (1.3): both look at the text itself, not at its words.

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <cstring>

#include "rules/engine/characters.h"
#include "rules/engine/text.h"

namespace newswatch::engine {
namespace {

using Flag = CharacterInfo::Flag;

// Small letters but for the first one, which may be of either case.
constexpr std::string_view abbreviations[] = {
    "mr",   "mrs", "ms",  "dr",   "prof", "gen", "col",    "lt",  "sgt",  "capt", "maj", "adm",
    "gov",  "sen", "rep", "rev",  "hon",  "st",  "jr",     "sr",  "vs",   "etc",  "no",  "nos",
    "inc",  "ltd", "co",  "corp", "jan",  "feb", "mar",    "apr", "jun",  "jul",  "aug", "sep",
    "sept", "oct", "nov", "dec",  "mt",   "ft",  "approx", "est", "dept", "univ"};

constexpr std::string_view openers_after_initialism[] = {
    "The", "A",    "An",   "He",    "She",   "It",    "They", "We",   "I",     "In",    "On",     "At",  "But",
    "And", "This", "That", "These", "Those", "There", "If",   "When", "While", "After", "Before", "For", "As"};

bool is_abbreviation(std::string_view word) {
  if (word.empty() || word.size() > 6) return false;
  char small[6];
  std::memcpy(small, word.data(), word.size());
  if (small[0] >= 'A' && small[0] <= 'Z') small[0] = static_cast<char>(small[0] | 0x20);
  const std::string_view key(small, word.size());
  return std::find(std::begin(abbreviations), std::end(abbreviations), key) != std::end(abbreviations);
}

bool opens_after_initialism(std::string_view word) {
  return std::find(std::begin(openers_after_initialism), std::end(openers_after_initialism), word) !=
         std::end(openers_after_initialism);
}

class SentenceEnds {
 public:
  explicit SentenceEnds(std::string_view text) : text_(text), characters_(Characters::instance()) {}

  /// The terminator [at, after) ends a sentence: sets `end` behind what belongs to it.
  bool ends(std::size_t at, std::size_t after, CharacterInfo terminator, std::size_t& end) const {
    end = skip(after, Flag::is_closing);
    if (terminator.has(Flag::ends_sentence_always)) {
      end = skip(after, Flag::is_closing | Flag::ends_sentence);
      return true;
    }
    std::size_t next = skip(end, Flag::is_space);
    if (next == end || next == text_.size()) return false;  // the paragraph's end is an end anyway
    std::size_t behind = next;
    const CharacterInfo info = characters_[decode(text_, behind)];
    if (!info.has(Flag::is_upper | Flag::has_digit | Flag::is_opening | Flag::is_caseless)) return false;
    return text_[at] != '.' || !dot_goes_on(at, next);
  }

  /// The text ends as a sentence does before an upper-case letter that begins no word of the list.
  bool ends_before_upper() const {
    std::size_t at = text_.size();
    bool white_space = true;
    while (at > 0) {
      std::size_t before = at;
      const CharacterInfo info = characters_[decode_back(text_, before)];
      if (info.has(Flag::is_space)) {
        if (!white_space) return false;
      } else if (info.has(Flag::ends_sentence)) {
        return text_[before] != '.' || !dot_goes_on(before, text_.size());
      } else if (info.has(Flag::is_closing)) {
        white_space = false;
      } else if (info.character_class() != CharacterClass::ignored) {
        return false;
      }
      at = before;
    }
    return false;
  }

  std::size_t skip(std::size_t at, std::uint32_t flags) const {
    while (at < text_.size()) {
      std::size_t next = at;
      const CharacterInfo info = characters_[decode(text_, next)];
      if (!info.has(flags) && info.character_class() != CharacterClass::ignored) break;
      at = next;
    }
    return at;
  }

 private:
  /// Letters, digits and their marks directly before `end`: where they begin, how many, and whether all are letters.
  struct Before {
    std::size_t begin = 0;
    int count = 0;
    bool single_letter = false;
  };
  Before word_before(std::size_t end) const {
    Before word{end, 0, false};
    bool letters = true;
    while (word.begin > 0) {
      std::size_t before = word.begin;
      const CharacterInfo info = characters_[decode_back(text_, before)];
      const bool counts =
          info.has(Flag::has_letter | Flag::has_digit) && info.character_class() != CharacterClass::apostrophe;
      if (!counts && !info.has(Flag::is_mark) && info.character_class() != CharacterClass::ignored) break;
      if (counts) ++word.count;
      if (counts && (!info.has(Flag::has_letter) || info.character_class() == CharacterClass::spaceless))
        letters = false;
      word.begin = before;
    }
    word.single_letter = word.count == 1 && letters;
    return word;
  }

  bool is_letter_or_digit_before(std::size_t at) const {
    if (at == 0) return false;
    return characters_[decode_back(text_, at)].has(Flag::has_letter | Flag::has_digit | Flag::is_mark);
  }

  /// The dot at `at` is a single letter's, an abbreviation's or an initialism's, whose next word may begin at `next`.
  bool dot_goes_on(std::size_t at, std::size_t next) const {
    const Before word = word_before(at);
    if (word.count == 0) return false;
    if (!word.single_letter) return is_abbreviation(text_.substr(word.begin, at - word.begin));
    if (word.begin > 0 && text_[word.begin - 1] == '.' && word_before(word.begin - 1).single_letter) {
      return !opens_after_initialism(word_after(next));
    }
    if (word.begin > 0) {  // a letter that ends a run (don't, Gen-Z) or R&D is none by itself
      std::size_t before = word.begin;
      switch (characters_[decode_back(text_, before)].character_class()) {
        case CharacterClass::apostrophe:
        case CharacterClass::hyphen:
        case CharacterClass::ampersand:
          return !is_letter_or_digit_before(before);
        default:
          break;
      }
    }
    return true;
  }

  std::string_view word_after(std::size_t at) const {
    const auto is_word = [&](CharacterInfo info) {
      return info.has(Flag::has_letter | Flag::has_digit | Flag::is_mark) &&
             info.character_class() != CharacterClass::apostrophe;
    };
    std::size_t next = at;
    while (at < text_.size() && !is_word(characters_[decode(text_, next)])) at = next;
    std::size_t end = at;
    for (next = at; end < text_.size() && is_word(characters_[decode(text_, next)]);) end = next;
    return text_.substr(at, end - at);
  }

  std::string_view text_;
  const Characters& characters_;
};

bool is_blank(std::string_view line) {
  const Characters& characters = Characters::instance();
  for (std::size_t at = 0; at < line.size();) {
    const char c = line[at];
    if (c > ' ' && static_cast<unsigned char>(c) < 0x7F) return false;
    if (!characters[decode(line, at)].has(Flag::is_space)) return false;
  }
  return true;
}

/// Calls f(begin, end) for every line; ends are LF, CR LF and CR.
template <typename F>
void for_each_line(std::string_view text, std::size_t at, F f) {
  while (at < text.size()) {
    const char* const from = text.data() + at;
    const auto* line_feed = static_cast<const char*>(std::memchr(from, '\n', text.size() - at));
    std::size_t end = line_feed ? static_cast<std::size_t>(line_feed - text.data()) : text.size();
    std::size_t next = line_feed ? end + 1 : end;
    if (const auto* carriage_return = static_cast<const char*>(std::memchr(from, '\r', end - at))) {
      const bool both = line_feed == carriage_return + 1;
      end = static_cast<std::size_t>(carriage_return - text.data());
      next = both ? next : end + 1;
    }
    f(at, end);
    at = next;
  }
}

bool is_hard_wrapped(std::string_view body, std::span<const ParagraphSpan> lines) {
  std::size_t wrapped = 0;
  for (const ParagraphSpan& span : lines.first(lines.size() - 1)) {
    const std::string_view line = body.substr(span.begin, span.end - span.begin);
    const std::uint32_t length = count_code_points(line);
    if (length >= 50 && length <= 90 && !SentenceEnds(line).ends_before_upper()) ++wrapped;
  }
  return lines.size() > 1 && wrapped * 4 >= (lines.size() - 1) * 3;
}

}  // namespace

void cut_paragraphs(std::string_view body, std::vector<ParagraphSpan>& out) {
  out.clear();
  // Lines first; blocks of them are made in place when an empty line shows that there are blocks.
  bool gap = false, blocks = false;
  std::size_t made = 0;  // finished blocks at the front of `out`; behind them the lines of the block at hand
  const auto close_block = [&] {
    if (out.size() > made) {
      out[made].end = out.back().end;
      out.resize(++made);
    }
  };
  for_each_line(body, 0, [&](std::size_t begin, std::size_t end) {
    if (is_blank(body.substr(begin, end - begin))) {
      gap = true;
      return;
    }
    if (gap && !out.empty()) {
      blocks = true;
      close_block();
    }
    gap = false;
    out.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
  });
  if (blocks || (!out.empty() && is_hard_wrapped(body, out))) close_block();
}

namespace {

/// The first place from `at` on where a sentence may end: `.`, `!`, `?` or a byte above 127.
std::size_t next_stop(std::string_view text, std::size_t at) {
#if defined(__SSE2__)
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const auto is = [&](char c) { return _mm_cmpeq_epi8(block, _mm_set1_epi8(c)); };
    const int bits = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(block, is('.')), _mm_or_si128(is('!'), is('?'))));
    if (bits != 0) return at + static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(bits)));
  }
#endif
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (static_cast<unsigned char>(c) >= 0x80 || c == '.' || c == '!' || c == '?') break;
  }
  return at;
}

}  // namespace

void cut_sentences(std::string_view paragraph, std::vector<ParagraphSpan>& out) {
  out.clear();
  const Characters& characters = Characters::instance();
  const SentenceEnds sentences(paragraph);
  std::size_t begin = sentences.skip(0, Flag::is_space);
  for (std::size_t at = begin; (at = next_stop(paragraph, at)) < paragraph.size();) {
    const std::size_t start = at;
    const CharacterInfo info = characters[decode(paragraph, at)];
    std::size_t end = 0;
    if (!info.has(Flag::ends_sentence) || !sentences.ends(start, at, info, end)) continue;
    out.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
    begin = at = sentences.skip(end, Flag::is_space);
  }
  std::size_t end = paragraph.size();
  while (end > begin) {  // without white space at the end
    std::size_t before = end;
    if (!characters[decode_back(paragraph, before)].has(Flag::is_space)) break;
    end = before;
  }
  if (end > begin) out.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
}

}  // namespace newswatch::engine
