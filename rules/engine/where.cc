#include "rules/engine/where.h"

#include <algorithm>

#include <unicode/unistr.h>

namespace newswatch::engine {

std::string fold_case(std::string_view text) {
  bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  std::string out;
  if (ascii) {
    out.reserve(text.size());
    for (char c : text) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return out;
  }
  icu::UnicodeString::fromUTF8({text.data(), static_cast<std::int32_t>(text.size())}).foldCase().toUTF8String(out);
  return out;
}

std::string host_of(std::string_view url) {
  std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  std::string_view host = url.substr(scheme + 3);
  host = host.substr(0, host.find_first_of("/?#\\"));
  if (std::size_t at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  if (host.starts_with('[')) return fold_case(host.substr(0, host.find(']') + 1));
  host = host.substr(0, host.find(':'));
  if (host.ends_with('.')) host.remove_suffix(1);
  return fold_case(host);
}

namespace {

template <class Has>
bool passes(const IncludeExclude& list, bool has_field, Has has) {
  if (list.has_include && (!has_field || !std::any_of(list.include.begin(), list.include.end(), has))) return false;
  return !has_field || std::none_of(list.exclude.begin(), list.exclude.end(), has);
}

bool passes_values(const IncludeExclude& list, const std::vector<std::string>& values) {
  if (!list.has_include && list.exclude.empty()) return true;
  std::vector<std::string> folded;
  for (const std::string& value : values) folded.push_back(fold_case(value));
  return passes(list, !folded.empty(), [&](const std::string& wanted) { return std::find(folded.begin(), folded.end(), wanted) != folded.end(); });
}

bool covers(std::string_view domain, std::string_view host) {
  if (domain.empty() || !host.ends_with(domain)) return false;
  return host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.';
}

}  // namespace

bool where_holds(const WhereCondition& condition, const Article& article, Time record_time, std::uint32_t body_words) {
  if (body_words < condition.min_words || body_words > condition.max_words) return false;
  if (condition.max_age_ms >= 0 && article.published && record_time != Time{} &&
      (record_time - *article.published).count() > condition.max_age_ms)
    return false;
  if (condition.languages.has_include || !condition.languages.exclude.empty()) {
    std::string_view tag = article.language;
    tag = tag.substr(0, tag.find_first_of("-_"));
    std::string primary = tag.empty() ? "und" : fold_case(tag);
    // An article without language is `und`: it has the field.
    if (!passes(condition.languages, true, [&](const std::string& wanted) { return wanted == primary; })) return false;
  }
  if (condition.sources.has_include || !condition.sources.exclude.empty()) {
    std::string source = fold_case(article.source), host = host_of(article.url);
    bool has = !source.empty() || !host.empty();
    if (!passes(condition.sources, has, [&](const std::string& wanted) { return covers(wanted, source) || covers(wanted, host); })) return false;
  }
  return passes_values(condition.countries, article.countries) && passes_values(condition.sections, article.sections) &&
         passes_values(condition.authors, article.authors) && passes_values(condition.tags, article.tags);
}

}  // namespace newswatch::engine
