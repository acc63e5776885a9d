#pragma once
// Text into words (LANGUAGE 1.1); for PreparedText alone.

#include <span>

#include "rules/engine/text.h"

namespace newswatch::engine {

/// Adds these paragraphs of the field, in their order, with their words. The arena begins with the fields.
void cut_words(PreparedText& text, Field field, std::span<const ParagraphSpan> spans);

}  // namespace newswatch::engine
