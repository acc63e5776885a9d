#include "rules/engine/term_check.h"

#include "rules/engine/text.h"

namespace newswatch::engine::syntax {
namespace {

// A `*` that is not at the end, or a `?` directly between two letters.
std::optional<std::string> wildcard(std::string_view text) {
  char32_t before = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const char32_t c = next_code_point(text, at);
    if (c == '*' && at < text.size()) return "`*` may only stand at the end of a term";
    if (c == '?' && start > 0 && at < text.size()) {
      std::size_t next = at;
      if (is_letter(before) && is_letter(next_code_point(text, next))) return "`?` is no wildcard";
    }
    before = c;
  }
  return std::nullopt;
}

}  // namespace

Scope Scope::with(std::optional<MatchMode> nearer_match, std::optional<CaseMode> nearer_letters, Nearness from) const {
  Scope out = *this;
  if (nearer_match) out.match = nearer_match, out.match_from = from;
  if (nearer_letters) out.letters = nearer_letters, out.letters_from = from;
  return out;
}

Setting resolve(const Scope& scope, std::string_view text) {
  Setting how;
  how.letters = scope.letters.value_or(CaseMode::automatic);
  how.match = scope.match.value_or(MatchMode::inflected);
  if (how.letters == CaseMode::exact && (!scope.match || scope.letters_from > scope.match_from))
    how.match = MatchMode::exact;
  how.others = how.match == MatchMode::prefix ? MatchMode::inflected : how.match;
  if (text.ends_with('*')) how.match = MatchMode::prefix;
  return how;
}

bool check_term(std::string_view text, Setting& how, const yaml::Place& place, yaml::Diagnostics& diagnostics,
                PreparedText& scratch) {
  if (text.size() > 1 << 20) {
    diagnostics.error(place, "too-long", "a term may have at most 64 words");
    return false;
  }
  if (const auto bad = wildcard(text)) {
    diagnostics.error(place, "bad-wildcard", *bad,
                      "there are no wildcards but the prefix (`sanction*`); forms such as plurals are found without");
    return false;
  }
  const bool star = text.ends_with('*');
  if (star) text.remove_suffix(1);
  scratch.prepare_paragraph(text);
  const auto words = scratch.words();
  if (words.empty()) {
    diagnostics.error(place, "empty-term", "there is no word in this term", "a term needs a letter or a digit");
    return false;
  }
  if (words.size() > most_term_words) {
    diagnostics.error(place, "too-long", "the term has " + std::to_string(words.size()) + " words; at most 64 are allowed",
                      "take a telling part of it, or `all` of several terms");
    return false;
  }
  if (how.match != MatchMode::prefix) return true;
  if (words.back().tag != 0) {
    if (star) {
      diagnostics.error(place, "bad-wildcard", "a tagged word cannot be a prefix",
                        "without the sign, `word*` finds the tagged words too");
      return false;
    }
    how.match = how.others;
    return true;
  }
  if (!long_enough_for_prefix(scratch.reduced(words.back()))) {
    diagnostics.error(place, "prefix-too-short", "a prefix needs at least 3 letters or digits",
                      "write more of the word, or the words that are meant");
    return false;
  }
  return true;
}

std::string name_of_term(std::string_view text, const Setting& how) {
  std::string out(text);
  if (how.match == MatchMode::prefix && !out.ends_with('*')) out += '*';
  return out;
}

}  // namespace newswatch::engine::syntax
