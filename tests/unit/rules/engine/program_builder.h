#pragma once
// Writes programs in C++, for tests that need no YAML.

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "rules/engine/syntax.h"

namespace newswatch::engine::build {

using syntax::CaseMode;
using syntax::Expression;
using syntax::MatchMode;
using syntax::Op;
using syntax::Program;

inline Expression term(std::string text, MatchMode match = MatchMode::inflected, CaseMode letters = CaseMode::automatic) {
  Expression e;
  e.op = Op::term;
  e.how = {match, match == MatchMode::prefix ? MatchMode::inflected : match, letters};
  if (text.ends_with('*')) e.how.match = MatchMode::prefix;
  e.text = std::move(text);
  return e;
}

inline Expression op(Op op, std::vector<Expression> operands, std::uint32_t number = 0) {
  Expression e;
  e.op = op;
  e.number = number;
  e.operands = std::move(operands);
  return e;
}

inline std::uint32_t add_rule(Program& program, std::string id, Expression condition) {
  syntax::Rule rule;
  rule.info.key = rule.info.id = rule.info.title = std::move(id);
  rule.condition = std::move(condition);
  program.rules.push_back(std::move(rule));
  return static_cast<std::uint32_t>(program.rules.size() - 1);
}

}  // namespace newswatch::engine::build
