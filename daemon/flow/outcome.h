#pragma once
// How an article and a match end. Each ends in exactly one of these, and each is counted.

#include <array>
#include <cstdint>
#include <string_view>

namespace newswatch::flow {

enum class ArticleOutcome : std::uint8_t { no_match, matched, rejected };

/// What became of a match. Shadow alerts count as alerted_shadow.
enum class MatchOutcome : std::uint8_t {
  alerted,
  alerted_shadow,
  suppressed_withdrawn,  ///< the article itself says that it is withdrawn (kill, canceled …)
  suppressed_version,    ///< this version of this article was seen for this rule before
  suppressed_story,      ///< the rule alerted this article, or another with the same body
  suppressed_cooldown,   ///< the rule alerted less than its cooldown ago
  rejected,              ///< the record could not be read
};
inline constexpr std::array all_match_outcomes{MatchOutcome::alerted,
                                               MatchOutcome::alerted_shadow,
                                               MatchOutcome::suppressed_withdrawn,
                                               MatchOutcome::suppressed_version,
                                               MatchOutcome::suppressed_story,
                                               MatchOutcome::suppressed_cooldown,
                                               MatchOutcome::rejected};

/// Names for metrics, logs and summaries: `alerted`, `version`, `story`, `cooldown` …
std::string_view name(ArticleOutcome outcome);
std::string_view name(MatchOutcome outcome);
inline constexpr bool alerts(MatchOutcome outcome) {
  return outcome == MatchOutcome::alerted || outcome == MatchOutcome::alerted_shadow;
}

}  // namespace newswatch::flow
