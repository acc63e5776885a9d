#pragma once
// The record of P.undelivered: an alert that a destination did not get, and why.

#include <string>

#include "daemon/deliver/courier.h"

namespace newswatch::deliver {

/// JSON: `destination`, `reason` (one line), `expired`, `attempts`, `first_attempt`, `last_attempt`, `time`, `record`
/// {topic, partition, offset} and `alert` as it stands in P.alerts. At most flow::max_record_bytes: an alert that does
/// not fit is left out, and `record` says where it is. Its key in Kafka is the destination's name.
std::string encode_undelivered(const Courier::Parked& parked, std::string_view destination,
                               std::string_view alerts_topic);

}  // namespace newswatch::deliver
