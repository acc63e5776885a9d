#include "tests/support/alert_schema.h"

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

namespace newswatch::test {
namespace {

boost::json::value load() {
  std::ifstream file(std::string(NEWSWATCH_SOURCE_DIR) + "/config/schema/alert.schema.json");
  return boost::json::parse(std::string(std::istreambuf_iterator<char>(file), {}));
}

void populate(const boost::json::value& document, valijson::Schema& schema) {
  valijson::SchemaParser parser;
  parser.populateSchema(valijson::adapters::BoostJsonAdapter(document), schema);
}

std::string problems(const valijson::Schema& schema, std::string_view text) {
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse(boost::json::string_view(text.data(), text.size()), error);
  if (error) return "no JSON: " + error.message();
  valijson::Validator validator;
  valijson::ValidationResults results;
  const valijson::adapters::BoostJsonAdapter target(value);
  if (validator.validate(schema, target, &results)) return {};
  std::string all = "not valid:";
  valijson::ValidationResults::Error found;
  while (results.popError(found)) {
    all += "\n  ";
    for (const std::string& step : found.context) all += step;
    all += ": " + found.description;
  }
  return all;
}

}  // namespace

std::string event_problems(std::string_view json) {
  static const valijson::Schema* const schema = [] {
    auto* made = new valijson::Schema;
    populate(load(), *made);
    return made;
  }();
  return problems(*schema, json);
}

std::string alert_problems(std::string_view json) {
  static const valijson::Schema* const schema = [] {
    boost::json::object document = load().as_object();
    document.erase("required");
    document.erase("properties");
    document.erase("$id");
    document["allOf"] = boost::json::array{boost::json::object{{"$ref", "#/definitions/alert"}}};
    auto* made = new valijson::Schema;
    populate(document, *made);
    return made;
  }();
  return problems(*schema, json);
}

}  // namespace newswatch::test
