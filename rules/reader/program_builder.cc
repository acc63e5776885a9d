#include "rules/reader/program_builder.h"

#include <algorithm>

namespace newswatch::rules {

using namespace engine::syntax;

namespace {

std::string small(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace

void ProgramBuilder::add_list(List list) {
  const auto index = static_cast<std::uint32_t>(program_.lists.size());
  if (!list.id.empty() && !lists_.try_emplace(list.id, index).second)
    diagnostics_.error(list.place, "duplicate-id", "another list has the id `" + list.id + "`",
                       "names are global over all files; the other stands in " + to_string(program_.lists[lists_.at(list.id)].place));
  order_.emplace_back(Kind::list, index);
  program_.lists.push_back(std::move(list));
}

void ProgramBuilder::add_rule(Rule rule, const std::vector<yaml::Place>& formerly_places) {
  const auto index = static_cast<std::uint32_t>(program_.rules.size());
  const std::string& id = rule.info.id;
  if (!id.empty()) {
    if (const auto former = former_.find(id); former != former_.end())
      diagnostics_.error(rule.place, "duplicate-id", "`" + id + "` is a former id of the rule `" + former->second + "`");
    else if (!rules_.try_emplace(id, index).second)
      diagnostics_.error(rule.place, "duplicate-id", "another rule has the id `" + id + "`",
                         "ids are unique over all files; the other stands in " + to_string(program_.rules[rules_.at(id)].place));
  }
  for (std::size_t i = 0; i < rule.formerly.size(); ++i) {
    const std::string& former = rule.formerly[i];
    if (former.empty()) continue;
    if (rules_.count(former) != 0)
      diagnostics_.error(formerly_places[i], "duplicate-id", "`" + former + "` is the id of " + (former == id ? "this rule itself" : "another rule"),
                         "an id or former id stands in one rule only");
    else if (const auto [at, fresh] = former_.try_emplace(former, id); !fresh)
      diagnostics_.error(formerly_places[i], "duplicate-id", "`" + former + "` is already a former id of the rule `" + at->second + "`");
  }
  order_.emplace_back(Kind::rule, index);
  program_.rules.push_back(std::move(rule));
}

void ProgramBuilder::add_entity(Entity entity) {
  const auto index = static_cast<std::uint32_t>(program_.entities.size());
  if (!entity.id.empty() && find_entity(entity.id) != nullptr) {
    diagnostics_.error(entity.place, "duplicate-id", "another entity has the id `" + entity.id + "`",
                       "ids of entities are global over files and watchlists");
    entity.id.clear();
  }
  const bool named = !entity.id.empty();
  order_.emplace_back(Kind::entity, index);
  program_.entities.push_back(std::move(entity));
  if (named) entities_.insert(index);
}

std::uint32_t ProgramBuilder::add_watchlist(Watchlist watchlist) {
  const auto index = static_cast<std::uint32_t>(program_.watchlists.size());
  if (!watchlist.id.empty() && !watchlists_.try_emplace(watchlist.id, index).second)
    diagnostics_.error(watchlist.place, "duplicate-id", "another watchlist has the id `" + watchlist.id + "`");
  program_.watchlists.push_back(std::move(watchlist));
  return index;
}

std::string ProgramBuilder::guess(Op op, std::string_view name) const {
  constexpr std::size_t most = 20'000;  // a guess is not worth a walk over millions of names
  std::vector<std::string> known;
  if (op == Op::entity) {
    for (std::size_t i = 0; i < std::min(program_.entities.size(), most); ++i) known.push_back(program_.entities[i].id);
  } else {
    for (const auto& [id, index] : op == Op::list ? lists_ : op == Op::rule ? rules_ : watchlists_)
      if (known.size() < most) known.push_back(id);
  }
  std::sort(known.begin(), known.end());
  return yaml::did_you_mean(name, known);
}

void ProgramBuilder::resolve(Expression& e) {
  const auto unknown = [&](std::string_view what) {
    if (names_missing_ || (e.op == Op::entity && entities_missing_)) return;
    diagnostics_.error(e.place, "unknown-name", "no " + std::string(what) + " has the name `" + e.text + "`", guess(e.op, e.text));
  };
  const auto look_up = [&](const Names& names, std::string_view what) {
    const auto found = names.find(e.text);
    if (found == names.end()) return unknown(what);
    e.target = found->second;
  };
  switch (e.op) {
    case Op::list:
      look_up(lists_, "list");
      if (e.target != no_target) used_lists_.insert(e.target);
      break;
    case Op::rule: look_up(rules_, "rule"); break;
    case Op::watchlist: look_up(watchlists_, "watchlist"); break;
    case Op::entity:
      if (const auto found = entities_.find(std::string_view(e.text)); found != entities_.end())
        e.target = *found;
      else
        unknown("entity");
      break;
    default: break;
  }
  for (auto& operand : e.operands) resolve(operand);
}

void ProgramBuilder::resolve() {
  for (auto& list : program_.lists)
    for (auto& item : list.items) resolve(item);
  for (auto& entity : program_.entities)
    if (entity.context) resolve(*entity.context);
  for (auto& rule : program_.rules) resolve(rule.condition);
  find_cycles();
}

void ProgramBuilder::warn_unused() const {
  for (std::uint32_t i = 0; i < program_.lists.size(); ++i)
    if (used_lists_.count(i) == 0 && !program_.lists[i].id.empty())
      diagnostics_.warning(program_.lists[i].place, "unused-list", "nothing refers to the list `" + program_.lists[i].id + "`");
}

// Lists, rules and contexts of entities refer to one another; a depth-first walk in the order of the files finds the
// reference that closes a circle. `type:` and `watchlist:` reach every entity of theirs that has a context: they are nodes
// of their own, so that the walk stays linear. It also measures how deep references go, for evaluation follows them
// recursively.
class CycleSearch {
 public:
  explicit CycleSearch(ProgramBuilder& builder) : builder_(builder), program_(builder.program_) {
    lists_.resize(program_.lists.size());
    rules_.resize(program_.rules.size());
    entities_.resize(program_.entities.size());
    watchlists_.resize(program_.watchlists.size());
    for (std::uint32_t i = 0; i < program_.entities.size(); ++i) {
      const Entity& entity = program_.entities[i];
      if (!entity.context) continue;
      if (!entity.type.empty()) types_[small(entity.type)].members.push_back(i);
      if (entity.watchlist != no_target) watchlists_[entity.watchlist].members.push_back(i);
    }
  }

  void run() {
    for (const auto& [kind, index] : builder_.order_) {
      if (kind == ProgramBuilder::Kind::list) visit_list(index, {}, 0);
      if (kind == ProgramBuilder::Kind::rule) visit_rule(index, {}, 0);
      if (kind == ProgramBuilder::Kind::entity) visit_entity(index, {}, 0);
    }
  }

 private:
  enum class State : std::uint8_t { fresh, open, done };
  struct Mark {
    State state = State::fresh;
    std::uint32_t height = 0;
    std::vector<std::uint32_t> members;  // of a type or a watchlist
  };

  template <class Body>
  std::uint32_t visit(Mark& mark, const Place& reference, std::uint32_t depth, std::string_view what, Body&& body) {
    if (mark.state == State::done) {
      if (depth + mark.height > most_references) too_deep(reference);
      return mark.height;
    }
    if (mark.state == State::open) {
      builder_.diagnostics_.error(reference, "cycle", "this refers back to the " + std::string(what) + " in which it stands",
                                  "remove one of the references of the circle");
      return 0;
    }
    if (depth > most_references) {
      too_deep(reference);
      return 0;
    }
    mark.state = State::open;
    const std::uint32_t height = body() + 1;
    mark.state = State::done;
    mark.height = height;
    return height;
  }

  void too_deep(const Place& reference) {
    if (told_deep_) return;
    told_deep_ = true;
    builder_.diagnostics_.error(reference, "too-deep", "more than " + std::to_string(most_references) + " references follow one another here");
  }

  std::uint32_t visit_list(std::uint32_t index, const Place& reference, std::uint32_t depth) {
    return visit(lists_[index], reference, depth, "list", [&] {
      std::uint32_t height = 0;
      for (const auto& item : program_.lists[index].items) height = std::max(height, walk(item, depth + 1));
      return height;
    });
  }
  std::uint32_t visit_rule(std::uint32_t index, const Place& reference, std::uint32_t depth) {
    return visit(rules_[index], reference, depth, "rule", [&] { return walk(program_.rules[index].condition, depth + 1); });
  }
  std::uint32_t visit_entity(std::uint32_t index, const Place& reference, std::uint32_t depth) {
    const Entity& entity = program_.entities[index];
    if (!entity.context) return 0;
    return visit(entities_[index], reference, depth, "entity", [&] { return walk(*entity.context, depth + 1); });
  }
  std::uint32_t visit_members(Mark& mark, const Place& reference, std::uint32_t depth, std::string_view what) {
    if (mark.members.empty()) return 0;
    return visit(mark, reference, depth, what, [&] {
      std::uint32_t height = 0;
      for (const std::uint32_t member : mark.members) height = std::max(height, visit_entity(member, reference, depth + 1));
      return height;
    });
  }

  std::uint32_t walk(const Expression& e, std::uint32_t depth) {
    std::uint32_t height = 0;
    if (e.op == Op::type) {
      const auto found = types_.find(small(e.text));
      if (found != types_.end()) height = visit_members(found->second, e.place, depth, "entity");
    } else if (e.target != no_target) {
      if (e.op == Op::list) height = visit_list(e.target, e.place, depth);
      if (e.op == Op::rule) height = visit_rule(e.target, e.place, depth);
      if (e.op == Op::entity) height = visit_entity(e.target, e.place, depth);
      if (e.op == Op::watchlist) height = visit_members(watchlists_[e.target], e.place, depth, "entity");
    }
    for (const auto& operand : e.operands) height = std::max(height, walk(operand, depth));
    return height;
  }

  ProgramBuilder& builder_;
  const Program& program_;
  std::vector<Mark> lists_, rules_, entities_, watchlists_;
  std::unordered_map<std::string, Mark> types_;
  bool told_deep_ = false;
};

void ProgramBuilder::find_cycles() { CycleSearch(*this).run(); }

}  // namespace newswatch::rules
