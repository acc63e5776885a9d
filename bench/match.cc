// RuleSet::match over real articles, one thread, with generated rules: articles a second, CPU an article, matches,
// build time and bytes.
//
//   bench_match [--rules 10,1000,10000,100000] [--workload 10000] [--names 1000000] [--articles 10000] [--passes 5]
//               [--data DIR]
//
// The rules: a tenth of them (at most 1,000; of ten rules all) take their words from the articles, the others are
// invented names, as watchlists have. Of every ten: three any-of-three terms, two a phrase, two `near` of two words, one `all` of two with a
// `none`, one `same_sentence`, one `any` of a phrase and a prefix within the body. Terms are inflected, drawn from words
// of five letters and more. --workload: the rules of workload.h, as the figures of other engines were measured. --names: one rule over a watchlist of so many people of two or three names, one in a thousand of
// them from the articles.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <simdjson.h>
#include <zlib.h>

#include "bench/workload.h"
#include "rules/engine/compiler.h"
#include "rules/engine/text.h"

namespace {

using namespace newswatch;
using namespace newswatch::engine;
using syntax::Expression;
using syntax::Op;

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

std::vector<Article> load(const std::string& path, std::size_t most) {
  std::vector<Article> articles;
  gzFile file = gzopen(path.c_str(), "rb");
  if (!file) return articles;
  std::string raw;
  char buffer[1 << 16];
  for (int n; (n = gzread(file, buffer, sizeof buffer)) > 0;) raw.append(buffer, static_cast<std::size_t>(n));
  gzclose(file);
  raw.reserve(raw.size() + simdjson::SIMDJSON_PADDING);
  simdjson::dom::parser parser;
  std::istringstream lines(raw);
  for (std::string line; articles.size() < most && std::getline(lines, line);) {
    simdjson::dom::element doc;
    if (parser.parse(line).get(doc)) continue;
    std::string_view title, body;
    if (doc["title"].get(title) || doc["body"].get(body) || body.size() < 1500 || body.size() > 12000) continue;
    Article article;
    article.id = std::to_string(articles.size());
    article.title = title;
    article.body = body;
    article.language = "en";
    articles.push_back(std::move(article));
  }
  return articles;
}

class Generator {
 public:
  explicit Generator(const std::vector<Article>& articles) : articles_(articles) {}

  syntax::Program program(std::size_t rules) {
    syntax::Program out;
    for (std::size_t i = 0; i < rules; ++i) {
      real_ = i / 10 % 10 == 0 && i < 10000;
      syntax::Rule rule;
      rule.info.id = rule.info.key = rule.info.title = "rule-" + std::to_string(i);
      rule.condition = condition(i % 10);
      out.rules.push_back(std::move(rule));
    }
    return out;
  }

  syntax::Program watchlist(std::size_t names) {
    syntax::Program out;
    out.watchlists.push_back({"people", {}});
    for (std::size_t i = 0; i < names; ++i) {
      real_ = i % 1000 == 0;
      syntax::Entity entity;
      entity.id = "p" + std::to_string(i);
      entity.type = "person";
      entity.watchlist = 0;
      syntax::Name& name = entity.names.emplace_back();
      name.text = words_of(2 + i % 2);
      if (real_)
        for (std::size_t k = 0; k < name.text.size(); ++k)
          if (k == 0 || name.text[k - 1] == ' ') name.text[k] = static_cast<char>(name.text[k] - 32);
      out.entities.push_back(std::move(entity));
    }
    syntax::Rule rule;
    rule.info.id = rule.info.key = rule.info.title = "people";
    rule.condition.op = Op::watchlist;
    rule.condition.text = "people";
    rule.condition.target = 0;
    out.rules.push_back(std::move(rule));
    return out;
  }

 private:
  Expression term(std::size_t words, const char* end = "") {
    Expression e;
    e.op = Op::term;
    e.text = words_of(words) + end;
    if (*end) e.how.match = syntax::MatchMode::prefix;
    return e;
  }
  static Expression op(Op op, std::vector<Expression> operands, std::uint32_t number = 0) {
    Expression e;
    e.op = op;
    e.operands = std::move(operands);
    e.number = number;
    return e;
  }
  Expression condition(std::size_t kind) {
    switch (kind) {
      case 0: case 1: case 2: return op(Op::any, {term(1), term(2), term(3)});
      case 3: case 4: return term(2);
      case 5: case 6: return op(Op::near, {term(1), term(1)}, 5);
      case 7: return op(Op::all, {term(1), term(1), op(Op::none, {op(Op::headline, {term(1)})})});
      case 8: return op(Op::same_sentence, {term(1), term(1)});
      default: return op(Op::body, {op(Op::any, {term(2), term(1, "*")})});
    }
  }
  std::string words_of(std::size_t count) {
    std::string out;
    if (real_) {
      for (int tries = 0; tries < 1000; ++tries) {
        text_.prepare(articles_[random_() % articles_.size()]);
        auto words = text_.words();
        if (words.size() <= count) continue;
        std::size_t at = random_() % (words.size() - count);
        out.clear();
        bool good = true;
        for (std::size_t i = at; i < at + count; ++i) {
          std::string_view word = text_.reduced(words[i]);
          good = good && (count > 1 || word.size() >= 7) && std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
          out += (i > at ? " " : "") + std::string(word);
        }
        if (good && out.size() >= 5 + 3 * count) return out;
      }
    }
    static const char* const syllables[] = {"ka", "ro", "vin", "del", "mar", "tos", "shi", "bek", "lun", "gra", "pel", "zor", "nav", "qui", "yat", "hem"};
    for (std::size_t i = 0; i < count; ++i) {
      if (i) out += ' ';
      std::string word;
      for (int s = 0; s < 3; ++s) word += syllables[random_() % 16];
      word[0] = static_cast<char>(word[0] - 32);
      out += word;
    }
    return out;
  }

  const std::vector<Article>& articles_;
  PreparedText text_;
  std::mt19937 random_{42};
  bool real_ = true;
};

Expression exact(const std::string& text) {
  Expression e;
  e.op = Op::term;
  e.text = text;
  e.how = {syntax::MatchMode::exact, syntax::MatchMode::exact, syntax::CaseMode::any};
  return e;
}

Expression of(Op op, std::vector<Expression> operands, std::uint32_t number = 0) {
  Expression e;
  e.op = op;
  e.operands = std::move(operands);
  e.number = number;
  return e;
}

syntax::Program workload(const std::vector<Article>& articles, std::size_t count) {
  std::vector<bench::SampleArticle> samples;
  for (const Article& article : articles) samples.push_back({article.title, article.body, ""});
  syntax::Program out;
  for (const bench::GeneratedRule& made : bench::generate_rules(samples, count)) {
    const auto& w = made.words;
    syntax::Rule rule;
    rule.info.id = rule.info.key = rule.info.title = "bench-rule-" + std::to_string(out.rules.size());
    switch (made.kind) {
      case bench::RuleKind::phrase: rule.condition = exact(w[0] + " " + w[1]); break;
      case bench::RuleKind::all_none: rule.condition = of(Op::all, {exact(w[0]), exact(w[1]), of(Op::none, {exact(w[2])})}); break;
      case bench::RuleKind::near: rule.condition = of(Op::near, {exact(w[0]), exact(w[1])}, 10); break;
      case bench::RuleKind::any_and_phrase:
        rule.condition = of(Op::all, {of(Op::any, {exact(w[0]), exact(w[1])}), exact(w[2] + " " + w[3])});
        break;
      case bench::RuleKind::word: rule.condition = exact(w[0]); break;
    }
    out.rules.push_back(std::move(rule));
  }
  return out;
}

std::string option(int argc, char** argv, const char* name, std::string value) {
  for (int i = 1; i + 1 < argc; ++i)
    if (!std::strcmp(argv[i], name)) value = argv[i + 1];
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  const char* shared = std::getenv("NEWSWATCH_SHARED");
  std::string data = option(argc, argv, "--data", std::string(shared ? shared : "../shared") + "/data");
  auto passes = std::stoul(option(argc, argv, "--passes", "5"));
  std::vector<Article> articles = load(data + "/news-en.jsonl.gz", std::stoul(option(argc, argv, "--articles", "10000")));
  if (articles.empty()) {
    std::fprintf(stderr, "bench_match: no articles in %s; give --data or NEWSWATCH_SHARED\n", data.c_str());
    return 1;
  }
  std::size_t bytes = 0;
  for (const Article& article : articles) bytes += article.title.size() + article.body.size();
  std::printf("%zu articles, %zu bytes of text each\n", articles.size(), bytes / articles.size());
  {
    PreparedText text;
    double best = 1e9;
    std::size_t words = 0;
    for (unsigned long pass = 0; pass < passes; ++pass) {
      words = 0;
      double start = cpu_seconds();
      for (const Article& article : articles) {
        text.prepare(article);
        words += text.words().size();
      }
      best = std::min(best, cpu_seconds() - start);
    }
    std::printf("words alone: %.2f us an article, %zu words\n", best * 1e6 / static_cast<double>(articles.size()), words / articles.size());
  }
  auto measure = [&](const syntax::Program& program, const std::string& what) {
    double start = cpu_seconds();
    auto set = compile(program);
    double built = cpu_seconds() - start;
    Scratch scratch;
    double best = 1e9;
    std::size_t matches = 0, hits = 0;
    for (unsigned long pass = 0; pass < passes; ++pass) {
      matches = hits = 0;
      start = cpu_seconds();
      for (const Article& article : articles) {
        auto result = set->match(article, Time{}, scratch);
        matches += result.matches.size();
        for (const auto& match : result.matches) hits += match.hits.size();
      }
      best = std::min(best, cpu_seconds() - start);
    }
    auto n = static_cast<double>(articles.size());
    std::printf("%18s: %7.0f articles/s, %6.2f us an article; %.2f matches and %.2f hits an article; built in %.3f s, %.1f MB\n",
                what.c_str(), n / best, best * 1e6 / n, static_cast<double>(matches) / n, static_cast<double>(hits) / n, built,
                static_cast<double>(set->bytes()) / 1e6);
  };
  std::istringstream rules(option(argc, argv, "--rules", "10,1000,10000,100000"));
  for (std::string count; std::getline(rules, count, ',');) measure(Generator(articles).program(std::stoul(count)), count + " rules");
  std::istringstream workloads(option(argc, argv, "--workload", ""));
  for (std::string count; std::getline(workloads, count, ',');) measure(workload(articles, std::stoul(count)), count + " of workload");
  std::istringstream names(option(argc, argv, "--names", ""));
  for (std::string count; std::getline(names, count, ',');) measure(Generator(articles).watchlist(std::stoul(count)), count + " names");
}
