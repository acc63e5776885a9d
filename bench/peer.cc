// Full rules through our rule set, and the files with which Lucene Monitor does the same (bench/lucene): match sets first,
// then speed.
//
//   bench_peer FOLDER [--rules N] [--corpus FILE.jsonl.gz] [--passes 3]
//
// Writes FOLDER/rules.tsv, FOLDER/articles.tsv (the articles cut into our words, so that both see the same ones) and
// FOLDER/pairs.newswatchd (article TAB rule); if FOLDER/pairs.lucene is there, says whether the sets are equal. One thread;
// each pass goes over all articles for at least five seconds.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "bench/workload.h"
#include "config/yaml/diagnostic.h"
#include "rules/engine/compiler.h"
#include "rules/engine/text.h"
#include "rules/reader/reader.h"

namespace newswatch::bench {
namespace {

using Clock = std::chrono::steady_clock;

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

std::string_view name(RuleKind kind) {
  switch (kind) {
    case RuleKind::phrase: return "phrase";
    case RuleKind::all_none: return "all_none";
    case RuleKind::near: return "near";
    case RuleKind::any_and_phrase: return "any_and_phrase";
    case RuleKind::word: return "word";
  }
  return "";
}

void write_for_peer(const std::string& folder, const std::vector<GeneratedRule>& rules, const std::vector<Article>& articles) {
  std::ofstream rule_file(folder + "/rules.tsv");
  for (const GeneratedRule& rule : rules) {
    rule_file << name(rule.kind);
    for (const std::string& word : rule.words) rule_file << '\t' << word;
    rule_file << '\n';
  }
  std::ofstream article_file(folder + "/articles.tsv");
  engine::PreparedText text;
  for (const Article& article : articles) {
    text.prepare(article);
    std::string line;
    for (const engine::Paragraph& paragraph : text.paragraphs()) {
      if (!line.empty()) line += '\t';
      for (auto i = paragraph.first_word; i < paragraph.end_word; ++i) {
        if (i > paragraph.first_word) line += ' ';
        line += text.reduced(text.words()[i]);
      }
    }
    article_file << line << '\n';
  }
}

std::vector<std::pair<std::size_t, std::size_t>> read_pairs(const std::string& path) {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  std::ifstream file(path);
  for (std::pair<std::size_t, std::size_t> pair; file >> pair.first >> pair.second;) pairs.push_back(pair);
  return pairs;
}

int run(const std::string& folder, std::size_t rule_count, const std::string& corpus, std::size_t passes) {
  std::filesystem::create_directories(folder);
  const auto sample = load_articles(corpus, 2000);
  const auto generated = generate_rules(sample, rule_count);
  std::vector<Article> articles;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    Article& article = articles.emplace_back();
    article.feed = "bench";
    article.id = std::to_string(i);
    article.title = sample[i].title;
    article.body = sample[i].body;
    article.source = sample[i].source;
    article.language = "en";
  }
  write_for_peer(folder, generated, articles);

  const auto begin = Clock::now();
  yaml::Diagnostics diagnostics;
  const rules::MemoryFile file{"rules.yaml", rules_yaml(generated)};
  rules::ReaderOptions options;
  options.warnings = false;
  const auto loaded = rules::read_rules(std::span(&file, 1), options, diagnostics);
  if (!loaded) {
    std::fputs(diagnostics.text().c_str(), stderr);
    return 1;
  }
  const auto read = Clock::now();
  const auto rules = engine::compile(loaded->program);
  const auto built = Clock::now();

  engine::Scratch scratch;
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0; i < articles.size(); ++i) {
    for (const engine::RuleMatch& match : rules->match(articles[i], Time{}, scratch).matches) {
      const std::string& id = rules->rules()[match.rule].id;
      pairs.emplace_back(i, std::stoul(id.substr(id.rfind('-') + 1)));
    }
  }
  std::sort(pairs.begin(), pairs.end());
  std::ofstream out(folder + "/pairs.newswatchd");
  for (const auto& [article, rule] : pairs) out << article << '\t' << rule << '\n';

  std::vector<double> rates;
  for (std::size_t pass = 0; pass < passes; ++pass) {
    const double cpu = cpu_seconds();
    std::size_t done = 0;
    do {
      for (const Article& article : articles) rules->match(article, Time{}, scratch);
      done += articles.size();
    } while (cpu_seconds() - cpu < 5);
    rates.push_back(static_cast<double>(done) / (cpu_seconds() - cpu));
  }
  std::sort(rates.begin(), rates.end());
  std::printf("newswatchd\t%zu rules\tread in %.2f s, compiled in %.2f s\t%zu pairs\t%.0f articles/s [%.0f to %.0f]\n", rule_count,
              std::chrono::duration<double>(read - begin).count(), std::chrono::duration<double>(built - read).count(), pairs.size(),
              rates[rates.size() / 2], rates.front(), rates.back());
  const auto peer = read_pairs(folder + "/pairs.lucene");
  if (peer.empty()) return 0;
  std::vector<std::pair<std::size_t, std::size_t>> only_ours, only_theirs;
  std::set_difference(pairs.begin(), pairs.end(), peer.begin(), peer.end(), std::back_inserter(only_ours));
  std::set_difference(peer.begin(), peer.end(), pairs.begin(), pairs.end(), std::back_inserter(only_theirs));
  std::printf("match sets: %zu equal, %zu only ours, %zu only the peer's\n", pairs.size() - only_ours.size(), only_ours.size(), only_theirs.size());
  for (std::size_t i = 0; i < std::min<std::size_t>(3, only_ours.size()); ++i) std::printf("  only ours: article %zu rule %zu\n", only_ours[i].first, only_ours[i].second);
  for (std::size_t i = 0; i < std::min<std::size_t>(3, only_theirs.size()); ++i) std::printf("  only theirs: article %zu rule %zu\n", only_theirs[i].first, only_theirs[i].second);
  return 0;
}

}  // namespace
}  // namespace newswatch::bench

int main(int argc, char** argv) {
  CLI::App app("full rules, beside Lucene Monitor");
  std::string folder, corpus;
  std::size_t rules = 1000, passes = 3;
  app.add_option("folder", folder, "where the files go")->required();
  app.add_option("--rules", rules, "number of rules");
  app.add_option("--corpus", corpus, "JSON lines of articles, .gz or plain; invented ones without");
  app.add_option("--passes", passes, "measured passes");
  CLI11_PARSE(app, argc, argv);
  return newswatch::bench::run(folder, rules, corpus, passes);
}
