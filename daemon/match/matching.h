#pragma once
// One article record → match records. Pure: no clock, no Kafka.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/flow/match.h"
#include "daemon/flow/outcome.h"
#include "daemon/ingest/decoder.h"
#include "daemon/observe/result.h"
#include "rules/engine/rule_set.h"

namespace newswatch::match {

/// One record of an input as it arrived. Views are only read during the call.
struct ArticleRecord {
  std::string_view value;
  std::optional<Time> timestamp;  ///< Kafka's; nothing when the record has none
  flow::Origin origin;
};

struct Outcome {
  flow::ArticleOutcome outcome = flow::ArticleOutcome::no_match;
  std::vector<flow::MatchRecord> matches;  ///< in the order of the rule set; empty unless matched
  Error error;                             ///< of a rejected one
  Time record_time{};
  bool clock_used = false;  ///< the record's own time was missing or too far ahead
  std::uint32_t only_boilerplate = 0;  ///< rules that were true only with boilerplate
};

/// How far a record's time may lie ahead of the clock (DESIGN 2.2).
inline constexpr std::chrono::minutes most_ahead{1};

/// The record time of DESIGN 2.2.
struct RecordTime {
  Time time{};
  bool clock_used = false;
};
RecordTime record_time(std::optional<Time> timestamp, Time now);

/// Decodes and matches the records of one input; one thread. Holds the memory that is reused from article to article.
class Matching {
 public:
  explicit Matching(const config::ArticleInput& input);

  /// The outcome lives until the next call. `rules` is only read during the call.
  const Outcome& process(const ArticleRecord& record, const engine::RuleSet& rules, Time now);
  /// The article of the last call; after a rejection its feed, and its id if that was read.
  const Article& article() const { return article_; }
  /// Ingest's count of parts of foreign articles that were left out.
  std::uint64_t left_out() const { return decoder_.left_out(); }

 private:
  std::uint64_t max_article_bytes_;
  ingest::Decoder decoder_;
  engine::Scratch scratch_;
  Article article_;
  Outcome outcome_;
};

}  // namespace newswatch::match
