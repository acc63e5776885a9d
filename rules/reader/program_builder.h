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
  explicit ProgramBuilder(yaml::Diagnostics& diagnostics)
      : diagnostics_(diagnostics), entities_(0, EntityHash{&program_.entities}, EntityEqual{&program_.entities}) {}
  ProgramBuilder(const ProgramBuilder&) = delete;
  ProgramBuilder& operator=(const ProgramBuilder&) = delete;

  // Each reports `duplicate-id` when the id is taken; the first keeps it. Ids that are empty (missing or bad) define nothing.
  void add_list(engine::syntax::List list);
  void add_rule(engine::syntax::Rule rule, const std::vector<yaml::Place>& formerly_places);
  void add_entity(engine::syntax::Entity entity);
  /// Null when nobody has the id; valid until the next one is added.
  const engine::syntax::Entity* find_entity(std::string_view id) const {
    const auto found = entities_.find(id);
    return found == entities_.end() ? nullptr : &program_.entities[*found];
  }
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
  // Entities come in millions: the index holds their numbers, and reads the ids where they are.
  using Entities = std::vector<engine::syntax::Entity>;
  struct EntityHash {
    using is_transparent = void;
    const Entities* entities;
    std::size_t operator()(std::string_view id) const { return std::hash<std::string_view>()(id); }
    std::size_t operator()(std::uint32_t index) const { return (*this)((*entities)[index].id); }
  };
  struct EntityEqual {
    using is_transparent = void;
    const Entities* entities;
    std::string_view id(std::uint32_t index) const { return (*entities)[index].id; }
    static std::string_view id(std::string_view text) { return text; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const { return id(a) == id(b); }
  };
  void resolve(engine::syntax::Expression& expression);
  void find_cycles();
  std::string guess(engine::syntax::Op op, std::string_view name) const;

  yaml::Diagnostics& diagnostics_;
  engine::syntax::Program program_;
  Names lists_, rules_, watchlists_;
  std::unordered_set<std::uint32_t, EntityHash, EntityEqual> entities_;
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
