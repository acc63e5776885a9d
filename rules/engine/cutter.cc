#include "rules/engine/cutter.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>
#include <vector>

#include "rules/engine/characters.h"

namespace newswatch::engine {

// How words are cut. Almost all words of an English article are ASCII letters between a space and a space, comma or
// full stop. Cutter::cut finds those byte by byte; their reduced form lies ready in the arena, which begins as a copy
// of the fields in small letters, and their cased form is the source itself. Whatever else comes (a byte above 127, or
// a sign that may bind: a hyphen or apostrophe before a letter, a dot after a single letter, a comma between digits)
// sends the word to Cutter::stretch, which reads the text on to the next code point that separates in any case, as
// units: a character, with the marks that follow it, without the characters that are ignored. Over units every rule
// of 1.1 is a look at neighbours. Both paths give the same words; the second alone would do.

namespace {

using enum CharacterClass;

bool is_alnum(unsigned char c) {
  return static_cast<unsigned char>((c | 0x20) - 'a') < 26 || static_cast<unsigned char>(c - '0') < 10;
}

enum ByteKind : std::uint8_t { separates, word_byte, high_byte, may_bind };

struct ByteKinds {
  ByteKind kind[256];
  constexpr ByteKinds() : kind{} {
    for (int c = 0; c < 256; ++c) {
      const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      kind[c] = alnum ? word_byte : c >= 0x80 ? high_byte : separates;
    }
    for (const char c : {'.', ',', ';', '\'', '-', '&', '+', '#'}) kind[static_cast<unsigned char>(c)] = may_bind;
  }
};
constexpr ByteKinds byte_kinds;

bool contains_lower(const Characters& characters, std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (static_cast<unsigned char>(c) < 0x80) {
      if (c >= 'a' && c <= 'z') return true;
      ++at;
    } else if (characters[decode(text, at)].has(CharacterInfo::is_lower)) {
      return true;
    }
  }
  return false;
}

}  // namespace

class Cutter {
 public:
  Cutter(PreparedText& text, Field field)
      : text_(text),
        characters_(Characters::instance()),
        source_(text.source(field)),
        base_(field == Field::title ? 0 : text.title_.size()),
        field_(field) {}

  /// Paragraphs of the field must come in order.
  void paragraph(ParagraphSpan span, std::uint32_t number) {
    Paragraph paragraph;
    paragraph.field = field_;
    paragraph.number = number;
    continuations_ += count_continuations(source_.substr(end_, span.begin - end_));
    paragraph.byte_start = span.begin;
    paragraph.byte_end = span.end;
    paragraph.start = span.begin - continuations_;
    paragraph.first_word = static_cast<std::uint32_t>(text_.words_.size());
    paragraph.first_joined = static_cast<std::uint32_t>(text_.joined_.size());
    end_ = span.end;
    source_end_ = span.end;
    paragraph_start_ = span.begin;
    last_end_ = UINT32_MAX;
    paragraph.has_lower = contains_lower(characters_, source_.substr(span.begin, span.end - span.begin));
    cut(span.begin);
    paragraph.end = span.end - continuations_;
    paragraph.end_word = static_cast<std::uint32_t>(text_.words_.size());
    paragraph.end_joined = static_cast<std::uint32_t>(text_.joined_.size());
    text_.paragraphs_.push_back(paragraph);
  }

 private:
  using Unit = PreparedText::Unit;

  static std::uint32_t count_continuations(std::string_view text) {
    std::uint32_t count = 0;
    for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) == 0x80;
    return count;
  }

  unsigned char byte(std::uint32_t at) const { return static_cast<unsigned char>(source_[at]); }

  void cut(std::uint32_t at) {
    const std::uint32_t end = source_end_;
    while (at < end) {
      const ByteKind kind = byte_kinds.kind[byte(at)];
      if (kind == word_byte) {
        const std::uint32_t start = at;
        at = word_end(at);
        if (at < end && byte_kinds.kind[byte(at)] != separates && binds(start, at)) {
          at = stretch(start);
        } else {
          plain_word(start, at);
        }
      } else if (kind == high_byte) {
        std::size_t next = at;
        switch (characters_[decode(limited(), next)].character_class()) {
          case letter:
          case hebrew:
          case digit:
          case spaceless:
            at = stretch(at);
            break;
          default:
            continuations_ += static_cast<std::uint32_t>(next) - at - 1;
            at = static_cast<std::uint32_t>(next);
        }
      } else {
        ++at;
      }
    }
  }

  /// Behind the ASCII letters and digits that begin at `at`. Looks at eight bytes at once, in small letters: most words
  /// are shorter, so that their length costs no mispredicted branch. The arena has room to read on behind the field.
  std::uint32_t word_end(std::uint32_t at) const {
    constexpr std::uint64_t each = 0x0101010101010101, high = each << 7;
    const char* const small = text_.arena_.data() + base_;
    for (; at < source_end_; at += 8) {
      std::uint64_t bytes;
      std::memcpy(&bytes, small + at, 8);
      if constexpr (std::endian::native == std::endian::big) bytes = __builtin_bswap64(bytes);
      const std::uint64_t low = bytes & ~high;
      const auto from_to = [&](unsigned char first, unsigned char last) {
        return (low + each * (0x80u - first)) ^ (low + each * (0x7Fu - last));
      };
      const std::uint64_t others = ~((from_to('a', 'z') | from_to('0', '9')) & ~bytes) & high;
      if (others != 0) return std::min(at + static_cast<std::uint32_t>(std::countr_zero(others)) / 8, source_end_);
    }
    return source_end_;
  }

  std::string_view limited() const { return source_.substr(0, source_end_); }

  /// The ASCII word [start, at) may go on with the byte at `at`; no when in doubt costs only time.
  bool binds(std::uint32_t start, std::uint32_t at) const {
    const unsigned char sign = byte(at);
    if (sign >= 0x80) {
      std::size_t next = at;
      return characters_[decode(limited(), next)].character_class() != other;
    }
    const unsigned char next = at + 1 < source_end_ ? byte(at + 1) : ' ';
    const unsigned char last = byte(at - 1);
    switch (sign) {
      case '.':
        if (at - start == 1 && last > '9') return true;
        [[fallthrough]];
      case ',':
      case ';':
        return last <= '9' && (next >= 0x80 || (next >= '0' && next <= '9'));
      case '\'':
      case '-':
      case '&':
        return next >= 0x80 || is_alnum(next);
      default:  // + #
        return at - start <= 2;
    }
  }

  void plain_word(std::uint32_t start, std::uint32_t end) {
    Word& word = text_.words_.emplace_back();
    word.start = start - continuations_;
    word.end = end - continuations_;
    word.byte_start = start;
    word.byte_end = end;
    word.reduced = static_cast<std::uint32_t>(base_ + start);
    word.reduced_size = end - start;
    word.field = field_;
    if (start > paragraph_start_ && may_tag(byte(start - 1))) tag(word);
    last_end_ = end;
  }

  static bool may_tag(unsigned char before) { return before == '#' || before == '@' || before >= 0x80; }

  /// Makes a tagged word of one that a sign stands before.
  void tag(Word& word) const {
    unsigned char before = byte(word.byte_start - 1);
    std::size_t at = word.byte_start - 1;
    std::uint32_t length = 1;
    if (before >= 0x80) {
      ++at;
      length = 0;
      while (at > paragraph_start_) {
        const char32_t c = decode_back(source_, at);
        ++length;
        before = c < 0x80 ? static_cast<unsigned char>(c) : 0;
        if (characters_[c].character_class() != ignored) break;
      }
    }
    if (before != '#' && before != '@') return;
    std::size_t previous = at;  // what stands before the sign
    while (previous > paragraph_start_ && byte(static_cast<std::uint32_t>(previous) - 1) >= 0x80) {
      std::size_t back = previous;
      if (characters_[decode_back(source_, back)].character_class() != ignored) break;
      previous = back;
    }
    if (previous == last_end_ || word.byte_start - at > 255) return;
    word.tag = static_cast<char>(before);
    word.tag_length = static_cast<std::uint8_t>(length);
    word.tag_bytes = static_cast<std::uint8_t>(word.byte_start - at);
  }

  // ---- The slow path: units.

  bool is_wordlike(std::size_t i) const {
    return i < units_().size() && class_at(i) >= letter && class_at(i) <= spaceless;
  }
  CharacterClass class_at(std::size_t i) const {
    return i < units_().size() ? static_cast<CharacterClass>(units_()[i].character_class) : other;
  }
  /// A letter or digit, as 1.1 defines both; what "directly between two letters or digits" asks of the neighbours.
  bool is_letter_or_digit(std::size_t i) const {
    return is_wordlike(i) && characters_[units_()[i].c].has(CharacterInfo::has_letter | CharacterInfo::has_digit);
  }
  bool is_plain(std::size_t i, CharacterClass wanted) const { return class_at(i) == wanted && !units_()[i].marked; }
  const std::vector<Unit>& units_() const { return text_.units_; }

  /// Cuts from `at`, which begins a word, to the next code point that separates; returns where that is.
  std::uint32_t stretch(std::uint32_t at) {
    read_units(at);
    for (std::size_t i = 0; i < units_().size();) {
      if (is_wordlike(i)) {
        i = run(i);
      } else {
        ++i;
      }
    }
    return stretch_end_;
  }

  void read_units(std::uint32_t at) {
    std::vector<Unit>& units = text_.units_;
    units.clear();
    const std::string_view source = limited();
    std::size_t next = at;
    while (next < source.size()) {
      const std::uint32_t byte_start = static_cast<std::uint32_t>(next);
      const char32_t c = decode(source, next);
      CharacterClass kind = characters_[c].character_class();
      if (kind == long_mark)
        kind = !units.empty() && units.back().character_class == static_cast<std::uint8_t>(spaceless) ? extend : other;
      if (kind == other) {
        stretch_end_ = byte_start;
        return;
      }
      const std::uint32_t start = byte_start - continuations_;
      continuations_ += static_cast<std::uint32_t>(next) - byte_start - 1;
      if (kind == ignored) continue;
      if (kind == extend) {
        units.back().byte_end = static_cast<std::uint32_t>(next);
        units.back().end = start + 1;
        units.back().marked = true;
        continue;
      }
      units.push_back(
          {c, start, start + 1, byte_start, static_cast<std::uint32_t>(next), static_cast<std::uint8_t>(kind), false});
    }
    stretch_end_ = source_end_;
  }

  /// The end of a UAX #29 segment that begins at i with a letter or digit, `&` taken in.
  std::size_t segment(std::size_t i) const {
    if (class_at(i) == spaceless) return i + 1;
    for (std::size_t j = i + 1;;) {
      if (is_wordlike(j) && class_at(j) != spaceless) {
        ++j;
        continue;
      }
      if (!is_wordlike(j + 1) || class_at(j + 1) == spaceless) return j;
      const CharacterClass before = class_at(j - 1), after = class_at(j + 1);
      bool goes_on = false;
      switch (class_at(j)) {
        case mid_letter:
          goes_on = before != digit && after != digit;
          break;
        case double_quote:
          goes_on = before == hebrew && after == hebrew;
          break;
        case dot:
        case mid_number:
          goes_on = before == digit && after == digit;
          break;
        case ampersand:
          goes_on = !units_()[j].marked && is_letter_or_digit(j - 1) && is_letter_or_digit(j + 1);
          break;
        default:
          break;
      }
      if (!goes_on) return j;
      j += 2;
    }
  }

  bool is_single_letter(std::size_t i) const {
    return (class_at(i) == letter || class_at(i) == hebrew) && is_letter_or_digit(i) && segment(i) == i + 1;
  }

  /// The end of an initialism at i, or i.
  std::size_t initialism(std::size_t i) const {
    std::size_t letters = 0, j = i;
    while (is_single_letter(j)) {
      ++letters;
      if (!is_plain(j + 1, dot)) {
        ++j;
        break;
      }
      j += 2;
    }
    return letters >= 2 ? j : i;
  }

  /// The end of the sign of `C++` after the segment [i, j), or j.
  std::size_t sign(std::size_t i, std::size_t j) const {
    if (j - i > 2) return j;
    for (std::size_t k = i; k < j; ++k) {
      if (class_at(k) == spaceless || !characters_[units_()[k].c].has(CharacterInfo::has_letter)) return j;
    }
    std::size_t end = j;
    if (is_plain(j, hash)) {
      end = j + 1;
    } else if (is_plain(j, plus)) {
      end = is_plain(j + 1, plus) ? j + 2 : j + 1;
    }
    return is_letter_or_digit(end) ? j : end;
  }

  std::size_t skip_possessives(std::size_t j) const {
    const auto is_s = [&](std::size_t i) {
      return i < units_().size() && (units_()[i].c == 's' || units_()[i].c == 'S') && !units_()[i].marked;
    };
    while (is_plain(j, apostrophe) && is_s(j + 1) && !is_letter_or_digit(j + 2)) j += 2;
    return j;
  }

  /// Emits the words of the run that begins at i, and the joined word; returns where it ends.
  std::size_t run(std::size_t i) {
    const std::size_t first = text_.words_.size();
    const bool begins_tagged = units_()[i].byte_start > paragraph_start_;
    bool joins = true;
    for (bool goes_on = true; goes_on;) {
      if (class_at(i) == spaceless) joins = false;
      std::size_t end = initialism(i);
      const bool dotted = end != i;
      bool signed_word = false;
      if (!dotted) {
        end = segment(i);
        const std::size_t with_sign = sign(i, end);
        signed_word = with_sign != end;
        end = with_sign;
      }
      part(i, end, dotted, begins_tagged && text_.words_.size() == first);
      const std::size_t after = skip_possessives(end);
      last_end_ = units_()[after - 1].byte_end;
      i = after;
      goes_on = !signed_word && (is_plain(i, hyphen) || is_plain(i, apostrophe)) && is_letter_or_digit(i + 1) &&
                (dotted || after != end || is_letter_or_digit(i - 1));
      if (goes_on) ++i;
    }
    if (joins && text_.words_.size() > first + 1) join(first);
    return i;
  }

  void part(std::size_t i, std::size_t end, bool dotted, bool may_be_tagged) {
    bool counts = false;
    for (std::size_t k = i; k < end && !counts; ++k) counts = is_letter_or_digit(k);
    if (!counts) return;
    const Unit &front = units_()[i], &back = units_()[end - 1];
    Word word;
    word.start = front.start;
    word.end = back.end;
    word.byte_start = front.byte_start;
    word.byte_end = back.byte_end;
    word.dotted = dotted;
    word.field = field_;
    if (!dotted && word.byte_end - word.byte_start == end - i) {  // nothing but ASCII, nothing ignored
      word.reduced = static_cast<std::uint32_t>(base_ + word.byte_start);
      word.reduced_size = word.byte_end - word.byte_start;
    } else {
      reduce(word);
    }
    if (may_be_tagged) tag(word);
    text_.words_.push_back(word);
  }

  // ---- Reduced and cased forms behind the copy of the source.

  /// Room for `size` bytes at the arena's end, and 64 more.
  char* room(std::size_t size) {
    std::vector<char>& arena = text_.arena_;
    if (arena.size() < text_.arena_used_ + size + 64) arena.resize((text_.arena_used_ + size + 64) * 2);
    return arena.data() + text_.arena_used_;
  }
  void append(std::string_view bytes) {
    std::memcpy(room(bytes.size()), bytes.data(), bytes.size());
    text_.arena_used_ += bytes.size();
  }

  void reduce(Word& word) {
    const std::string_view bytes = source_.substr(word.byte_start, word.byte_end - word.byte_start);
    word.reduced = static_cast<std::uint32_t>(text_.arena_used_);
    std::vector<char32_t>& letters = text_.letters_;
    letters.clear();
    bool in_context = false;
    for (std::size_t at = 0; at < bytes.size();) {
      const char32_t c = decode(bytes, at);
      const CharacterInfo info = characters_[c];
      if (info.character_class() == ignored || (word.dotted && c == '.')) continue;
      in_context |= info.has(CharacterInfo::in_context);
      letters.push_back(c);
    }
    if (in_context) {
      text_.bytes_.clear();
      const ReducedSizes sizes = reduce_in_context(characters_, letters, text_.bytes_);
      append({text_.bytes_.data(), text_.bytes_.size()});
      word.reduced_size = sizes.reduced;
      word.cased_size = sizes.cased;
      return;
    }
    append_mapped([](const Characters::Mapping& mapping) { return mapping.reduced; });
    word.reduced_size = static_cast<std::uint32_t>(text_.arena_used_) - word.reduced;
    append_mapped([](const Characters::Mapping& mapping) { return mapping.cased; });
    word.cased_size = static_cast<std::uint32_t>(text_.arena_used_) - word.reduced - word.reduced_size;
  }

  template <typename Select>
  void append_mapped(Select select) {
    for (const char32_t c : text_.letters_) {
      const CharacterInfo info = characters_[c];
      if (info.mapping != 0) {
        append(select(characters_.mapping(info)));
        continue;
      }
      char* to = room(4);
      std::size_t size = 0;
      const auto put = [&](char32_t b) { to[size++] = static_cast<char>(b); };
      if (c < 0x80) {
        put(c);
      } else if (c < 0x800) {
        put(0xC0 | c >> 6), put(0x80 | (c & 0x3F));
      } else if (c < 0x10000) {
        put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
      } else {
        put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 0x3F)), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
      }
      text_.arena_used_ += size;
    }
  }

  void join(std::size_t first) {
    const std::size_t last = text_.words_.size() - 1;
    JoinedWord joined;
    joined.first = static_cast<std::uint32_t>(first);
    joined.last = static_cast<std::uint32_t>(last);
    Word& word = joined.word;
    word.start = text_.words_[first].start;
    word.end = text_.words_[last].end;
    word.byte_start = text_.words_[first].byte_start;
    word.byte_end = text_.words_[last].byte_end;
    word.field = field_;
    word.reduced = static_cast<std::uint32_t>(text_.arena_used_);
    std::size_t reduced_size = 0, cased_size = 0;
    for (std::size_t i = first; i <= last; ++i) {
      reduced_size += text_.words_[i].reduced_size;
      cased_size += text_.cased(text_.words_[i]).size();
    }
    room(reduced_size + cased_size);  // so that the views below stay where they are
    for (std::size_t i = first; i <= last; ++i) append(text_.reduced(text_.words_[i]));
    for (std::size_t i = first; i <= last; ++i) append(text_.cased(text_.words_[i]));
    word.reduced_size = static_cast<std::uint32_t>(reduced_size);
    word.cased_size = static_cast<std::uint32_t>(cased_size);
    text_.joined_.push_back(joined);
  }

  PreparedText& text_;
  const Characters& characters_;
  const std::string_view source_;
  const std::size_t base_;
  const Field field_;
  std::uint32_t continuations_ = 0;  ///< bytes so far that begin no code point
  std::uint32_t end_ = 0;            ///< of the last paragraph
  std::uint32_t source_end_ = 0;     ///< of this one
  std::uint32_t paragraph_start_ = 0;
  std::uint32_t last_end_ = UINT32_MAX;  ///< of the last word with its possessive
  std::uint32_t stretch_end_ = 0;
};

void cut_words(PreparedText& text, Field field, std::span<const ParagraphSpan> spans) {
  Cutter cutter(text, field);
  for (std::uint32_t i = 0; i < spans.size(); ++i) cutter.paragraph(spans[i], i);
}

}  // namespace newswatch::engine
