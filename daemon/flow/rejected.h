#pragma once
// A record that could not be read or is too large, set aside: its bytes as value, the reason in headers, so that the
// original can be looked at, mended and produced again with any Kafka tool.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/flow/match.h"
#include "daemon/flow/record_codec.h"

namespace newswatch::flow {

inline constexpr std::size_t rejected_whole_bytes = 512 * 1024;  ///< an original up to here is kept whole
inline constexpr std::size_t rejected_head_bytes = 64 * 1024;    ///< of a longer one, this much

struct RejectedRecord {
  std::string value;                  ///< the original's bytes, or its head
  std::vector<RecordHeader> headers;  ///< nw_stage, nw_code, nw_reason, nw_topic, nw_partition, nw_offset,
                                      ///< nw_original_bytes, nw_time
};

/// `reason` may hold untrusted text: control characters are replaced and it is cut to 1,000 bytes.
RejectedRecord reject(std::string_view stage, std::string_view code, std::string_view reason, const Origin& origin,
                      Time time, std::string_view original);

}  // namespace newswatch::flow
