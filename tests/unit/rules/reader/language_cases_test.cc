// The reader against the conformance suite of the language: what must load loads, and every error stands where it must.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>

#include "rules/reader/reader.h"

namespace newswatch::rules {
namespace {

std::string shared_directory() {
  const char* set = std::getenv("NEWSWATCH_SHARED");
  return set != nullptr ? set : std::string(NEWSWATCH_SOURCE_DIR) + "/../shared";
}

TEST(RuleReader, AgreesWithTheConformanceSuite) {
  std::ifstream file(shared_directory() + "/language-cases.jsonl");
  if (!file) GTEST_SKIP() << "no language-cases.jsonl in " << shared_directory() << " (set NEWSWATCH_SHARED)";
  std::string line;
  int cases = 0;
  while (std::getline(file, line)) {
    const auto value = boost::json::parse(line);
    const auto& test = value.as_object();
    SCOPED_TRACE(std::string(test.at("id").as_string()) + ": " + std::string(test.at("note").as_string()));
    const std::vector<MemoryFile> files{{"/nowhere/rules.yaml", std::string(test.at("rules").as_string())}};
    yaml::Diagnostics diagnostics;
    const auto loaded = read_rules(files, {}, diagnostics);
    const auto* errors = test.if_contains("errors");
    EXPECT_EQ(loaded.has_value(), errors == nullptr || errors->as_array().empty()) << diagnostics.text();
    std::vector<yaml::Diagnostic> found;
    for (const auto& one : diagnostics.sorted())
      if (one.level == yaml::Level::error) found.push_back(one);
    const std::size_t expected = errors == nullptr ? 0 : errors->as_array().size();
    EXPECT_EQ(found.size(), expected) << diagnostics.text();
    for (std::size_t i = 0; i < expected && i < found.size(); ++i) {
      const auto& want = errors->as_array()[i].as_array();
      EXPECT_EQ(found[i].code, std::string(want[0].as_string()));
      EXPECT_EQ(found[i].place.line, want[1].to_number<unsigned>()) << diagnostics.text();
      if (want[2].to_number<unsigned>() != 0) {
        EXPECT_EQ(found[i].place.column, want[2].to_number<unsigned>()) << diagnostics.text();
      }
    }
    ++cases;
  }
  EXPECT_GT(cases, 400);
}

}  // namespace
}  // namespace newswatch::rules
