#pragma once
// The query string (LANGUAGE section 3.2).

#include <cstddef>
#include <functional>
#include <string_view>

#include "config/yaml/diagnostic.h"
#include "rules/engine/syntax.h"
#include "rules/engine/term_check.h"

namespace newswatch::engine::syntax {

inline constexpr std::size_t most_query_bytes = 64 * 1024;

/// Where a byte of the query stands in the author's file.
using PlaceOf = std::function<Place(std::size_t byte)>;

/// Reads a query, which is level 1 of its expression. All that is wrong is reported; then the result may hold `invalid`
/// nodes or be one, and must not be used but to look for further errors. Recursion is bounded by most_levels.
Expression parse_query(std::string_view text, const Scope& scope, const PlaceOf& place_of,
                       yaml::Diagnostics& diagnostics);

}  // namespace newswatch::engine::syntax
