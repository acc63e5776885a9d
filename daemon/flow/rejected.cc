#include "daemon/flow/rejected.h"

#include "daemon/flow/utf8.h"

namespace newswatch::flow {
namespace {

std::string one_line(std::string_view text, std::size_t bytes) {
  std::string out(clip(valid_utf8(text.substr(0, bytes * 2)), bytes));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return out;
}

}  // namespace

RejectedRecord reject(std::string_view stage, std::string_view code, std::string_view reason, const Origin& origin,
                      Time time, std::string_view original) {
  const std::size_t keep = original.size() > rejected_whole_bytes ? rejected_head_bytes : original.size();
  RejectedRecord record;
  record.value = std::string(original.substr(0, keep));
  record.headers = {{"nw_stage", one_line(stage, 100)},
                    {"nw_code", one_line(code, 100)},
                    {"nw_reason", one_line(reason, 1000)},
                    {"nw_topic", one_line(origin.topic, 300)},
                    {"nw_partition", std::to_string(origin.partition)},
                    {"nw_offset", std::to_string(origin.offset)},
                    {"nw_original_bytes", std::to_string(original.size())},
                    {"nw_time", format_time(time)}};
  return record;
}

}  // namespace newswatch::flow
