#pragma once
// Foreign JSON through the pointers of the configuration. Sees simdjson.

#include <cstdint>
#include <string>
#include <vector>

#include "config/loader/settings.h"
#include "daemon/ingest/json_values.h"

namespace newswatch::ingest {

/// A FieldMap made ready. Lenient where the article survives it: what cannot be read of anything but id, title, body and
/// url is left out and counted. An empty string is as good as nothing.
class MappedFormat {
 public:
  explicit MappedFormat(const config::FieldMap& map);
  Result<void> read(const dom::element& document, Article& article);
  std::uint64_t left_out() const { return left_out_; }

 private:
  using Path = std::vector<std::string>;  // the tokens, unescaped
  struct Field {
    std::string name;
    std::vector<Path> paths;
  };
  template <class Visit>
  static bool walk(const dom::element& value, const Path& path, std::size_t at, Visit&& visit);
  template <class Take>
  bool first_of(const Field& field, Take&& take);
  Result<void> read_required(const Field& field, bool whole_numbers, std::string& out);
  Result<void> read_body(std::string& out);
  void read_list(const Field& field, std::vector<std::string>& out);
  void read_optional(Article& article);

  Field id_, version_, title_, body_, url_, source_, authors_, sections_, tags_, countries_, published_, updated_,
      language_, status_;
  dom::element document_;
  std::uint64_t left_out_ = 0;
};

}  // namespace newswatch::ingest
