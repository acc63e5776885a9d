#include "daemon/alert/restore.h"

namespace newswatch::alert {
namespace {

std::string where(const StartFacts& facts) {
  return facts.matches_topic + " partition " + std::to_string(facts.partition);
}

std::string reset_command(const StartFacts& facts, std::int64_t offset) {
  return "kafka-consumer-groups.sh --bootstrap-server BROKER --group " + facts.group + " --reset-offsets --to-offset " +
         std::to_string(offset) + " --topic " + facts.matches_topic + ":" + std::to_string(facts.partition) +
         " --execute";
}

}  // namespace

Result<void> Restore::take(std::string_view key, std::optional<std::string_view> value) {
  if (key != position_key) {
    held_.push_back({std::string(key), value ? std::optional<std::string>(*value) : std::nullopt});
    return {};
  }
  if (!value) return fatal_error("bad_state", "the position was deleted");
  auto position = decode_position(*value);
  if (!position) return position.error();
  for (const Held& record : held_) {
    auto loaded = outcome_.state.load(record.key, record.value);
    if (!loaded) {
      Error error = loaded.error();
      error.message = "record with key " + record.key + ": " + error.message;
      return error;
    }
  }
  held_.clear();
  outcome_.position = *position;
  return {};
}

Restore::Outcome Restore::finish() && { return std::move(outcome_); }

Result<std::int64_t> start_offset(const StartFacts& facts) {
  const auto& position = facts.position;
  if (position && position->partitions != facts.partitions)
    return fatal_error("partitions_changed",
                       facts.matches_topic + " has " + std::to_string(facts.partitions) +
                           " partitions, but the state in " + facts.state_topic + " partition " +
                           std::to_string(facts.partition) + " was written for " +
                           std::to_string(position->partitions) +
                           ". A rule's state is found by its partition, so their number is fixed for life: restore the "
                           "topic with " +
                           std::to_string(position->partitions) + " partitions, or begin anew under another `prefix`");
  if (!position && facts.committed && *facts.committed > 0)
    return fatal_error(
        "state_missing",
        "group " + facts.group + " has read " + where(facts) + " up to offset " + std::to_string(*facts.committed) +
            ", but " + facts.state_topic + " partition " + std::to_string(facts.partition) +
            " holds no position: its records were deleted. To accept that stories of the last days may "
            "alert again, stop every instance and run: kafka-consumer-groups.sh --bootstrap-server BROKER "
            "--group " +
            facts.group + " --delete-offsets --topic " + facts.matches_topic);
  if (!position) return facts.committed.value_or(facts.earliest);
  // Retention was quicker than we: the loop has counted what is lost and goes on from what is left.
  const bool lost = facts.committed && position->next < facts.earliest && *facts.committed == facts.earliest;
  if (lost) return *facts.committed;
  if (facts.exactly_once && facts.committed && *facts.committed != position->next)
    return fatal_error(
        "offset_disagrees",
        "group " + facts.group + " stands at offset " + std::to_string(*facts.committed) + " of " + where(facts) +
            ", but the state in " + facts.state_topic + " belongs to offset " + std::to_string(position->next) +
            ". Under exactly_once both are written in one transaction, so something else moved one of "
            "them (or the last run was at_least_once and was killed). To go on from the state, stop every "
            "instance and run: " +
            reset_command(facts, position->next));
  return position->next;
}

}  // namespace newswatch::alert
