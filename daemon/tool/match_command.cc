#include <algorithm>
#include <chrono>
#include <cstdio>

#include "daemon/observe/log.h"
#include "daemon/replay/match_files.h"
#include "daemon/tool/command_line.h"
#include "daemon/tool/commands.h"
#include "daemon/tool/load.h"

namespace newswatch::tool {
namespace {

// Rules and the articles' shape, from --rules or --config; what is wrong was printed when it is empty.
struct Source {
  std::shared_ptr<const engine::RuleSet> rules;
  config::ArticleInput input;
};

std::optional<Source> source(const MatchCommandOptions& options, int& exit_code) {
  yaml::Diagnostics diagnostics;
  Source found;
  found.input.feed = "files";
  exit_code = exit_config;
  if (options.config.empty()) {
    found.rules = load_rules(options.rules, "en", diagnostics);
  } else if (const auto loaded = load_all(options.config, config::Purpose::check, diagnostics)) {
    found.rules = loaded->rules;
    const auto& inputs = loaded->settings.match.articles;
    const auto at =
        options.feed.empty() ? inputs.begin() : std::ranges::find(inputs, options.feed, &config::ArticleInput::feed);
    if (at == inputs.end()) {
      const std::string which = options.feed.empty() ? "" : " with `feed: " + observe::escape_for_log(options.feed) + "`";
      std::fprintf(stderr, "newswatchd match: %s has no article input%s\n", options.config.c_str(), which.c_str());
      exit_code = exit_usage;
      return std::nullopt;
    }
    found.input = *at;
  }
  print(diagnostics);
  if (diagnostics.has_errors() || !found.rules) return std::nullopt;
  return found;
}

}  // namespace

int match(const MatchCommandOptions& options) {
  int exit_code = exit_ok;
  const auto from = source(options, exit_code);
  if (!from) return exit_code;
  replay::MatchOptions run;
  run.files = options.files.empty() ? std::vector<std::string>{"-"} : options.files;
  run.input = from->input;
  run.threads = options.threads;
  run.now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const bool json = options.format == Format::json;
  const auto summary = replay::match_files(run, *from->rules, [&](const replay::LineResult& line) {
    if (line.outcome.outcome == flow::ArticleOutcome::rejected) {
      std::fprintf(stderr, "%s:%llu: %s: %s\n", observe::escape_for_log(line.file).c_str(),
                   static_cast<unsigned long long>(line.line), line.outcome.error.code.c_str(),
                   observe::escape_for_log(line.outcome.error.message).c_str());
    }
    for (const auto& match : line.outcome.matches) {
      const std::string text =
          json ? replay::to_json(match, options.hits) + "\n" : replay::to_text(match, options.colour, options.hits);
      std::fwrite(text.data(), 1, text.size(), stdout);
    }
    return std::ferror(stdout) == 0;  // a closed pipe ends the run
  });
  for (const Error& error : summary.file_errors) {
    std::fprintf(stderr, "newswatchd match: %s\n", observe::escape_for_log(error.message).c_str());
  }
  if (options.summary) {
    std::fprintf(stderr, "%llu articles: %llu matched, %llu not, %llu rejected; %llu matches\n",
                 static_cast<unsigned long long>(summary.articles), static_cast<unsigned long long>(summary.matched),
                 static_cast<unsigned long long>(summary.no_match), static_cast<unsigned long long>(summary.rejected),
                 static_cast<unsigned long long>(summary.matches));
  }
  if (!summary.file_errors.empty()) return exit_no_input;
  return std::fflush(stdout) == 0 ? exit_ok : exit_failure;
}

}  // namespace newswatch::tool
