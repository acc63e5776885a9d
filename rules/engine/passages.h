#pragma once
// What a match reports (LANGUAGE section 7): hits, entities, snippet, sentence hashes.

#include <vector>

#include "rules/engine/evaluator.h"
#include "rules/engine/rule_set.h"

namespace newswatch::engine {

/// Fills all of `match` but its rule. Sorts `passages` and removes what stands there twice.
void describe(const Plan& plan, PreparedText& text, std::vector<Passage>& passages, RuleMatch& match);

}  // namespace newswatch::engine
