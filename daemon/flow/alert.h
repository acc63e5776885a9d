#pragma once
// The record of P.alerts, which is also what receivers get (config/schema/alert.schema.json).

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/flow/article_summary.h"
#include "daemon/flow/evidence.h"
#include "rules/engine/article.h"
#include "rules/engine/rule_info.h"

namespace newswatch::flow {

enum class AlertKind : std::uint8_t { alert, update, retraction, digest };
std::string_view name(AlertKind kind);

std::string_view name(engine::Severity severity);

/// What an alert says of its rule.
struct AlertRule {
  std::string key, id, title;
  engine::Severity severity = engine::Severity::medium;
  std::vector<std::pair<std::string, std::string>> labels;  ///< sorted by name
  std::string revision;
  bool operator==(const AlertRule&) const = default;
};

/// Keyed by `rule.key` in Kafka.
struct Alert {
  std::string id;  ///< identity.h; the idempotency key over retries, restarts and replays
  AlertKind kind = AlertKind::alert;
  bool shadow = false;  ///< of a rule on trial: never has destinations
  Time time{};          ///< the partition's record time when it fired; equal in every replay
  AlertRule rule;
  std::string group;  ///< empty when the rule does not group
  ArticleSummary article;
  Evidence evidence;
  std::vector<std::string> destinations;  ///< the rule's `to`, then those of routes, each once
  bool summary_cut = false;
  bool operator==(const Alert&) const = default;
};

}  // namespace newswatch::flow
