#pragma once
// Names that must never change: they are keys of state and of receivers. Golden values in tests pin them.

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/flow/alert.h"
#include "rules/engine/article.h"

namespace newswatch::flow {

/// The id itself up to 1,000 bytes; of a longer one the beginning, `~`, and a hash of it all.
std::string bounded_id(std::string_view id);

/// `feed/id`: one article over all its versions. Feed names hold no slash.
std::string article_name(std::string_view feed, std::string_view id);

/// As given, in decimal; else the whole seconds of `updated`; else `h` + 32 hex digits: a hash of title and body.
std::string version_name(const Article& article);

/// 32 hex digits, equal for copies of a story: blanks are collapsed, and the title joins in when the body is under
/// 120 bytes, since two teasers of one sentence are no copies. Empty for an article without a body.
std::string body_hash(const Article& article);

/// `nw-` + 26 of a-z2-7: the first 128 bits of SHA-256 over the parts, each behind its length (4 bytes, big-endian).
/// `version` is the nominal time, in seconds, when a timer fired the alert.
std::string alert_id(std::string_view rule_key, std::string_view group, AlertKind kind, std::string_view feed,
                     std::string_view article_id, std::string_view version);

}  // namespace newswatch::flow
