#pragma once
// Terms and names as the matcher knows them: patterns over words, found in a prepared text.
//
// A pattern is one or more sequences of steps; a step is a word test, or a run (`cyber-attack`) whose parts or whole may
// stand in the text. Each sequence is keyed in the term index by one word or by two adjacent ones, the rarest; a candidate
// is completed to both sides by comparing the words themselves. A text word and a joined word that covers several are both
// steps over the text, so a sequence walks a lattice; the sets of places it can be at are small.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rules/engine/inflection.h"
#include "rules/engine/interner.h"
#include "rules/engine/occurrences.h"
#include "rules/engine/syntax.h"
#include "rules/engine/term_index.h"
#include "rules/engine/text.h"

namespace newswatch::engine {

/// How a term is to be compared.
struct PatternOptions {
  syntax::Setting how;
  std::uint32_t free_from = 0, free_to = 0;  ///< of a name: words that have no case rule
};

/// Where a pattern occurs: words [begin, end) of PreparedText::words(), in paragraph `region`.
struct PatternHit {
  std::uint32_t pattern;
  Span span;
  auto operator<=>(const PatternHit&) const = default;
};

/// Hits kept of one article at most; the rest of a text made to have more is not looked at (64 MiB).
constexpr std::size_t most_hits = std::size_t{1} << 22;

class Patterns {
 public:
  class Builder;

  /// Memory of one thread.
  struct Work {
    std::vector<std::uint64_t> hashes, joined_hashes;
    TermIndex::Candidates candidates;
    std::vector<std::uint32_t> tagged, starts;  ///< words with a tag; words that begin as some prefix does
    std::size_t tags = 0, begins = 0;            ///< how many of them
    std::vector<PatternHit> hits;
    std::vector<std::uint32_t> here, next, ends, run;
  };

  /// All hits of all paragraphs in `work.hits`, sorted, each once. Cost: the words, and the hits.
  void find(const PreparedText& text, Grammar grammar, Work& work) const;

  std::size_t size() const { return count_; }
  std::size_t bytes() const;
  bool tagged_first(std::uint32_t pattern) const { return tagged_first_[pattern]; }

 private:
  enum class Test : std::uint8_t { any, exact, kept, initialism, initialism_ending, name };
  struct Form {
    std::uint64_t hash;
    std::uint32_t text, cased;
    std::uint16_t text_size, cased_size;
    std::uint8_t grammars;
    Test test;
  };
  struct WordTest {
    std::uint32_t first_form;
    std::uint16_t forms;
    bool prefix, tagged;
  };
  /// A word test, or run_step and an index into runs_.
  using Step = std::uint32_t;
  static constexpr Step run_step = 1u << 31;
  struct Run {
    std::uint32_t test;  ///< of the joined word
    std::uint32_t first_part, parts;
  };
  struct Sequence {
    std::uint32_t pattern, first_step;  ///< its steps end where those of the next one begin
  };
  /// Where a sequence's key stands: the step, and whether the next one belongs to it. One a sequence, by its number.
  using Key = std::uint8_t;
  static constexpr Key pair_key = 0x80;
  static constexpr std::uint32_t most_key_step = 0x7F;
  struct Token {
    std::uint32_t begin, end;
    std::uint64_t hash;
    const Word* word;
    bool joined, tagged;
  };
  struct Place;

  bool accepts(std::uint32_t test, const Token& token, const Place& place) const;
  bool fits(const Form& form, const WordTest& test, const Token& token, const Place& place) const;
  void try_key(std::uint32_t key, const Token& left, const Token* right, const Place& place) const;
  void try_extra(const Token& token, const Place& place) const;
  void hash_words(const PreparedText& text, Work& work) const;
  void advance(Step step, bool rightwards, const Place& place) const;
  void advance_word(std::uint32_t test, bool rightwards, const Place& place, const std::vector<std::uint32_t>& from,
                    std::vector<std::uint32_t>& to) const;
  template <class Visit>
  void each_token(std::uint32_t at, bool rightwards, const Place& place, Visit visit) const;
  void find_prefixes(const Token& token, const Place& place) const;

  std::vector<char> arena_;
  std::vector<Form> forms_;
  std::vector<WordTest> tests_;
  std::vector<Step> steps_;
  std::vector<std::uint32_t> parts_;
  std::vector<Run> runs_;
  std::vector<Sequence> sequences_;  ///< and one more, for its first_step
  std::vector<Key> keys_;
  std::vector<bool> tagged_first_;
  TermIndex index_;
  HashKey key_;
  std::uint32_t count_ = 0;
  std::vector<std::uint64_t> prefix_starts_ = std::vector<std::uint64_t>(65536 / 64);  ///< hashes of first three bytes
  std::unordered_map<std::uint32_t, std::vector<std::uint16_t>> prefix_lengths_;  ///< by the first three bytes
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> prefix_keys_;     ///< by hash: keys
};

class Patterns::Builder {
 public:
  explicit Builder(const HashKey& key) : key_(key) {}

  /// The pattern of a term; equal ones are one. UINT32_MAX when it has no word.
  std::uint32_t add(std::string_view term, const PatternOptions& options);
  std::size_t size() const { return out_.count_; }
  /// A guess how often it occurs in a thousand articles.
  float frequency(std::uint32_t pattern) const { return frequency_[pattern]; }
  Patterns build();

 private:
  struct WordKey {
    std::string_view reduced, cased;  // of text_
    syntax::MatchMode match;
    syntax::CaseMode letters;
    bool initialism;
    char tag;
  };
  struct Unit {
    std::uint32_t test;
    std::vector<std::uint32_t> parts;  // empty: a word
    bool operator==(const Unit&) const = default;
  };

  std::uint32_t word_test(const WordKey& word);
  void add_sequences(std::uint32_t pattern, const std::vector<Unit>& units);
  void add_keys(std::uint32_t sequence);
  float weight(std::uint32_t test) const;
  std::uint32_t store(std::string_view text);

  HashKey key_;
  Patterns out_;
  PreparedText text_;
  Interner words_;
  Interner patterns_;     // by the bytes of their units
  std::string bytes_;     // reused
  std::vector<Unit> units_;
  std::vector<float> weights_;                               // by test
  std::vector<float> frequency_;                             // by pattern
};

}  // namespace newswatch::engine
