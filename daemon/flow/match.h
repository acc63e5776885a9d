#pragma once
// The record of P.matches: one rule true of one article, with all that the alert stage needs of both.

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/flow/article_summary.h"
#include "daemon/flow/evidence.h"
#include "rules/engine/article.h"
#include "rules/engine/rule_info.h"

namespace newswatch::flow {

using engine::AlertSettings;
using engine::RuleInfo;
using engine::RuleStatus;
using engine::Severity;
using engine::Stories;

/// A record of a Kafka topic; offset -1 when there is none (an article out of a file).
struct Origin {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = -1;
  bool operator==(const Origin&) const = default;
};

/// Keyed by `rule.key` in Kafka. A disabled rule never comes here.
struct MatchRecord {
  RuleInfo rule;
  std::string revision;  ///< of the rule set that matched
  ArticleSummary article;
  Evidence evidence;
  std::vector<std::uint64_t> sentences;  ///< RuleMatch::sentences
  std::string body_hash;                 ///< identity.h; empty when the article has no body
  std::vector<std::uint64_t> signature;  ///< for stories told in other words; empty until something computes it
  Time record_time{};                    ///< of the article's record (DESIGN 2.2), never far ahead of any clock
  Origin origin;                         ///< where the article was read; explains, decides nothing
  bool summary_cut = false;              ///< the summary was shortened to keep the record within its size
  bool operator==(const MatchRecord&) const = default;
};

}  // namespace newswatch::flow
