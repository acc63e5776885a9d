#include "daemon/alert/state.h"

#include <boost/json.hpp>
#include <chrono>
#include <cstdint>

#include "daemon/flow/json_writer.h"

namespace newswatch::alert {
namespace {

namespace json = boost::json;

constexpr int entry_version = 1;

std::string key_of(std::string_view kind, std::string_view rule_key, std::string_view name) {
  std::string key;
  key.reserve(rule_key.size() + name.size() + 16);
  flow::JsonWriter(key).begin_array().value(kind).value(rule_key).value(name).end_array();
  return key;
}

bool is_known(std::string_view key) {
  return key.starts_with("[\"a\",") || key.starts_with("[\"s\",") || key.starts_with("[\"g\",");
}

std::int64_t to_number(Time time) { return time.time_since_epoch().count(); }

std::optional<Time> to_time(const json::value* value) {
  if (!value || !value->is_int64()) return std::nullopt;
  return Time{std::chrono::milliseconds(value->get_int64())};
}

}  // namespace

std::string article_key(std::string_view rule_key, std::string_view article_name) {
  return key_of("a", rule_key, article_name);
}
std::string story_key(std::string_view rule_key, std::string_view body_hash) {
  return key_of("s", rule_key, body_hash);
}
std::string group_key(std::string_view rule_key, std::string_view group) { return key_of("g", rule_key, group); }

std::string encode(const Entry& entry) {
  std::string out;
  flow::JsonWriter json(out);
  json.begin_object().member("v", entry_version).member("until", to_number(entry.until));
  if (entry.alerted) json.member("alerted", true);
  if (!entry.versions.empty()) {
    json.key("versions").begin_array();
    for (const std::string& version : entry.versions) json.value(version);
    json.end_array();
  }
  if (entry.last) json.member("last", to_number(*entry.last));
  json.end_object();
  return out;
}

Result<Entry> decode_entry(std::string_view value) {
  const auto bad = [](std::string why) { return fatal_error("bad_state", "no entry of state: " + std::move(why)); };
  unsigned char buffer[4096];
  json::monotonic_resource memory(buffer);
  boost::system::error_code error;
  const json::value document = json::parse(json::string_view(value.data(), value.size()), error, &memory);
  if (error) return bad("no JSON (" + error.message() + ")");
  const json::object* object = document.if_object();
  if (!object) return bad("no JSON object");
  const json::value* version = object->if_contains("v");
  if (!version || !version->is_int64()) return bad("member \"v\" is missing");
  if (version->get_int64() != entry_version)
    return bad("its version " + std::to_string(version->get_int64()) +
               " is not known to this newswatchd; start the one that wrote it");
  Entry entry;
  const auto until = to_time(object->if_contains("until"));
  if (!until) return bad("member \"until\" is no time");
  entry.until = *until;
  if (const json::value* alerted = object->if_contains("alerted")) {
    if (!alerted->is_bool()) return bad("member \"alerted\" is neither true nor false");
    entry.alerted = alerted->get_bool();
  }
  if (const json::value* versions = object->if_contains("versions")) {
    if (!versions->is_array()) return bad("member \"versions\" is not a list");
    for (const json::value& element : versions->get_array()) {
      if (!element.is_string()) return bad("member \"versions\" holds something else than text");
      entry.versions.emplace_back(std::string_view(element.get_string()));
    }
  }
  if (const json::value* last = object->if_contains("last")) {
    entry.last = to_time(last);
    if (!entry.last) return bad("member \"last\" is no time");
  }
  return entry;
}

const Entry* State::find(std::string_view key, Time now) const {
  const auto found = entries_.find(key);
  return found == entries_.end() || found->second.until <= now ? nullptr : &found->second;
}

void State::put(const std::string& key, Entry entry, std::vector<StateChange>& changes) {
  changes.push_back({key, encode(entry)});
  set(key, std::move(entry));
}

void State::forget(Time now, std::size_t most, std::vector<StateChange>& changes) {
  for (; most > 0 && !by_time_.empty() && by_time_.begin()->first <= now; --most) {
    const auto entry = entries_.find(by_time_.begin()->second);
    changes.push_back({entry->first, std::nullopt});
    erase(entry);
  }
}

Result<void> State::load(std::string_view key, std::optional<std::string_view> value) {
  if (!is_known(key))
    return fatal_error("bad_state", "a key that is not known to this newswatchd; start the one that wrote it");
  if (!value) {
    if (const auto entry = entries_.find(key); entry != entries_.end()) erase(entry);
    return {};
  }
  auto entry = decode_entry(*value);
  if (!entry) return entry.error();
  set(std::string(key), std::move(*entry));
  return {};
}

std::map<std::string, std::string> State::snapshot() const {
  std::map<std::string, std::string> all;
  for (const auto& [key, entry] : entries_) all.emplace(key, encode(entry));
  return all;
}

void State::set(const std::string& key, Entry entry) {
  const Time until = entry.until;
  const auto [place, fresh] = entries_.try_emplace(key);
  if (!fresh) by_time_.erase({place->second.until, place->first});
  place->second = std::move(entry);
  by_time_.emplace(until, place->first);
}

void State::erase(Entries::iterator entry) {
  by_time_.erase({entry->second.until, entry->first});
  entries_.erase(entry);
}

}  // namespace newswatch::alert
