#pragma once
// The language of an article.

#include <string>
#include <string_view>

namespace newswatch::ingest {

/// A BCP 47 tag from what producers write: `en`, `en-GB`, `en_GB`, ISO 639-2 and 639-3 codes (`eng`, `ger`), English names
/// (`English`). Empty for what is no tag, and for `und`.
std::string language_tag(std::string_view text);

/// The language that the text is written in, by CLD2, or empty when it is not sure. Looks at the title and the first
/// 400 bytes of the body at most, since its cost grows with the text; about 15 µs. Both must be valid UTF-8. Any thread.
std::string detect_language(std::string_view title, std::string_view body);

}  // namespace newswatch::ingest
