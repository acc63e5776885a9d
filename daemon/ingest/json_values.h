#pragma once
// JSON values → the parts of an article. Sees simdjson; included by this folder's .cc files only.

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/observe/result.h"
#include "rules/engine/article.h"

namespace newswatch::ingest {

namespace dom = simdjson::dom;

/// "a string", "an array" …
std::string_view type_name(const dom::element& value);
/// The error of a value of the wrong type: `name` is where it stands.
Error wrong_type(std::string_view name, const dom::element& value, std::string_view wanted);

// Each returns false when the value is of another type; null must be handled before.
bool set_text(const dom::element& value, std::string& out);         ///< a string
bool set_name(const dom::element& value, std::string& out);         ///< a string or a whole number
bool set_list(const dom::element& value, std::vector<std::string>& out);  ///< a string or an array of strings; empty ones
                                                                          ///< and nulls are left out
bool set_integer(const dom::element& value, std::optional<std::int64_t>& out);  ///< a whole number, or a string of one
bool set_date(const dom::element& value, std::optional<Time>& out);             ///< date.h; an empty string is no date
/// `live` and the usual words for it, or one of ArticleStatus.
bool set_status(std::string_view word, ArticleStatus& out);

/// Makes it empty; strings and lists keep their memory.
void clear(Article& article);

}  // namespace newswatch::ingest
