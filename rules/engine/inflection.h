#pragma once
// The forms of a term word (LANGUAGE section 2.1), computed when rules are compiled; texts are never stemmed.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace newswatch::engine {

/// `none`: inflected is exact. `russian`: names only so far, inflected is exact.
enum class Grammar : std::uint8_t { none, english, russian };
constexpr std::size_t grammar_count = 3;

/// Of an article's BCP 47 tag; an empty tag and `und` get the grammar of `default_language`.
Grammar grammar_of(std::string_view language, std::string_view default_language = "en");

/// One reduced form of a term word. `kept` code points at its beginning are the term word's own (the longest common
/// beginning); the rest is an ending: for `case: exact` the kept part must have the author's case, an ending any; of an
/// initialism the ending must be a lower-case `s`.
struct WordForm {
  std::string text;
  std::uint32_t kept = 0;
  bool operator==(const WordForm&) const = default;
};

/// A term word as its author wrote it.
struct AuthorWord {
  std::string_view reduced;
  std::string_view cased;   ///< PreparedText::cased
  bool initialism = false;  ///< section 2: under `case: auto`, see is_initialism
};

/// All forms, the word itself first, each once, in a fixed order. Not for tagged words, which are exact.
std::vector<WordForm> inflected_forms(Grammar grammar, const AuthorWord& word);

/// The noun forms only, for names in languages whose names inflect; of the others the word itself.
std::vector<WordForm> name_forms(Grammar grammar, const AuthorWord& word);

/// Two or three letters, all capitals, nothing else. A term of several words without a lower-case letter has none.
bool is_initialism(std::string_view cased);

/// A reduced word that spells a common English word (*us*, *it*, *who*): in a paragraph without lower-case letters an
/// initialism does not match it unless it is written with dots.
bool spells_common_word(std::string_view reduced);

}  // namespace newswatch::engine
