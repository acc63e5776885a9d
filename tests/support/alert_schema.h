#pragma once
// config/schema/alert.schema.json, for tests that see alerts.

#include <string>
#include <string_view>

namespace newswatch::test {

/// What the schema says against a CloudEvents document (structured mode); empty when it is valid.
std::string event_problems(std::string_view json);
/// The same for the value of a record of P.alerts, or `data`.
std::string alert_problems(std::string_view json);

}  // namespace newswatch::test
