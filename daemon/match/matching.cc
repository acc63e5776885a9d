#include "daemon/match/matching.h"

#include "daemon/flow/article_summary.h"
#include "daemon/flow/identity.h"

namespace newswatch::match {

RecordTime record_time(std::optional<Time> timestamp, Time now) {
  if (!timestamp || *timestamp > now + most_ahead) return {now, true};
  return {*timestamp, false};
}

Matching::Matching(const config::ArticleInput& input)
    : max_article_bytes_(input.max_article_bytes), decoder_(input) {
  article_.feed = input.feed;
}

const Outcome& Matching::process(const ArticleRecord& record, const engine::RuleSet& rules, Time now) {
  outcome_.matches.clear();
  outcome_.only_boilerplate = 0;
  outcome_.error = {};
  const RecordTime time = record_time(record.timestamp, now);
  outcome_.record_time = time.time;
  outcome_.clock_used = time.clock_used;

  if (record.value.size() > max_article_bytes_) {
    article_.id.clear();
    outcome_.error = permanent_error(std::string(ingest::code_too_large),
                                     "the record has " + std::to_string(record.value.size()) +
                                         " bytes, more than max_article_bytes (" + std::to_string(max_article_bytes_) + ")");
  } else if (auto decoded = decoder_.decode(record.value, article_); !decoded) {
    outcome_.error = decoded.error();
  }
  if (!outcome_.error.code.empty()) {
    outcome_.outcome = flow::ArticleOutcome::rejected;
    return outcome_;
  }

  auto result = rules.match(article_, time.time, scratch_);
  outcome_.only_boilerplate = result.only_boilerplate;
  outcome_.outcome = result.matches.empty() ? flow::ArticleOutcome::no_match : flow::ArticleOutcome::matched;
  if (result.matches.empty()) return outcome_;

  const flow::ArticleSummary summary = flow::summarize(article_);
  const std::string body_hash = flow::body_hash(article_);
  for (engine::RuleMatch& match : result.matches) {
    flow::MatchRecord& out = outcome_.matches.emplace_back();
    out.rule = rules.rules()[match.rule];
    out.revision = rules.revision();
    out.article = summary;
    out.evidence.hits = std::move(match.hits);
    out.evidence.entities = std::move(match.entities);
    out.evidence.snippet = std::move(match.snippet);
    out.evidence.snippet_start = match.snippet_start;
    out.evidence.snippet_field = match.snippet_field;
    out.sentences = std::move(match.sentences);
    out.body_hash = body_hash;
    out.record_time = time.time;
    out.origin = record.origin;
  }
  return outcome_;
}

}  // namespace newswatch::match
