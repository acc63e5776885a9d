#pragma once
// Match records for tests of what comes after the match stage.

#include <random>
#include <string>
#include <vector>

#include "daemon/flow/match.h"

namespace newswatch::test {

/// A record in which every member differs from its default.
flow::MatchRecord full_match();

/// The least that a match says: rule `rule`, article `id` of feed "wires", version "1", at `seconds` after
/// 2026-01-01T00:00:00Z. The body hash is the article's own.
flow::MatchRecord small_match(const std::string& rule, const std::string& id, int seconds);

/// A sequence of matches in which versions come again, copies and cooldowns meet, and record times jump about:
/// few rules (one per kind of alert block, one of them shadow), few articles.
std::vector<flow::MatchRecord> random_matches(std::mt19937& random, int count);

}  // namespace newswatch::test
