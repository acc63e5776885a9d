#include "rules/engine/graph_builder.h"

#include <algorithm>

#include "rules/engine/where.h"

namespace newswatch::engine {
namespace {

constexpr std::uint32_t nothing = UINT32_MAX;
constexpr std::uint32_t many_children = 16;  // as the evaluator has it: such an `any` is answered by what was touched

void append(std::string& key, std::uint32_t value) { key.append(reinterpret_cast<const char*>(&value), sizeof value); }

// Pairs (index, value) to compressed lists of `size` entries.
Lists<std::uint32_t> lists_of(std::vector<std::pair<std::uint32_t, std::uint32_t>>& pairs, std::size_t size) {
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  Lists<std::uint32_t> out;
  out.offsets.assign(size + 1, 0);
  out.values.reserve(pairs.size());
  for (auto& [index, value] : pairs) {
    ++out.offsets[index + 1];
    out.values.push_back(value);
  }
  for (std::size_t i = 0; i < size; ++i) out.offsets[i + 1] += out.offsets[i];
  return out;
}

IncludeExclude folded(const syntax::IncludeExclude& list, bool languages = false) {
  IncludeExclude out;
  auto fold = [&](const std::vector<std::string>& values) {
    std::vector<std::string> result;
    for (std::string value : values) {
      if (languages) value = value.substr(0, value.find_first_of("-_"));
      result.push_back(fold_case(value));
    }
    return result;
  };
  out.has_include = list.include.has_value();
  if (list.include) out.include = fold(*list.include);
  out.exclude = fold(list.exclude);
  return out;
}

}  // namespace

std::uint32_t GraphBuilder::intern(Node node, const std::vector<std::uint32_t>& children) {
  std::string& key = key_;
  key.clear();
  append(key, static_cast<std::uint32_t>(node.op) | static_cast<std::uint32_t>(node.count_boilerplate) << 8 | std::uint32_t{node.zone} << 16);
  append(key, node.a);
  append(key, node.b);
  for (std::uint32_t child : children) append(key, child);
  auto [number, fresh] = nodes_.add(key, static_cast<std::uint32_t>(plan_.nodes.size()));
  if (fresh) {
    node.first_child = static_cast<std::uint32_t>(plan_.children.size());
    node.children = static_cast<std::uint32_t>(children.size());
    plan_.children.insert(plan_.children.end(), children.begin(), children.end());
    plan_.nodes.push_back(node);
  }
  return number;
}

std::uint32_t GraphBuilder::never() { return intern({}, {}); }

std::uint16_t GraphBuilder::zone_of(const Zone& zone) {
  auto [it, fresh] = zones_.try_emplace(zone, static_cast<std::uint16_t>(plan_.zones.size()));
  if (fresh) plan_.zones.push_back(zone);
  return it->second;
}

std::uint32_t GraphBuilder::name_of(const std::string& text) {
  auto [number, fresh] = names_.add(text, static_cast<std::uint32_t>(plan_.names.size()));
  if (fresh) plan_.names.add(text);
  return number;
}

std::uint32_t GraphBuilder::type_of(const std::string& type) {
  return types_.try_emplace(fold_case(type), static_cast<std::uint32_t>(types_.size())).first->second;
}

std::uint32_t GraphBuilder::class_of(std::uint32_t type, std::uint32_t watchlist) {
  auto [it, fresh] = classes_.try_emplace({type, watchlist}, static_cast<std::uint32_t>(plan_.classes.size()));
  if (fresh) plan_.classes.push_back({type, watchlist});
  return it->second;
}

void GraphBuilder::ask(std::uint32_t entity, bool count) {
  auto bit = static_cast<std::uint8_t>(1u << count);
  if (asked_[entity] & bit) return;
  asked_[entity] |= bit;
  to_do_.push_back({entity, count});
}

void GraphBuilder::ask_class(std::uint32_t number, bool count) {
  const EntityClass& wanted = plan_.classes[number];
  for (std::uint32_t e = 0; e < plan_.entities.size(); ++e) {
    const EntityRecord& record = plan_.entities[e];
    if ((wanted.type == nothing || wanted.type == record.type) && (wanted.watchlist == nothing || wanted.watchlist == record.watchlist))
      ask(e, count);
  }
}

std::uint32_t GraphBuilder::node_of_list(std::uint32_t list, std::uint16_t zone, bool count) {
  auto key = std::tuple(list, zone, count);
  if (auto it = lists_.find(key); it != lists_.end()) return it->second;
  std::vector<std::uint32_t> children;
  for (const auto& item : program_.lists[list].items) children.push_back(node_of(item, zone, count));
  std::sort(children.begin(), children.end());
  children.erase(std::unique(children.begin(), children.end()), children.end());
  Node node;
  node.op = Op::any;
  std::uint32_t made = children.size() == 1 ? children[0] : intern(node, children);
  lists_.emplace(key, made);
  return made;
}

std::uint32_t GraphBuilder::node_of_where(const syntax::Where& where) {
  if (where == syntax::Where{}) return nothing;
  WhereCondition condition;
  condition.languages = folded(where.languages, true);
  condition.sources = folded(where.sources);
  condition.countries = folded(where.countries);
  condition.sections = folded(where.sections);
  condition.authors = folded(where.authors);
  condition.tags = folded(where.tags);
  if (where.max_age) condition.max_age_ms = where.max_age->count();
  if (where.min_words) condition.min_words = *where.min_words;
  if (where.max_words) condition.max_words = *where.max_words;
  // Conditions are often the same for a whole file of rules.
  auto same = std::find(plan_.conditions.rbegin(), plan_.conditions.rbegin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(plan_.conditions.size(), 8)), condition);
  Node node;
  node.op = Op::where;
  if (same != plan_.conditions.rbegin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(plan_.conditions.size(), 8))) {
    node.a = static_cast<std::uint32_t>(plan_.conditions.size() - 1 - static_cast<std::size_t>(same - plan_.conditions.rbegin()));
  } else {
    node.a = static_cast<std::uint32_t>(plan_.conditions.size());
    plan_.conditions.push_back(std::move(condition));
  }
  return intern(node, {});
}

std::uint32_t GraphBuilder::node_of_rule(std::uint32_t number, std::uint16_t zone) {
  auto key = std::pair(number, zone);
  if (auto it = rules_.find(key); it != rules_.end()) return it->second;
  const syntax::Rule& rule = program_.rules[number];
  std::uint32_t condition = node_of(rule.condition, zone, rule.count_boilerplate);
  std::uint32_t where = node_of_where(rule.where);
  if (where != nothing) {
    Node node;
    node.op = Op::all;
    condition = intern(node, {condition, where});
  }
  rules_.emplace(key, condition);
  return condition;
}

std::uint32_t GraphBuilder::node_of_regex(const syntax::Expression& expression, std::uint16_t zone, bool count) {
  auto field = static_cast<Regex::Field>(expression.field);
  static_assert(static_cast<int>(Regex::Field::author) == static_cast<int>(syntax::RegexField::author));
  auto [it, fresh] = regexes_.try_emplace({expression.text, static_cast<std::uint8_t>(field)}, static_cast<std::uint32_t>(plan_.regexes.size()));
  if (fresh) {
    std::uint32_t number = 0;
    auto program = plan_.regex_filter.add(expression.text, number);
    plan_.regexes.push_back({std::move(program), expression.text, field, number});
  }
  Node node;
  node.op = Op::regex;
  node.a = it->second;
  node.zone = zone;
  node.count_boilerplate = count;
  return plan_.regexes[it->second].program ? intern(node, {}) : never();
}

std::uint32_t GraphBuilder::node_of(const syntax::Expression& expression, std::uint16_t zone, bool count) {
  using syntax::Op;
  Node node;
  auto leaf = [&](engine::Op op, std::uint32_t a, std::uint32_t b = 0) {
    node.op = op;
    node.a = a;
    node.b = b;
    node.zone = zone;
    node.count_boilerplate = count;
    return intern(node, {});
  };
  auto within = [&](auto change) {
    Zone inner = plan_.zones[zone];
    change(inner);
    if (!inner.title && !inner.body) {
      inner = Zone{};  // one name for the empty zone
      inner.title = inner.body = false;
    }
    return node_of(expression.operands[0], zone_of(inner), count);
  };
  auto operation = [&](engine::Op op, bool any_order) {
    std::vector<std::uint32_t> children;
    for (const auto& operand : expression.operands) children.push_back(node_of(operand, zone, count));
    if (any_order) {
      std::sort(children.begin(), children.end());
      children.erase(std::unique(children.begin(), children.end()), children.end());
      if (children.size() == 1 && op != engine::Op::none) return children[0];
    }
    node.op = op;
    bool numbered = op == engine::Op::at_least || op == engine::Op::times || op == engine::Op::near || op == engine::Op::before || op == engine::Op::not_near;
    node.a = numbered ? expression.number : 0;
    return intern(node, children);
  };
  switch (expression.op) {
    case Op::invalid: return never();
    case Op::term: {
      std::uint32_t pattern = patterns_.add(syntax::words_of(expression), {expression.how, 0, 0});
      return pattern == nothing ? never() : leaf(engine::Op::term, pattern, name_of(expression.text));
    }
    case Op::any: return operation(engine::Op::any, true);
    case Op::all: return operation(engine::Op::all, true);
    case Op::none: return operation(engine::Op::none, true);
    case Op::at_least: return operation(engine::Op::at_least, false);
    case Op::times: return operation(engine::Op::times, false);
    case Op::near: return operation(engine::Op::near, false);
    case Op::before: return operation(engine::Op::before, false);
    case Op::same_sentence: return operation(engine::Op::same_sentence, false);
    case Op::same_paragraph: return operation(engine::Op::same_paragraph, false);
    case Op::not_near: return operation(engine::Op::not_near, false);
    case Op::outside: return operation(engine::Op::outside, false);
    case Op::headline: return within([](Zone& z) { z.body = z.lead = false, z.first = UINT32_MAX; });
    case Op::lead: return within([](Zone& z) { z.title = false, z.lead = z.body; });
    case Op::body: return within([](Zone& z) { z.title = false; });
    case Op::first: return within([&](Zone& z) { z.title = false, z.first = z.body ? std::min(z.first, expression.number) : z.first; });
    case Op::list: return node_of_list(expression.target, zone, count);
    case Op::entity:
      ask(expression.target, count);
      return leaf(engine::Op::entity, expression.target);
    case Op::type:
    case Op::watchlist: {
      const std::string& type = expression.op == Op::type ? expression.text : expression.type;
      std::uint32_t number = class_of(type.empty() ? nothing : type_of(type), expression.op == Op::type ? nothing : expression.target);
      ask_class(number, count);
      return leaf(engine::Op::entity_class, number);
    }
    case Op::rule: return node_of_rule(expression.target, zone);
    case Op::regex: return node_of_regex(expression, zone, count);
  }
  return never();
}

// --- entities ------------------------------------------------------------------------------------------------------

void GraphBuilder::add_contexts() {
  std::uint16_t everywhere = zone_of({});
  while (!to_do_.empty()) {
    auto [entity, count] = to_do_.back();
    to_do_.pop_back();
    const syntax::Entity& written = program_.entities[entity];
    if (!written.context) continue;
    std::uint32_t node = node_of(*written.context, everywhere, count);
    plan_.contexts.try_emplace(entity, std::array<std::uint32_t, 2>{nothing, nothing}).first->second[count] = node;
  }
}

// Names of all entities, if any entity is asked for: those that nobody asks for still hide shorter ones.
void GraphBuilder::add_names() {
  entity_cost_.assign(plan_.entities.size(), 0);
  bool any = std::any_of(asked_.begin(), asked_.end(), [](std::uint8_t bits) { return bits != 0; });
  if (!any) return;
  PreparedText text;
  std::vector<std::pair<std::uint32_t, NameUse>> uses;
  for (std::uint32_t e = 0; e < program_.entities.size(); ++e) {
    for (const syntax::Name& name : program_.entities[e].names) {
      if (name.weak && !asked_[e]) continue;
      std::string words(syntax::words_of(name.text, name.how));
      auto add = [&](const std::string& form, std::uint32_t free_from, std::uint32_t free_to) {
        std::uint32_t pattern = patterns_.add(form, {name.how, free_from, free_to});
        if (pattern == nothing) return;
        if (plan_.pattern_is_name.size() <= pattern) plan_.pattern_is_name.resize(pattern + 1, 0);
        plan_.pattern_is_name[pattern] |= name.weak ? 1 : 3;
        if (!asked_[e]) return;
        uses.push_back({pattern, {e, name_of(name.text), name.weak}});
        entity_cost_[e] += patterns_.frequency(pattern);
      };
      std::size_t comma = words.find(',');
      if (!name.comma || comma == std::string::npos) {
        add(words, 0, 0);
        continue;
      }
      std::string before = words.substr(0, comma), after = words.substr(comma + 1);
      text.prepare_paragraph(before);
      auto free = static_cast<std::uint32_t>(text.words().size());
      text.prepare_paragraph(after);
      auto rest = static_cast<std::uint32_t>(text.words().size());
      add(words, 0, free);
      if (free > 0 && rest > 0) add(after + " " + before, rest, rest + free);
    }
  }
  auto less = [](const auto& a, const auto& b) {
    return std::tuple(a.first, a.second.entity, +a.second.name, +a.second.weak) < std::tuple(b.first, b.second.entity, +b.second.name, +b.second.weak);
  };
  std::sort(uses.begin(), uses.end(), less);
  auto& lists = plan_.pattern_names;
  lists.offsets.assign(patterns_.size() + 1, 0);
  for (auto& [pattern, use] : uses) {
    ++lists.offsets[pattern + 1];
    lists.values.push_back(use);
  }
  for (std::size_t i = 0; i + 1 < lists.offsets.size(); ++i) lists.offsets[i + 1] += lists.offsets[i];
  plan_.pattern_is_name.resize(patterns_.size(), 0);
}

// --- triggers ------------------------------------------------------------------------------------------------------

// How often a node's cheapest sufficient set of terms is met in a thousand articles. Children have smaller numbers.
void GraphBuilder::weigh() {
  cost_.assign(plan_.nodes.size(), -1);
  for (std::uint32_t n = 0; n < plan_.nodes.size(); ++n) {
    const Node& node = plan_.nodes[n];
    const std::uint32_t* children = plan_.children.data() + node.first_child;
    switch (node.op) {
      case Op::never: cost_[n] = 0; break;
      case Op::term: cost_[n] = patterns_.frequency(node.a); break;
      case Op::entity: cost_[n] = entity_cost_[node.a]; break;
      case Op::entity_class: cost_[n] = 5000; break;
      case Op::any: {
        float sum = 0;
        for (std::uint32_t i = 0; i < node.children; ++i) sum = cost_[children[i]] < 0 || sum < 0 ? -1 : sum + cost_[children[i]];
        cost_[n] = sum;
        break;
      }
      case Op::at_least: {
        std::vector<float> wakeable;
        for (std::uint32_t i = 0; i < node.children; ++i)
          if (cost_[children[i]] >= 0) wakeable.push_back(cost_[children[i]]);
        std::sort(wakeable.begin(), wakeable.end());
        std::size_t needed = node.a > node.children ? 0 : node.children - node.a + 1;
        if (needed > wakeable.size()) break;
        cost_[n] = 0;
        for (std::size_t i = 0; i < needed; ++i) cost_[n] += wakeable[i];
        break;
      }
      case Op::times:
      case Op::not_near:
      case Op::outside: cost_[n] = cost_[children[0]]; break;
      case Op::all:
      case Op::near:
      case Op::before:
      case Op::same_sentence:
      case Op::same_paragraph:
        for (std::uint32_t i = 0; i < node.children; ++i)
          if (float c = cost_[children[i]]; c >= 0 && (cost_[n] < 0 || c < cost_[n])) cost_[n] = c;
        break;
      case Op::regex: {
        const Regex& regex = plan_.regexes[node.a];
        bool in_text = regex.field != Regex::Field::url && regex.field != Regex::Field::author;
        if (in_text && plan_.regex_filter.filters(regex.number)) cost_[n] = 200;
        break;
      }
      case Op::where:
      case Op::none: break;
    }
  }
}

// Lets a node be woken whenever it can be true.
void GraphBuilder::demand(std::uint32_t start) {
  std::vector<std::uint32_t> stack{start};
  while (!stack.empty()) {
    std::uint32_t n = stack.back();
    stack.pop_back();
    Node& node = plan_.nodes[n];
    if (node.listens || cost_[n] < 0) continue;
    node.listens = true;
    demanded_.push_back(n);
    const std::uint32_t* children = plan_.children.data() + node.first_child;
    auto listen = [&](std::uint32_t child) {
      edges_.push_back({child, n});
      stack.push_back(child);
    };
    switch (node.op) {
      case Op::any:
        for (std::uint32_t i = 0; i < node.children; ++i) listen(children[i]);
        break;
      case Op::at_least: {
        std::vector<std::uint32_t> order;
        for (std::uint32_t i = 0; i < node.children; ++i)
          if (cost_[children[i]] >= 0) order.push_back(children[i]);
        std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return cost_[a] < cost_[b]; });
        std::size_t needed = node.a > node.children ? 0 : node.children - node.a + 1;
        for (std::size_t i = 0; i < needed; ++i) listen(order[i]);
        break;
      }
      case Op::times:
      case Op::not_near:
      case Op::outside: listen(children[0]); break;
      case Op::all:
      case Op::near:
      case Op::before:
      case Op::same_sentence:
      case Op::same_paragraph: {
        std::uint32_t best = nothing;
        for (std::uint32_t i = 0; i < node.children; ++i)
          if (float c = cost_[children[i]]; c >= 0 && (best == nothing || c < cost_[best])) best = children[i];
        listen(best);
        std::uint32_t guard = nothing;
        for (std::uint32_t i = 0; i < node.children; ++i) {
          std::uint32_t child = children[i];
          Op op = plan_.nodes[child].op;
          bool leaf = op == Op::term || op == Op::entity || op == Op::entity_class || op == Op::regex;
          if (leaf && child != best && cost_[child] >= 0 && (guard == nothing || cost_[child] < cost_[guard])) guard = child;
        }
        guards_[n] = guard;
        if (guard != nothing) stack.push_back(guard);
        break;
      }
      default: break;
    }
  }
}

void GraphBuilder::add_triggers() {
  weigh();
  guards_.assign(plan_.nodes.size(), nothing);
  for (std::uint32_t r = 0; r < program_.rules.size(); ++r) {
    std::uint32_t root = plan_.roots[r];
    if (program_.rules[r].info.status == RuleStatus::disabled) continue;
    edges_.push_back({root, r | rule_edge});
    if (cost_[root] >= 0) demand(root);
    else plan_.always.push_back(root);
  }
  // Large alternatives are answered by what was touched, wherever they stand.
  for (std::uint32_t n = 0; n < plan_.nodes.size(); ++n)
    if (plan_.nodes[n].op == Op::any && plan_.nodes[n].children >= many_children) demand(n);
  Lists<std::uint32_t> up = lists_of(edges_, plan_.nodes.size());
  plan_.up.offsets = std::move(up.offsets);
  plan_.up.values.reserve(up.values.size());
  for (std::uint32_t to : up.values) plan_.up.values.push_back({to, to & rule_edge ? nothing : guards_[to]});
  std::vector<std::pair<std::uint32_t, std::uint32_t>> terms, entities, classes, regexes;
  for (std::uint32_t n : demanded_) {
    const Node& node = plan_.nodes[n];
    if (node.op == Op::term) terms.push_back({node.a, n});
    else if (node.op == Op::entity) entities.push_back({node.a, n});
    else if (node.op == Op::entity_class) classes.push_back({node.a, n});
    else if (node.op == Op::regex) regexes.push_back({plan_.regexes[node.a].number, n});
  }
  plan_.pattern_leaves = lists_of(terms, patterns_.size());
  plan_.entity_leaves = lists_of(entities, plan_.entities.size());
  plan_.class_leaves = lists_of(classes, plan_.classes.size());
  plan_.regex_leaves = lists_of(regexes, plan_.regexes.size());
  std::sort(plan_.always.begin(), plan_.always.end());
  plan_.always.erase(std::unique(plan_.always.begin(), plan_.always.end()), plan_.always.end());
}

std::pair<Plan, Patterns> GraphBuilder::build() {
  std::uint16_t everywhere = zone_of({});
  asked_.assign(program_.entities.size(), 0);
  for (const syntax::Entity& entity : program_.entities) {
    EntityRecord record;
    plan_.entity_ids.add(entity.id);
    if (!entity.type.empty()) record.type = type_of(entity.type);
    record.watchlist = entity.watchlist;
    plan_.entities.push_back(std::move(record));
  }
  for (std::uint32_t r = 0; r < program_.rules.size(); ++r) {
    const syntax::Rule& rule = program_.rules[r];
    plan_.rules.push_back(rule.info);
    bool disabled = rule.info.status == RuleStatus::disabled;
    plan_.roots.push_back(disabled ? never() : node_of_rule(r, everywhere));
    plan_.ignores_boilerplate.push_back(!rule.count_boilerplate);
  }
  add_contexts();
  add_names();
  plan_.regex_filter.build();
  add_triggers();
  return {std::move(plan_), patterns_.build()};
}

}  // namespace newswatch::engine
