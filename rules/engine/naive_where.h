#pragma once
// Of the oracle: `where` (LANGUAGE section 4).

#include "rules/engine/article.h"
#include "rules/engine/syntax.h"
#include "rules/engine/text.h"

namespace newswatch::engine::naive {

bool holds(const syntax::Where& where, const Article& article, Time record_time, const PreparedText& text);

}  // namespace newswatch::engine::naive
