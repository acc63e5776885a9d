#pragma once
// What of a rule is not its condition: names, severity, labels, destinations, alert block. Travels in match records.

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace newswatch::engine {

enum class RuleStatus : std::uint8_t { live, shadow, disabled };
enum class Severity : std::uint8_t { low, medium, high, critical };
enum class Stories : std::uint8_t { first, updates, every };

/// The alert block of a rule, carried in every match record; the alert stage compiles no rules.
struct AlertSettings {
  std::vector<std::string> group_by;
  Stories stories = Stories::first;
  std::chrono::milliseconds cooldown{0};  ///< 0: none
  // A threshold is a condition of the issue on windows; absent here means none.
  bool operator==(const AlertSettings&) const = default;
};

/// What of a rule is not its condition.
struct RuleInfo {
  std::string key;  ///< the first of `formerly`, else the id: names the rule's state for life
  std::string id;
  std::string title;  ///< the id when none was given
  RuleStatus status = RuleStatus::live;
  Severity severity = Severity::medium;
  std::vector<std::pair<std::string, std::string>> labels;  ///< sorted by name
  std::vector<std::string> to;                              ///< destinations, in the order written
  AlertSettings alert;
  bool operator==(const RuleInfo&) const = default;
};

}  // namespace newswatch::engine
