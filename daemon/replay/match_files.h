#pragma once
// `newswatchd match`: the ingest and match code of the daemon over files.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/loader/settings.h"
#include "daemon/flow/match.h"
#include "daemon/match/matching.h"
#include "daemon/replay/article_files.h"
#include "rules/engine/rule_set.h"

namespace newswatch::replay {

struct MatchOptions {
  std::vector<std::string> files;  ///< `-`: standard input
  config::ArticleInput input;      ///< how to read an article; topics are not used
  int threads = 1;                 ///< results come in input order whatever this is
  Time now{};                      ///< the record time of every article
};

/// What one line became. Views and references live during the call only.
struct LineResult {
  std::string_view file;
  std::uint64_t line = 0;
  const Article& article;
  const match::Outcome& outcome;
};

struct MatchSummary {
  std::uint64_t articles = 0, no_match = 0, matched = 0, rejected = 0;
  std::uint64_t matches = 0, only_boilerplate = 0, bytes = 0;
  std::vector<Error> file_errors;  ///< files that could not be read, or not to their end
};

/// `each` is called for every line in the order of the input, by one thread at a time; false ends the run. Memory: a few
/// hundred lines a thread.
MatchSummary match_files(const MatchOptions& options, const engine::RuleSet& rules,
                         const std::function<bool(const LineResult&)>& each);

/// One JSON object of LANGUAGE section 7, without line end. Without hits: article, rule and severity only.
std::string to_json(const flow::MatchRecord& match, bool with_hits);
/// For people: rule, severity and title on one line, then the snippet with its hits marked; control characters made
/// visible. With a line end.
std::string to_text(const flow::MatchRecord& match, bool colour, bool with_hits);

}  // namespace newswatch::replay
