#pragma once
// What the compiler makes of the rules and the evaluator runs: one graph of shared sub-expressions.
//
// Zones and the boilerplate setting are pushed down to the leaves when rules are compiled, so a node means one thing for
// an article whoever asks, and its answer is kept for the article. Equal nodes are one node.
//
// `up` edges are triggers: a leaf that the article touches wakes the nodes that chose it, up to the rules. A node is
// woken whenever it can be true: `any` listens to all its operands, `all` to one of them, the rarest. Rules that are
// woken are evaluated from above; others are false. A node that needs several things listens to the rarest and has the
// second rarest leaf as guard: all leaves are woken before anything else is, so an edge whose guard sleeps is not taken.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rules/engine/regex_filter.h"
#include "rules/engine/rule_info.h"

namespace newswatch::engine {

enum class Op : std::uint8_t {
  never, term, entity, entity_class, regex, where,
  any, all, none, at_least, times, near, before, same_sentence, same_paragraph, not_near, outside,
};

/// Which part of the article a leaf sees.
struct Zone {
  bool title = true, body = true, lead = false;
  std::uint32_t first = UINT32_MAX;  ///< words of the body
  auto operator<=>(const Zone&) const = default;
};

struct Node {
  Op op = Op::never;
  bool count_boilerplate = false;  ///< leaves and `where`
  std::uint16_t zone = 0;          ///< leaves
  std::uint32_t first_child = 0, children = 0;
  std::uint32_t a = 0;  ///< pattern, entity, class, regex, condition; or the number of at_least, times, or the gap
  std::uint32_t b = 0;  ///< term: its name
  bool listens = false;  ///< woken whenever it can be true; not woken: false
};

/// Compressed lists: of(i) is values[offsets[i] .. offsets[i + 1]).
template <class T>
struct Lists {
  std::vector<std::uint32_t> offsets{0};
  std::vector<T> values;
  struct Range {
    const T *first, *last;
    const T* begin() const { return first; }
    const T* end() const { return last; }
    std::size_t size() const { return static_cast<std::size_t>(last - first); }
  };
  Range of(std::size_t i) const { return {values.data() + offsets[i], values.data() + offsets[i + 1]}; }
  std::size_t size() const { return offsets.size() - 1; }
  std::size_t bytes() const { return offsets.size() * 4 + values.size() * sizeof(T); }
};

struct IncludeExclude {
  bool has_include = false;
  std::vector<std::string> include, exclude;  ///< folded for comparison
  bool operator==(const IncludeExclude&) const = default;
};

struct WhereCondition {
  IncludeExclude languages, sources, countries, sections, authors, tags;
  std::int64_t max_age_ms = -1;  ///< -1: none
  std::uint32_t min_words = 0, max_words = UINT32_MAX;
  bool operator==(const WhereCondition&) const = default;
};

/// Many short texts without an allocation each.
class Texts {
 public:
  std::uint32_t add(std::string_view text) {
    bytes_ += text;
    ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    return static_cast<std::uint32_t>(ends_.size() - 1);
  }
  std::string_view operator[](std::size_t i) const {
    std::uint32_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }
  std::size_t size() const { return ends_.size(); }
  std::size_t bytes() const { return bytes_.size() + ends_.size() * sizeof(std::uint32_t); }

 private:
  std::string bytes_;
  std::vector<std::uint32_t> ends_;
};

struct EntityRecord {
  std::uint32_t type = UINT32_MAX;       ///< index of a type, names folded
  std::uint32_t watchlist = UINT32_MAX;
};

/// A name of an entity, found by a pattern.
struct NameUse {
  std::uint32_t entity = 0;
  std::uint32_t name : 31 = 0;  ///< index into names: as written
  std::uint32_t weak : 1 = 0;
};

struct EntityClass {
  std::uint32_t type = UINT32_MAX, watchlist = UINT32_MAX;  ///< UINT32_MAX: any
};

struct Regex {
  enum class Field : std::uint8_t { text, title, body, url, author };
  std::shared_ptr<const re2::RE2> program;
  std::string source;
  Field field = Field::text;
  std::uint32_t number = 0;  ///< in the filter
};

constexpr std::uint32_t rule_edge = 1u << 31;  ///< in Edge::to: a rule, not a node

struct Edge {
  std::uint32_t to;
  std::uint32_t guard;  ///< a leaf without which `to` cannot be true, or UINT32_MAX
};

struct Plan {
  std::vector<Node> nodes;
  std::vector<std::uint32_t> children;
  Lists<std::uint32_t> pattern_leaves;  ///< by pattern: nodes that it wakes
  Lists<std::uint32_t> entity_leaves;   ///< by entity
  Lists<std::uint32_t> class_leaves;    ///< by class
  Lists<std::uint32_t> regex_leaves;    ///< by number in the filter
  RegexFilter regex_filter;
  Lists<Edge> up;                       ///< by node: what it wakes
  std::vector<std::uint32_t> always;    ///< nodes that no term can wake

  Texts names;       ///< terms and names as written
  Texts entity_ids;
  Lists<NameUse> pattern_names;    ///< by pattern: names of entities that some node asks for
  std::vector<std::uint8_t> pattern_is_name;  ///< bit 0: a name of some entity; bit 1: a strong one
  std::vector<EntityRecord> entities;
  std::unordered_map<std::uint32_t, std::array<std::uint32_t, 2>> contexts;  ///< by entity: nodes, boilerplate ignored and counted
  std::vector<EntityClass> classes;
  std::vector<Zone> zones;
  std::vector<Regex> regexes;
  std::vector<WhereCondition> conditions;

  std::vector<RuleInfo> rules;
  std::vector<std::uint32_t> roots;           ///< node of each rule
  std::vector<std::uint8_t> ignores_boilerplate;  ///< by rule

  std::size_t bytes() const {
    std::size_t text = names.bytes() + entity_ids.bytes() + contexts.size() * 40;
    return nodes.size() * sizeof(Node) + children.size() * 4 + pattern_leaves.bytes() + entity_leaves.bytes() + class_leaves.bytes() +
           up.bytes() + pattern_names.bytes() + pattern_is_name.size() + entities.size() * sizeof(EntityRecord) +
           conditions.size() * sizeof(WhereCondition) + rules.size() * sizeof(RuleInfo) + roots.size() * 5 + text;
  }
};

}  // namespace newswatch::engine
