#pragma once
// The bytes of an article record → Article.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "config/loader/settings.h"
#include "daemon/observe/result.h"
#include "rules/engine/article.h"

namespace newswatch::ingest {

/// Decodes the records of one input; one thread. Memory is reused from record to record and given back after a record
/// above 1 MiB, so it holds about 15 MB at most between records.
class Decoder {
 public:
  explicit Decoder(const config::ArticleInput& input);
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  /// Fills `article`, whose strings are reused. An error is permanent, says what is wrong in words for the producer of
  /// the record, and its code is one of the names below; `article` then has its feed, and its id if that was read
  /// (else empty), and nothing else can be relied on. About 2 µs for 3 KB; a language that is not given costs more.
  Result<void> decode(std::string_view record, Article& article);

  /// Parts of foreign articles (FieldMap) that were there but could not be read, and were left out: an unreadable date,
  /// a number where a name belongs. Never of title, body, id or url. Counted since the start.
  std::uint64_t left_out() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The codes of a rejected article.
inline constexpr std::string_view code_too_large = "too_large";          ///< above max_article_bytes
inline constexpr std::string_view code_empty = "empty";                  ///< a record without a value
inline constexpr std::string_view code_bad_json = "bad_json";
inline constexpr std::string_view code_bad_utf8 = "bad_utf8";
inline constexpr std::string_view code_too_deep = "too_deep";            ///< more than 64 levels
inline constexpr std::string_view code_not_an_object = "not_an_object";
inline constexpr std::string_view code_bad_envelope = "bad_envelope";    ///< a CloudEvent without a JSON `data`
inline constexpr std::string_view code_wrong_type = "wrong_type";
inline constexpr std::string_view code_bad_value = "bad_value";          ///< a date, a status, an index
inline constexpr std::string_view code_missing_id = "missing_id";        ///< neither id nor url
inline constexpr std::string_view code_missing_text = "missing_text";    ///< neither title nor body

}  // namespace newswatch::ingest
