#pragma once
// Match and alert records as bytes. JSON, so that any Kafka tool shows them.
//
// Encoders never fail and stay within `limit`: the hits are cut to 100, 10, 1, then the summary, and the record says so
// (hits_total, summary_cut). What names the rule and the article is never cut, so a limit under 20,000 may be passed
// by; no rule reader takes names that long for it to matter at the limit that is the default. Invalid UTF-8 becomes
// U+FFFD, so that what is written can be read. Decoders never throw; what is not a record is a permanent error whose
// code is `bad_record`. Members that they do not know are ignored: a newer writer may add some during a rolling
// upgrade. A record of a newer `v` is refused.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/flow/alert.h"
#include "daemon/flow/match.h"
#include "daemon/observe/result.h"

namespace newswatch::flow {

inline constexpr std::size_t max_record_bytes = 900'000;

struct RecordHeader {
  std::string name, value;
  bool operator==(const RecordHeader&) const = default;
};

std::string encode(const MatchRecord& match, std::size_t limit = max_record_bytes);
Result<MatchRecord> decode_match(std::string_view value);

/// The value of an alert on Kafka, and `data` of the structured form.
std::string encode(const Alert& alert, std::size_t limit = max_record_bytes);
Result<Alert> decode_alert(std::string_view value);

/// CloudEvents 1.0, Kafka binary mode: `ce_id`, `ce_source`, `ce_specversion`, `ce_type`, `ce_time`, `ce_subject`
/// (the rule's id), `content-type`. Values are free of control characters.
std::vector<RecordHeader> cloud_event_headers(const Alert& alert);

/// CloudEvents 1.0, structured mode (application/cloudevents+json): the body of an HTTP request.
std::string cloud_event(const Alert& alert);

/// `2026-01-02T03:04:05.678Z`; years outside 0001–9999 are clamped.
std::string format_time(Time time);

}  // namespace newswatch::flow
