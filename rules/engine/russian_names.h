#pragma once
// The case forms of Russian names (LANGUAGE section 5: in languages whose names inflect, the noun forms).

#include <string>
#include <string_view>
#include <vector>

namespace newswatch::engine {

/// Reduced forms of a reduced word of Russian letters, without the word itself; may repeat some. Of any other word
/// none.
std::vector<std::string> russian_name_forms(std::string_view reduced);

}  // namespace newswatch::engine
