#pragma once
// Our own JSON: an object whose members are named as in Article. Sees simdjson.

#include "daemon/ingest/json_values.h"

namespace newswatch::ingest {

/// Strict: a member of the wrong type is an error, since it is our own format; members that it does not know are ignored.
/// `body` may be a string or an array of paragraphs, `boilerplate` then counts the elements of the array. Of members with
/// one name the first counts.
Result<void> read_newswatch(const dom::object& document, Article& article);

}  // namespace newswatch::ingest
