#pragma once
// Of the oracle: a term against the words of an article (LANGUAGE section 2).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/engine/inflection.h"
#include "rules/engine/syntax.h"
#include "rules/engine/text.h"

namespace newswatch::engine::naive {

/// What of a paragraph is seen: its words [first, end) and, for regular expressions, its text up to byte_end.
struct Visible {
  bool any = false;
  std::uint32_t first = 0, end = 0;
  std::uint32_t byte_end = 0;
};

/// By paragraph of the article.
using View = std::vector<Visible>;

/// Words [first, end) of one paragraph, and the code points from the first word's beginning to the last one's end.
struct Occurrence {
  std::uint32_t paragraph = 0, first = 0, end = 0;
  std::uint32_t start = 0, stop = 0;
};

enum class WordCase { any, exact, initialism, capital };

struct TermWord {
  std::string reduced, cased;
  char tag = 0;
  syntax::MatchMode match = syntax::MatchMode::exact;
  WordCase letters = WordCase::any;
  std::vector<WordForm> forms[grammar_count];  ///< by grammar
};

/// Ways to read a term: each a row of words that must stand one after another.
using TermReadings = std::vector<std::vector<TermWord>>;

TermReadings read_term(std::string_view words, const syntax::Setting& how);
/// The same of a name, the other way round too if it has its comma.
TermReadings read_name(const syntax::Name& name);

/// All occurrences in the view, by place, each once.
std::vector<Occurrence> find(const TermReadings& term, const PreparedText& text, const View& view, Grammar grammar);

}  // namespace newswatch::engine::naive
