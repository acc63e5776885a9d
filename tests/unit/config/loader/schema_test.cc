// config/schema/newswatchd.schema.json, which editors use: it takes what ships and knows every option.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "config/loader/options.h"
#include "config/yaml/document.h"

namespace newswatch::config {
namespace {

const std::string source = NEWSWATCH_SOURCE_DIR;

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
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

class ConfigSchema : public testing::Test {
 protected:
  ConfigSchema() : document_(boost::json::parse(content(source + "/config/schema/newswatchd.schema.json"))) {
    valijson::SchemaParser parser;
    parser.populateSchema(valijson::adapters::BoostJsonAdapter(document_), schema_);
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

  const boost::json::value document_;
  valijson::Schema schema_;
};

TEST_F(ConfigSchema, TakesWhatShips) {
  std::vector<std::filesystem::path> files{source + "/config/newswatchd.yaml"};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source + "/config/examples"))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  EXPECT_GE(files.size(), 3u);
  for (const auto& file : files) EXPECT_EQ(problems(content(file)), "") << file;
}

TEST_F(ConfigSchema, TakesTheOptionsThatTheShippedFileOnlyNamesInComments) {
  EXPECT_EQ(problems(R"(
instance: "${env:HOSTNAME}"
kafka:
  brokers: kafka-1:9093
  security: {protocol: sasl_ssl, mechanism: SCRAM-SHA-512, username: n, password: "${file:p}", ca_file: /ca.pem,
             certificate_file: c.pem, key_file: k.pem, key_password: x}
  options: {linger.ms: 5, statistics.interval.ms: "0"}
articles: [{feed: wires, topics: articles, start: 2h, x-note: free}, {feed: w2, topics: [a2], start: 2026-01-31T08:00:00Z}]
rules: rules
destinations:
  ops-slack: {type: slack, url: "${file:slack-url}"}
  risk: {type: webhook, url: "https://risk.example/hook", expire: 24h, retry: {first: 1s, factor: 2, max: 10m}}
routes:
  - {when: {severity: critical, labels: {desk: europe}}, to: [ops-slack]}
x-notes: free
)"),
            "");
}

TEST_F(ConfigSchema, RefusesWhatTheProgramRefuses) {
  const std::string least = "kafka: {brokers: ['localhost:9092']}\n";
  EXPECT_EQ(problems(least), "");
  for (const char* bad :
       {"prefx: n\n", "guarantee: maybe\n", "commit_interval: 5\n", "commit_interval: soon\n", "workers: {match: 0}\n",
        "stages: [mach]\n", "articles: []\n", "articles: [{feed: a/b, topics: [t]}]\n", "articles: [{feed: a}]\n",
        "articles: [{feed: a, topics: [t], start: newest}]\n", "articles: [{feed: a, topics: [t], map: {id: uri, body: /b}}]\n",
        "articles: [{feed: a, topics: [t], map: {id: /uri}}]\n", "destinations: {Ops: {type: slack}}\n",
        "destinations: {ops: {type: pigeon}}\n", "routes: [{to: [ops]}]\n", "routes: [{when: {severity: huge}, to: [a]}]\n",
        "log: {level: loud}\n", "topics: {state: {partitions: 3}}\n"})
    EXPECT_NE(problems(least + bad), "") << bad;
  EXPECT_NE(problems("prefix: n\n"), "") << "no brokers";
}

/// The schema's node for `kafka.security.protocol`, `articles[].feed` or `destinations.<name>.type`.
const boost::json::object* find(const boost::json::object& schema, std::string_view path) {
  if (path.empty()) return &schema;
  if (path.starts_with("[]")) return find(schema.at("items").as_object(), path.substr(path.starts_with("[].") ? 3 : 2));
  const auto end = std::min(path.find_first_of(".["), path.size());
  const std::string_view name = path.substr(0, end);
  const std::string_view rest = path.substr(end < path.size() && path[end] == '.' ? end + 1 : end);
  if (name.starts_with('<')) {
    const auto* any = schema.if_contains("additionalProperties");
    return any && any->is_object() ? find(any->as_object(), rest) : nullptr;
  }
  const auto* properties = schema.if_contains("properties");
  const auto* next = properties ? properties->as_object().if_contains(name) : nullptr;
  return next ? find(next->as_object(), rest) : nullptr;
}

TEST_F(ConfigSchema, KnowsEveryOptionOfTheTableAndDescribesIt) {
  for (const Option& option : option_table()) {
    if (option.path == "articles[].map.<field>") continue;  // each field stands there by its name
    const auto* found = find(document_.as_object(), option.path);
    // What only a kind of destination knows is checked by that kind.
    if (option.path.starts_with("destinations.<name>.") && !found) continue;
    EXPECT_NE(found, nullptr) << option.path;
  }
}

}  // namespace
}  // namespace newswatch::config
