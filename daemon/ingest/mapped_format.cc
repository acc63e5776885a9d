#include "daemon/ingest/mapped_format.h"

#include <charconv>

#include "daemon/ingest/language.h"

namespace newswatch::ingest {
namespace {

/// The tokens of an RFC 6901 pointer, which the configuration reader has checked: empty, or it begins with a slash.
std::vector<std::string> tokens(std::string_view pointer) {
  std::vector<std::string> path;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::size_t end = std::min(pointer.find('/'), pointer.size());
    std::string token;
    for (std::size_t i = 0; i < end; ++i) {
      if (pointer[i] == '~' && i + 1 < end && (pointer[i + 1] == '0' || pointer[i + 1] == '1'))
        token += pointer[++i] == '0' ? '~' : '/';
      else
        token += pointer[i];
    }
    path.push_back(std::move(token));
    pointer.remove_prefix(end);
  }
  return path;
}

/// What a visit says to the walk that calls it.
constexpr bool go_on = true, stop = false;

}  // namespace

MappedFormat::MappedFormat(const config::FieldMap& map) {
  const auto compile = [](std::string_view name, const config::FieldMap::Pointers& pointers) {
    Field field{std::string(name), {}};
    for (const std::string& pointer : pointers) field.paths.push_back(tokens(pointer));
    return field;
  };
  id_ = compile("id", map.id);
  version_ = compile("version", map.version);
  title_ = compile("title", map.title);
  body_ = compile("body", map.body);
  url_ = compile("url", map.url);
  source_ = compile("source", map.source);
  authors_ = compile("authors", map.authors);
  sections_ = compile("sections", map.sections);
  tags_ = compile("tags", map.tags);
  countries_ = compile("countries", map.countries);
  published_ = compile("published", map.published);
  updated_ = compile("updated", map.updated);
  language_ = compile("language", map.language);
  status_ = compile("status", map.status);
}

/// Visits every value that the path leads to, in the order of the document, nulls left out. False: a visit said stop.
/// Recursion is bounded by the length of the path.
template <class Visit>
bool MappedFormat::walk(const dom::element& value, const Path& path, std::size_t at, Visit&& visit) {
  if (at == path.size()) return value.is_null() ? go_on : visit(value);
  const std::string& token = path[at];
  if (dom::object object; !value.get_object().get(object)) {
    dom::element next;
    return object.at_key(token).get(next) ? go_on : walk(next, path, at + 1, visit);
  }
  dom::array array;
  if (value.get_array().get(array)) return go_on;
  if (token == "*") {
    for (const dom::element item : array)
      if (!walk(item, path, at + 1, visit)) return stop;
    return go_on;
  }
  std::size_t index = 0;
  const char* end = token.data() + token.size();
  if (const auto read = std::from_chars(token.data(), end, index); read.ec != std::errc() || read.ptr != end) return go_on;
  dom::element next;
  return array.at(index).get(next) ? go_on : walk(next, path, at + 1, visit);
}

/// Offers the values of the pointers in order until `take` accepts one. False: none was accepted.
template <class Take>
bool MappedFormat::first_of(const Field& field, Take&& take) {
  bool taken = false;
  for (const Path& path : field.paths) {
    walk(document_, path, 0, [&](const dom::element& value) {
      taken = take(value);
      return taken ? stop : go_on;
    });
    if (taken) return true;
  }
  return false;
}

Result<void> MappedFormat::read_required(const Field& field, bool whole_numbers, std::string& out) {
  Result<void> result;
  first_of(field, [&](const dom::element& value) {
    if (whole_numbers ? set_name(value, out) : set_text(value, out)) return !out.empty();
    result = wrong_type(field.name, value, whole_numbers ? "a string or a whole number" : "a string");
    return true;
  });
  return result;
}

/// The strings that one pointer leads to, as paragraphs.
Result<void> MappedFormat::read_body(std::string& out) {
  Result<void> result;
  const auto add = [&](const dom::element& value) {
    std::string_view text;
    if (value.get_string().get(text)) {
      result = wrong_type("body", value, "a string, or an array of strings");
      return stop;
    }
    if (text.empty()) return go_on;
    if (!out.empty()) out += "\n\n";
    out += text;
    return go_on;
  };
  for (const Path& path : body_.paths) {
    walk(document_, path, 0, [&](const dom::element& value) {
      dom::array array;
      if (value.get_array().get(array)) return add(value);
      for (const dom::element item : array)
        if (!item.is_null() && !add(item)) return stop;
      return go_on;
    });
    if (!result || !out.empty()) break;
  }
  return result;
}

/// A list is what one pointer leads to: strings, arrays of strings, numbers as their digits.
void MappedFormat::read_list(const Field& field, std::vector<std::string>& out) {
  std::string text;
  const auto add = [&](const dom::element& value) {
    if (value.is_null()) return;
    if (!set_name(value, text))
      ++left_out_;
    else if (!text.empty())
      out.push_back(text);
  };
  for (const Path& path : field.paths) {
    walk(document_, path, 0, [&](const dom::element& value) {
      if (dom::array array; !value.get_array().get(array)) {
        for (const dom::element item : array) add(item);
      } else {
        add(value);
      }
      return go_on;
    });
    if (!out.empty()) return;
  }
}

void MappedFormat::read_optional(Article& article) {
  // Counts a value that was there and no use, once a field, unless a later pointer gave one.
  const auto optional = [this](const Field& field, auto&& set) {
    bool unusable = false;
    const bool found = first_of(field, [&](const dom::element& value) {
      if (std::string_view text; !value.get_string().get(text) && text.empty()) return false;
      const bool good = set(value);
      unusable = unusable || !good;
      return good;
    });
    if (!found && unusable) ++left_out_;
  };
  optional(source_, [&](const dom::element& value) { return set_name(value, article.source); });
  optional(version_, [&](const dom::element& value) { return set_integer(value, article.version); });
  optional(published_, [&](const dom::element& value) { return set_date(value, article.published); });
  optional(updated_, [&](const dom::element& value) { return set_date(value, article.updated); });
  optional(language_, [&](const dom::element& value) {
    std::string_view text;
    if (value.get_string().get(text)) return false;
    article.language = language_tag(text);
    return !article.language.empty() || text == "und";
  });
  optional(status_, [&](const dom::element& value) {
    std::string_view text;
    return !value.get_string().get(text) && set_status(text, article.status);
  });
  read_list(authors_, article.authors);
  read_list(sections_, article.sections);
  read_list(tags_, article.tags);
  read_list(countries_, article.countries);
}

Result<void> MappedFormat::read(const dom::element& document, Article& article) {
  document_ = document;
  Result<void> result = read_required(id_, true, article.id);
  if (result) result = read_required(url_, false, article.url);
  if (result) result = read_required(title_, false, article.title);
  if (result) result = read_body(article.body);
  if (result) read_optional(article);
  return result;
}

}  // namespace newswatch::ingest
