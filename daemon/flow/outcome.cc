#include "daemon/flow/outcome.h"

#include <cstdlib>

#include "daemon/flow/alert.h"

namespace newswatch::flow {

std::string_view name(ArticleOutcome outcome) {
  switch (outcome) {
    case ArticleOutcome::no_match:
      return "no_match";
    case ArticleOutcome::matched:
      return "matched";
    case ArticleOutcome::rejected:
      return "rejected";
  }
  std::abort();
}

std::string_view name(MatchOutcome outcome) {
  switch (outcome) {
    case MatchOutcome::alerted:
      return "alerted";
    case MatchOutcome::alerted_shadow:
      return "alerted_shadow";
    case MatchOutcome::suppressed_withdrawn:
      return "withdrawn";
    case MatchOutcome::suppressed_version:
      return "version";
    case MatchOutcome::suppressed_story:
      return "story";
    case MatchOutcome::suppressed_cooldown:
      return "cooldown";
    case MatchOutcome::rejected:
      return "rejected";
  }
  std::abort();
}

std::string_view name(AlertKind kind) {
  switch (kind) {
    case AlertKind::alert:
      return "alert";
    case AlertKind::update:
      return "update";
    case AlertKind::retraction:
      return "retraction";
    case AlertKind::digest:
      return "digest";
  }
  std::abort();
}

std::string_view name(engine::Severity severity) {
  switch (severity) {
    case engine::Severity::low:
      return "low";
    case engine::Severity::medium:
      return "medium";
    case engine::Severity::high:
      return "high";
    case engine::Severity::critical:
      return "critical";
  }
  std::abort();
}

}  // namespace newswatch::flow
