#include <algorithm>
#include <set>

#include "config/loader/reading.h"

namespace newswatch::config {
namespace {

bool digits(std::string_view text, std::size_t at, std::size_t count, int& value) {
  if (at + count > text.size()) return false;
  value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  return true;
}

/// `2026-01-31`, or with `T08:00`, seconds and `Z` or an offset; without one UTC.
std::optional<std::chrono::sys_time<milliseconds>> parse_time(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!digits(text, 0, 4, year) || text.substr(4, 1) != "-" || !digits(text, 5, 2, month) || text.substr(7, 1) != "-" ||
      !digits(text, 8, 2, day))
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  std::chrono::minutes offset{0};
  if (text.size() > 10) {
    if ((text[10] != 'T' && text[10] != ' ') || !digits(text, 11, 2, hour) || text.substr(13, 1) != ":" ||
        !digits(text, 14, 2, minute))
      return std::nullopt;
    std::size_t at = 16;
    if (text.substr(at, 1) == ":") {
      if (!digits(text, at + 1, 2, second)) return std::nullopt;
      at += 3;
    }
    const std::string_view zone = text.substr(at);
    if (zone.size() == 6 && (zone[0] == '+' || zone[0] == '-') && zone[3] == ':') {
      int hours = 0, minutes = 0;
      if (!digits(zone, 1, 2, hours) || !digits(zone, 4, 2, minutes)) return std::nullopt;
      offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
      if (zone[0] == '-') offset = -offset;
    } else if (!zone.empty() && zone != "Z") {
      return std::nullopt;
    }
  }
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second) - offset;
}

void read_start(yaml::Mapping& map, Start& start, yaml::Diagnostics& diagnostics) {
  const auto text = map.text("start");
  if (!text) return;
  if (*text == "latest") {
    start = {Start::Kind::latest, {}, {}};
  } else if (*text == "earliest") {
    start = {Start::Kind::earliest, {}, {}};
  } else if (const auto back = yaml::parse_duration(*text, yaml::Milliseconds::refused)) {
    start = {Start::Kind::back, {}, *back};
  } else if (const auto time = parse_time(*text)) {
    start = {Start::Kind::time, *time, {}};
  } else {
    diagnostics.error(map.place_of("start"), "bad-value", "`" + *text + "` is no place to start",
                      "write latest, earliest, a time such as 2026-01-31T08:00:00Z, or how far back: 2h");
  }
}

struct MapField {
  std::string_view name;
  FieldMap::Pointers FieldMap::*pointers;
};
constexpr MapField map_fields[] = {
    {"id", &FieldMap::id},           {"version", &FieldMap::version},     {"title", &FieldMap::title},
    {"body", &FieldMap::body},       {"url", &FieldMap::url},             {"source", &FieldMap::source},
    {"authors", &FieldMap::authors}, {"sections", &FieldMap::sections},   {"tags", &FieldMap::tags},
    {"countries", &FieldMap::countries}, {"published", &FieldMap::published}, {"updated", &FieldMap::updated},
    {"language", &FieldMap::language}, {"status", &FieldMap::status},
};

void check_pointer(const yaml::Node& node, const std::string& pointer, yaml::Diagnostics& diagnostics) {
  std::string fault;
  if (!pointer.starts_with('/')) fault = "does not begin with /";
  for (std::size_t at = pointer.find('~'); fault.empty() && at != std::string::npos; at = pointer.find('~', at + 1))
    if (at + 1 >= pointer.size() || (pointer[at + 1] != '0' && pointer[at + 1] != '1')) fault = "has a ~ that is neither ~0 nor ~1";
  if (!fault.empty())
    diagnostics.error(node.place, "bad-value", "the JSON pointer `" + pointer + "` " + fault, "write it as in /article/title or /authors/*/name");
}

void read_map(const yaml::Node& node, FieldMap& fields, yaml::Diagnostics& diagnostics) {
  yaml::Mapping map(node, "map", diagnostics);
  for (const MapField& field : map_fields) {
    auto pointers = map.texts(field.name, false, true);
    if (!pointers) continue;
    const yaml::Node& value = *map.find(field.name);
    for (std::size_t i = 0; i < pointers->size(); ++i)
      check_pointer(value.is_sequence() && i < value.items.size() ? value.items[i] : value, (*pointers)[i], diagnostics);
    fields.*field.pointers = std::move(*pointers);
  }
  map.finish();
  if (!map.ok()) return;
  if (!map.has("id") && !map.has("url"))
    diagnostics.error(map.place(), "missing-key", "a map needs `id` or `url`", "an article without either cannot be told from others");
  if (!map.has("title") && !map.has("body"))
    diagnostics.error(map.place(), "missing-key", "a map needs `title` or `body`");
}

void read_input(const yaml::Node& node, ArticleInput& input, std::set<std::string>& topics, const Reading& reading) {
  yaml::Diagnostics& diagnostics = reading.diagnostics;
  yaml::Mapping map(node, "an article input", diagnostics);
  if (auto feed = map.text("feed", yaml::required)) {
    if (feed->empty() || feed->size() > 100 || feed->find_first_of("/ \t\r\n") != std::string::npos)
      diagnostics.error(map.place_of("feed"), "bad-value", "a feed has 1 to 100 bytes, without slash and white space");
    input.feed = std::move(*feed);
  }
  if (auto names = map.texts("topics", yaml::required, true)) {
    const yaml::Node& list = *map.find("topics");
    if (names->empty()) diagnostics.error(list.place, "empty-list", "an article input reads at least one topic");
    for (std::size_t i = 0; i < names->size(); ++i) {
      const yaml::Node& item = list.is_sequence() && i < list.items.size() ? list.items[i] : list;
      check_name(item, (*names)[i], "a topic", diagnostics);
      if (!topics.insert((*names)[i]).second)
        diagnostics.error(item.place, "duplicate-topic", "the topic " + (*names)[i] + " is read twice", "remove it from one of the inputs");
    }
    input.topics = std::move(*names);
  }
  using F = ArticleFormat;
  if (const auto format = map.choice<F>("format", {{"auto", F::automatic}, {"newswatch", F::newswatch}, {"map", F::map}}))
    input.format = *format;
  if (const yaml::Node* fields = map.find("map")) {
    read_map(*fields, input.map, diagnostics);
    if (input.format == F::newswatch)
      diagnostics.error(map.place_of("map"), "bad-value", "`map` is used by format: map only", "set format: map, or leave it out");
    if (input.format == F::automatic) input.format = F::map;
  } else if (input.format == F::map) {
    diagnostics.error(map.place_of("format"), "missing-key", "format: map needs a `map`", "config/examples has some");
  }
  read_start(map, input.start, diagnostics);
  if (const auto size = map.size("max_article_bytes")) {
    input.max_article_bytes = *size;
    if (*size < 1024 || *size > (64u << 20))
      diagnostics.error(map.place_of("max_article_bytes"), "bad-value", "max_article_bytes lies between 1KiB and 64MiB");
  }
  if (const auto lost = map.choice<OnLostOffsets>("on_lost_offsets", {{"continue", OnLostOffsets::continue_from_earliest}, {"stop", OnLostOffsets::stop}}))
    input.on_lost_offsets = *lost;
  map.finish();
}

}  // namespace

void read_articles(const yaml::Node& node, std::vector<ArticleInput>& inputs, const Reading& reading) {
  if (!node.is_sequence()) {
    reading.diagnostics.error(node.place, "wrong-type", "`articles` is a list of inputs", "write articles: [{feed: wires, topics: [articles]}]");
    return;
  }
  if (node.items.empty()) reading.diagnostics.error(node.place, "empty-list", "`articles` is empty", "name at least one input");
  std::set<std::string> topics;
  for (const yaml::Node& item : node.items) read_input(item, inputs.emplace_back(), topics, reading);
}

}  // namespace newswatch::config
