#pragma once
// Expressions in their YAML form (LANGUAGE section 3).

#include <optional>
#include <string>

#include "config/yaml/document.h"
#include "rules/engine/syntax.h"
#include "rules/engine/term_check.h"
#include "rules/engine/text.h"

namespace newswatch::rules {

/// Reads expressions of one file. Errors are reported once, at their own place; a node with an error is `invalid`, and so
/// are the expressions around it not checked for what it may have broken.
class ExpressionReader {
 public:
  explicit ExpressionReader(yaml::Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  using Expression = engine::syntax::Expression;
  using Scope = engine::syntax::Scope;

  /// A term, "@list" or a mapping with one operator. `level`: of this expression, if it is one that counts. `negatable`: it
  /// stands where `none` is allowed.
  Expression read(const yaml::Node& node, const Scope& scope, std::uint32_t level, bool negatable);
  /// The operands of `op`, a list; at least `least`. The result is `op` of them, located at the list.
  Expression read_operands(const yaml::Node& node, engine::syntax::Op op, const Scope& scope, std::uint32_t level,
                           std::size_t least = 1);
  /// A term from a text.
  Expression read_term(const yaml::Node& node, const Scope& scope);
  Expression read_query(const yaml::Node& node, const Scope& scope);

  engine::PreparedText& scratch() { return scratch_; }

 private:
  Expression read_mapping(const yaml::Node& node, const Scope& scope, std::uint32_t level, bool negatable);
  Expression read_item(const yaml::Node& node, engine::syntax::Op parent, const Scope& scope, std::uint32_t level);
  Expression read_position_operand(const yaml::Node& node, const Scope& scope, std::uint32_t level);
  void need_positional(Expression& operand, const yaml::Place& place);

  yaml::Diagnostics& diagnostics_;
  engine::PreparedText scratch_;
};

/// The keys `match` and `case` of a term, list, rule or defaults.
std::optional<engine::syntax::MatchMode> read_match(yaml::Mapping& map);
std::optional<engine::syntax::CaseMode> read_case(yaml::Mapping& map);

}  // namespace newswatch::rules
