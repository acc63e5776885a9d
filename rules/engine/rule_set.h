#pragma once
// The compiled rules: the one face that the rest of the program sees of the engine.

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/engine/article.h"
#include "rules/engine/rule_info.h"

namespace newswatch::engine {

/// Hits reported of one rule and article at most, the first ones; only a text made for it has more.
constexpr std::size_t most_reported_hits = 10'000;

/// One rule that is true of one article.
struct RuleMatch {
  std::uint32_t rule = 0;             ///< index into RuleSet::rules()
  std::vector<Hit> hits;              ///< LANGUAGE section 7, in its order
  std::vector<std::string> entities;  ///< ids named by the hits, sorted, each once
  std::string snippet;                ///< the sentence of the first hit, at most 300 code points, whole words
  std::uint32_t snippet_start = 0;    ///< where it begins, in code points of `snippet_field`
  Field snippet_field = Field::body;
  std::vector<std::uint64_t> sentences;  ///< hashes of the sentences with hits, sorted, each once; stable for ever
};

/// Memory for one thread's matching, reused from article to article.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(Scratch&&) noexcept;
  Scratch& operator=(Scratch&&) noexcept;
  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// Compiled rules; immutable, so any number of threads may match at the same time, each with its own Scratch.
class RuleSet {
 public:
  virtual ~RuleSet() = default;
  /// A short name of the set's content: equal input gives an equal revision, on every machine.
  virtual std::string_view revision() const = 0;
  virtual std::span<const RuleInfo> rules() const = 0;
  /// Memory of the tables, names included; an estimate.
  virtual std::size_t bytes() const { return 0; }
  struct Result {
    std::vector<RuleMatch> matches;    ///< in the order of rules(); disabled rules are never here
    std::uint32_t only_boilerplate = 0;  ///< rules that would be true only with boilerplate
  };
  /// Cost grows with the article and its hits, not with the number of rules. Never throws on any text.
  virtual Result match(const Article& article, Time record_time, Scratch& scratch) const = 0;
};

}  // namespace newswatch::engine
