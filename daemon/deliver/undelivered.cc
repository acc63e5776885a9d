#include "daemon/deliver/undelivered.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/deliver/verdict.h"
#include "daemon/flow/record_codec.h"

namespace newswatch::deliver {

std::string encode_undelivered(const Courier::Parked& parked, std::string_view destination,
                               std::string_view alerts_topic) {
  boost::json::object record;
  record["destination"] = std::string(destination);
  record["reason"] = one_line(parked.reason, 1'000);
  record["expired"] = parked.expired;
  record["attempts"] = parked.tries;
  if (parked.tries > 0) {
    record["first_attempt"] = flow::format_time(parked.first_try);
    record["last_attempt"] = flow::format_time(parked.last_try);
  }
  record["time"] = flow::format_time(parked.when);
  record["record"] = {
      {"topic", std::string(alerts_topic)}, {"partition", parked.letter->partition}, {"offset", parked.letter->offset}};
  record["alert_id"] = parked.letter->alert.id;
  std::string text = boost::json::serialize(record);
  // The alert is JSON already, and its bytes are what a replay needs: it is put in as it is.
  constexpr std::string_view member = ",\"alert\":";
  const std::string& alert = parked.letter->value;
  if (!alert.empty() && text.size() + member.size() + alert.size() <= flow::max_record_bytes) {
    text.pop_back();
    text += member;
    text += alert;
    text += '}';
  }
  return text;
}

}  // namespace newswatch::deliver
