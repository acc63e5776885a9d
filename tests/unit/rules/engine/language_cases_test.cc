// The conformance suite of the rule language, against the oracle and the matcher (LANGUAGE section 8 has its format).

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "rules/engine/compiler.h"
#include "rules/engine/naive.h"
#include "rules/engine/text.h"
#include "rules/reader/reader.h"

namespace newswatch::engine {
namespace {

namespace json = boost::json;

/// Cases that what we have cannot answer yet, by id, each with the reason. A case here that passes is a failure, so
/// that the list stays true; so is an id that the suite does not have.
const std::map<std::string, std::string>& pending() {
  static const std::map<std::string, std::string> cases = {};
  return cases;
}

struct Case {
  std::string id, group, note, rules;
  json::object article;
  json::value expect, errors;
};

const std::vector<Case>& all_cases() {
  static const std::vector<Case> cases = [] {
    const char* shared = std::getenv("NEWSWATCH_SHARED");
    const auto directory =
        shared ? std::filesystem::path(shared) : std::filesystem::path(NEWSWATCH_SOURCE_DIR) / ".." / "shared";
    std::ifstream in(directory / "language-cases.jsonl");
    std::vector<Case> out;
    for (std::string line; std::getline(in, line);) {
      if (line.empty()) continue;
      const json::object object = json::parse(line).as_object();
      const auto text = [&](const char* key) {
        const json::value* value = object.if_contains(key);
        return value ? std::string(value->as_string()) : std::string();
      };
      Case& each = out.emplace_back();
      each.id = text("id");
      each.group = text("group");
      each.note = text("note");
      each.rules = text("rules");
      if (const auto* article = object.if_contains("article")) each.article = article->as_object();
      if (const auto* expect = object.if_contains("expect")) each.expect = *expect;
      if (const auto* errors = object.if_contains("errors")) each.errors = *errors;
    }
    return out;
  }();
  return cases;
}

/// "2025-02-10", "2025-02-10T12:00:00Z", with a fraction or an offset.
Time time_of(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, used = 0;
  double second = 0;
  std::sscanf(text.c_str(), "%d-%d-%d%n", &year, &month, &day, &used);
  int more = 0;
  const char* rest = text.c_str() + used;
  if (std::sscanf(rest, "%*1[T ]%d:%d%n", &hour, &minute, &more) == 2) {
    rest += more;
    if (std::sscanf(rest, ":%lf%n", &second, &more) == 1) rest += more;
  }
  int offset_hours = 0, offset_minutes = 0;
  if (*rest == '+' || *rest == '-') {
    std::sscanf(rest + 1, "%d:%d", &offset_hours, &offset_minutes);
    if (*rest == '-') offset_hours = -offset_hours, offset_minutes = -offset_minutes;
  }
  const auto date = std::chrono::year(year) / std::chrono::month(static_cast<unsigned>(month)) /
                    std::chrono::day(static_cast<unsigned>(day));
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::sys_days(date)) +
         std::chrono::hours(hour - offset_hours) + std::chrono::minutes(minute - offset_minutes) +
         std::chrono::milliseconds(static_cast<long>(second * 1000));
}

Article article_of(const json::object& object) {
  Article article;
  article.id = "case";
  const auto text = [&](const char* key, std::string& to) {
    if (const auto* value = object.if_contains(key)) to = value->as_string();
  };
  const auto texts = [&](const char* key, std::vector<std::string>& to) {
    const auto* value = object.if_contains(key);
    if (!value) return;
    for (const auto& each : value->as_array()) to.emplace_back(each.as_string());
  };
  text("title", article.title);
  text("body", article.body);
  text("language", article.language);
  text("source", article.source);
  text("url", article.url);
  texts("authors", article.authors);
  texts("sections", article.sections);
  texts("tags", article.tags);
  texts("countries", article.countries);
  if (const auto* value = object.if_contains("published")) article.published = time_of(std::string(value->as_string()));
  if (const auto* value = object.if_contains("boilerplate")) {
    for (const auto& each : value->as_array()) article.boilerplate.push_back(each.to_number<std::uint32_t>());
  }
  return article;
}

/// Hits as the suite writes them: [[field, text, nth], …], places once.
json::array passages_of(const std::vector<Hit>& hits, const Article& article) {
  json::array out;
  std::set<std::tuple<Field, std::uint32_t, std::uint32_t>> told;
  for (const Hit& hit : hits) {
    if (!told.insert({hit.field, hit.start, hit.end}).second) continue;
    const std::string& field = hit.field == Field::title ? article.title : article.body;
    std::size_t nth = 0, at = 0;
    for (std::uint32_t position = 0; at < field.size(); ++position) {
      if (field.compare(at, hit.text.size(), hit.text) == 0) ++nth;
      if (position == hit.start) break;
      next_code_point(field, at);
    }
    out.push_back(json::array{hit.field == Field::title ? "title" : "body", hit.text, nth});
  }
  return out;
}

/// What a rule answers, for `expected` as the suite writes it.
json::value answer(bool is_true, const std::vector<Hit>& hits, const Article& article, const json::value& expected) {
  if (!is_true) return false;
  if (expected.is_bool()) return true;
  return passages_of(hits, article);
}

std::optional<rules::LoadedRules> read(const Case& each, yaml::Diagnostics& diagnostics) {
  const rules::MemoryFile files[] = {{"case.yaml", each.rules}};
  return rules::read_rules(std::span(files), {}, diagnostics);
}

/// Empty, or what is wrong with the errors reported.
std::string wrong_errors(const Case& each) {
  yaml::Diagnostics diagnostics;
  const bool loaded = read(each, diagnostics).has_value();
  std::vector<yaml::Diagnostic> reported;
  for (yaml::Diagnostic& diagnostic : diagnostics.sorted()) {
    if (diagnostic.level == yaml::Level::error) reported.push_back(std::move(diagnostic));
  }
  const json::array& expected = each.errors.as_array();
  bool same = !loaded && reported.size() == expected.size();
  for (std::size_t i = 0; same && i < expected.size(); ++i) {
    const json::array& error = expected[i].as_array();
    const auto column = error[2].to_number<std::uint32_t>();
    same = reported[i].code == std::string_view(error[0].as_string()) &&
           reported[i].place.line == error[1].to_number<std::uint32_t>() &&
           (column == 0 || reported[i].place.column == column);
  }
  if (same) return {};
  std::string out = "expected " + json::serialize(expected) + ", reported";
  for (const auto& diagnostic : reported) {
    out += " [" + diagnostic.code + "," + std::to_string(diagnostic.place.line) + "," +
           std::to_string(diagnostic.place.column) + "]";
  }
  return out;
}

using Answers = std::map<std::string, std::pair<bool, std::vector<Hit>>>;

Answers ask_oracle(const syntax::Program& program, const Article& article, Time recorded) {
  Answers out;
  const auto verdicts = NaiveOracle(program).match(article, recorded);
  for (std::size_t i = 0; i < verdicts.size(); ++i)
    out[program.rules[i].info.id] = {verdicts[i].is_true, verdicts[i].hits};
  return out;
}

Answers ask_matcher(const syntax::Program& program, const Article& article, Time recorded) {
  Answers out;
  const auto rules = compile(program);
  Scratch scratch;
  for (const RuleInfo& rule : rules->rules()) out[rule.id];
  for (RuleMatch& match : rules->match(article, recorded, scratch).matches) {
    out[rules->rules()[match.rule].id] = {true, std::move(match.hits)};
  }
  return out;
}

/// Empty, or what is wrong with the answers.
template <typename Ask>
std::string wrong_answers(const Case& each, Ask ask) {
  yaml::Diagnostics diagnostics;
  const auto loaded = read(each, diagnostics);
  if (!loaded) return "not read:\n" + diagnostics.text();
  const Article article = article_of(each.article);
  const auto* given = each.article.if_contains("recorded");
  const Time recorded = given ? time_of(std::string(given->as_string())) : Time{};
  const Answers answers = ask(loaded->program, article, recorded);
  const json::object& expected = each.expect.as_object();
  std::string out;
  if (answers.size() != expected.size()) out += "rules differ; ";
  for (const auto& [rule, wanted] : expected) {
    const auto it = answers.find(std::string(rule));
    if (it == answers.end()) {
      out += std::string(rule) + " is missing; ";
      continue;
    }
    const json::value actual = answer(it->second.first, it->second.second, article, wanted);
    if (actual != wanted)
      out +=
          std::string(rule) + ": expected " + json::serialize(wanted) + ", answered " + json::serialize(actual) + "; ";
  }
  return out;
}

template <typename Check>
void run_all(Check check) {
  if (all_cases().empty()) GTEST_SKIP() << "no language-cases.jsonl (set NEWSWATCH_SHARED)";
  std::map<std::string, std::pair<int, int>> groups;  // passed, pending
  std::set<std::string> seen;
  for (const Case& each : all_cases()) {
    seen.insert(each.id);
    const std::optional<std::string> wrong = check(each);
    if (!wrong) continue;
    const auto wait = pending().find(each.id);
    if (wait != pending().end()) {
      EXPECT_NE(*wrong, "") << each.id << " passes and is no longer pending";
      ++groups[each.group].second;
      continue;
    }
    if (wrong->empty()) {
      ++groups[each.group].first;
    } else {
      ADD_FAILURE() << each.id << " (" << each.note << "): " << *wrong << "\n"
                    << each.rules << "\n"
                    << json::serialize(each.article);
    }
  }
  for (const auto& [id, reason] : pending()) EXPECT_TRUE(seen.contains(id)) << id << " is pending and not in the suite";
  for (const auto& [group, counts] : groups) {
    std::printf("%-16s %3d passed", group.c_str(), counts.first);
    if (counts.second > 0) std::printf(", %d pending", counts.second);
    std::printf("\n");
  }
  for (const auto& [id, reason] : pending()) std::printf("pending: %s (%s)\n", id.c_str(), reason.c_str());
}

TEST(LanguageCases, OracleAnswersEveryCase) {
  run_all([](const Case& each) -> std::optional<std::string> {
    if (!each.expect.is_object()) return std::nullopt;
    return wrong_answers(each, ask_oracle);
  });
}

TEST(LanguageCases, MatcherAnswersEveryCase) {
  run_all([](const Case& each) -> std::optional<std::string> {
    if (!each.expect.is_object()) return std::nullopt;
    return wrong_answers(each, ask_matcher);
  });
}

TEST(LanguageCases, ReaderReportsEveryError) {
  run_all([](const Case& each) -> std::optional<std::string> {
    if (!each.errors.is_array()) return std::nullopt;
    return wrong_errors(each);
  });
}

}  // namespace
}  // namespace newswatch::engine
