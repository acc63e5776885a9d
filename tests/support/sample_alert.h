#pragma once
// Alerts for tests of what comes after the alert stage.

#include <string>
#include <vector>

#include "daemon/flow/alert.h"
#include "daemon/kafka/record.h"

namespace newswatch::test {

/// Number `n` of a run: id `nw-STEM-n`, rule `rule-(n modulo 7)`.
flow::Alert sample_alert(const std::string& stem, int n, std::vector<std::string> destinations);

/// As the alert stage writes it.
kafka::OutRecord alert_record(const std::string& topic, const flow::Alert& alert);

}  // namespace newswatch::test
