#pragma once
// What of an article travels past the match stage: everything but its body.

#include <optional>
#include <string>
#include <vector>

#include "rules/engine/article.h"

namespace newswatch::flow {

/// All text is valid UTF-8.
struct ArticleSummary {
  std::string feed;
  std::string id;       ///< at most 1,000 bytes: `summarize` replaces the tail of a longer one with a hash of it all
  std::string version;  ///< identity.h, `version_name`
  std::string title, url, source;
  std::vector<std::string> authors, sections, tags, countries;
  std::optional<Time> published, updated;
  std::string language;
  ArticleStatus status = ArticleStatus::live;
  std::vector<UpstreamEntity> entities;
  bool operator==(const ArticleSummary&) const = default;
};

/// Computes the version name, so it may hash the body once. Invalid UTF-8 becomes U+FFFD.
ArticleSummary summarize(const Article& article);

}  // namespace newswatch::flow
