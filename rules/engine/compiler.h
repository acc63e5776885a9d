#pragma once
// From the resolved syntax tree to a rule set.

#include <memory>
#include <string>

#include "rules/engine/rule_set.h"
#include "rules/engine/syntax.h"

namespace newswatch::engine {

struct CompileOptions {
  std::string default_language = "en";  ///< of articles that name none
};

/// The program must be without errors (no `invalid` node, no cycle, expressions of RE2 that compile); it is not needed
/// afterwards. Time and memory grow with its terms.
std::shared_ptr<const RuleSet> compile(const syntax::Program& program, const CompileOptions& options = {});

}  // namespace newswatch::engine
