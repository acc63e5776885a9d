#pragma once
// What is allowed but hardly meant: `covered` and `ambiguous-capital`.

#include "config/yaml/diagnostic.h"
#include "rules/engine/syntax.h"

namespace newswatch::rules {

/// Costs a pass over all terms of rules; terms of lists are looked at for `ambiguous-capital` only.
void warn(const engine::syntax::Program& program, yaml::Diagnostics& diagnostics);

}  // namespace newswatch::rules
