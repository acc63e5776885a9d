#include "daemon/ingest/json_values.h"

#include <charconv>

#include "daemon/ingest/date.h"

namespace newswatch::ingest {

std::string_view type_name(const dom::element& value) {
  switch (value.type()) {
    case dom::element_type::ARRAY: return "an array";
    case dom::element_type::OBJECT: return "an object";
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
    case dom::element_type::DOUBLE: return "a number";
    case dom::element_type::STRING: return "a string";
    case dom::element_type::BOOL: return "true or false";
    case dom::element_type::NULL_VALUE: return "null";
  }
  return "something else";
}

Error wrong_type(std::string_view name, const dom::element& value, std::string_view wanted) {
  std::string message = "`";
  message.append(name).append("` is ").append(type_name(value)).append("; it must be ").append(wanted);
  return permanent_error("wrong_type", std::move(message));
}

bool set_text(const dom::element& value, std::string& out) {
  std::string_view text;
  if (value.get_string().get(text)) return false;
  out.assign(text);
  return true;
}

bool set_name(const dom::element& value, std::string& out) {
  if (set_text(value, out)) return true;
  if (std::int64_t number; value.type() == dom::element_type::INT64 && !value.get_int64().get(number)) {
    out = std::to_string(number);
    return true;
  }
  if (std::uint64_t number; value.type() == dom::element_type::UINT64 && !value.get_uint64().get(number)) {
    out = std::to_string(number);
    return true;
  }
  return false;
}

bool set_list(const dom::element& value, std::vector<std::string>& out) {
  out.clear();
  if (std::string_view one; !value.get_string().get(one)) {
    if (!one.empty()) out.emplace_back(one);
    return true;
  }
  dom::array array;
  if (value.get_array().get(array)) return false;
  for (const dom::element item : array) {
    if (item.is_null()) continue;
    std::string_view text;
    if (item.get_string().get(text)) return false;
    if (!text.empty()) out.emplace_back(text);
  }
  return true;
}

bool set_integer(const dom::element& value, std::optional<std::int64_t>& out) {
  if (std::int64_t number; value.type() == dom::element_type::INT64 && !value.get_int64().get(number)) {
    out = number;
    return true;
  }
  std::string_view text;
  if (value.get_string().get(text) || text.empty()) return false;
  std::int64_t number = 0;
  const auto end = text.data() + text.size();
  if (const auto read = std::from_chars(text.data(), end, number); read.ec != std::errc() || read.ptr != end)
    return false;
  out = number;
  return true;
}

bool set_date(const dom::element& value, std::optional<Time>& out) {
  if (std::string_view text; !value.get_string().get(text)) {
    out = parse_date(text);
    return text.empty() || out.has_value();
  }
  double number = 0;
  if (value.get_double().get(number)) return false;
  out = date_of_number(number);
  return out.has_value();
}

bool set_status(std::string_view word, ArticleStatus& out) {
  std::string lower;
  for (const char c : word.substr(0, 20)) lower += c >= 'A' && c <= 'Z' ? char(c + 32) : c;
  if (lower.empty() || lower == "live" || lower == "usable" || lower == "published")
    out = ArticleStatus::live;
  else if (lower == "kill" || lower == "killed")
    out = ArticleStatus::kill;
  else if (lower == "withheld")
    out = ArticleStatus::withheld;
  else if (lower == "canceled" || lower == "cancelled")
    out = ArticleStatus::canceled;
  else if (lower == "deleted")
    out = ArticleStatus::deleted;
  else if (lower == "tombstone")
    out = ArticleStatus::tombstone;
  else
    return false;
  return true;
}

void clear(Article& article) {
  for (std::string* text : {&article.feed, &article.id, &article.title, &article.body, &article.url, &article.source,
                            &article.language})
    text->clear();
  for (auto* list : {&article.authors, &article.sections, &article.tags, &article.countries}) list->clear();
  article.version.reset();
  article.boilerplate.clear();
  article.published.reset();
  article.updated.reset();
  article.status = ArticleStatus::live;
  article.entities.clear();
}

}  // namespace newswatch::ingest
