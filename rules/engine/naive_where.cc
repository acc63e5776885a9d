#include "rules/engine/naive_where.h"

#include <unicode/unistr.h>

#include <algorithm>
#include <string>
#include <vector>

namespace newswatch::engine::naive {
namespace {

std::string folded(std::string_view text) {
  icu::UnicodeString folding =
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
  folding.foldCase();
  std::string out;
  folding.toUTF8String(out);
  return out;
}

std::string primary_subtag(std::string_view tag) { return folded(tag.substr(0, tag.find_first_of("-_"))); }

std::string host_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#\\"));
  if (const std::size_t user = url.rfind('@'); user != std::string_view::npos) url.remove_prefix(user + 1);
  return folded(url.substr(0, url.find(':')));
}

template <typename Covers>
bool passes(const syntax::IncludeExclude& condition, const std::vector<std::string>& values, Covers covers) {
  const auto some = [&](const std::vector<std::string>& wanted) {
    return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& each) {
      return std::any_of(values.begin(), values.end(),
                         [&](const std::string& value) { return covers(folded(each), value); });
    });
  };
  return (!condition.include || some(*condition.include)) && !some(condition.exclude);
}

}  // namespace

bool holds(const syntax::Where& where, const Article& article, Time record_time, const PreparedText& text) {
  const auto equal = [](const std::string& wanted, const std::string& value) { return wanted == value; };
  const auto all_folded = [](const std::vector<std::string>& values) {
    std::vector<std::string> out;
    for (const std::string& value : values) out.push_back(folded(value));
    return out;
  };
  std::string language = primary_subtag(article.language);
  if (language.empty()) language = "und";
  const auto language_equal = [](const std::string& wanted, const std::string& value) {
    return primary_subtag(wanted) == value;
  };
  if (!passes(where.languages, {language}, language_equal)) return false;

  std::vector<std::string> domains;
  for (std::string domain : {folded(article.source), host_of(article.url)}) {
    if (!domain.empty()) domains.push_back(std::move(domain));
  }
  const auto covers = [](const std::string& wanted, const std::string& value) {
    return value == wanted || (value.size() > wanted.size() && value.ends_with("." + wanted));
  };
  if (!passes(where.sources, domains, covers)) return false;

  if (!passes(where.countries, all_folded(article.countries), equal)) return false;
  if (!passes(where.sections, all_folded(article.sections), equal)) return false;
  if (!passes(where.authors, all_folded(article.authors), equal)) return false;
  if (!passes(where.tags, all_folded(article.tags), equal)) return false;

  if (where.max_age && article.published && record_time - *article.published > *where.max_age) return false;

  std::uint32_t words = 0;
  for (const Paragraph& paragraph : text.paragraphs()) {
    if (paragraph.field == Field::body && !paragraph.boilerplate) words += paragraph.end_word - paragraph.first_word;
  }
  return (!where.min_words || words >= *where.min_words) && (!where.max_words || words <= *where.max_words);
}

}  // namespace newswatch::engine::naive
