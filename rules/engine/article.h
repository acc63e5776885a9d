#pragma once
// What every stage means by an article: plain values, no clock, no input format.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace newswatch {

using Time = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

/// The status that an article gives itself; everything but `live` withdraws what was published before.
enum class ArticleStatus { live, kill, withheld, canceled, deleted, tombstone };

/// An article upstream named this entity; carried through to the alert, never matched.
struct UpstreamEntity {
  std::string id, name, type;
  bool operator==(const UpstreamEntity&) const = default;
};

/// One article as decoded. Text is valid UTF-8. All positions anywhere refer to code points of `title` or `body`.
struct Article {
  std::string feed;              ///< name of the input it came by
  std::string id;                ///< unique within the feed
  std::optional<std::int64_t> version;  ///< as given; see `version_name` in flow for the rule when it is not
  std::string title;
  std::string body;              ///< as given; LANGUAGE section 1 cuts it into paragraphs
  std::vector<std::uint32_t> boilerplate;  ///< indexes of body paragraphs known as boilerplate, ascending
  std::string url;
  std::string source;            ///< domain or name of the publisher
  std::vector<std::string> authors, sections, tags, countries;
  std::optional<Time> published;  ///< a date without a time is 00:00 UTC
  std::optional<Time> updated;
  std::string language;          ///< BCP 47 tag, or empty
  ArticleStatus status = ArticleStatus::live;
  std::vector<UpstreamEntity> entities;
};

enum class Field : std::uint8_t { title, body };

/// A passage that made a rule match (LANGUAGE section 7).
struct Hit {
  std::string term;    ///< the term as written
  std::string entity;  ///< its entity's id, or empty
  Field field = Field::body;
  std::uint32_t start = 0, end = 0;  ///< code points in the field, [start, end)
  std::string text;    ///< the field from start to end
  bool operator==(const Hit&) const = default;
};

}  // namespace newswatch
