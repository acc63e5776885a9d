#pragma once
// Dates as producers write them.

#include <cstdint>
#include <optional>
#include <string_view>

#include "rules/engine/article.h"

namespace newswatch::ingest {

/// RFC 3339, also with a blank for the `T`, without a zone (then UTC), with an offset without its colon, and a date alone
/// (00:00 UTC). Years 0001–9999. Fractions beyond milliseconds are cut.
std::optional<Time> parse_date(std::string_view text);

/// Seconds since 1970, or milliseconds: a number from 100,000,000,000 up (1973 in milliseconds, the year 5138 in seconds)
/// is milliseconds. Nothing beyond year 9999.
std::optional<Time> date_of_number(double number);

}  // namespace newswatch::ingest
