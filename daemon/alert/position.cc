#include "daemon/alert/position.h"

#include <boost/json.hpp>
#include <limits>
#include <optional>

#include "daemon/flow/json_writer.h"

namespace newswatch::alert {
namespace {

constexpr int position_version = 1;
constexpr std::int64_t most_time = 253'402'300'800'000;  // the end of the year 9999, in milliseconds

}  // namespace

std::string encode(const Position& position) {
  std::string out;
  flow::JsonWriter(out)
      .begin_object()
      .member("v", position_version)
      .member("next", position.next)
      .member("partitions", position.partitions)
      .member("time", position.time.time_since_epoch().count())
      .end_object();
  return out;
}

Result<Position> decode_position(std::string_view value) {
  const auto bad = [](std::string why) { return fatal_error("bad_state", "no position: " + std::move(why)); };
  boost::system::error_code error;
  const boost::json::value document = boost::json::parse(boost::json::string_view(value.data(), value.size()), error);
  if (error || !document.is_object()) return bad("no JSON object");
  const auto number = [&](std::string_view name) -> std::optional<std::int64_t> {
    const boost::json::value* member = document.get_object().if_contains(name);
    if (!member || !member->is_int64()) return std::nullopt;
    return member->get_int64();
  };
  const auto version = number("v");
  if (!version) return bad("member \"v\" is missing");
  if (*version != position_version)
    return bad("its version " + std::to_string(*version) +
               " is not known to this newswatchd; start the one that wrote it");
  const auto next = number("next"), partitions = number("partitions"), time = number("time");
  if (!next || *next < 0) return bad("member \"next\" is no offset");
  if (!partitions || *partitions < 1 || *partitions > std::numeric_limits<std::int32_t>::max())
    return bad("member \"partitions\" is no number of partitions");
  if (!time || *time < 0 || *time > most_time) return bad("member \"time\" is no time");
  return Position{*next, static_cast<std::int32_t>(*partitions), Time{std::chrono::milliseconds(*time)}};
}

}  // namespace newswatch::alert
