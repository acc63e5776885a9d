#pragma once
// What every term of the language must fulfil, whether it stands in YAML, in a query or in a watchlist, and the settings
// that hold for it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/yaml/diagnostic.h"
#include "rules/engine/syntax.h"

namespace newswatch::engine {

class PreparedText;

namespace syntax {

/// Settings as given, with how near to the term: the nearer one holds, and `case: exact` implies `match: exact` unless
/// `match` is given at the same place or nearer.
struct Scope {
  enum class Nearness : std::uint8_t { nowhere, file, group, term };  // group: a list or a rule
  std::optional<MatchMode> match;
  std::optional<CaseMode> letters;
  Nearness match_from = Nearness::nowhere, letters_from = Nearness::nowhere;

  /// This scope with what is given at a nearer place.
  Scope with(std::optional<MatchMode> nearer_match, std::optional<CaseMode> nearer_letters, Nearness from) const;
};

/// What holds for `text`; a `*` at its end makes it a prefix whatever is set.
Setting resolve(const Scope& scope, std::string_view text);

/// Reports `empty-term`, `bad-wildcard`, `prefix-too-short` or `too-long` at `place`. A tagged last word is no prefix: when
/// only a setting asked for one, `how` is made that of the other words. `scratch` may be any.
bool check_term(std::string_view text, Setting& how, const yaml::Place& place, yaml::Diagnostics& diagnostics,
                PreparedText& scratch);

/// The term as hits report it: a prefix with its `*`.
std::string name_of_term(std::string_view text, const Setting& how);

}  // namespace syntax
}  // namespace newswatch::engine
