#include "rules/engine/naive_terms.h"

#include <algorithm>
#include <tuple>

#include "rules/engine/characters.h"

namespace newswatch::engine::naive {
namespace {

using syntax::CaseMode;
using syntax::MatchMode;

/// Positions of a cut term, and what of them is one word or a run.
struct Cut {
  PreparedText text;
  bool all_capitals = false;  ///< of two or more words, none with a small letter
};

void cut(std::string_view words, Cut& out) {
  out.text.prepare_paragraph(words);
  bool has_lower = false;
  for (const Word& word : out.text.words()) has_lower |= case_facts(out.text.cased(word)).has_lower;
  out.all_capitals = out.text.words().size() >= 2 && !has_lower;
}

WordCase case_of(CaseMode mode, std::string_view cased, bool all_capitals_term) {
  switch (mode) {
    case CaseMode::any:
      return WordCase::any;
    case CaseMode::exact:
      return WordCase::exact;
    case CaseMode::automatic:
      return !all_capitals_term && is_initialism(cased) ? WordCase::initialism : WordCase::any;
    case CaseMode::name:
      break;
  }
  if (all_capitals_term) return WordCase::any;
  if (is_initialism(cased)) return WordCase::initialism;
  return case_facts(cased).upper_first ? WordCase::capital : WordCase::any;
}

void add_forms(TermWord& term) {
  const AuthorWord author{term.reduced, term.cased, term.letters == WordCase::initialism};
  for (std::size_t i = 0; i < grammar_count; ++i) {
    const auto grammar = static_cast<Grammar>(i);
    switch (term.match) {
      case MatchMode::inflected:
        term.forms[i] = inflected_forms(grammar, author);
        break;
      case MatchMode::name:
        term.forms[i] = name_forms(grammar, author);
        break;
      default:
        term.forms[i] = {{term.reduced, count_code_points(term.reduced)}};
    }
  }
}

/// Every way to take runs as their parts or as one joined word, from word `at` on; `row` is what came before.
void readings(const Cut& cut, std::uint32_t at, const syntax::Setting& how, std::vector<TermWord>& row,
              TermReadings& out) {
  const auto words = cut.text.words();
  if (at == words.size()) {
    out.push_back(row);
    return;
  }
  const auto take = [&](const Word& word, std::uint32_t next, bool tagged) {
    TermWord term;
    term.reduced = cut.text.reduced(word);
    term.cased = cut.text.cased(word);
    if (tagged) {
      term.tag = word.tag;
    } else {
      term.match = next == words.size() ? how.match : how.others;
      term.letters = case_of(how.letters, term.cased, cut.all_capitals);
    }
    add_forms(term);
    row.push_back(std::move(term));
    readings(cut, next, how, row, out);
    row.pop_back();
  };
  take(words[at], at + 1, words[at].tag != 0);
  for (const JoinedWord& joined : cut.text.joined()) {
    if (joined.first == at && words[at].tag == 0) take(joined.word, joined.last + 1, false);
  }
}

/// How many code points `c` has when it is reduced by itself.
std::uint32_t reduced_length(char32_t c) {
  const Characters& characters = Characters::instance();
  const CharacterInfo info = characters[c];
  return info.mapping == 0 ? 1 : count_code_points(characters.mapping(info).reduced);
}

/// The first `kept` code points of the reduced forms are written with the same letters in the same case.
bool same_beginning(std::string_view a, std::string_view b, std::uint32_t kept) {
  std::size_t at = 0, other = 0;
  for (std::uint32_t length = 0; length < kept;) {
    if (at >= a.size() || other >= b.size()) return false;
    const char32_t c = decode(a, at);
    if (c != decode(b, other)) return false;
    length += reduced_length(c);
  }
  return true;
}

/// A text word: of words() or joined().
struct TextWord {
  std::string_view reduced, cased;
  bool joined = false, dotted = false;
};

/// Case, for a text word whose reduced form is the term word's first `kept` code points and an ending.
bool case_fits(const TermWord& term, const TextWord& text, std::uint32_t kept, bool whole, const Paragraph& paragraph) {
  const CaseFacts facts = case_facts(text.cased);
  switch (term.letters) {
    case WordCase::any:
      return true;
    case WordCase::exact:
      return whole ? text.cased == term.cased : same_beginning(term.cased, text.cased, kept);
    case WordCase::capital:
      return facts.upper_first || facts.all_capitals;
    case WordCase::initialism:
      break;
  }
  if (!paragraph.has_lower && !text.dotted && spells_common_word(text.reduced)) return false;
  if (whole || term.match == MatchMode::prefix) return facts.all_capitals;
  return text.cased.ends_with('s') && case_facts(text.cased.substr(0, text.cased.size() - 1)).all_capitals;
}

bool fits(const TermWord& term, const TextWord& text, const Paragraph& paragraph, Grammar grammar) {
  if (term.match == MatchMode::prefix) {
    return !text.joined && begins_with(text.reduced, term.reduced) &&
           case_fits(term, text, count_code_points(term.reduced), text.reduced == term.reduced, paragraph);
  }
  const std::vector<WordForm>& forms = term.forms[static_cast<std::size_t>(grammar)];
  return std::any_of(forms.begin(), forms.end(), [&](const WordForm& form) {
    return form.text == text.reduced && case_fits(term, text, form.kept, form.text == term.reduced, paragraph);
  });
}

struct Search {
  const PreparedText& text;
  const View& view;
  Grammar grammar;
  std::vector<Occurrence>& out;

  /// The row goes on with word `index` at position `at`; `found` holds what is behind.
  void go_on(const std::vector<TermWord>& row, std::size_t index, std::uint32_t at, Occurrence found) {
    if (index == row.size()) {
      out.push_back(found);
      return;
    }
    const Paragraph& paragraph = text.paragraphs()[found.paragraph];
    const Visible& seen = view[found.paragraph];
    if (at >= seen.end) return;
    const TermWord& term = row[index];
    const Word& word = text.words()[at];
    const auto step = [&](const Word& taken, std::uint32_t next, std::uint32_t start) {
      Occurrence longer = found;
      if (index == 0) longer.start = start;
      longer.stop = taken.end;
      longer.end = next;
      go_on(row, index + 1, next, longer);
    };
    if (term.tag != 0) {
      if (word.tag == term.tag && text.reduced(word) == term.reduced) step(word, at + 1, word.start - word.tag_length);
      return;
    }
    if (fits(term, {text.reduced(word), text.cased(word), false, word.dotted}, paragraph, grammar)) {
      step(word, at + 1, word.start);
    }
    for (std::uint32_t i = paragraph.first_joined; i < paragraph.end_joined; ++i) {
      const JoinedWord& joined = text.joined()[i];
      if (joined.first != at || joined.last >= seen.end) continue;
      if (fits(term, {text.reduced(joined.word), text.cased(joined.word), true, false}, paragraph, grammar)) {
        step(joined.word, joined.last + 1, joined.word.start);
      }
    }
  }
};

TermReadings readings(const Cut& term, const syntax::Setting& how) {
  TermReadings out;
  std::vector<TermWord> row;
  if (!term.text.words().empty()) readings(term, 0, how, row, out);
  return out;
}

}  // namespace

TermReadings read_term(std::string_view words, const syntax::Setting& how) {
  Cut term;
  cut(words, term);
  return readings(term, how);
}

TermReadings read_name(const syntax::Name& name) {
  const std::string_view words = syntax::words_of(name.text, name.how);
  TermReadings out = read_term(words, name.how);
  const std::size_t comma = words.find(',');
  if (!name.comma || comma == std::string_view::npos) return out;
  out.clear();
  Cut whole, front, back;
  cut(words, whole);
  cut(words.substr(0, comma), front);
  cut(words.substr(comma + 1), back);
  back.all_capitals = whole.all_capitals;  // the name as a whole decides
  syntax::Setting no_case = name.how;
  no_case.letters = CaseMode::any;
  for (const auto& before : readings(front, no_case)) {
    for (const auto& after : readings(back, name.how)) {
      out.push_back(before);
      out.back().insert(out.back().end(), after.begin(), after.end());
      out.push_back(after);
      out.back().insert(out.back().end(), before.begin(), before.end());
    }
  }
  return out;
}

std::vector<Occurrence> find(const TermReadings& term, const PreparedText& text, const View& view, Grammar grammar) {
  std::vector<Occurrence> out;
  Search search{text, view, grammar, out};
  for (const auto& row : term) {
    for (std::uint32_t paragraph = 0; paragraph < view.size(); ++paragraph) {
      for (std::uint32_t at = view[paragraph].first; at < view[paragraph].end; ++at) {
        search.go_on(row, 0, at, {paragraph, at, at, 0, 0});
      }
    }
  }
  const auto key = [](const Occurrence& o) { return std::tuple(o.paragraph, o.first, o.end, o.start, o.stop); };
  std::sort(out.begin(), out.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  out.erase(std::unique(out.begin(), out.end(), [&](const auto& a, const auto& b) { return key(a) == key(b); }),
            out.end());
  return out;
}

}  // namespace newswatch::engine::naive
