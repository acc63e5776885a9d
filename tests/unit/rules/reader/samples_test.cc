// Files whose name says the verdict: tests/data/good and tests/data/bad, the packs, the manual, the schema.

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "config/yaml/document.h"
#include "rules/reader/reader.h"

namespace newswatch::rules {
namespace {

namespace fs = std::filesystem;
const std::string source = NEWSWATCH_SOURCE_DIR;

std::string content(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream out;
  out << stream.rdbuf();
  return out.str();
}

std::vector<fs::path> yaml_files(const std::string& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(source + folder))
    if (entry.path().extension() == ".yaml") out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

// As a JSON Schema sees YAML: plain scalars by the core schema, all else texts.
boost::json::value to_json(const yaml::Node& node) {
  switch (node.kind) {
    case yaml::Kind::null: return nullptr;
    case yaml::Kind::sequence: {
      boost::json::array out;
      for (const auto& item : node.items) out.push_back(to_json(item));
      return out;
    }
    case yaml::Kind::mapping: {
      boost::json::object out;
      for (const auto& entry : node.entries) out[entry.key] = to_json(entry.value);
      return out;
    }
    case yaml::Kind::scalar: break;
  }
  if (node.is_plain()) {
    if (node.text == "true" || node.text == "false") return node.text == "true";
    char* end = nullptr;
    const long long number = std::strtoll(node.text.c_str(), &end, 10);
    if (*end == '\0') return number;
  }
  return boost::json::string(node.text);
}

class Schema {
 public:
  Schema() {
    const auto document = boost::json::parse(content(source + "/rules/schema/rules.schema.json"));
    valijson::SchemaParser parser;
    parser.populateSchema(valijson::adapters::BoostJsonAdapter(document), schema_);
  }
  std::string problems(const std::string& text) const {
    yaml::Diagnostics diagnostics;
    const auto root = yaml::load(text, "schema", diagnostics);
    if (!root) return diagnostics.text();
    const auto document = to_json(*root);
    valijson::Validator validator;
    valijson::ValidationResults results;
    if (validator.validate(schema_, valijson::adapters::BoostJsonAdapter(document), &results)) return {};
    std::string out;
    valijson::ValidationResults::Error error;
    while (results.popError(error)) {
      for (const auto& part : error.context) out += part;
      out += ": " + error.description + "\n";
    }
    return out;
  }

 private:
  valijson::Schema schema_;
};

TEST(Samples, GoodFilesReadWithoutAWord) {
  const Schema schema;
  const auto files = yaml_files("/tests/data/good/rules");
  ASSERT_GE(files.size(), 2u);
  for (const auto& file : files) {
    yaml::Diagnostics diagnostics;
    const std::vector<std::string> paths{file.string()};
    EXPECT_TRUE(read_rules(paths, {}, diagnostics));
    EXPECT_EQ(diagnostics.text(), "");
    EXPECT_EQ(schema.problems(content(file)), "") << file;
  }
}

// The whole text that an author sees. NEWSWATCH_UPDATE_GOLDEN=1 writes it anew; read the difference before committing it.
TEST(Samples, BadFilesAreRefusedWithTheseWords) {
  const auto files = yaml_files("/tests/data/bad/rules");
  ASSERT_GE(files.size(), 5u);
  for (const auto& file : files) {
    yaml::Diagnostics diagnostics;
    const std::vector<MemoryFile> memory{{file.filename().string(), content(file)}};
    EXPECT_FALSE(read_rules(memory, {}, diagnostics)) << file;
    const fs::path golden = fs::path(file).replace_extension(".txt");
    if (std::getenv("NEWSWATCH_UPDATE_GOLDEN") != nullptr) std::ofstream(golden, std::ios::binary) << diagnostics.text();
    EXPECT_EQ(diagnostics.text(), content(golden)) << file;
  }
}

TEST(Schema, AcceptsEveryPack) {
  const Schema schema;
  for (const auto& file : yaml_files("/rules/packs")) EXPECT_EQ(schema.problems(content(file)), "") << file;
}

TEST(Schema, RefusesSlips) {
  const Schema schema;
  for (const char* text : {
           "rule: []", "rules: [{id: r}]", "rules: [{any: [x]}]", "rules: [{id: R, any: [x]}]", "rules: [{id: r, any: x}]",
           "rules: [{id: r, any: [x], severty: low}]", "rules: [{id: r, any: [x], severity: urgent}]", "rules: [{id: r, any: []}]",
           "rules: [{id: r, any: [{near: [x]}]}]", "rules: [{id: r, any: [{near: [x, y], gap: -1}]}]",
           "rules: [{id: r, any: [{text: x, match: fuzzy}]}]", "rules: [{id: r, any: [x], where: {max_age: soon}}]",
           "rules: [{id: r, any: [x], alert: {group_by: [entity]}}]", "entities: [{id: e}]", "watchlists: [{id: w}]",
           "lists: {a b: [x]}", "lists: {a: [{any: [x]}]}"})
    EXPECT_NE(schema.problems(text), "") << text;
  EXPECT_EQ(schema.problems("rules: [{id: r, any: [x, 2025], x-note: {a: b}}]"), "");
}

// Each YAML block of the manual is a rule file, or the rules of one.
TEST(Manual, EveryYamlBlockCanBeRead) {
  std::istringstream manual(content(source + "/rules/README.md"));
  const Schema schema;
  // The watchlists that it speaks of.
  std::string folder = (fs::temp_directory_path() / "newswatch-manual-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/sdn.csv") << "ent_num,name,kind,aka\n36,AEROCARIBBEAN AIRLINES,entity,AERO-CARIBBEAN\n";
  std::ofstream(folder + "/ministers.txt") << "Jane Roe\n";
  std::string line, block;
  int number = 0, begin = 0, blocks = 0;
  bool inside = false;
  while (std::getline(manual, line)) {
    ++number;
    if (!inside && line == "```yaml") {
      inside = true, block.clear(), begin = number;
    } else if (inside && line == "```") {
      inside = false;
      ++blocks;
      yaml::Diagnostics diagnostics;
      const std::vector<MemoryFile> files{{folder + "/README.md+" + std::to_string(begin), block}};
      ReaderOptions options;
      options.warnings = false;
      EXPECT_TRUE(read_rules(files, options, diagnostics)) << block << diagnostics.text();
      EXPECT_EQ(schema.problems(block), "") << block;
    } else if (inside) {
      block += line + "\n";
    }
  }
  EXPECT_GE(blocks, 8);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace newswatch::rules
