#pragma once
// The articles and rules that the end-to-end benches share: a fixed seed, a described mix, the same on every machine.
//
// Articles: English ones with bodies of 1 to 8 KB, from a file of JSON lines (.gz or plain; `title`, `body`, `source`),
// or, without one, invented from a small vocabulary. Rules: 40 % two-word phrases, 20 % `all` of two words and `none`
// of a third, 15 % `near` with gap 10, 10 % (a or b) and a phrase, 10 % phrases taken from the text, 5 % rare words;
// the mix that the design's figures for other engines were measured with.

#include <zlib.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace newswatch::bench {

struct SampleArticle {
  std::string title, body, source;
};

inline std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (char c : text) {
    if (std::isalpha(static_cast<unsigned char>(c))) {
      word.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

/// The first `wanted` articles of `path` with an ASCII-friendly body of 1 to 8 KB; invented ones when path is empty.
inline std::vector<SampleArticle> load_articles(const std::string& path, std::size_t wanted) {
  std::vector<SampleArticle> articles;
  if (!path.empty()) {
    gzFile file = gzopen(path.c_str(), "rb");
    std::string line;
    std::vector<char> buffer(1 << 20);
    while (file != nullptr && articles.size() < wanted && gzgets(file, buffer.data(), static_cast<int>(buffer.size())) != nullptr) {
      line = buffer.data();
      boost::system::error_code error;
      const auto value = boost::json::parse(line, error);
      if (error || !value.is_object()) continue;
      const auto& object = value.as_object();
      const auto text = [&](const char* key) {
        const auto* found = object.if_contains(key);
        return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
      };
      SampleArticle article{text("title"), text("body"), text("source")};
      if (article.title.empty() || article.body.size() < 1300 || article.body.size() > 8000) continue;
      articles.push_back(std::move(article));
    }
    if (file != nullptr) gzclose(file);
  }
  if (articles.empty()) {
    std::mt19937_64 random(7);
    std::vector<std::string> vocabulary;
    for (int i = 0; i < 20'000; ++i) {
      std::string word;
      for (int n = 2 + static_cast<int>(random() % 4); n > 0; --n) {
        word.push_back("bcdfghklmnprstvw"[random() % 16]);
        word.push_back("aeiou"[random() % 5]);
      }
      vocabulary.push_back(std::move(word));
    }
    while (articles.size() < wanted) {
      SampleArticle article{"Invented story", "", "invented.example"};
      while (article.body.size() < 3000) {
        const double u = static_cast<double>(random() >> 11) / 9007199254740992.0;
        article.body += vocabulary[static_cast<std::size_t>(u * u * u * 20'000)] + (random() % 12 == 0 ? ". " : " ");
      }
      articles.push_back(std::move(article));
    }
  }
  return articles;
}

/// One article as the JSON that newswatchd reads, under the id `bench-NUMBER`.
inline std::string article_json(const SampleArticle& article, std::uint64_t number) {
  return boost::json::serialize(boost::json::object{{"id", "bench-" + std::to_string(number)},
                                                    {"title", article.title},
                                                    {"body", article.body},
                                                    {"source", article.source},
                                                    {"language", "en"}});
}

enum class RuleKind { phrase, all_none, near, any_and_phrase, word };

/// One generated rule: `phrase` a b | `all_none` a and b and not c | `near` a near/10 b | `any_and_phrase` (a or b) and
/// "c d" | `word` a.
struct GeneratedRule {
  RuleKind kind = RuleKind::word;
  std::vector<std::string> words;
};

/// `count` rules of the mix above, the same for the same articles.
inline std::vector<GeneratedRule> generate_rules(const std::vector<SampleArticle>& articles, std::size_t count) {
  std::map<std::string, std::size_t> frequency;  // ordered: the draw must not depend on a hash
  std::vector<std::vector<std::string>> texts;
  for (const auto& article : articles) {
    texts.push_back(words_of(article.body));
    for (const auto& word : std::unordered_set<std::string>(texts.back().begin(), texts.back().end())) ++frequency[word];
  }
  std::vector<std::string> middle, rare;
  for (const auto& [word, documents] : frequency) {
    if (word.size() < 4) continue;
    if (documents * 1000 >= articles.size() && documents * 60 <= articles.size()) middle.push_back(word);
    if (documents <= 2) rare.push_back(word);
  }
  std::mt19937_64 random(11);
  const auto pick = [&](const std::vector<std::string>& from) { return from[random() % from.size()]; };
  std::vector<GeneratedRule> rules;
  while (rules.size() < count) {
    const auto a = pick(middle), b = pick(middle), c = pick(middle), d = pick(middle);
    if (const auto kind = random() % 100; kind < 40) {
      rules.push_back({RuleKind::phrase, {a, b}});
    } else if (kind < 60) {
      rules.push_back({RuleKind::all_none, {a, b, c}});
    } else if (kind < 75) {
      rules.push_back({RuleKind::near, {a, b}});
    } else if (kind < 85) {
      rules.push_back({RuleKind::any_and_phrase, {a, b, c, d}});
    } else if (kind < 95) {  // a phrase that stands in some article
      const auto& text = texts[random() % texts.size()];
      std::size_t at = random() % (text.size() - 1);
      for (int tries = 0; tries < 50 && !std::binary_search(middle.begin(), middle.end(), text[at]); ++tries) {
        at = random() % (text.size() - 1);
      }
      rules.push_back({RuleKind::phrase, {text[at], text[at + 1]}});
    } else {
      rules.push_back({RuleKind::word, {pick(rare)}});
    }
  }
  return rules;
}

inline std::string condition_of(const GeneratedRule& rule) {
  const auto quoted = [&](std::size_t i) { return "\"" + rule.words[i] + "\""; };
  switch (rule.kind) {
    case RuleKind::phrase: return "any: [\"" + rule.words[0] + " " + rule.words[1] + "\"]";
    case RuleKind::all_none: return "all: [" + quoted(0) + ", " + quoted(1) + "], none: [" + quoted(2) + "]";
    case RuleKind::near: return "any: [{near: [" + quoted(0) + ", " + quoted(1) + "], gap: 10}]";
    case RuleKind::any_and_phrase:
      return "all: [{any: [" + quoted(0) + ", " + quoted(1) + "]}, \"" + rule.words[2] + " " + rule.words[3] + "\"]";
    case RuleKind::word: break;
  }
  return "any: [" + quoted(0) + "]";
}

/// The rules as one YAML rule file, terms exact. Every rule has `stories: every`, since the articles repeat.
inline std::string rules_yaml(const std::vector<GeneratedRule>& rules, const std::string& to = "") {
  std::string yaml = "defaults: {match: exact, case: any, alert: {stories: every}" + (to.empty() ? "" : ", to: [" + to + "]") + "}\nrules:\n";
  for (std::size_t i = 0; i < rules.size(); ++i) {
    yaml += "  - {id: bench-rule-" + std::to_string(i) + ", " + condition_of(rules[i]) + "}\n";
  }
  return yaml;
}

inline std::string make_rules(const std::vector<SampleArticle>& articles, std::size_t count, const std::string& to = "") {
  return rules_yaml(generate_rules(articles, count), to);
}

}  // namespace newswatch::bench
