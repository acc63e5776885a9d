#include "rules/reader/reader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

namespace newswatch::rules {
namespace {

using namespace engine::syntax;
namespace fs = std::filesystem;

struct Result {
  std::optional<LoadedRules> loaded;
  std::string problems;  // code line:column; …
  std::string text;
};

Result collect(std::optional<LoadedRules> loaded, const yaml::Diagnostics& diagnostics) {
  Result out{std::move(loaded), {}, diagnostics.text()};
  for (const auto& one : diagnostics.sorted())
    out.problems += one.code + " " + std::to_string(one.place.line) + ":" + std::to_string(one.place.column) + "; ";
  return out;
}

Result read(const std::string& text, const ReaderOptions& options = {}) {
  yaml::Diagnostics diagnostics;
  const std::vector<MemoryFile> files{{"rules.yaml", text}};
  auto loaded = read_rules(files, options, diagnostics);
  return collect(std::move(loaded), diagnostics);
}

// A directory of its own, gone afterwards.
class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "newswatch-reader-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string write(const std::string& name, const std::string& text) {
    const fs::path path = root_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  std::string write_gzip(const std::string& name, const std::string& text) {
    const std::string path = (root_ / name).string();
    gzFile file = ::gzopen(path.c_str(), "wb");
    ::gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
    ::gzclose(file);
    return path;
  }
  Result read_paths(const std::vector<std::string>& paths) {
    yaml::Diagnostics diagnostics;
    auto loaded = read_rules(paths, {}, diagnostics);
    return collect(std::move(loaded), diagnostics);
  }
  Result read_watchlist(const std::string& entry) {
    return read_paths({write("rules.yaml", "watchlists:\n  - " + entry + "\nrules:\n  - {id: r, any: [{watchlist: w}]}\n")});
  }
  fs::path root_;
};

constexpr const char* full_rule = R"(
defaults: {severity: low, to: [ops], labels: {desk: europe, team: a}, alert: {cooldown: 1h}, status: shadow}
lists:
  pressure: [sanction, "@more"]
  more: {match: exact, items: [tariff]}
entities:
  - {id: Q1, name: "KIM, Jong Un", type: person, aliases: [{text: Kim, weak: true}, {text: kim*, match: exact, case: any}], context: "@pressure", ids: {b: 2, a: 1}, labels: {x: y}}
rules:
  - id: full
    title: A title
    formerly: [older, old]
    severity: critical
    labels: {team: b}
    any: ["@pressure", {entity: Q1}]
    all: [word]
    none: [{headline: opinion}]
    query: other or {more}
    where: {languages: [en], sources: {include: [a.com], exclude: [b.com]}, max_age: 2d, min_words: 3, max_words: 9}
    boilerplate: count
    alert: {stories: every}
  - {id: plain, any: [{rule: full}]}
)";

TEST(RuleReader, ReadsEveryPartOfARule) {
  std::string text = full_rule;
  text.replace(text.find("other or {more}"), 15, "other or @more");
  const auto result = read(text);
  ASSERT_EQ(result.text, "");
  const Program& program = result.loaded->program;
  ASSERT_EQ(program.rules.size(), 2u);
  const Rule& full = program.rules[0];
  EXPECT_EQ(full.info.key, "older");
  EXPECT_EQ(full.info.title, "A title");
  EXPECT_EQ(full.info.severity, engine::Severity::critical);
  EXPECT_EQ(full.info.status, engine::RuleStatus::shadow);
  EXPECT_EQ(full.info.labels, (Pairs{{"desk", "europe"}, {"team", "b"}}));
  EXPECT_EQ(full.info.to, std::vector<std::string>{"ops"});
  EXPECT_EQ(full.info.alert.stories, engine::Stories::every);
  EXPECT_EQ(full.info.alert.cooldown, std::chrono::hours(1));
  EXPECT_TRUE(full.count_boilerplate);
  EXPECT_EQ(full.where.max_age, std::chrono::hours(48));
  EXPECT_EQ(full.where.sources.exclude, std::vector<std::string>{"b.com"});
  EXPECT_EQ(print(full.condition), "word and (@pressure or entity:Q1) and not headline:opinion and (other or @more)");
  EXPECT_EQ(program.rules[1].info.key, "plain");
  EXPECT_EQ(program.rules[1].condition.operands[0].target, 0u);
  const Entity& kim = program.entities[0];
  ASSERT_EQ(kim.names.size(), 3u);
  EXPECT_TRUE(kim.names[0].comma);
  EXPECT_TRUE(kim.names[1].weak);
  EXPECT_EQ(kim.names[2].how, (Setting{MatchMode::prefix, MatchMode::exact, CaseMode::any}));
  EXPECT_EQ(kim.context->target, 0u);
  EXPECT_EQ(program.lists[1].items[0].how.match, MatchMode::exact);
  EXPECT_EQ(program.lists[0].items[1].target, 1u);
}

TEST(RuleReader, WantsCodesOfLanguages) {
  EXPECT_EQ(read("rules:\n  - {id: a, any: [x1], where: {languages: [en, pt-BR, english]}}\n").problems, "bad-value 2:55; ");
  EXPECT_EQ(read("rules:\n  - {id: a, any: [x1], where: {languages: {exclude: [e]}}}\n").problems, "bad-value 2:54; ");
}

TEST(RuleReader, WantsDomainsOfSources) {
  EXPECT_EQ(read("rules:\n  - {id: a, any: [x1], where: {sources: [a.com, 'https://b.com/news']}}\n").problems, "bad-value 2:49; ");
}

TEST(RuleReader, RejectsDuplicateId) {
  EXPECT_EQ(read("rules:\n  - {id: a, formerly: [b], any: [x1]}\n  - {id: b, any: [x1]}\n  - {id: c, formerly: [b, a], any: [x1]}\n").problems,
            "duplicate-id 3:10; duplicate-id 4:24; duplicate-id 4:27; ");
  EXPECT_NE(read("rules:\n  - {id: a, any: [x1]}\n  - {id: a, any: [x2]}\n").text.find("the other stands in"), std::string::npos);
  EXPECT_EQ(read("entities:\n  - {id: e, name: A1}\n  - {id: e, name: B1}\nrules: []\n").problems, "duplicate-id 3:10; ");
}

TEST(RuleReader, KnowsTheDestinationsOfTheConfiguration) {
  ReaderOptions options;
  options.destinations = {"ops-slack", "risk"};
  const std::string text = "rules:\n  - {id: r, any: [tank], to: [risk, ops-slak]}\n";
  const auto result = read(text, options);
  EXPECT_EQ(result.problems, "unknown-name 2:37; ");
  EXPECT_NE(result.text.find("did you mean `ops-slack`?"), std::string::npos) << result.text;
  EXPECT_EQ(read(text).problems, "") << "without a configuration any name is taken";
}

TEST(RuleReader, RefusesWhatTheAlertStageDoesNotDoYet) {
  EXPECT_EQ(read("rules:\n  - {id: r, any: [tank], alert: {stories: updates}}\n").problems, "bad-value 2:43; ");
  EXPECT_EQ(read("rules:\n  - {id: r, any: [tank], alert: {group_by: [entity]}}\n").problems, "bad-value 2:44; ");
  EXPECT_EQ(read("rules:\n  - id: r\n    any: [tank]\n    alert: {threshold: {count: 3}}\n").problems, "bad-value 4:24; ");
  EXPECT_EQ(read("rules:\n  - {id: r, any: [tank], alert: {stories: every, cooldown: 90m}}\n").problems, "");
}

TEST(RuleReader, FindsCirclesThroughContextsAndTypes) {
  EXPECT_EQ(read("entities:\n  - {id: e, name: Abc, type: person, context: {type: Person}}\nrules: []\n").problems, "cycle 2:54; ");
  EXPECT_EQ(read("entities:\n  - {id: e, name: Abc, context: {rule: r}}\nrules:\n  - {id: r, any: [{rule: s}]}\n  - {id: s, any: [{entity: e}]}\n")
                .problems, "cycle 5:28; ");
  EXPECT_EQ(read("entities:\n  - {id: e, name: Abc, context: {entity: f}}\n  - {id: f, name: Def, type: person}\nrules: []\n").problems, "");
}

TEST(RuleReader, ALongChainOfReferencesIsRefusedNotFollowed) {
  std::string text = "rules:\n  - {id: r0, any: [tank]}\n";
  for (int i = 1; i < 20000; ++i) text += "  - {id: r" + std::to_string(i) + ", any: [{rule: r" + std::to_string(i - 1) + "}]}\n";
  EXPECT_EQ(read(text).problems.substr(0, 9), "too-deep ");
  std::string down = "rules:\n";
  for (int i = 0; i < 20000; ++i) down += "  - {id: r" + std::to_string(i) + ", any: [{rule: r" + std::to_string(i + 1) + "}]}\n";
  EXPECT_EQ(read(down + "  - {id: r20000, any: [tank]}\n").problems.substr(0, 9), "too-deep ");
}

TEST(RuleReader, OnlyNegativeLooksThroughEveryPart) {
  for (const char* condition : {"none: [x1]", "query: not x1", "all: [{at_least: 1, of: [x1]}, {regex: 'a*', field: title}]"}) {
    const std::string text = std::string("rules:\n  - {id: r, ") + condition + "}\n";
    if (std::string(condition).find("at_least") == std::string::npos) {
      EXPECT_EQ(read(text).problems, "only-negative 2:5; ") << text;
    } else {
      EXPECT_EQ(read(text).problems, "") << text;
    }
  }
  EXPECT_EQ(read("rules:\n  - {id: r, any: [{regex: 'a*'}]}\n").problems, "only-negative 2:5; ");
  EXPECT_EQ(read("rules:\n  - {id: r, none: [x1], query: ab*}\n").problems, "prefix-too-short 2:32; ") << "not judged";
}

TEST(RuleReader, WarnsOfWhatIsHardlyMeant) {
  EXPECT_EQ(read("lists:\n  a: [tank]\nrules:\n  - {id: r, any: [Apple, {text: Shell, case: exact}]}\n").problems,
            "unused-list 2:3; ambiguous-capital 4:19; ");
  EXPECT_EQ(read("rules:\n  - {id: r, any: [sanction, sanctions, \"new sanctions\", tariff, ={}]}\n").loaded.has_value(), false);
  EXPECT_EQ(read("rules:\n  - {id: r, any: [sanction, sanctions, \"new sanctions\", tariff]}\n").problems,
            "covered 2:29; covered 2:40; ");
  EXPECT_EQ(read("rules:\n  - {id: r, any: [sanctions, US, us, cyber-attack, attack]}\n").problems, "");
}

TEST(RuleReader, AFileThatIsNoYamlHidesNoErrorsOfOthersAndCausesNone) {
  yaml::Diagnostics diagnostics;
  const std::vector<MemoryFile> files{{"a.yaml", "lists: {l: [x1]\n"}, {"b.yaml", "rules:\n  - {id: r, any: [\"@l\"], severty: low}\n"}};
  EXPECT_FALSE(read_rules(files, {}, diagnostics));
  std::string codes;
  for (const auto& one : diagnostics.sorted()) codes += one.code + " ";
  EXPECT_EQ(codes, "yaml-syntax unknown-key ");
}

TEST(RuleReader, EmptyFilesAndSectionsAreAllowed) {
  EXPECT_EQ(read("").problems, "");
  EXPECT_EQ(read("rules:\nlists:\nentities:\nwatchlists:\n").problems, "");
  EXPECT_EQ(read("- a\n").problems, "wrong-type 1:1; ");
}

TEST_F(Files, ADirectoryWithLinksInACircleIsReadOnce) {
  write("rules/a.yaml", "rules: [{id: a, any: [x1]}]\n");
  fs::create_directories(root_ / "rules/sub");
  fs::create_directory_symlink("..", root_ / "rules/sub/up");
  EXPECT_EQ(read_paths({(root_ / "rules").string()}).text, "");
}

TEST_F(Files, APipeInADirectoryIsRefusedAndNotWaitedFor) {
  write("rules/a.yaml", "rules: [{id: a, any: [x1]}]\n");
  ASSERT_EQ(::mkfifo((root_ / "rules/b.yaml").c_str(), 0600), 0);
  EXPECT_NE(read_paths({(root_ / "rules").string()}).text.find("is no regular file"), std::string::npos);
}

TEST_F(Files, AreFoundInDirectoriesAndGlobsInTheOrderOfTheirNames) {
  write("rules/b/two.yml", "rules: [{id: two, any: [x1]}]\n");
  write("rules/a.yaml", "rules: [{id: one, any: [x1]}]\n");
  write("rules/.hidden.yaml", "nonsense: true\n");
  write("rules/.git/x.yaml", "nonsense: true\n");
  write("rules/a.test.yaml", "nonsense: true\n");
  write("rules/readme.txt", "nonsense");
  const auto result = read_paths({(root_ / "rules").string(), (root_ / "rules/*.yaml").string()});
  EXPECT_EQ(result.text, "") << "what is found twice is read once";
  const auto folder = read_paths({(root_ / "rules").string()});
  ASSERT_EQ(folder.text, "");
  ASSERT_EQ(folder.loaded->program.rules.size(), 2u);
  EXPECT_EQ(folder.loaded->program.rules[0].info.id, "one");
  EXPECT_EQ(folder.loaded->files.size(), 2u);
}

TEST_F(Files, ThatAreNotThereAreErrors) {
  const auto result = read_paths({(root_ / "none.yaml").string(), (root_ / "*.yaml").string(), root_.string()});
  EXPECT_EQ(result.problems, "unreadable-file 0:0; unreadable-file 0:0; unreadable-file 0:0; ");
}

TEST_F(Files, WatchlistOfCsvIsReadWithItsColumns) {
  write("sdn.csv", "\xEF\xBB\xBF" "ent_num,name,kind,aka\r\n1,\"KIM, Jong Un\",individual,\"Kim; The \"\"K\"\"\"\r\n\r\n2,ACME * LTD,,\r\n");
  const auto result = read_watchlist("{id: w, file: sdn.csv, format: csv, columns: {id: ent_num, name: name, type: kind, aliases: aka}}");
  ASSERT_EQ(result.text, "");
  const auto& entities = result.loaded->program.entities;
  ASSERT_EQ(entities.size(), 2u);
  EXPECT_EQ(entities[0].names[0].text, "KIM, Jong Un");
  EXPECT_TRUE(entities[0].names[0].comma);
  ASSERT_EQ(entities[0].names.size(), 3u);
  EXPECT_EQ(entities[0].names[2].text, "The \"K\"");
  EXPECT_EQ(entities[0].watchlist, 0u);
  EXPECT_EQ(words_of(entities[1].names[0].text, entities[1].names[0].how), "ACME * LTD");
  EXPECT_EQ(result.loaded->files.size(), 2u) << "a reload must look at the list too";
}

TEST_F(Files, BadRowsOfAWatchlistAreToldWithTheirLine) {
  write("w.csv", "id,name\n1,Abc\nx y,Def\n3\n4,\n5,...\n1,Twice\n");
  const auto result = read_watchlist("{id: w, file: w.csv}");
  EXPECT_EQ(result.problems, "bad-row 3:1; bad-row 4:1; bad-row 5:1; bad-row 6:1; duplicate-id 7:1; ") << result.text;
  write("w.csv", "id,title\n1,Abc\n");
  EXPECT_NE(read_watchlist("{id: w, file: w.csv}").text.find("no column has the name `name`"), std::string::npos);
}

TEST_F(Files, WatchlistOfNamesMayBeGzipped) {
  write_gzip("names.txt.gz", "Jane Roe\n\nЗахарова\nJane Roe\n");
  const auto result = read_watchlist("{id: w, file: names.txt.gz}");
  ASSERT_EQ(result.text, "");
  ASSERT_EQ(result.loaded->program.entities.size(), 2u);
  EXPECT_EQ(result.loaded->program.entities[0].id, "Jane Roe");
  EXPECT_FALSE(result.loaded->program.entities[0].names[0].weak);
  const auto cut = root_ / "names.txt.gz";
  fs::resize_file(cut, fs::file_size(cut) - 9);
  EXPECT_NE(read_watchlist("{id: w, file: names.txt.gz}").problems.find("unreadable-file"), std::string::npos);
}

TEST_F(Files, WatchlistOfFollowTheMoneyKeepsWeakNamesApart) {
  write("e.jsonl",
        R"({"id":"a","schema":"Person","properties":{"name":["Jane Roe","Roe, Jane"],"weakAlias":["Roe"],"topics":["sanction"]}})" "\n"
        R"({"id":"b","schema":"Address","properties":{"name":["Main Street"]}})" "\n"
        R"({"id":"c","schema":"Vessel","properties":{"name":["Aurora"],"abbreviation":["AUR"]}})" "\n");
  const auto result = read_watchlist("{id: w, file: e.jsonl}");
  ASSERT_EQ(result.text, "");
  const auto& entities = result.loaded->program.entities;
  ASSERT_EQ(entities.size(), 2u) << "an address is no legal entity";
  ASSERT_EQ(entities[0].names.size(), 3u);
  EXPECT_TRUE(entities[0].names[1].comma);
  EXPECT_TRUE(entities[0].names[2].weak);
  EXPECT_EQ(entities[0].labels, (Pairs{{"topics", "sanction"}}));
  EXPECT_EQ(entities[1].type, "Vessel");
  write("e.jsonl", "{\"id\": 1\n");
  EXPECT_EQ(read_watchlist("{id: w, file: e.jsonl}").problems, "bad-row 1:1; ");
}

TEST_F(Files, WatchlistOfOurOwnMayHoldContexts) {
  write("own.yaml", "entities:\n  - {id: merz, name: Friedrich Merz, type: person, aliases: [{text: Merz, weak: true}], context: chancellor}\n");
  const auto result = read_watchlist("{id: w, file: own.yaml}");
  ASSERT_EQ(result.text, "");
  EXPECT_EQ(result.loaded->program.entities[0].context->text, "chancellor");
}

// Whatever an editor leaves behind, the reader answers: with rules, or with errors that have places in the file.
TEST(RuleReader, SurvivesMutations) {
  std::ifstream stream(std::string(NEWSWATCH_SOURCE_DIR) + "/tests/data/good/rules/everything.yaml");
  const std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  ASSERT_FALSE(text.empty());
  std::mt19937 random(42);
  static const std::string signs = "[]{}:,-?|>'\"#&*!@= \n()";
  static const std::vector<std::string> words{"near", "none", "any", "query", "hit", "of", "type", "list", "rule", "null", "-1", "[]", "{}"};
  for (int i = 0; i < 1500; ++i) {
    std::string mutated = text;
    for (unsigned n = 1 + random() % 3; n > 0; --n) {
      const std::size_t at = random() % mutated.size();
      switch (random() % 4) {
        case 0: mutated[at] = signs[random() % signs.size()]; break;
        case 1: mutated.erase(at, 1 + random() % 20); break;
        case 2: mutated.insert(at, words[random() % words.size()]); break;
        default: mutated.insert(at, mutated.substr(random() % mutated.size(), random() % 40)); break;
      }
    }
    yaml::Diagnostics diagnostics;
    const std::vector<MemoryFile> files{{std::string(NEWSWATCH_SOURCE_DIR) + "/tests/data/good/rules/x.yaml", mutated}};
    const auto loaded = read_rules(files, {}, diagnostics);
    ASSERT_EQ(loaded.has_value(), !diagnostics.has_errors()) << mutated;
    const auto lines = static_cast<std::uint32_t>(std::count(mutated.begin(), mutated.end(), '\n')) + 1;
    for (const auto& one : diagnostics.sorted()) ASSERT_TRUE(one.place.line >= 1 && one.place.line <= lines) << to_string(one.place);
    diagnostics.text();
    if (!loaded) continue;
    for (const auto& rule : loaded->program.rules) ASSERT_FALSE(print(rule.condition).empty());
  }
}

// --- the printer ---

class RandomTree {
 public:
  explicit RandomTree(unsigned seed) : random_(seed) {}

  Expression any(int depth) {
    const bool leaf = depth == 0 || random_() % 3 == 0;
    if (leaf) return this->leaf();
    Expression e;
    switch (random_() % 9) {
      case 0: e = group(Op::any, depth, 1); break;
      case 1: e = group(Op::all, depth, 1); break;
      case 2: e = group(Op::at_least, depth, 1); e.number = 1 + random_() % static_cast<unsigned>(e.operands.size()); break;
      case 3: e.op = Op::times, e.number = 1 + random_() % 5, e.operands.push_back(positional(depth - 1)); break;
      case 4: e.op = Op::first, e.number = 1 + random_() % 300, e.operands.push_back(any(depth - 1)); break;
      case 5: e.op = static_cast<Op>(static_cast<int>(Op::headline) + static_cast<int>(random_() % 3)), e.operands.push_back(any(depth - 1)); break;
      case 6: e.op = random_() % 2 == 0 ? Op::same_sentence : Op::same_paragraph; fill(e, depth); break;
      case 7: {
        e = group(Op::all, depth, 1);
        Expression none = group(Op::none, depth, 1);
        e.operands.push_back(std::move(none));
        break;
      }
      default: e = positional(depth); break;
    }
    return e;
  }

 private:
  Expression group(Op op, int depth, unsigned least) {
    Expression e;
    e.op = op;
    for (unsigned n = least + random_() % 3; n > 0; --n) e.operands.push_back(any(depth - 1));
    return e;
  }
  void fill(Expression& e, int depth) {
    for (unsigned n = 2 + random_() % 2; n > 0; --n) e.operands.push_back(positional(depth - 1));
  }
  Expression positional(int depth) {
    if (depth <= 0) return leaf(true);
    Expression e;
    switch (random_() % 5) {
      case 0: e.op = random_() % 2 == 0 ? Op::near : Op::before, e.number = random_() % 9; fill(e, depth); break;
      case 1: e.op = Op::any; fill(e, depth); break;
      case 2: e.op = Op::not_near, e.number = random_() % 9; e.operands.push_back(positional(depth - 1)); e.operands.push_back(positional(depth - 1)); break;
      case 3: e.op = Op::outside; e.operands.push_back(positional(depth - 1)); e.operands.push_back(positional(depth - 1)); break;
      default: return leaf(true);
    }
    return e;
  }
  Expression leaf(bool placed = false) {
    static const std::vector<std::string> texts{"sanction", "NATO accession", "near", "@nato", "10:30", "it's", "say \"no\"", "2025", "a(b)",
                                                "Київ", "普 京", "back\\slash", "true", "x, y", "- dash", "# hash", "curly \xE2\x80\x9Cq\xE2\x80\x9D", "what?", "=eq",
                                                "tab\there", "near/5", "{a: b}"};
    Expression e;
    switch (random_() % (placed ? 12 : 13)) {
      case 0: e.op = Op::list, e.text = "l"; return e;
      case 1: e.op = Op::entity, e.text = "Q:2/x"; return e;
      case 2: e.op = Op::type, e.text = random_() % 2 == 0 ? "person" : "public body"; return e;
      case 3: e.op = Op::watchlist, e.text = "w"; if (random_() % 2 == 0) e.type = "vessel"; return e;
      case 12: {
        if (random_() % 2 == 0) { e.op = Op::rule, e.text = "base"; return e; }
        e.op = Op::regex, e.text = "it's \\d+ \"x\"", e.field = static_cast<RegexField>(random_() % 5);
        return e;
      }
      default: break;
    }
    e.op = Op::term;
    e.text = texts[random_() % texts.size()];
    static const std::vector<MatchMode> modes{MatchMode::inflected, MatchMode::exact};
    static const std::vector<CaseMode> cases{CaseMode::automatic, CaseMode::any, CaseMode::exact};
    e.how.others = modes[random_() % 2];
    e.how.letters = random_() % 2 == 0 ? CaseMode::automatic : cases[random_() % 3];
    e.how.match = e.how.others;
    if (random_() % 5 == 0) e.how.match = MatchMode::prefix, e.text = random_() % 2 == 0 ? "export*" : "new \xE2\x84\xA2 tariff*";
    return e;
  }
  std::mt19937 random_;
};

TEST(Printer, WhatItPrintsReadsBackAsTheSame) {
  const unsigned seed = 7;
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomTree trees(seed);
  int queries = 0, yamls = 0;
  for (int i = 0; i < 3000; ++i) {
    const Expression tree = normal(trees.any(3));
    const std::string printed = print(tree);
    const bool is_query = has_query_form(tree);
    ++(is_query ? queries : yamls);
    std::string text = "lists: {l: [x1]}\nentities: [{id: 'Q:2/x', name: Abc}]\nrules:\n  - {id: base, any: [x1]}\n  - id: r\n";
    if (is_query) {
      std::string quoted;
      for (const char c : printed) {
        if (c == '"' || c == '\\') quoted += '\\';
        if (c == '\t') quoted += "\\t";
        else quoted += c;
      }
      text += "    query: \"" + quoted + "\"\n";
    } else {
      text += "    all: [" + printed + "]\n";
    }
    text += "watchlists: [{id: w, file: " + std::string(NEWSWATCH_SOURCE_DIR) + "/tests/data/good/rules/empty.txt}]\n";
    yaml::Diagnostics diagnostics;
    ReaderOptions options;
    options.warnings = false;
    const std::vector<MemoryFile> files{{"rules.yaml", text}};
    const auto loaded = read_rules(files, options, diagnostics);
    ASSERT_TRUE(loaded) << printed << "\n" << diagnostics.text();
    ASSERT_TRUE(same(normal(loaded->program.rules[1].condition), tree)) << printed << "\n  became\n" << print(loaded->program.rules[1].condition);
    ASSERT_EQ(print(loaded->program.rules[1].condition), printed);
  }
  EXPECT_GT(queries, 200);
  EXPECT_GT(yamls, 200);
}

}  // namespace
}  // namespace newswatch::rules
