#pragma once
// The compiler's middle: syntax tree to graph.

#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rules/engine/interner.h"
#include "rules/engine/patterns.h"
#include "rules/engine/plan.h"
#include "rules/engine/syntax.h"

namespace newswatch::engine {

class GraphBuilder {
 public:
  GraphBuilder(const syntax::Program& program, const HashKey& key) : program_(program), patterns_(key) {}
  /// Once.
  std::pair<Plan, Patterns> build();

 private:
  std::uint32_t node_of(const syntax::Expression& expression, std::uint16_t zone, bool count);
  std::uint32_t node_of_list(std::uint32_t list, std::uint16_t zone, bool count);
  std::uint32_t node_of_rule(std::uint32_t rule, std::uint16_t zone);
  std::uint32_t node_of_regex(const syntax::Expression& expression, std::uint16_t zone, bool count);
  std::uint32_t node_of_where(const syntax::Where& where);
  std::uint32_t intern(Node node, const std::vector<std::uint32_t>& children);
  std::uint32_t never();
  std::uint16_t zone_of(const Zone& zone);
  std::uint32_t name_of(const std::string& text);
  std::uint32_t type_of(const std::string& type);
  std::uint32_t class_of(std::uint32_t type, std::uint32_t watchlist);
  void ask(std::uint32_t entity, bool count);
  void ask_class(std::uint32_t entity_class, bool count);
  void add_contexts();
  void add_names();
  void add_triggers();
  void weigh();
  void demand(std::uint32_t node);

  const syntax::Program& program_;
  Patterns::Builder patterns_;
  Plan plan_;
  Interner nodes_, names_;
  std::string key_;  // reused
  std::unordered_map<std::string, std::uint32_t> types_;
  std::map<Zone, std::uint16_t> zones_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> classes_;
  std::map<std::tuple<std::uint32_t, std::uint16_t, bool>, std::uint32_t> lists_;
  std::map<std::pair<std::uint32_t, std::uint16_t>, std::uint32_t> rules_;
  std::map<std::pair<std::string, std::uint8_t>, std::uint32_t> regexes_;
  std::vector<std::uint8_t> asked_;  // by entity: bit 1 << count
  std::vector<std::pair<std::uint32_t, bool>> to_do_;
  std::vector<std::vector<std::uint32_t>> of_class_;  // entities
  std::vector<float> entity_cost_;
  std::vector<float> cost_;           // by node; negative: nothing wakes it
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges_;  // child, parent
  std::vector<std::uint32_t> demanded_;
  std::vector<std::uint32_t> guards_;  // by node
};

}  // namespace newswatch::engine
