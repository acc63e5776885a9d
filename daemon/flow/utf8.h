#pragma once
// Keeping text valid and short. Private to the record codecs.

#include <cstddef>
#include <string>
#include <string_view>

namespace newswatch::flow {

/// Bytes of the valid UTF-8 sequence that `text` begins with (no surrogates, nothing overlong); 0 if there is none.
std::size_t utf8_length(std::string_view text);

/// The same text with each byte that is in no valid sequence as U+FFFD.
std::string valid_utf8(std::string_view text);

/// At most `bytes` of the beginning, cut before a code point.
std::string_view clip(std::string_view text, std::size_t bytes);

}  // namespace newswatch::flow
