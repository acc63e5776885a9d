#include "daemon/flow/article_summary.h"

#include <algorithm>

#include "daemon/flow/identity.h"
#include "daemon/flow/utf8.h"

namespace newswatch::flow {
namespace {

std::vector<std::string> valid_utf8_all(const std::vector<std::string>& list) {
  std::vector<std::string> out(list.size());
  std::transform(list.begin(), list.end(), out.begin(), [](const std::string& text) { return valid_utf8(text); });
  return out;
}

}  // namespace

ArticleSummary summarize(const Article& article) {
  ArticleSummary summary;
  summary.feed = valid_utf8(article.feed);
  summary.id = bounded_id(valid_utf8(article.id));
  summary.version = version_name(article);
  summary.title = valid_utf8(article.title);
  summary.url = valid_utf8(article.url);
  summary.source = valid_utf8(article.source);
  summary.authors = valid_utf8_all(article.authors);
  summary.sections = valid_utf8_all(article.sections);
  summary.tags = valid_utf8_all(article.tags);
  summary.countries = valid_utf8_all(article.countries);
  summary.published = article.published;
  summary.updated = article.updated;
  summary.language = valid_utf8(article.language);
  summary.status = article.status;
  for (const UpstreamEntity& entity : article.entities)
    summary.entities.push_back({valid_utf8(entity.id), valid_utf8(entity.name), valid_utf8(entity.type)});
  return summary;
}

}  // namespace newswatch::flow
