#pragma once
// Why a rule was true of an article.

#include <cstdint>
#include <string>
#include <vector>

#include "rules/engine/article.h"

namespace newswatch::flow {

struct Evidence {
  std::vector<Hit> hits;              ///< LANGUAGE section 7, in its order; the first ones if `hits_total` is more
  std::uint32_t hits_total = 0;       ///< 0 while being built means hits.size(); encoders fill it in
  std::vector<std::string> entities;  ///< ids named by the hits, sorted, each once
  std::string snippet;
  std::uint32_t snippet_start = 0;  ///< where it begins, in code points of `snippet_field`
  Field snippet_field = Field::body;
  bool operator==(const Evidence&) const = default;
};

}  // namespace newswatch::flow
