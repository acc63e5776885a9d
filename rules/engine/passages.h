#pragma once
// What a match reports (LANGUAGE section 7): hits, entities, snippet, sentence hashes.

#include <cstdint>
#include <string>
#include <vector>

#include "rules/engine/evaluator.h"
#include "rules/engine/rule_set.h"

namespace newswatch::engine {

/// Hashes of the sentences of one article, which many rules share.
class DescribeWork {
 public:
  void begin(const PreparedText& text);
  /// Of the words of the sentence, reduced.
  std::uint64_t hash_of(const PreparedText& text, const Sentence& sentence);

 private:
  struct Known {
    std::uint32_t stamp = 0;
    std::uint64_t hash = 0;
  };
  std::vector<Known> by_first_word_;
  std::uint32_t stamp_ = 0;
  std::string buffer_;
};

/// Fills all of `match` but its rule. Sorts `passages` and removes what stands there twice.
void describe(const Plan& plan, PreparedText& text, std::vector<Passage>& passages, DescribeWork& work, RuleMatch& match);

}  // namespace newswatch::engine
