#pragma once
// Text as the rules see it: paragraphs, words, sentences (LANGUAGE section 1). Articles and terms are cut by the same
// code.

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/engine/article.h"

namespace newswatch::engine {

/// A word. Positions `[start, end)` are code points of the field, `[byte_start, byte_end)` the same in bytes; both
/// leave out a possessive and a `#` or `@`, and take in the dots of an initialism and the sign of `C++`.
struct Word {
  std::uint32_t start = 0, end = 0;
  std::uint32_t byte_start = 0, byte_end = 0;
  std::uint32_t reduced = 0, reduced_size = 0;  ///< in the arena; read through PreparedText::reduced
  std::uint32_t cased_size = 0;                 ///< 0: the cased form is the source's own bytes
  char tag = 0;                                 ///< '#' or '@': this word is a tagged word too
  std::uint8_t tag_length = 0;  ///< code points from the sign to `start` (1 unless ignored characters stand between)
  std::uint8_t tag_bytes = 0;   ///< the same in bytes
  bool dotted = false;          ///< written with dots: `U.S.`
  Field field = Field::body;
};

/// A joined word: a run such as `cyber-attack`, over the positions of its parts.
struct JoinedWord {
  std::uint32_t first = 0, last = 0;  ///< indexes into words(), both inclusive
  Word word;
};

/// A paragraph of the title or the body. Word numbers within it are index − first_word.
struct Paragraph {
  Field field = Field::body;
  std::uint32_t number = 0;                    ///< within its field, paragraphs without a word counted
  std::uint32_t start = 0, end = 0;            ///< code points
  std::uint32_t byte_start = 0, byte_end = 0;  ///< without the line end; of a title all of it
  std::uint32_t first_word = 0, end_word = 0;
  std::uint32_t first_joined = 0, end_joined = 0;
  bool boilerplate = false;  ///< named in Article::boilerplate
  bool has_lower = false;    ///< some letter in lower case; without one, capitals say nothing
};

/// A sentence: from its first character that is no white space to its end, closing quotes included.
struct Sentence {
  std::uint32_t start = 0, end = 0;  ///< code points
  std::uint32_t byte_start = 0, byte_end = 0;
  std::uint32_t first_word = 0, end_word = 0;  ///< indexes into words(); every word is in exactly one sentence
};

/// Where a paragraph of a plain text lies, in bytes.
struct ParagraphSpan {
  std::uint32_t begin = 0, end = 0;
  bool operator==(const ParagraphSpan&) const = default;
};

/// Paragraphs of a body: blocks between empty lines, else lines, else (hard-wrapped) the whole. Replaces `out`.
void cut_paragraphs(std::string_view body, std::vector<ParagraphSpan>& out);

/// Sentences of a paragraph as byte spans, in order. Replaces `out`.
void cut_sentences(std::string_view paragraph, std::vector<ParagraphSpan>& out);

/// One article, or one term, cut into words. Reused from article to article: once its memory has grown to the largest
/// one seen it allocates nothing. One thread at a time. Spans and views hold until the next prepare; the text that was
/// prepared must outlive their use. Text over 4 GiB is a bug of the caller; invalid UTF-8 separates words and harms
/// nothing.
class PreparedText {
 public:
  /// Title and body: paragraphs()[0] is the title, also when empty.
  void prepare(const Article& article);
  /// The whole text as one paragraph (field body): for terms and for tests.
  void prepare_paragraph(std::string_view text);

  std::span<const Paragraph> paragraphs() const { return paragraphs_; }
  std::span<const Word> words() const { return words_; }
  std::span<const JoinedWord> joined() const { return joined_; }  ///< in the order of their first words

  /// LANGUAGE 1.2: words are the same when these are equal. UTF-8; 64 readable bytes follow.
  std::string_view reduced(const Word& word) const { return {arena_.data() + word.reduced, word.reduced_size}; }
  /// NFKD, marks dropped, not folded; without the dots of an initialism. For a joined word of all its parts.
  std::string_view cased(const Word& word) const {
    if (word.cased_size != 0) return {arena_.data() + word.reduced + word.reduced_size, word.cased_size};
    return source(word.field).substr(word.byte_start, word.byte_end - word.byte_start);
  }
  /// Title and body one after another, ASCII letters small.
  std::string_view small_letters() const { return {arena_.data(), title_.size() + body_.size()}; }
  std::string_view source(Field field) const { return field == Field::title ? title_ : body_; }
  std::string_view text(const Paragraph& paragraph) const {
    return source(paragraph.field).substr(paragraph.byte_start, paragraph.byte_end - paragraph.byte_start);
  }

  /// Sentences of paragraphs()[paragraph]; cut on the first call, kept until the next prepare.
  std::span<const Sentence> sentences(std::uint32_t paragraph);

 private:
  friend class Cutter;
  /// A character with what belongs to it.
  struct Unit {
    char32_t c = 0;
    std::uint32_t start = 0, end = 0, byte_start = 0, byte_end = 0;
    std::uint8_t character_class = 0;
    bool marked = false;
  };
  void begin(std::string_view title, std::string_view body);

  std::string_view title_, body_;
  std::vector<Paragraph> paragraphs_;
  std::vector<Word> words_;
  std::vector<JoinedWord> joined_;
  std::vector<char> arena_;  ///< the fields in ASCII small letters at the fields' own offsets, then what differs more
  std::size_t arena_used_ = 0;
  std::vector<ParagraphSpan> spans_;
  std::vector<Sentence> sentences_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>>
      sentences_of_;               ///< per paragraph, into sentences_; empty: not yet
  std::vector<char32_t> letters_;  ///< one word on its way through reduction
  std::vector<char> bytes_;        ///< the same
  std::vector<Unit> units_;        ///< one stretch of text without white space
};

/// What LANGUAGE asks of the case of a text word; of its cased form.
struct CaseFacts {
  bool upper_first = false;   ///< the first character is an upper-case (or title-case) letter
  bool all_capitals = false;  ///< some letter is upper-case, and none lower-case
  bool has_lower = false;
};
CaseFacts case_facts(std::string_view cased);

/// `reduced` begins with `prefix` and the cut splits no letter from its marks and no Hangul syllable.
bool begins_with(std::string_view reduced, std::string_view prefix);

/// A prefix needs 3 letters or digits, in scripts without spaces 1; of a reduced form.
bool long_enough_for_prefix(std::string_view reduced);

bool is_letter(char32_t c);            ///< L or Nl
bool is_digit(char32_t c);             ///< Nd
bool is_white_space(char32_t c);       ///< the Unicode property
bool is_spaceless_letter(char32_t c);  ///< a letter that is a word by itself: Han, kana, Thai …

/// The code point at `at`, which moves past it; of ill-formed bytes U+FFFD and one byte.
char32_t next_code_point(std::string_view text, std::size_t& at);

std::uint32_t count_code_points(std::string_view text);

}  // namespace newswatch::engine
