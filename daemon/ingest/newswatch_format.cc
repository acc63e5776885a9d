#include "daemon/ingest/newswatch_format.h"

#include <algorithm>
#include <limits>

#include "daemon/ingest/decoder.h"
#include "daemon/ingest/language.h"

namespace newswatch::ingest {
namespace {

enum class Member : std::uint8_t {
  id, version, title, body, boilerplate, url, source, authors, sections, tags, countries, published, updated, language,
  status, entities, unknown
};

/// The member by its name: the length and one letter leave at most one candidate to compare.
Member member_named(std::string_view key) {
  const auto is = [key](std::string_view name, Member member) { return key == name ? member : Member::unknown; };
  switch (key.size()) {
    case 2: return is("id", Member::id);
    case 3: return is("url", Member::url);
    case 4: return key[0] == 'b' ? is("body", Member::body) : is("tags", Member::tags);
    case 5: return is("title", Member::title);
    case 6: return key[1] == 'o' ? is("source", Member::source) : is("status", Member::status);
    case 7:
      return key[0] == 'v' ? is("version", Member::version)
             : key[0] == 'a' ? is("authors", Member::authors)
                             : is("updated", Member::updated);
    case 8:
      return key[0] == 's' ? is("sections", Member::sections)
             : key[0] == 'l' ? is("language", Member::language)
                             : is("entities", Member::entities);
    case 9: return key[0] == 'c' ? is("countries", Member::countries) : is("published", Member::published);
    case 11: return is("boilerplate", Member::boilerplate);
    default: return Member::unknown;
  }
}

/// How many paragraphs LANGUAGE section 1 sees in a text that stands between empty lines.
std::uint32_t paragraphs_in(std::string_view text) {
  std::uint32_t count = 0;
  bool inside = false;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find_first_of("\r\n", at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const bool blank = line.find_first_not_of(" \t\v\f") == std::string_view::npos;
    if (!blank && !inside) ++count;
    inside = !blank;
    if (end == text.size()) break;
    at = end + (text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n' ? 2 : 1);
  }
  return count;
}

/// Joins an array of paragraphs by empty lines. `first` gets the paragraph index at which each element begins, and one
/// past the last.
bool join_body(const dom::array& array, std::string& body, std::vector<std::uint32_t>& first) {
  first.assign(1, 0);
  for (const dom::element item : array) {
    std::string_view text;
    if (!item.is_null() && item.get_string().get(text)) return false;
    const std::uint32_t count = paragraphs_in(text);
    if (count > 0) {
      if (!body.empty()) body += "\n\n";
      body += text;
    }
    first.push_back(first.back() + count);
  }
  return true;
}

Result<void> read_boilerplate(const dom::element& value, const std::vector<std::uint32_t>* first, Article& article) {
  dom::array array;
  if (value.get_array().get(array)) return wrong_type("boilerplate", value, "an array of paragraph indexes, from 0");
  for (const dom::element item : array) {
    std::uint64_t index = 0;
    if (item.get_uint64().get(index) || index >= std::numeric_limits<std::uint32_t>::max())
      return permanent_error(std::string(code_bad_value),
                             "`boilerplate` holds something that is no paragraph index (a whole number from 0)");
    if (!first) {
      article.boilerplate.push_back(std::uint32_t(index));
    } else if (index + 1 < first->size()) {
      for (std::uint32_t i = (*first)[index]; i < (*first)[index + 1]; ++i) article.boilerplate.push_back(i);
    }
  }
  std::sort(article.boilerplate.begin(), article.boilerplate.end());
  article.boilerplate.erase(std::unique(article.boilerplate.begin(), article.boilerplate.end()),
                            article.boilerplate.end());
  return {};
}

Result<void> read_entities(const dom::element& value, Article& article) {
  constexpr std::string_view wanted = "an array of names, or of objects with `id`, `name` and `type`";
  dom::array array;
  if (value.get_array().get(array)) return wrong_type("entities", value, wanted);
  for (const dom::element item : array) {
    UpstreamEntity entity;
    if (!set_text(item, entity.name)) {
      dom::object object;
      if (item.get_object().get(object)) return wrong_type("entities", item, wanted);
      for (const auto [key, part] : object) {
        if (part.is_null()) continue;
        std::string* out = key == "id" ? &entity.id : key == "name" ? &entity.name : key == "type" ? &entity.type : nullptr;
        if (out && !set_name(part, *out)) return wrong_type("entities", part, wanted);
      }
    }
    if (!entity.id.empty() || !entity.name.empty()) article.entities.push_back(std::move(entity));
  }
  return {};
}

/// Sets what needs no other member. An error names the member.
Result<void> set_member(Member member, std::string_view key, const dom::element& value, Article& article) {
  switch (member) {
    case Member::id:
      if (set_name(value, article.id)) return {};
      return wrong_type(key, value, "a string or a whole number");
    case Member::title:
      if (set_text(value, article.title)) return {};
      return wrong_type(key, value, "a string");
    case Member::url:
      if (set_text(value, article.url)) return {};
      return wrong_type(key, value, "a string");
    case Member::source:
      if (set_text(value, article.source)) return {};
      return wrong_type(key, value, "a string");
    case Member::version:
      if (set_integer(value, article.version)) return {};
      return wrong_type(key, value, "a whole number below 2^63");
    case Member::authors:
      if (set_list(value, article.authors)) return {};
      return wrong_type(key, value, "a string or an array of strings");
    case Member::sections:
      if (set_list(value, article.sections)) return {};
      return wrong_type(key, value, "a string or an array of strings");
    case Member::tags:
      if (set_list(value, article.tags)) return {};
      return wrong_type(key, value, "a string or an array of strings");
    case Member::countries:
      if (set_list(value, article.countries)) return {};
      return wrong_type(key, value, "a string or an array of strings");
    case Member::published:
      if (set_date(value, article.published)) return {};
      break;
    case Member::updated:
      if (set_date(value, article.updated)) return {};
      break;
    case Member::language: {
      std::string_view text;
      if (value.get_string().get(text)) return wrong_type(key, value, "a string");
      article.language = language_tag(text);
      return {};
    }
    case Member::status: {
      std::string_view text;
      if (value.get_string().get(text)) return wrong_type(key, value, "a string");
      if (set_status(text, article.status)) return {};
      return permanent_error(std::string(code_bad_value),
                             "`status` is none of live, kill, withheld, canceled, deleted and tombstone");
    }
    case Member::entities: return read_entities(value, article);
    case Member::body:
    case Member::boilerplate:
    case Member::unknown: return {};
  }
  if (!value.is_string() && !value.is_number()) return wrong_type(key, value, "a date as string or number");
  std::string message = "`";
  message.append(key).append("` is no date: write it as 2026-01-31T08:30:00Z, 2026-01-31, or as seconds or milliseconds "
                             "since 1970");
  return permanent_error(std::string(code_bad_value), std::move(message));
}

}  // namespace

Result<void> read_newswatch(const dom::object& document, Article& article) {
  std::uint32_t seen = 0;
  dom::element boilerplate;
  bool has_boilerplate = false, body_is_array = false;
  std::vector<std::uint32_t> first;  // allocates only for a body in paragraphs
  Result<void> error;  // the first; members after it are still visited, so that the id is known to who puts the record aside
  for (const auto [key, value] : document) {
    const Member member = member_named(key);
    if (member == Member::unknown || value.is_null() || (seen & (1u << unsigned(member)))) continue;
    seen |= 1u << unsigned(member);
    if (!error && member != Member::id) continue;
    Result<void> result;
    if (member == Member::body) {
      if (dom::array array; !value.get_array().get(array)) {
        body_is_array = true;
        if (!join_body(array, article.body, first))
          result = wrong_type(key, value, "a string, or an array of paragraphs as strings");
      } else if (!set_text(value, article.body)) {
        result = wrong_type(key, value, "a string, or an array of paragraphs as strings");
      }
    } else if (member == Member::boilerplate) {
      boilerplate = value;
      has_boilerplate = true;
    } else {
      result = set_member(member, key, value, article);
    }
    if (!result && error) error = result;
  }
  if (!error) return error;
  if (has_boilerplate) return read_boilerplate(boilerplate, body_is_array ? &first : nullptr, article);
  return {};
}

}  // namespace newswatch::ingest
