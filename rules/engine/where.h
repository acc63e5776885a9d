#pragma once
// The `where` conditions (LANGUAGE section 4).

#include <cstdint>
#include <string>
#include <string_view>

#include "rules/engine/article.h"
#include "rules/engine/plan.h"

namespace newswatch::engine {

/// `body_words`: words of the body, without boilerplate.
bool where_holds(const WhereCondition& condition, const Article& article, Time record_time, std::uint32_t body_words);

/// Full case folding: what "equal ignoring case" compares.
std::string fold_case(std::string_view text);

/// The host of a URL, in small letters; empty when there is none.
std::string host_of(std::string_view url);

}  // namespace newswatch::engine
