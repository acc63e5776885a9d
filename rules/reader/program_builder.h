#pragma once
// Gathers what all files define, gives every name one meaning, and finds what only the whole can show: ids that stand
// twice, names that nobody defines, circles.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "config/yaml/diagnostic.h"
#include "rules/engine/syntax.h"

namespace newswatch::rules {

class ProgramBuilder {
 public:
  explicit ProgramBuilder(yaml::Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  // Each reports `duplicate-id` when the id is taken; the first keeps it. Ids that are empty (missing or bad) define nothing.
  void add_list(engine::syntax::List list);
  void add_rule(engine::syntax::Rule rule, const std::vector<yaml::Place>& formerly_places);
  void add_entity(engine::syntax::Entity entity);
  /// The index that entities of the watchlist carry.
  std::uint32_t add_watchlist(engine::syntax::Watchlist watchlist);

  /// The name counts as known although it could not be read.
  void know_rule(const std::string& id) { rules_.try_emplace(id, engine::syntax::no_target); }
  void know_list(const std::string& id) { lists_.try_emplace(id, engine::syntax::no_target); }
  void know_watchlist(const std::string& id) { watchlists_.try_emplace(id, engine::syntax::no_target); }
  /// A file could not be read: what it may define is not missed.
  void miss_names() { names_missing_ = true; }
  void miss_entities() { entities_missing_ = true; }

  /// Resolves all names; `unknown-name`, `cycle`, `too-deep`.
  void resolve();
  /// Warns of lists that nothing refers to.
  void warn_unused() const;

  engine::syntax::Program& program() { return program_; }

 private:
  using Names = std::unordered_map<std::string, std::uint32_t>;
  void resolve(engine::syntax::Expression& expression);
  void find_cycles();
  std::string guess(const Names& names, std::string_view name) const;

  yaml::Diagnostics& diagnostics_;
  engine::syntax::Program program_;
  Names lists_, rules_, entities_, watchlists_;
  std::unordered_map<std::string, std::string> former_;  // former id → the rule that had it
  std::unordered_set<std::uint32_t> used_lists_;
  bool names_missing_ = false;
  bool entities_missing_ = false;
  // Definitions in the order of the files, for the search for circles.
  enum class Kind : std::uint8_t { list, rule, entity };
  std::vector<std::pair<Kind, std::uint32_t>> order_;
  friend class CycleSearch;
};

}  // namespace newswatch::rules
