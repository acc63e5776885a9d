#pragma once
// The rules as their authors wrote them: one tree for YAML and query form (LANGUAGE section 3), names resolved to indexes,
// settings resolved to what holds. The reader builds it; the compiler and the oracle read it and look nothing up.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/yaml/diagnostic.h"
#include "rules/engine/rule_info.h"

namespace newswatch::engine::syntax {

using yaml::Place;

/// `name`: as section 5 has it for names of entities: exact, but for languages whose names inflect their noun forms.
enum class MatchMode : std::uint8_t { inflected, exact, prefix, name };
/// `name`: the case rule of section 5.
enum class CaseMode : std::uint8_t { automatic, any, exact, name };

/// How a term's words are compared; what holds after term, list or rule and defaults were looked at.
struct Setting {
  MatchMode match = MatchMode::inflected;   ///< of the last word
  MatchMode others = MatchMode::inflected;  ///< of the words before it; never `prefix`
  CaseMode letters = CaseMode::automatic;
  bool operator==(const Setting&) const = default;
};

enum class Op : std::uint8_t {
  invalid,  ///< had an error; never in a program that the reader hands out
  term, any, all, none, at_least, times, near, before, same_sentence, same_paragraph, not_near, outside,
  headline, lead, body, first, list, entity, type, watchlist, rule, regex,
};

/// Where a regex looks; `text`: title or body.
enum class RegexField : std::uint8_t { text, title, body, url, author };

inline constexpr std::uint32_t no_target = UINT32_MAX;
inline constexpr std::uint32_t default_gap = 5, most_gap = 1000;
inline constexpr std::uint32_t most_levels = 64;       ///< of expressions in one another
inline constexpr std::uint32_t most_references = 256;  ///< of lists, rules and contexts one after another: recursion is safe
inline constexpr std::size_t most_term_words = 64;

struct Expression {
  Op op = Op::invalid;
  RegexField field = RegexField::text;  ///< regex
  Setting how;                          ///< term
  /// term: as hits report it; of a prefix term with its `*`, so cut words_of(*this). list, entity, type, watchlist,
  /// rule: the name. regex: the expression.
  std::string text;
  std::string type;           ///< watchlist: only entities of this type, if not empty
  std::uint32_t number = 0;   ///< at_least, times, first: n; near, before, not_near: the gap
  std::uint32_t target = no_target;  ///< list, entity, watchlist, rule: index into that vector of the program
  /// In the order written. Zones, times, first: one. not_near, outside: what must hit, then what must not be there.
  std::vector<Expression> operands;
  Place place;
};

/// Equal apart from places and targets.
bool same(const Expression& a, const Expression& b);

/// The text of a term, or of a name, without the `*` of a prefix.
std::string_view words_of(std::string_view text, const Setting& how);
inline std::string_view words_of(const Expression& term) { return words_of(term.text, term.how); }

/// Whether it may be an operand of near, before, same_sentence, same_paragraph, times, not_near, outside (section 3.1).
/// `invalid` may, so that one error is told once.
bool positional(const Expression& expression);

/// True of an article without any text, other rules being false.
bool true_of_nothing(const Expression& expression);

struct List {
  std::string id;
  std::vector<Expression> items;  ///< terms and lists; any of them
  Place place;
};

struct Name {
  std::string text;  ///< as written; words_of(text, how) without `*`
  Setting how{MatchMode::name, MatchMode::name, CaseMode::name};
  bool weak = false;
  /// One comma, of a person or an entity without type: also counts the other way round, and the words before the comma
  /// have no case rule.
  bool comma = false;
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Entity {
  std::string id;
  std::string type;         ///< as written; compared ignoring case; may be empty
  std::vector<Name> names;  ///< the name, then the aliases
  std::unique_ptr<Expression> context;  ///< or null
  Pairs ids, labels;                    ///< sorted
  std::uint32_t watchlist = no_target;
  Place place;
};

struct Watchlist {
  std::string id;
  Place place;
};

struct IncludeExclude {
  std::optional<std::vector<std::string>> include;
  std::vector<std::string> exclude;
  bool operator==(const IncludeExclude&) const = default;
};

/// LANGUAGE section 4; all as written, comparison is the engine's.
struct Where {
  IncludeExclude languages, sources, countries, sections, authors, tags;
  std::optional<std::chrono::milliseconds> max_age;
  std::optional<std::uint32_t> min_words, max_words;
  bool operator==(const Where&) const = default;
};

struct Rule {
  engine::RuleInfo info;
  std::vector<std::string> formerly;
  /// all of `all`, any, none and query as one expression: an `all` of those parts that were given, or the only one.
  Expression condition;
  Where where;
  bool count_boilerplate = false;
  Place place;  ///< of the id
};

struct Program {
  std::vector<List> lists;
  std::vector<Watchlist> watchlists;
  std::vector<Entity> entities;  ///< of rule files, then of watchlists
  std::vector<Rule> rules;       ///< also disabled ones, which others may refer to
};

/// The one normal form of an expression: as a query where there is one, else as YAML in one line. Single operands of any
/// and all stand for themselves, gaps are always written. Reading it gives an expression that is `same` as
/// normal(expression), with no settings but a file's own defaults (inflected, auto).
std::string print(const Expression& expression);
/// What `print` prints: without `any` and `all` of one operand, and `none` of one `any` as `none` of its operands.
Expression normal(const Expression& expression);
/// Whether it can be written as a query: no regex, no watchlist with type, no settings but those of `=` and `==`.
bool has_query_form(const Expression& expression);

}  // namespace newswatch::engine::syntax
